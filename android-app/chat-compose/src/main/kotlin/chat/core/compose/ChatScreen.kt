package chat.core.compose

import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.imePadding
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.text.input.TextFieldState
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Scaffold
import androidx.compose.material3.SnackbarHost
import androidx.compose.material3.SnackbarHostState
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import chat.core.ChatRow
import chat.core.ChatUiState
import chat.core.Message
import chat.core.MessageKey
import chat.core.ScrollAnchor

/**
 * The chat, from state to lambdas: it knows neither a view model nor a server, so it previews and tests without one.
 *
 * @param canSend Whether the send button may be pressed, as far as the caller is concerned.
 * @param anchor Where the list begins; `null` for the newest message.
 * @param navigationIcon Before the title: an `IconButton` that leads back, where there is somewhere to go.
 */
@Composable
public fun ChatScreen(
    state: ChatUiState,
    title: String,
    draft: TextFieldState,
    canSend: Boolean,
    snackbar: SnackbarHostState,
    anchor: ScrollAnchor?,
    actions: ChatActions,
    modifier: Modifier = Modifier,
    navigationIcon: @Composable () -> Unit = {}
) {
    var edited by rememberSaveable { mutableStateOf<Long?>(null) }
    Scaffold(
        modifier = modifier.imePadding(),
        topBar = { ChatTopBar(title, state.connection.takeIf { state.failure == null }, navigationIcon) },
        bottomBar = {
            if (state.failure == null) Composer(draft, canSend && !state.isSending, actions.onSend)
        },
        snackbarHost = { SnackbarHost(snackbar) },
        containerColor = MaterialTheme.colorScheme.background
    ) { padding ->
        Column(Modifier.padding(padding).fillMaxSize()) {
            ConnectionBanner(state.connection, actions.onRestart)
            Box(Modifier.weight(1f)) {
                val failure = state.failure
                when {
                    failure != null -> FailureNotice(failure, actions.onReopen)
                    state.isLoading -> LoadingNotice()
                    state.rows.isEmpty() -> EmptyNotice()
                    else -> MessageList(state, anchor, actions, onEditBegins = { edited = it.value })
                }
            }
        }
    }
    val message = edited?.let { key -> state.message(MessageKey(key)) } ?: return
    EditDialog(message.text, onDismiss = { edited = null }) {
        actions.onEdit(message.key, it)
        edited = null
    }
}

private fun ChatUiState.message(key: MessageKey): Message? =
    rows.firstNotNullOfOrNull { row -> (row as? ChatRow.Message)?.message?.takeIf { it.key == key } }
