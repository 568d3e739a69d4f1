package chat.core.compose

import androidx.compose.foundation.layout.RowScope
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.res.stringResource
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import chat.core.RoomListViewModel
import chat.core.RoomSummary

/**
 * Connects [model] with [RoomsScreen]: collects its state, tells it how dates are read, and has it rest while this is
 * not started. Its [events][RoomListViewModel.events] are left to the app: the screen says what they say for as long
 * as it is so.
 *
 * @param onRoomClick Told which room is to be opened.
 * @param onSignIn Where to sign in anew when the session is over: a button in the banner leads there. Afterwards call
 *   `ChatClient.resumeSession` and [RoomListViewModel.restart]. Without it the button tries the session there is.
 * @param navigationIcon See [RoomsScreen]; so are the others.
 */
@Composable
public fun RoomsRoute(
    model: RoomListViewModel,
    onRoomClick: (RoomSummary) -> Unit,
    modifier: Modifier = Modifier,
    title: String = stringResource(R.string.chat_rooms_title),
    onSignIn: (() -> Unit)? = null,
    navigationIcon: @Composable () -> Unit = {},
    topBarActions: @Composable RowScope.() -> Unit = {},
    displayName: (user: String) -> String = { it }
) {
    ModelScope(model) {
        val state by model.state.collectAsStateWithLifecycle()
        val formats = rememberChatFormats()
        LaunchedEffect(formats) { model.setFormats(formats) }
        RoomsScreen(
            state = state,
            onRoomClick = onRoomClick,
            onRestart = model::restart,
            onReopen = model::reopen,
            modifier = modifier,
            title = title,
            onSignIn = onSignIn,
            navigationIcon = navigationIcon,
            topBarActions = topBarActions,
            displayName = displayName
        )
    }
}
