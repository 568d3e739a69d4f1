package chat.core.sample

import android.os.Bundle
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.activity.enableEdgeToEdge
import androidx.activity.viewModels
import androidx.compose.material3.Icon
import androidx.compose.material3.IconButton
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.res.painterResource
import androidx.compose.ui.res.stringResource
import androidx.lifecycle.lifecycleScope
import chat.core.ChatViewModel
import chat.core.RoomId
import chat.core.compose.ChatRoute
import chat.core.compose.ChatTheme
import kotlinx.coroutines.launch

/** One room on one screen. */
class MainActivity : ComponentActivity() {
    private val account by lazy { SampleAccount.of(intent, this) }
    private val app get() = application as SampleApp

    val model: ChatViewModel by viewModels {
        // Captured now: the view model outlives this activity and must not hold on to it.
        val app = app
        val account = account
        ChatViewModel.factory { app.client(account).room(RoomId(account.room)) }
    }

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        if (savedInstanceState == null) app.keepToken(account)
        lifecycle.addObserver(model)
        lifecycleScope.launch { app.signedIn.collect { model.restart() } }
        enableEdgeToEdge()
        setContent {
            ChatTheme(dynamicColor = true) {
                var isSigningIn by rememberSaveable { mutableStateOf(!app.hasToken(account)) }
                ChatRoute(
                    model = model,
                    title = intent.getStringExtra(
                        TITLE
                    ) ?: stringResource(R.string.room_title, account.room.toString()),
                    onSignIn = { isSigningIn = true },
                    navigationIcon = { BackButton(::goBack) }
                )
                if (isSigningIn) SignInDialog(app, account, onDone = { isSigningIn = false })
            }
        }
    }

    /** To the list of rooms, also when this room was opened from outside. */
    private fun goBack() {
        if (isTaskRoot) startActivity(account.copy(token = "").roomsIntent(this))
        finish()
    }

    companion object {
        /** What the room is called, where that is known. */
        const val TITLE = "title"
    }
}

@Composable
private fun BackButton(onClick: () -> Unit) {
    IconButton(onClick) { Icon(painterResource(R.drawable.ic_back), stringResource(R.string.back)) }
}
