package chat.core.sample.guide

import android.os.Bundle
import android.view.View
import android.widget.TextView
import androidx.activity.ComponentActivity
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.items
import androidx.compose.foundation.lazy.rememberLazyListState
import androidx.compose.foundation.text.input.TextFieldState
import androidx.compose.foundation.text.input.setTextAndPlaceCursorAtEnd
import androidx.compose.material3.Button
import androidx.compose.material3.Text
import androidx.compose.material3.TextField
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.remember
import androidx.compose.runtime.snapshotFlow
import androidx.compose.ui.Modifier
import androidx.lifecycle.Lifecycle
import androidx.lifecycle.compose.LifecycleStartEffect
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import androidx.lifecycle.lifecycleScope
import androidx.lifecycle.repeatOnLifecycle
import chat.core.ChatEvent
import chat.core.ChatRow
import chat.core.ChatViewModel
import chat.core.Connection
import chat.core.Delivery
import chat.core.MessageText
import kotlinx.coroutines.launch

@Composable
private fun Bubble(row: ChatRow.Message) {
    val mark = when (row.message.delivery) {
        is Delivery.Failed -> " (not sent)"
        Delivery.Sent -> ""
        else -> " (waits)"
    }
    Text("${row.message.sender}: ${row.message.text}$mark")
}

// DOC
@Composable
fun Conversation(model: ChatViewModel, onSessionEnded: () -> Unit) {
    val state by model.state.collectAsStateWithLifecycle()
    val draft = remember(model) { TextFieldState(model.draft.value) }
    LaunchedEffect(draft) { snapshotFlow { draft.text.toString() }.collect(model::setDraft) }
    LaunchedEffect(model) {
        model.events.collect { event ->
            when (event) {
                is ChatEvent.Stored -> draft.edit { replace(0, length, MessageText.remainder("$this", event.text)) }
                is ChatEvent.DraftFound -> if (draft.text.isEmpty()) draft.setTextAndPlaceCursorAtEnd(event.text)
                is ChatEvent.SessionEnded -> onSessionEnded()
                else -> Unit // a snackbar, perhaps
            }
        }
    }
    val list = rememberLazyListState()
    val newest = state.rows.asReversed().drop(list.firstVisibleItemIndex)
        .firstNotNullOfOrNull { (it as? ChatRow.Message)?.message?.key }
    // What is on a screen that is shown has been read.
    LifecycleStartEffect(newest) {
        newest?.let(model::markRead)
        onStopOrDispose {}
    }
    Column {
        if (state.connection is Connection.Waiting) Text("No connection. What you write is kept and sent later.")
        LazyColumn(Modifier.weight(1f), list, reverseLayout = true) {
            items(state.rows.asReversed(), key = { it.key }) { row ->
                when (row) {
                    is ChatRow.Message -> Bubble(row)
                    is ChatRow.DateSeparator -> Text(row.label)
                    is ChatRow.UnreadLine -> Text("${row.count} unread")
                    is ChatRow.Gap -> Text("${row.missing} more are on their way")
                }
            }
            if (state.hasOlder) item { LaunchedEffect(state.rows.size) { model.loadOlder() } }
        }
        TextField(draft)
        Button(onClick = { model.send("${draft.text}") }, enabled = MessageText.isSendable(draft.text)) { Text("Send") }
    }
}
// END DOC

/** Stands for a RecyclerView's adapter. */
private fun submitList(rows: List<ChatRow>) = check(rows.size >= 0)

class ViewsActivity : ComponentActivity() {
    private lateinit var model: ChatViewModel
    private lateinit var offline: TextView

    // DOC
    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        lifecycle.addObserver(model)
        lifecycleScope.launch {
            repeatOnLifecycle(Lifecycle.State.STARTED) {
                model.state.collect { state ->
                    submitList(state.rows) // a ListAdapter whose DiffUtil compares ChatRow.key
                    offline.visibility = if (state.connection is Connection.Waiting) View.VISIBLE else View.GONE
                }
            }
        }
    }
    // END DOC
}
