package chat.core.sample

import android.app.Application
import android.os.Bundle
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.activity.viewModels
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.items
import androidx.compose.material3.Text
import androidx.compose.runtime.getValue
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import chat.core.ChatClient
import chat.core.ChatConfig
import chat.core.ChatRow
import chat.core.ChatViewModel
import chat.core.RoomId
import kotlinx.coroutines.MainScope
import kotlinx.coroutines.async

/** The app's own login, whatever it is. */
private suspend fun login(refresh: Boolean): String? = "a token".takeUnless { refresh }

// The README quotes what stands between the markers; it is here so that it compiles.
// README-BEGIN
class ExampleApp : Application() {
    val chat by lazy {
        val config = ChatConfig("https://chat.example.com", userId = "alice")
        MainScope().async { ChatClient.open(this@ExampleApp, config) { refused -> login(refresh = refused) } }
    }
}

class ExampleActivity : ComponentActivity() {
    private val model: ChatViewModel by viewModels {
        val app = application as ExampleApp
        ChatViewModel.factory { app.chat.await().room(RoomId(1)) } // polls from init to onCleared …
    }

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        lifecycle.addObserver(model) // … while this screen is started
        setContent {
            val state by model.state.collectAsStateWithLifecycle()
            LazyColumn(reverseLayout = true) {
                items(state.rows.asReversed(), key = { it.key }) { row ->
                    when (row) {
                        is ChatRow.DateSeparator -> Text(row.label)
                        is ChatRow.Message -> Text("${row.message.sender}: ${row.message.text}, ${row.time}")
                    }
                }
            }
        }
    }
}
// README-END
