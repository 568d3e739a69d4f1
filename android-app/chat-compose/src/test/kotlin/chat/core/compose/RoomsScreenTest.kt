package chat.core.compose

import androidx.activity.ComponentActivity
import androidx.compose.runtime.CompositionLocalProvider
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import androidx.compose.ui.platform.LocalDensity
import androidx.compose.ui.platform.LocalLayoutDirection
import androidx.compose.ui.semantics.SemanticsActions
import androidx.compose.ui.test.SemanticsMatcher
import androidx.compose.ui.test.assertHeightIsAtLeast
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.hasClickAction
import androidx.compose.ui.test.junit4.v2.createAndroidComposeRule
import androidx.compose.ui.test.onNodeWithContentDescription
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.unit.Density
import androidx.compose.ui.unit.LayoutDirection
import androidx.compose.ui.unit.dp
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.ChatException
import chat.core.ChatFormats
import chat.core.Connection
import chat.core.EndReason
import chat.core.Problem
import chat.core.RoomId
import chat.core.RoomListUiState
import chat.core.RoomSummary
import chat.core.Transport
import chat.core.fixtures.BareActivity
import chat.core.fixtures.SCREEN
import chat.core.roomRows
import java.time.Instant
import java.time.LocalDate
import kotlin.time.Duration.Companion.seconds
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.annotation.Config

/** What the list of rooms says in each of its states, to the eye and to the ear. */
@RunWith(AndroidJUnit4::class)
@Config(qualifiers = SCREEN)
class RoomsScreenTest {
    @get:Rule(order = 0)
    val activity = BareActivity()

    @get:Rule(order = 1)
    val compose = createAndroidComposeRule<ComponentActivity>()

    private val opened = mutableListOf<RoomId>()
    private var restarts = 0
    private var reopens = 0
    private var state by mutableStateOf(RoomListUiState())
    private val offline = Connection.Waiting(Problem.OFFLINE, attempt = 1, retryIn = 4.seconds)

    private fun show(shown: RoomListUiState, fontScale: Float = 1f, direction: LayoutDirection = LayoutDirection.Ltr) {
        state = shown
        compose.setContent {
            CompositionLocalProvider(
                LocalDensity provides Density(LocalDensity.current.density, fontScale),
                LocalLayoutDirection provides direction
            ) {
                ChatTheme {
                    RoomsScreen(
                        state = state,
                        onRoomClick = { opened += it.id },
                        onRestart = { restarts++ },
                        onReopen = { reopens++ }
                    )
                }
            }
        }
        compose.waitForIdle()
    }

    private fun rooms(
        vararg rooms: RoomSummary,
        formats: ChatFormats = Screens.english,
        connection: Connection = Connection.Live(Transport.POLLING)
    ) = RoomListUiState(roomRows(rooms.toList(), formats, LocalDate.parse("2024-08-07")), connection, isLoading = false)

    private fun said(description: String) = compose.onNodeWithContentDescription(description)

    private fun RoomSummary.deleted() = copy(lastMessage = checkNotNull(lastMessage).copy(text = "", isDeleted = true))

    @Test
    fun `each room has its title, what was said last, and when`() {
        show(
            rooms(
                exampleRoom(1, "Lunch", text = "City Hall,\nexit 2?"),
                exampleRoom(
                    2,
                    "Work",
                    text = "On my way",
                    sender = "alice",
                    at = Instant.parse("2024-08-06T01:30:00Z")
                ),
                exampleRoom(3, "Old", at = Instant.parse("2024-07-01T01:30:00Z")).deleted(),
                exampleRoom(4, "New").copy(lastMessage = null)
            )
        )
        for (text in listOf(
            "Lunch",
            "bob: City Hall, exit 2?",
            "10:30 AM",
            "Work",
            "You: On my way",
            "Yesterday",
            "Message deleted",
            "Jul 1, 2024",
            "New",
            "No messages yet"
        )) {
            compose.onNodeWithText(text).assertIsDisplayed()
        }
    }

    @Test
    fun `a room is one sentence for the ear, and one thing to tap`() {
        show(
            rooms(
                exampleRoom(1, "Lunch", unread = 1),
                exampleRoom(2, "Work", unread = 120),
                exampleRoom(3, "Family", sender = "alice"),
                exampleRoom(4, "New").copy(lastMessage = null)
            )
        )
        said("Lunch, 1 unread message, bob: hello from 1, 10:30 AM").performClick()
        said("Work, 120 unread messages, bob: hello from 2, 10:30 AM").performClick()
        said("Family, You: hello from 3, 10:30 AM").performClick()
        said("New, No messages yet").performClick()
        assertEquals(listOf(1L, 2L, 3L, 4L), opened.map { it.value })
        val stops = compose.onAllNodes(SemanticsMatcher.keyIsDefined(SemanticsActions.OnClick))
        assertEquals(4, stops.fetchSemanticsNodes().size)
    }

