package chat.core.compose

import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.rememberUpdatedState
import androidx.compose.ui.Modifier
import androidx.compose.ui.res.stringResource
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import chat.core.RoomListEvent
import chat.core.RoomListViewModel
import chat.core.RoomSummary

/**
 * Connects [model] with [RoomsScreen]: collects its state, acts on its events, tells it how dates are read. [model] rests
 * while this is not started.
 *
 * @param onRoomClick Told which room is to be opened.
 * @param navigationIcon See [RoomsScreen].
 * @param onSessionEnded Called when the server takes no token any more: the place to go to the login from.
 */
@Composable
public fun RoomsRoute(
    model: RoomListViewModel,
    onRoomClick: (RoomSummary) -> Unit,
    modifier: Modifier = Modifier,
    title: String = stringResource(R.string.chat_rooms_title),
    navigationIcon: @Composable () -> Unit = {},
    onSessionEnded: () -> Unit = {}
) {
    ModelScope(model) {
        val state by model.state.collectAsStateWithLifecycle()
        val formats = rememberChatFormats()
        LaunchedEffect(formats) { model.setFormats(formats) }
        val sessionEnded by rememberUpdatedState(onSessionEnded)
        LaunchedEffect(model) {
            model.events.collect { event ->
                when (event) {
                    is RoomListEvent.SessionEnded -> sessionEnded()
                }
            }
        }
        RoomsScreen(state, onRoomClick, model::restart, model::reopen, modifier, title, navigationIcon)
    }
}
