package chat.core.compose

import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.RowScope
import androidx.compose.foundation.layout.WindowInsets
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.imePadding
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.safeDrawing
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Scaffold
import androidx.compose.material3.SnackbarHost
import androidx.compose.material3.SnackbarHostState
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.LocalContext
import chat.core.ChatUiState
import chat.core.Connection
import chat.core.EndReason
import chat.core.Message
import chat.core.MessageKey
import chat.core.ScrollAnchor

/**
 * The chat, from state to lambdas: it knows neither a view model nor a server, so it previews and tests without one.
 * [ChatRoute] is this with a view model.
 *
 * @param composer What the user is writing; see [rememberComposerState].
 * @param anchor Where the list begins; `null` for the newest message. Read when the list first shows.
 * @param snackbar Where the caller says what has happened.
 * @param navigationIcon Before the title: an `IconButton` that leads back, where there is somewhere to go.
 * @param topBarActions After the title: `IconButton`s.
 * @param avatar The picture of a user, 36 dp wide and high, beside the first message of a run; by default [ChatAvatar].
 *   The message's own description names its sender, so it is not read out.
 * @param displayName How a user is called: messages know their senders' ids.
 */
@Composable
public fun ChatScreen(
    state: ChatUiState,
    title: String,
    composer: ComposerState,
    actions: ChatActions,
    modifier: Modifier = Modifier,
    anchor: ScrollAnchor? = null,
    snackbar: SnackbarHostState = remember { SnackbarHostState() },
    navigationIcon: @Composable () -> Unit = {},
    topBarActions: @Composable RowScope.() -> Unit = {},
    avatar: (@Composable (user: String) -> Unit)? = null,
    displayName: (user: String) -> String = { it }
) {
    val closed = state.connection.closed()
    Scaffold(
        modifier = modifier.imePadding(),
        topBar = {
            ChatTopBar(title, state.connection.takeIf { state.failure == null }, navigationIcon, topBarActions)
        },
        bottomBar = {
            when {
                state.failure != null -> Unit
                closed != null -> ClosedComposer(closed, composer.draft, actions.onRestart)
                else -> Composer(composer, composer.isSending || state.isSending, actions)
            }
        },
        snackbarHost = { SnackbarHost(snackbar) },
        containerColor = MaterialTheme.colorScheme.background,
        contentWindowInsets = WindowInsets.safeDrawing
    ) { padding ->
        Column(Modifier.padding(padding).fillMaxSize()) {
            ConnectionBanner(state.connection, actions.onRestart, actions.onSignIn)
            Box(Modifier.weight(1f)) {
                val failure = state.failure
                when {
                    failure != null -> FailureNotice(failure, actions.onReopen)

                    state.isLoading -> LoadingNotice()

                    state.rows.isEmpty() -> EmptyNotice(state.connection)

                    else -> {
                        val look = remember(displayName, avatar, closed) {
                            MessageLook(displayName, avatar, canChange = closed == null)
                        }
                        MessageList(state, anchor, actions, look, messageActions(composer, actions))
                    }
                }
            }
        }
    }
}

/** Why nothing can be said in the room any more, if so; a session that is over is not the room's end. */
private fun Connection.closed(): EndReason? =
    (this as? Connection.Ended)?.reason?.takeIf { it == EndReason.NOT_A_MEMBER || it == EndReason.ROOM_NOT_FOUND }

/** What comes of a choice in a message's menu; what cannot be undone is asked about first. */
@Composable
private fun messageActions(composer: ComposerState, actions: ChatActions): (Message, MessageAction) -> Unit {
    val context = LocalContext.current
    var asked by rememberSaveable { mutableStateOf<Pair<Long, MessageAction>?>(null) }
    asked?.let { (message, action) ->
        Confirmation(action, onDismiss = { asked = null }) {
            asked = null
            val key = MessageKey(message)
            if (action == MessageAction.DELETE) actions.onDelete(key) else actions.onDiscard(key)
        }
    }
    return { message, action ->
        when (action) {
            MessageAction.RETRY -> actions.onRetry(message.key)
            MessageAction.UNDO -> actions.onDiscard(message.key)
            MessageAction.EDIT -> composer.beginEdit(message)
            MessageAction.COPY -> copy(context, message.text)
            MessageAction.DELETE, MessageAction.DISCARD -> asked = message.key.value to action
        }
    }
}
