package chat.core.sample

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
import androidx.compose.ui.Modifier
import chat.core.ChatUiState
import chat.core.MessageKey
import chat.core.ScrollAnchor

/**
 * The chat, from state to lambdas: it knows neither a view model nor a server, so it previews and tests without one.
 *
 * @param canSend Whether the send button may be pressed, as far as the caller is concerned.
 * @param anchor Where the list begins; `null` for the newest message.
 * @param onAnchor Told where the list is, whenever it has moved.
 * @param onSend Takes the text as it stands in [draft]; the caller takes it out of [draft] once it is stored.
 */
@Composable
fun ChatScreen(
    state: ChatUiState,
    title: String,
    draft: TextFieldState,
    canSend: Boolean,
    snackbar: SnackbarHostState,
    anchor: ScrollAnchor?,
    onAnchor: (ScrollAnchor?) -> Unit,
    onSend: (String) -> Unit,
    onRetry: (MessageKey) -> Unit,
    onDiscard: (MessageKey) -> Unit,
    onRestart: () -> Unit,
    onReopen: () -> Unit
) {
    Scaffold(
        modifier = Modifier.imePadding(),
        topBar = { ChatTopBar(title, state.connection.takeIf { state.failure == null }) },
        bottomBar = {
            if (state.failure == null) Composer(draft, canSend && !state.isSending, onSend)
        },
        snackbarHost = { SnackbarHost(snackbar) },
        containerColor = MaterialTheme.colorScheme.background
    ) { padding ->
        Column(Modifier.padding(padding).fillMaxSize()) {
            ConnectionBanner(state.connection, onRestart)
            Box(Modifier.weight(1f)) {
                val failure = state.failure
                when {
                    failure != null -> FailureNotice(failure, onReopen)
                    state.isLoading -> LoadingNotice()
                    state.rows.isEmpty() -> EmptyNotice()
                    else -> MessageList(state.rows, anchor, onAnchor, onRetry, onDiscard)
                }
            }
        }
    }
}