    @Test
    @Config(qualifiers = "+ko-rKR")
    fun `in Korean the sentence is Korean`() {
        show(rooms(exampleRoom(1, "점심", text = "시청역?", unread = 3), formats = Screens.korean))
        said("점심, 읽지 않은 메시지 3개, bob: 시청역?, 오전 10:30").assertIsDisplayed()
    }

    @Test
    fun `more than ninety-nine are ninety-nine and more`() {
        show(rooms(exampleRoom(1, unread = 99), exampleRoom(2, unread = 100), exampleRoom(3, unread = 0)))
        compose.onNodeWithText("99").assertIsDisplayed()
        compose.onNodeWithText("99+").assertIsDisplayed()
        compose.onNodeWithText("0").assertDoesNotExist()
    }

    @Test
    fun `a long message is neither measured nor spoken to its end, and no character is cut in two`() {
        show(rooms(exampleRoom(1, "Lunch", text = "a" + "👍".repeat(2_000))))
        said("Lunch, bob: a${"👍".repeat(99)}…, 10:30 AM").assertIsDisplayed()
    }

    @Test
    fun `a finger finds every room, in any size of type and from either side`() {
        show(rooms(exampleRoom(1, "L"), exampleRoom(2).copy(lastMessage = null)), fontScale = 0.5f)
        val rows = compose.onAllNodes(hasClickAction())
        repeat(2) { rows[it].assertHeightIsAtLeast(48.dp) }
    }

    @Test
    fun `twice the type grows the rows and hides no time and no count`() {
        val long = "A room with a name that is too long for any phone to show"
        show(rooms(exampleRoom(1, long, unread = 120, text = "and what is said is long ".repeat(9))), fontScale = 2f)
        compose.onNodeWithText("10:30 AM").assertIsDisplayed()
        compose.onNodeWithText("99+").assertIsDisplayed()
        compose.onNode(hasClickAction()).assertHeightIsAtLeast(120.dp)
    }

    @Test
    fun `from the right to the left the time is on the left`() {
        show(rooms(exampleRoom(1, "Lunch")), direction = LayoutDirection.Rtl)
        val unmerged = { text: String -> compose.onNodeWithText(text, useUnmergedTree = true).fetchSemanticsNode() }
        assertTrue(unmerged("10:30 AM").boundsInRoot.right < unmerged("Lunch").boundsInRoot.left)
    }

    @Test
    fun `nothing yet is neither an empty list nor a list`() {
        show(RoomListUiState(connection = Connection.Connecting))
        said("Loading chats").assertIsDisplayed()
        compose.onNodeWithText("No chats yet").assertDoesNotExist()
    }

    @Test
    fun `without rooms one is told what to wait for`() {
        show(rooms())
        compose.onNodeWithText("No chats yet").assertIsDisplayed()
    }

    @Test
    fun `an empty cache without a network is not taken for an account without rooms`() {
        show(rooms(connection = offline))
        compose.onNodeWithText("No chats yet").assertDoesNotExist()
        compose.onNodeWithText("Your chats show up as soon as there is a connection.").assertIsDisplayed()
    }

    @Test
    fun `without a network the rooms are listed, and it says so`() {
        show(rooms(exampleRoom(1, "Lunch"), connection = offline))
        compose.onNodeWithText("Lunch").assertIsDisplayed()
        compose.onNodeWithText("You’re offline.", substring = true).assertIsDisplayed()
    }

    @Test
    fun `when the session is over it says so and can be tried again`() {
        show(rooms(exampleRoom(1, "Lunch"), connection = Connection.Ended(EndReason.SESSION_ENDED)))
        compose.onNodeWithText("Lunch").assertIsDisplayed()
        compose.onNodeWithText("Try again").performClick()
        assertEquals(1, restarts)
    }

    @Test
    fun `a chat that cannot be opened says why and offers to try again`() {
        show(RoomListUiState(isLoading = false, failure = ChatException.CacheTooNew()))
        compose.onNodeWithText("newer version", substring = true).assertIsDisplayed()
        compose.onNodeWithText("Try again").performClick()
        assertEquals(1, reopens)
    }
}
