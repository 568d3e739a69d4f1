package chat.core.compose

import android.content.res.Resources
import androidx.compose.foundation.layout.RowScope
import androidx.compose.foundation.text.input.TextFieldState
import androidx.compose.foundation.text.input.delete
import androidx.compose.foundation.text.input.insert
import androidx.compose.foundation.text.input.placeCursorAtEnd
import androidx.compose.material3.SnackbarHostState
import androidx.compose.runtime.Composable
import androidx.compose.runtime.DisposableEffect
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.rememberUpdatedState
import androidx.compose.runtime.snapshotFlow
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.LocalResources
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import chat.core.ChatEvent
import chat.core.ChatException
import chat.core.ChatViewModel
import chat.core.MessageText
import kotlinx.coroutines.launch

/**
 * Connects [model] with [ChatScreen]: collects its state, acts on its events, gives it what it is to remember. It is
 * the one collector of [ChatViewModel.events], of which each goes to one collector only: whoever else is to hear of them
 * does so by [onEvent]. And it has [model] rest while it is not started.
 *
 * @param onSignIn Where to sign in anew when the session is over: a button in the banner leads there. Afterwards call
 *   `ChatClient.resumeSession` and [ChatViewModel.restart]. Without it the button tries the session there is.
 * @param onEvent Told of each event after the screen took it, on the main thread: to leave a room that is closed, for one.
 * @param navigationIcon See [ChatScreen]; so are the others.
 */
@Composable
public fun ChatRoute(
    model: ChatViewModel,
    title: String,
    modifier: Modifier = Modifier,
    onSignIn: (() -> Unit)? = null,
    onEvent: (ChatEvent) -> Unit = {},
    navigationIcon: @Composable () -> Unit = {},
    topBarActions: @Composable RowScope.() -> Unit = {},
    avatar: (@Composable (user: String) -> Unit)? = null,
    displayName: (user: String) -> String = { it }
) {
    ModelScope(model) {
        val state by model.state.collectAsStateWithLifecycle()
        val composer = rememberComposerState(model)
        val snackbar = remember { SnackbarHostState() }
        val formats = rememberChatFormats()
        LaunchedEffect(formats) { model.setFormats(formats) }
        TakeEvents(model, composer, snackbar, onEvent)
        val signIn by rememberUpdatedState(onSignIn)
        ChatScreen(
            state = state,
            title = title,
            composer = composer,
            actions = remember(model, composer, onSignIn == null) {
                chatActions(model, composer, if (onSignIn == null) null else ({ signIn?.invoke() }))
            },
            modifier = modifier,
            anchor = model.scrollAnchor,
            snackbar = snackbar,
            navigationIcon = navigationIcon,
            topBarActions = topBarActions,
            avatar = avatar,
            displayName = displayName
        )
    }
}

@Composable
private fun TakeEvents(
    model: ChatViewModel,
    composer: ComposerState,
    snackbar: SnackbarHostState,
    onEvent: (ChatEvent) -> Unit
) {
    // The words at the time of the event: the language may have changed since this began to collect.
    val resources by rememberUpdatedState(LocalResources.current)
    val tell by rememberUpdatedState(onEvent)
    LaunchedEffect(model, composer) {
        model.events.collect { event ->
            composer.take(event)
            event.toWords(resources)?.let { launch { snackbar.showSnackbar(it) } }
            tell(event)
        }
    }
}

private fun chatActions(model: ChatViewModel, composer: ComposerState, signIn: (() -> Unit)?) = ChatActions {
    // Busy from the tap to the event: a second tap in between must not send the same text twice.
    onSend = {
        composer.isSending = true
        model.send(it)
    }
    onEdit = { key, text ->
        composer.edit?.isStoring = true
        model.edit(key, text)
    }
    onDelete = model::delete
    onRetry = model::retry
    onDiscard = model::discard
    onLoadOlder = model::loadOlder
    onShown = model::markRead
    onAnchor = { model.scrollAnchor = it }
    onRestart = model::restart
    onReopen = model::reopen
    onSignIn = signIn
}

/**
 * The view model keeps the draft, over the end of the process too; the screen has it in a text box. Each tells the
 * other: the box every change, the view model by [ChatEvent.Stored] that a text has gone out of it.
 */
@Composable
private fun rememberComposerState(model: ChatViewModel): ComposerState {
    val draft = remember(model) { TextFieldState(model.draft.value) }
    val told = remember(draft) { mutableStateOf(draft.text.toString()) }
    val tell = { text: String ->
        if (text != told.value) model.setDraft(text)
        told.value = text
    }
    LaunchedEffect(draft) { snapshotFlow { draft.text.toString() }.collect { tell(it) } }
    // What was typed in the very last moment, which the flow does not come to tell.
    DisposableEffect(draft) { onDispose { tell(draft.text.toString()) } }
    val composer = rememberComposerState(draft)
    // The screen before this one may have sent: what is still in the box then is let go of by the event to come. Had
    // it been stored already, the view model's draft were without it, and the event must take nothing out of this box.
    return remember(composer) { composer.also { it.isSending = model.state.value.isSending } }
}

private fun ComposerState.take(event: ChatEvent) {
    when (event) {
        is ChatEvent.Stored -> {
            if (isSending) draft.letGo(event.text)
            isSending = false
        }

        is ChatEvent.DraftFound -> draft.putFirst(event.text)

        is ChatEvent.NotStored -> isSending = false

        is ChatEvent.EditStored -> if (edited == event.key) endEdit()

        is ChatEvent.EditNotStored -> edit?.takeIf { it.key == event.key }?.isStoring = false

        else -> Unit
    }
}

/** What the user is told of [this], if anything. Rows and banners say the rest, for as long as it is so. */
private fun ChatEvent.toWords(resources: Resources): String? = when (this) {
    is ChatEvent.NotStored -> R.string.chat_not_stored

    is ChatEvent.EditNotStored -> error.words()

    is ChatEvent.ActionFailed -> error.words()

    // The row says why, and what one can do; this is for whoever reads elsewhere in the list.
    is ChatEvent.MessageRefused -> R.string.chat_message_refused

    is ChatEvent.ChangeRefused -> R.string.chat_change_refused

    else -> null
}?.let(resources::getString)

/** Why something could not be done with a message. */
private fun ChatException.words(): Int = when (this) {
    is ChatException.TooLate -> R.string.chat_too_late
    is ChatException.NotFound -> R.string.chat_action_failed
    else -> R.string.chat_action_not_stored
}

/** Puts [found] before what was typed since, unless the box was begun with it. */
private fun TextFieldState.putFirst(found: String) = edit {
    when {
        length == 0 -> append(found).also { placeCursorAtEnd() }
        !asCharSequence().startsWith(found) -> insert(0, "$found\n")
    }
}

/** Takes [sent] out of the text box and leaves what was typed after it, the cursor where it was. */
private fun TextFieldState.letGo(sent: String) = edit {
    val rest = MessageText.remainder(asCharSequence().toString(), sent)
    delete(0, length - rest.length)
}
