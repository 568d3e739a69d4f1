package chat.core.compose

import androidx.activity.ComponentActivity
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import androidx.compose.ui.semantics.SemanticsActions
import androidx.compose.ui.semantics.SemanticsProperties
import androidx.compose.ui.test.assertCountEquals
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.assertIsEnabled
import androidx.compose.ui.test.assertIsNotDisplayed
import androidx.compose.ui.test.assertIsNotEnabled
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.junit4.v2.createAndroidComposeRule
import androidx.compose.ui.test.longClick
import androidx.compose.ui.test.onAllNodesWithText
import androidx.compose.ui.test.onLast
import androidx.compose.ui.test.onNodeWithContentDescription
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performScrollToNode
import androidx.compose.ui.test.performTextInput
import androidx.compose.ui.test.performTextReplacement
import androidx.compose.ui.test.performTouchInput
import androidx.compose.ui.unit.dp
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.ChatException
import chat.core.ChatUiState
import chat.core.Connection
import chat.core.Delivery
import chat.core.EndReason
import chat.core.FailureReason
import chat.core.Message
import chat.core.MessageKey
import chat.core.Problem
import chat.core.Transport
import chat.core.fixtures.BareActivity
import chat.core.fixtures.SCREEN
import chat.core.testing.exampleMessage
import kotlin.time.Duration.Companion.seconds
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.annotation.Config

/** The screen alone, from state to lambdas. */
@RunWith(AndroidJUnit4::class)
@Config(qualifiers = SCREEN)
class ChatScreenTest {
    @get:Rule(order = 0)
    val activity = BareActivity()

    @get:Rule(order = 1)
    val compose = createAndroidComposeRule<ComponentActivity>()

    private var state by mutableStateOf(ChatUiState())
    private val composer = ComposerState()
    private var signIn by mutableStateOf<(() -> Unit)?>(null)
    private val done = mutableListOf<String>()

    private fun show(messages: List<Message>, connection: Connection = Connection.Live(Transport.POLLING)) =
        show(Screens.state(messages, connection = connection))

    private fun show(first: ChatUiState) {
        state = first
        compose.setContent {
            ChatTheme {
                ChatScreen(
                    state = state,
                    title = "Room 1",
                    composer = composer,
                    actions = ChatActions {
                        onSend = { done += "send $it" }
                        onEdit = { key, text -> done += "edit $key $text" }
                        onDelete = { done += "delete $it" }
                        onRetry = { done += "retry $it" }
                        onDiscard = { done += "discard $it" }
                        onLoadOlder = { done += "older" }
                        onRestart = { done += "restart" }
                        onReopen = { done += "reopen" }
                        onSignIn = signIn
                    }
                )
            }
        }
    }

    private fun many(count: Int) = List(count) { exampleMessage(it + 1L) }

    private fun change(messages: List<Message>) {
        compose.runOnIdle { state = Screens.state(messages) }
        compose.waitForIdle()
    }

    private fun text(text: String) = compose.onNodeWithText(text)

    private fun scrollTo(text: String) = compose.onNodeWithTag("messages").performScrollToNode(hasText(text))

    @Test
    fun `one's own bubble is on the right and another's on the left with the name`() {
        show(listOf(exampleMessage(1, "theirs"), exampleMessage(2, "mine", sender = "alice")))
        val middle = with(compose.density) { 205.dp.toPx() }
        val bounds = { text: String -> text(text).fetchSemanticsNode().boundsInRoot }
        assertTrue(bounds("theirs").center.x < middle)
        assertTrue(bounds("mine").center.x > middle)
        compose.onNodeWithContentDescription("bob, 10:30 AM: theirs").assertIsDisplayed()
        compose.onNodeWithContentDescription("You, 10:30 AM: mine. Sent").assertIsDisplayed()
        text("August 7, 2024").assertIsDisplayed()
    }

    @Test
    fun `a long message folds after ten lines and unfolds`() {
        val long = List(30) { "line ${it + 1}" }.joinToString("\n")
        show(listOf(exampleMessage(1, long)))
        val folded = compose.onNodeWithText("line 1\n", substring = true).fetchSemanticsNode().size.height
        text("More").performClick()
        compose.waitForIdle()
        text("Less").assertIsDisplayed()
        val unfolded = compose.onNodeWithText("line 1\n", substring = true).fetchSemanticsNode().size.height
        assertTrue("$unfolded is not much more than $folded", unfolded > 2 * folded)
    }

    @Test
    fun `what was unfolded can be folded, after one was elsewhere too, unless it has become short`() {
        val long = List(30) { "line ${it + 1}" }.joinToString("\n")
        show(listOf(exampleMessage(1, long)) + List(60) { exampleMessage(it + 2L) })
        scrollTo("More")
        text("More").performClick()
        scrollTo("message 61")
        text("Less").assertDoesNotExist()
        scrollTo("Less")
        text("Less").performClick()
        text("More").assertIsDisplayed().performClick()
        compose.runOnIdle {
            state =
                Screens.state(listOf(exampleMessage(1, "no longer as long as it was, yet not quite short")))
        }
        compose.onNodeWithText("no longer", substring = true).assertIsDisplayed()
        compose.onNodeWithText("Less").assertDoesNotExist()
        compose.onNodeWithText("More").assertDoesNotExist()
    }

