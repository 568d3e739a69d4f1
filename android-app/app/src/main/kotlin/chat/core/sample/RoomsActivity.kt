package chat.core.sample

import android.content.Intent
import android.os.Bundle
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.activity.enableEdgeToEdge
import androidx.activity.viewModels
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.lifecycle.lifecycleScope
import chat.core.RoomListViewModel
import chat.core.RoomSummary
import chat.core.compose.ChatTheme
import chat.core.compose.RoomsRoute
import kotlinx.coroutines.launch

/** The user's rooms: where the sample starts. An intent with a room opens that one at once, above the list. */
class RoomsActivity : ComponentActivity() {
    private val account by lazy { SampleAccount.of(intent, this) }
    private val app get() = application as SampleApp

    val model: RoomListViewModel by viewModels {
        // Captured now: the view model outlives this activity and must not hold on to it.
        val app = app
        val account = account
        RoomListViewModel.factory { app.client(account) }
    }

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        if (savedInstanceState == null) {
            app.keepToken(account)
            if (account.room > 0) startActivity(account.intent(this))
        }
        lifecycle.addObserver(model)
        lifecycleScope.launch { app.signedIn.collect { model.restart() } }
        enableEdgeToEdge()
        setContent {
            ChatTheme(dynamicColor = true) {
                var isSigningIn by rememberSaveable { mutableStateOf(!app.hasToken(account)) }
                RoomsRoute(
                    model = model,
                    onRoomClick = ::open,
                    onSignIn = { isSigningIn = true }
                )
                if (isSigningIn) SignInDialog(app, account, onDone = { isSigningIn = false })
            }
        }
    }

    private fun open(room: RoomSummary) {
        val intent = account.copy(room = room.id.value, token = "").intent(this)
            .putExtra(MainActivity.TITLE, room.title)
            // A second tap before the first has shown its room opens no second one.
            .addFlags(Intent.FLAG_ACTIVITY_SINGLE_TOP)
        startActivity(intent)
    }
}
