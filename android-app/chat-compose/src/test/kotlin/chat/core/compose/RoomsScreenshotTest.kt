package chat.core.compose

import androidx.activity.ComponentActivity
import androidx.compose.ui.test.junit4.v2.createAndroidComposeRule
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.ChatException
import chat.core.ChatFormats
import chat.core.Connection
import chat.core.EndReason
import chat.core.RoomListUiState
import chat.core.RoomSummary
import chat.core.Transport
import chat.core.fixtures.BareActivity
import chat.core.roomRows
import chat.core.testing.exampleWaiting
import java.time.LocalDate
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.annotation.Config

/** How the list of rooms looks, see [Golden]. */
@RunWith(AndroidJUnit4::class)
@Config(qualifiers = GOLDEN_SCREEN)
class RoomsScreenshotTest {
    @get:Rule(order = 0)
    val activity = BareActivity()

    @get:Rule(order = 1)
    val compose = createAndroidComposeRule<ComponentActivity>()

    @get:Rule(order = 2)
    val golden = Golden("rooms")

    private fun picture(state: RoomListUiState) = golden.check(compose) {
        ChatTheme { RoomsScreen(state, onRoomClick = {}, onRestart = {}, onReopen = {}) }
    }

    private fun list(
        rooms: List<RoomSummary> = Screens.rooms(korean = false),
        formats: ChatFormats = Screens.english,
        connection: Connection = Connection.Live(Transport.POLLING)
    ) = RoomListUiState(roomRows(rooms, formats, LocalDate.parse("2024-08-07")), connection, isLoading = false)

    private fun korean(connection: Connection = Connection.Live(Transport.POLLING)) =
        list(Screens.rooms(korean = true), Screens.korean, connection)

    @Test
    fun `light`() = picture(list())

    @Test
    @Config(qualifiers = "+night")
    fun `dark`() = picture(list())

    @Test
    @Config(qualifiers = "+ko-rKR")
    fun `Korean`() = picture(korean())

    @Test
    @Config(qualifiers = "+ko-rKR-night")
    fun `Korean, dark, offline`() = picture(korean(exampleWaiting()))

    @Test
    @Config(qualifiers = "+ar-ldrtl")
    fun `right to left`() = picture(list(formats = Screens.arabic))

    @Test
    @Config(fontScale = 2f)
    fun `large type`() = picture(list())

    @Test
    fun `loading`() = picture(RoomListUiState(connection = Connection.Connecting))

    @Test
    fun `empty`() = picture(list(emptyList()))

    @Test
    fun `nothing heard yet`() = picture(list(emptyList(), connection = exampleWaiting()))

    @Test
    fun `offline`() = picture(list(connection = exampleWaiting()))

    @Test
    fun `signed out`() = picture(list(connection = Connection.Ended(EndReason.SESSION_ENDED)))

    @Test
    fun `failure`() = picture(RoomListUiState(isLoading = false, failure = ChatException.CacheTooNew()))
}
