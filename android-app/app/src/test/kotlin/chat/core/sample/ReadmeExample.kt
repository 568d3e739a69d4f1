package chat.core.sample

import android.app.Application
import android.os.Bundle
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.activity.viewModels
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.items
import androidx.compose.foundation.text.BasicTextField
import androidx.compose.foundation.text.input.rememberTextFieldState
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import chat.core.ChatClient
import chat.core.ChatConfig
import chat.core.ChatRow
import chat.core.ChatViewModel
import chat.core.RoomId
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

/** The app's own login, whatever it is. */
private suspend fun login(refresh: Boolean): String? = "a token".takeUnless { refresh }

/** The app's own look of a row. */
@Composable
private fun RowText(row: ChatRow) = when (row) {
    is ChatRow.DateSeparator -> Text(row.label)
    is ChatRow.Gap -> Text("…")
    is ChatRow.UnreadLine -> Text("${row.count} unread")
    is ChatRow.Message -> Text("${row.message.sender}: ${row.message.text}, ${row.time}")
}

/** And of the text box. */
@Composable
private fun SendBox(onSend: (String) -> Unit) {
    val draft = rememberTextFieldState()
    BasicTextField(draft, onKeyboardAction = { onSend(draft.text.toString()) })
}

// The README quotes what stands between the markers (scripts/check-docs); it is here so that it compiles.
// DOC
class ExampleApp : Application() {
    private val config = ChatConfig("https://chat.example.com", userId = "alice")
    private val opening = Mutex()
    private var chat: ChatClient? = null

    private suspend fun chat() = opening.withLock {
        chat ?: ChatClient.open(this, config) { login(refresh = it) }.also { chat = it }
    }

    val chatModels = ChatViewModel.factory { chat().room(RoomId(1)) } // polls from init to onCleared …
}

class ExampleActivity : ComponentActivity() {
    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        val model: ChatViewModel by viewModels { (application as ExampleApp).chatModels }
        lifecycle.addObserver(model) // … while this screen is started
        setContent {
            val state by model.state.collectAsStateWithLifecycle()
            LazyColumn(reverseLayout = true) {
                item { SendBox(onSend = model::send) }
                items(state.rows.asReversed(), key = { it.key }) { RowText(it) }
            }
        }
    }
}
// END DOC