    @Test
    fun `blank is not sent, in any script`() {
        show(many(1))
        val send = compose.onNodeWithTag("send")
        send.assertIsNotEnabled()
        compose.onNodeWithTag("draft").performTextInput(" \u3000\n\u00A0")
        send.assertIsNotEnabled()
        compose.onNodeWithTag("draft").performTextInput("가")
        send.assertIsEnabled().performClick()
        assertEquals(listOf("send  \u3000\n\u00A0가"), done)
    }

    @Test
    fun `near the limit the characters are counted as the server counts them`() {
        show(many(1))
        val box = compose.onNodeWithTag("draft")
        box.performTextReplacement("😀".repeat(3_800))
        text("3800 / 4000").assertDoesNotExist()
        box.performTextReplacement("😀".repeat(4_000))
        text("4000 / 4000").assertIsDisplayed()
        compose.onNodeWithTag("send").assertIsEnabled()
        box.performTextReplacement("😀".repeat(4_001))
        text("4001 / 4000").assertIsDisplayed()
        compose.onNodeWithTag("send").assertIsNotEnabled()
    }

    @Test
    fun `letters that are sent composed are counted composed`() {
        show(many(1))
        val box = compose.onNodeWithTag("draft")
        box.performTextReplacement("\u1112\u1161\u11AB".repeat(4_000)) // 한
        text("4000 / 4000").assertIsDisplayed()
        compose.onNodeWithTag("send").assertIsEnabled()
        box.performTextReplacement("\u0958".repeat(2_001))
        text("4002 / 4000").assertIsDisplayed()
        compose.onNodeWithTag("send").assertIsNotEnabled()
    }

    @Test
    fun `a failed message says why, and a tap tries it again`() {
        val failed = exampleMessage(-1, "refused", "alice").copy(delivery = Delivery.Failed(FailureReason.REFUSED))
        show(listOf(failed))
        text("The server refused this message").assertIsDisplayed()
        text("refused").performClick()
        text("Try again").performClick()
        text("Discard").performClick()
        text("Discard message?").assertIsDisplayed()
        assertEquals(listOf("retry -1", "retry -1"), done)
        compose.onAllNodesWithText("Discard").onLast().performClick()
        assertEquals(listOf("retry -1", "retry -1", "discard -1"), done)
    }

    @Test
    fun `a message on its way says so to a screen reader`() {
        show(listOf(exampleMessage(-1, "wait for me", "alice").copy(delivery = Delivery.Pending)))
        compose.onNodeWithContentDescription("You, 10:30 AM: wait for me. Waiting to be sent").assertIsDisplayed()
    }

    @Test
    fun `the line under the title names the transport, to the eye and to the ear`() {
        show(many(3), Connection.Live(Transport.WEB_SOCKET))
        text("Connected · WebSocket").assertIsDisplayed()
        compose.onNodeWithContentDescription("Connected by WebSocket").assertIsDisplayed()
        compose.runOnIdle { state = state.copy(connection = Connection.Live(Transport.LONG_POLLING)) }
        text("Connected · Long polling").assertIsDisplayed()
        compose.onNodeWithContentDescription("Connected by Long polling").assertIsDisplayed()
    }

    @Test
    fun `without a network a banner says so`() {
        show(many(3), Connection.Waiting(Problem.OFFLINE, attempt = 1, retryIn = 1.seconds))
        compose.onNodeWithText("You’re offline", substring = true).assertIsDisplayed()
        change(many(3))
        compose.onNodeWithText("You’re offline", substring = true).assertIsNotDisplayed()
    }

    @Test
    fun `one slow answer is no news`() {
        show(many(3), Connection.Waiting(Problem.TIMEOUT, attempt = 1, retryIn = 1.seconds))
        compose.onNodeWithText("slow", substring = true).assertDoesNotExist()
        compose.runOnIdle { state = state.copy(connection = Connection.Waiting(Problem.TIMEOUT, 2, 2.seconds)) }
        compose.onNodeWithText("slow", substring = true).assertIsDisplayed()
    }

    @Test
    fun `a session that is over says so and leads to the login, and one may write meanwhile`() {
        show(many(3), Connection.Ended(EndReason.SESSION_ENDED))
        text("You’ve been signed out.").assertIsDisplayed()
        compose.onNodeWithText("Try again").performClick()
        signIn = { done += "sign in" }
        compose.onNodeWithText("Sign in").performClick()
        assertEquals(listOf("restart", "sign in"), done)
        compose.onNodeWithTag("draft").performTextInput("later")
        compose.onNodeWithTag("send").assertIsEnabled()
    }

