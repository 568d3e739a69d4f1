package chat.core.compose

import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.RowScope
import androidx.compose.foundation.layout.WindowInsets
import androidx.compose.foundation.layout.calculateEndPadding
import androidx.compose.foundation.layout.calculateStartPadding
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.safeDrawing
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Scaffold
import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.LocalLayoutDirection
import androidx.compose.ui.res.stringResource
import chat.core.ChatClient
import chat.core.Connection
import chat.core.RoomListUiState
import chat.core.RoomListViewModel
import chat.core.RoomSummary

/**
 * The list of rooms, from state to lambdas: it knows neither a view model nor a server, so it previews and tests
 * without one.
 *
 * @param onRoomClick Told which room is to be opened.
 * @param onRestart The user wants the list to be followed again after its job ended: [RoomListViewModel.restart].
 * @param onReopen The user wants to try again to open the [ChatClient]: [RoomListViewModel.reopen].
 * @param onSignIn Where to sign in anew when the session is over; without it there is [onRestart].
 * @param navigationIcon Before the title: an `IconButton` that leads back, where there is somewhere to go.
 * @param topBarActions After the title: icons, a menu.
 * @param displayName What a user is called on the screen.
 */
@Composable
public fun RoomsScreen(
    state: RoomListUiState,
    onRoomClick: (RoomSummary) -> Unit,
    onRestart: () -> Unit,
    onReopen: () -> Unit,
    modifier: Modifier = Modifier,
    title: String = stringResource(R.string.chat_rooms_title),
    onSignIn: (() -> Unit)? = null,
    navigationIcon: @Composable () -> Unit = {},
    topBarActions: @Composable RowScope.() -> Unit = {},
    displayName: (user: String) -> String = { it }
) {
    Scaffold(
        modifier = modifier,
        topBar = {
            ChatTopBar(title, state.connection.takeIf { state.failure == null }, navigationIcon, topBarActions)
        },
        containerColor = MaterialTheme.colorScheme.background,
        contentWindowInsets = WindowInsets.safeDrawing
    ) { padding ->
        Column(Modifier.padding(padding.withoutBottom()).fillMaxSize()) {
            ConnectionBanner(state.connection, onRestart, onSignIn)
            Box(Modifier.weight(1f)) {
                val failure = state.failure
                when {
                    failure != null -> FailureNotice(failure, onReopen)

                    state.isLoading -> LoadingNotice(R.string.chat_rooms_loading)

                    state.rows.isNotEmpty() -> RoomsList(
                        rows = state.rows,
                        onRoomClick = onRoomClick,
                        displayName = displayName,
                        // The rows go on below the system's own bar.
                        padding = PaddingValues(bottom = padding.calculateBottomPadding())
                    )

                    state.connection is Connection.Live ->
                        Notice(R.string.chat_rooms_empty_title, R.string.chat_rooms_empty_text)

                    // Nothing in the cache says nothing about the account.
                    else -> Notice(R.string.chat_rooms_unheard_title, R.string.chat_rooms_unheard_text)
                }
            }
        }
    }
}

@Composable
private fun PaddingValues.withoutBottom(): PaddingValues {
    val direction = LocalLayoutDirection.current
    return PaddingValues(calculateStartPadding(direction), calculateTopPadding(), calculateEndPadding(direction))
}
