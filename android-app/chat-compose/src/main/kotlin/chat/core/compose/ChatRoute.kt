package chat.core.compose

import androidx.compose.foundation.text.input.TextFieldState
import androidx.compose.foundation.text.input.delete
import androidx.compose.material3.SnackbarHostState
import androidx.compose.runtime.Composable
import androidx.compose.runtime.DisposableEffect
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.rememberCoroutineScope
import androidx.compose.runtime.setValue
import androidx.compose.runtime.snapshotFlow
import androidx.compose.ui.Modifier
import androidx.compose.ui.res.stringResource
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import chat.core.ChatEvent
import chat.core.ChatException
import chat.core.ChatViewModel
import chat.core.MessageText
import kotlinx.coroutines.launch

/**
 * Connects [model] with [ChatScreen]: collects its state, acts on its events, gives it what it is to remember.
 *
 * @param navigationIcon See [ChatScreen].
 * @param onSessionEnded Called when the server takes no token any more: the place to go to the login from.
 */
@Composable
public fun ChatRoute(
    model: ChatViewModel,
    title: String,
    modifier: Modifier = Modifier,
    navigationIcon: @Composable () -> Unit = {},
    onSessionEnded: () -> Unit = {}
) {
    val state by model.state.collectAsStateWithLifecycle()
    // The view model keeps the text and the place, over the end of the process too.
    val draft = remember(model) { TextFieldState(model.draft.value) }
    LaunchedEffect(draft) { snapshotFlow { draft.text.toString() }.collect(model::setDraft) }
    // What was typed in the very last moment, which the flow does not come to tell.
    DisposableEffect(draft) { onDispose { model.setDraft(draft.text.toString()) } }
    val snackbar = remember { SnackbarHostState() }
    val scope = rememberCoroutineScope()
    val tooLate = stringResource(R.string.chat_too_late)
    val messageRefused = stringResource(R.string.chat_message_refused)
    val changeRefused = stringResource(R.string.chat_change_refused)
    val notStored = stringResource(R.string.chat_not_stored)
    val actionFailed = stringResource(R.string.chat_action_failed)
    // From the tap to the event: a second tap in between must not send the same text twice.
    var storing by remember { mutableStateOf(false) }

    val formats = rememberChatFormats()
    LaunchedEffect(formats) { model.setFormats(formats) }

    LaunchedEffect(model) {
        model.events.collect { event ->
            when (event) {
                is ChatEvent.Stored -> {
                    draft.letGo(event.text)
                    storing = false
                }

                is ChatEvent.NotStored -> {
                    storing = false
                    scope.launch { snackbar.showSnackbar(notStored) }
                }

                is ChatEvent.ActionFailed -> scope.launch {
                    snackbar.showSnackbar(if (event.error is ChatException.TooLate) tooLate else actionFailed)
                }

                // The row says why, and what one can do; this is for whoever reads elsewhere in the list.
                is ChatEvent.MessageRefused -> scope.launch { snackbar.showSnackbar(messageRefused) }

                is ChatEvent.ChangeRefused -> scope.launch { snackbar.showSnackbar(changeRefused) }

                is ChatEvent.SessionEnded -> onSessionEnded()

                // The banner says so for as long as it is so.
                is ChatEvent.RoomUnavailable -> Unit
            }
        }
    }

    ChatScreen(
        state = state,
        title = title,
        draft = draft,
        canSend = !storing,
        snackbar = snackbar,
        anchor = model.scrollAnchor,
        actions = remember(model) {
            ChatActions(
                onSend = {
                    storing = true
                    model.send(it)
                },
                onEdit = model::edit,
                onDelete = model::delete,
                onRetry = model::retry,
                onDiscard = model::discard,
                onLoadOlder = model::loadOlder,
                onShown = model::markRead,
                onAnchor = { model.scrollAnchor = it },
                onRestart = model::restart,
                onReopen = model::reopen
            )
        },
        modifier = modifier,
        navigationIcon = navigationIcon
    )
}

/** Takes [sent] out of the text box and leaves what was typed after it, the cursor where it was. */
private fun TextFieldState.letGo(sent: String) = edit {
    val rest = MessageText.remainder(asCharSequence().toString(), sent)
    delete(0, length - rest.length)
}