    @Test
    fun `a closed room says why instead of taking a text, and can still be read`() {
        show(many(30), Connection.Ended(EndReason.NOT_A_MEMBER))
        text("You’re not in this room any more.").assertIsDisplayed()
        compose.onNodeWithTag("draft").assertDoesNotExist()
        compose.onNodeWithTag("send").assertDoesNotExist()
        scrollTo("message 3")
        text("message 3").assertIsDisplayed()
        text("Try again").performClick()
        assertEquals(listOf("restart"), done)
        compose.runOnIdle { state = state.copy(connection = Connection.Ended(EndReason.ROOM_NOT_FOUND)) }
        text("This room doesn’t exist any more.").assertIsDisplayed()
    }

    @Test
    fun `what was typed before the room was closed can still be copied`() {
        show(many(3))
        compose.onNodeWithTag("draft").performTextInput("half a thought")
        compose.runOnIdle { state = state.copy(connection = Connection.Ended(EndReason.NOT_A_MEMBER)) }
        val box = text("half a thought").assertIsDisplayed().fetchSemanticsNode()
        assertEquals(false, SemanticsActions.SetText in box.config && box.config[SemanticsProperties.IsEditable])
    }

    @Test
    fun `in a closed room nothing is offered that would need it`() {
        val failed = exampleMessage(-1, "refused", "alice").copy(delivery = Delivery.Failed(FailureReason.NOT_A_MEMBER))
        show(listOf(exampleMessage(1, "mine", "alice"), failed), Connection.Ended(EndReason.NOT_A_MEMBER))
        compose.onAllNodesWithText("Try again").assertCountEquals(1) // The room's, not the message's.
        text("mine").performTouchInput { longClick() }
        text("Copy").assertIsDisplayed()
        text("Edit").assertDoesNotExist()
        text("Delete").assertDoesNotExist()
    }

    @Test
    fun `a connection that was lost is being got back`() {
        show(many(3), Connection.Waiting(Problem.SERVER, attempt = 1, retryIn = 1.seconds))
        text("Reconnecting…").assertIsDisplayed()
        compose.runOnIdle { state = state.copy(connection = Connection.Connecting) }
        text("Connecting…").assertIsDisplayed()
    }

    @Test
    fun `without a network an empty cache is not an empty room`() {
        show(emptyList(), Connection.Waiting(Problem.OFFLINE, attempt = 1, retryIn = 1.seconds))
        text("Nothing here yet").assertIsDisplayed()
        text("No messages yet").assertDoesNotExist()
        compose.runOnIdle { state = state.copy(connection = Connection.Live(Transport.POLLING)) }
        text("No messages yet").assertIsDisplayed()
    }

    @Test
    fun `a chat that cannot be opened says why`() {
        show(ChatUiState(isLoading = false, failure = ChatException.CacheTooNew()))
        text("The chat can’t be opened").assertIsDisplayed()
        compose.onNodeWithText("Try again").performClick()
        assertEquals(listOf("reopen"), done)
    }

    @Test
    fun `a deleted message leaves its place and nothing else`() {
        show(listOf(exampleMessage(1, "").copy(isDeleted = true, isEdited = true)))
        text("Message deleted").assertIsDisplayed()
        text("edited").assertDoesNotExist()
        compose.onNodeWithContentDescription("bob, 10:30 AM: Message deleted").assertIsDisplayed()
    }

    @Test
    fun `an edited message says so, to the eye and to the ear`() {
        show(listOf(exampleMessage(1, "hello again").copy(isEdited = true)))
        text("edited").assertIsDisplayed()
        compose.onNodeWithContentDescription("bob, 10:30 AM: hello again (edited)").assertIsDisplayed()
    }

    @Test
    fun `what is still being fetched is said where it will be`() {
        show(listOf(exampleMessage(10), exampleMessage(100), exampleMessage(102)))
        compose.onNodeWithContentDescription("89 more messages are being fetched").assertIsDisplayed()
        compose.onNodeWithContentDescription("1 more message is being fetched").assertIsDisplayed()
        change(listOf(exampleMessage(100), exampleMessage(101), exampleMessage(102)))
        compose.onNodeWithContentDescription("being fetched", substring = true).assertDoesNotExist()
    }

    @Test
    @Config(qualifiers = "+ko-rKR")
    fun `in Korean too`() {
        val messages = listOf(exampleMessage(10, "안녕").copy(isEdited = true), exampleMessage(100))
        show(Screens.state(messages, Screens.korean))
        compose.onNodeWithContentDescription("메시지 89개를 더 불러오는 중").assertIsDisplayed()
        compose.onNodeWithContentDescription("bob, 오전 10:30: 안녕 (수정됨)").assertIsDisplayed()
    }

    @Test
    fun `five hundred messages of one minute are five hundred rows`() {
        show(many(500))
        scrollTo("message 250")
        text("message 250").assertIsDisplayed()
        assertEquals(500, state.rows.filter { it.key.startsWith("m") }.map { it.key }.toSet().size)
        assertEquals(MessageKey(250), many(500)[249].key)
    }
}
