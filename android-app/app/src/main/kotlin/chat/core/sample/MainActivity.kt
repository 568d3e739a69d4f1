package chat.core.sample

import android.os.Bundle
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.activity.enableEdgeToEdge
import androidx.activity.viewModels
import androidx.compose.ui.res.stringResource
import chat.core.ChatViewModel
import chat.core.RoomId
import chat.core.compose.ChatRoute
import chat.core.compose.ChatTheme

/** One room on one screen. */
class MainActivity : ComponentActivity() {
    private val account by lazy { SampleAccount.of(intent, this) }

    val model: ChatViewModel by viewModels {
        // Captured now: the view model outlives this activity and must not hold on to it.
        val app = application as SampleApp
        val account = account
        ChatViewModel.factory { app.client(account).room(RoomId(account.room)) }
    }

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        lifecycle.addObserver(model)
        enableEdgeToEdge()
        setContent {
            ChatTheme {
                ChatRoute(model, title = stringResource(R.string.room_title, account.room.toString()))
            }
        }
    }
}
