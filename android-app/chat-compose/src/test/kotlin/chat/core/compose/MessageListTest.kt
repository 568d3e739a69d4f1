package chat.core.compose

import androidx.activity.ComponentActivity
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.height
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.junit4.StateRestorationTester
import androidx.compose.ui.test.junit4.v2.createAndroidComposeRule
import androidx.compose.ui.test.onNodeWithContentDescription
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performScrollToNode
import androidx.compose.ui.test.performTouchInput
import androidx.compose.ui.test.swipeDown
import androidx.compose.ui.unit.dp
import androidx.lifecycle.Lifecycle
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.ChatException
import chat.core.ChatRow
import chat.core.ChatUiState
import chat.core.Connection
import chat.core.Message
import chat.core.MessageKey
import chat.core.Problem
import chat.core.ScrollAnchor
import chat.core.UnreadMark
import chat.core.fixtures.BareActivity
import chat.core.fixtures.SCREEN
import chat.core.testing.exampleMessage
import kotlin.time.Duration.Companion.seconds
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.annotation.Config

/** What moves in the list and what does not: whoever reads history is left alone, to the pixel. */
@RunWith(AndroidJUnit4::class)
@Config(qualifiers = SCREEN)
class MessageListTest {
    @get:Rule(order = 0)
    val activity = BareActivity()

    @get:Rule(order = 1)
    val compose = createAndroidComposeRule<ComponentActivity>()

    private var state by mutableStateOf(ChatUiState())
    private var height by mutableStateOf(891.dp)
    private var anchor: ScrollAnchor? = null
    private val read = mutableListOf<Long>()
    private var older = 0

    private fun show(messages: List<Message>) {
        state = Screens.state(messages)
        val screens = StateRestorationTester(compose)
        restore = screens::emulateSavedInstanceStateRestore
        screens.setContent {
            ChatTheme {
                Box(Modifier.height(height)) {
                    ChatScreen(
                        state = state,
                        title = "Room 1",
                        composer = ComposerState(),
                        anchor = anchor,
                        actions = ChatActions {
                            onAnchor = { anchor = it }
                            onShown = { read += it.value }
                            onLoadOlder = { older++ }
                        }
                    )
                }
            }
        }
    }

    /** The screen goes and another one comes, as when the phone is turned. */
    private lateinit var restore: () -> Unit

    private fun many(count: Int) = messages(1..count)

    private fun messages(ids: IntRange) = ids.map { exampleMessage(it.toLong()) }

    private fun change(messages: List<Message>) {
        compose.runOnIdle { state = Screens.state(messages) }
        compose.waitForIdle()
    }

    private fun text(text: String) = compose.onNodeWithText(text)

    private fun scrollTo(text: String) = compose.onNodeWithTag("messages").performScrollToNode(hasText(text))

    private fun topOf(text: String) = text(text).fetchSemanticsNode().positionInRoot.y

    @Test
    fun `at the bottom the newest message is followed`() {
        show(many(40))
        text("message 40").assertIsDisplayed()
        change(many(41))
        text("message 41").assertIsDisplayed()
        change(many(45))
        text("message 45").assertIsDisplayed()
    }

    @Test
    fun `a reader of history stays where they are, to the pixel, and is told of the news`() {
        show(many(60))
        scrollTo("message 12")
        val before = topOf("message 12")
        change(many(63))
        assertEquals(before, topOf("message 12"))
        text("3 new messages").assertIsDisplayed().performClick()
        compose.waitForIdle()
        text("message 63").assertIsDisplayed()
        compose.onNodeWithContentDescription("To the newest message").assertDoesNotExist()
    }

    @Test
    fun `a message that changes moves nothing`() {
        show(many(60))
        scrollTo("message 12")
        val before = topOf("message 12")
        change(many(60).map { if (it.key.value == 59L) it.copy(isEdited = true) else it })
        assertEquals(before, topOf("message 12"))
    }

    @Test
    fun `older messages that come in above move nothing`() {
        show(many(60).drop(20))
        scrollTo("message 30")
        val before = topOf("message 30")
        change(many(60))
        assertEquals(before, topOf("message 30"))
    }

    @Test
    fun `one's own message is followed from anywhere`() {
        show(many(60))
        scrollTo("message 12")
        change(many(60) + exampleMessage(-1, "my own", sender = "alice"))
        text("my own").assertIsDisplayed()
    }

    @Test
    fun `what comes to light when one discards one's last words is not followed`() {
        show(many(60) + exampleMessage(-1, "first", sender = "alice") + exampleMessage(-2, "second", sender = "alice"))
        scrollTo("message 12")
        val before = topOf("message 12")
        change(many(60) + exampleMessage(-1, "first", sender = "alice"))
        assertEquals(before, topOf("message 12"))
    }

    @Test
    fun `what one writes on another device does not pull a reader away`() {
        show(many(60))
        scrollTo("message 12")
        val before = topOf("message 12")
        change(many(60) + exampleMessage(61, "from my desk", sender = "alice"))
        assertEquals(before, topOf("message 12"))
    }

    @Test
    fun `the chip counts what others said, and what is still being fetched`() {
        show(many(60))
        scrollTo("message 12")
        change(many(61))
        text("1 new message").assertIsDisplayed()
        change(many(61) + exampleMessage(62, sender = "alice") + exampleMessage(63).copy(isDeleted = true, text = ""))
        text("1 new message").assertIsDisplayed()
        change(many(61) + exampleMessage(100))
        text("40 new messages").assertIsDisplayed()
        restore()
        text("40 new messages").assertIsDisplayed()
    }

    @Test
    @Config(qualifiers = "+ko-rKR")
    fun `in Korean too`() {
        show(many(60))
        scrollTo("message 12")
        change(many(63))
        text("새 메시지 3개").assertIsDisplayed()
    }

    @Test
    fun `when the network is back, what could not be fetched is asked for again`() {
        show(many(3))
        val offline = Connection.Waiting(Problem.OFFLINE, attempt = 1, retryIn = 1.seconds)
        many(3) { copy(hasOlder = true, olderFailure = ChatException.Offline(Problem.OFFLINE), connection = offline) }
        val asked = older
        many(3) { copy(hasOlder = true, olderFailure = ChatException.Offline(Problem.OFFLINE)) }
        assertEquals(asked + 1, older)
    }

    @Test
    fun `of ten thousand rows only those near by are looked at`() {
        var looks = 0
        val rows = object : AbstractList<ChatRow>() {
            override val size = 10_000
            override fun get(index: Int): ChatRow = ChatRow.Gap("g$index", 1).also { looks++ }
        }
        assertEquals(5_003, rows.indexNear(5_000, "g5003"))
        assertTrue("$looks", looks < 20)
        assertEquals(-1, rows.indexNear(5_000, "nowhere"))
    }

    @Test
    fun `the first messages of an empty room show at once`() {
        show(emptyList())
        text("No messages yet").assertIsDisplayed()
        change(many(30))
        text("message 30").assertIsDisplayed()
        text("No messages yet").assertDoesNotExist()
    }

    @Test
    fun `a reader who holds on to a gap is not thrown down when it is filled`() {
        // Twenty pixels of the gap, and above it message 40 on the edge of the list.
        anchor = ScrollAnchor(MessageKey(40), offset = 20)
        show(messages(1..40) + messages(141..180))
        compose.waitForIdle()
        compose.onNodeWithContentDescription("100 more messages are being fetched").assertExists()
        text("message 141").assertDoesNotExist()
        val before = topOf("message 38")
        change(messages(1..180))
        assertEquals(before, topOf("message 38"))
    }

    @Test
    fun `a gap that is filled above or below a reader moves nothing`() {
        show(messages(1..20) + messages(51..80) + messages(111..140))
        scrollTo("message 65")
        val before = topOf("message 65")
        change(messages(1..80) + messages(111..140))
        assertEquals(before, topOf("message 65"))
        change(messages(1..140))
        assertEquals(before, topOf("message 65"))
    }

    @Test
    fun `a message that is deleted in a reader's sight moves nothing below it`() {
        val long = many(60).map { if (it.key.value == 18L) it.copy(text = "one\ntwo\nthree") else it }
        show(long)
        scrollTo("message 12")
        val before = topOf("message 20") to topOf("message 17")
        change(long.map { if (it.key.value == 18L) it.copy(isDeleted = true, text = "") else it })
        assertEquals(before.first, topOf("message 20"))
        assertTrue(topOf("message 17") > before.second)
    }

    @Test
    fun `when the keyboard opens, what stood lowest stands lowest`() {
        show(many(60))
        compose.runOnIdle { height = 500.dp }
        text("message 60").assertIsDisplayed()
        scrollTo("message 30")
        val lowest = checkNotNull(anchor)
        val fromBottom = { bottom() - text("message ${lowest.key}").fetchSemanticsNode().boundsInRoot.bottom }
        val before = fromBottom()
        compose.runOnIdle { height = 891.dp }
        assertEquals(before, fromBottom(), 1f)
        compose.runOnIdle { height = 500.dp }
        assertEquals(before, fromBottom(), 1f)
    }

    private fun bottom() = compose.onNodeWithTag("messages").fetchSemanticsNode().boundsInRoot.bottom

    @Test
    fun `another screen begins where the last one was, whatever came in between`() {
        show(many(60))
        scrollTo("message 12")
        compose.onNodeWithTag("messages").performTouchInput { swipeDown(startY = 300f, endY = 337f) }
        compose.waitForIdle()
        assertNotNull(anchor)
        val before = topOf("message 12")
        restore()
        compose.waitForIdle()
        assertEquals(before, topOf("message 12"), 1f)
        compose.runOnIdle { state = Screens.state(many(75)) }
        restore()
        compose.waitForIdle()
        assertEquals(before, topOf("message 12"), 1f)
    }

    @Test
    fun `whoever was at the newest message begins at the newest`() {
        show(many(60))
        compose.waitForIdle()
        assertEquals(null, anchor)
        compose.runOnIdle { state = Screens.state(many(70)) }
        restore()
        text("message 70").assertIsDisplayed()
    }

    @Test
    fun `a place that is not there any more is the newest message`() {
        anchor = ScrollAnchor(MessageKey(-99), 0)
        show(many(60))
        text("message 60").assertIsDisplayed()
        compose.waitForIdle()
        assertEquals(null, anchor)
    }

    private fun many(count: Int, change: ChatUiState.() -> ChatUiState) {
        compose.runOnIdle { state = Screens.state(many(count)).change() }
        compose.waitForIdle()
    }

    @Test
    fun `older messages are asked for near the top, once for each page`() {
        show(messages(101..200))
        compose.runOnIdle { state = state.copy(hasOlder = true) }
        compose.waitForIdle()
        assertEquals(0, older)
        scrollTo("message 110")
        assertEquals(1, older)
        compose.runOnIdle { state = state.copy(isLoadingOlder = true) }
        scrollTo("message 101")
        assertEquals(1, older)
        val before = topOf("message 105")
        compose.runOnIdle { state = Screens.state(messages(51..200)).copy(hasOlder = true) }
        compose.waitForIdle()
        assertEquals(before, topOf("message 105"))
        scrollTo("message 60")
        assertEquals(2, older)
    }

    @Test
    fun `a page so short that one is still near the top is followed by the next`() {
        show(messages(195..200))
        compose.runOnIdle { state = state.copy(hasOlder = true) }
        compose.waitForIdle()
        assertEquals(1, older)
        compose.runOnIdle { state = Screens.state(messages(190..200)).copy(hasOlder = true) }
        compose.waitForIdle()
        assertEquals(2, older)
        compose.runOnIdle { state = Screens.state(messages(189..200)) }
        compose.waitForIdle()
        assertEquals(2, older)
    }

    @Test
    fun `that older ones come, or do not, is said above the oldest`() {
        show(many(3))
        many(3) { copy(hasOlder = true, isLoadingOlder = true) }
        compose.onNodeWithContentDescription("Loading older messages").assertIsDisplayed()
        many(3) { copy(hasOlder = true, olderFailure = ChatException.Offline(Problem.OFFLINE)) }
        val asked = older
        text("Older messages couldn’t be loaded. Tap to try again.").assertIsDisplayed().performClick()
        assertEquals(asked + 1, older)
        many(3) { this }
        text("Older messages couldn’t be loaded. Tap to try again.").assertDoesNotExist()
    }

    @Test
    fun `what has been on the screen has been read, and nothing more`() {
        anchor = ScrollAnchor(MessageKey(20), offset = 0)
        show(many(60))
        compose.waitForIdle()
        // The next one peeps into the space below.
        assertTrue("$read", read.single() in 20..21)
        scrollTo("message 30")
        assertTrue("$read", read.last() in 30..45)
        compose.activityRule.scenario.moveToState(Lifecycle.State.CREATED)
        val before = read.toList()
        change(many(61))
        assertEquals(before, read)
        compose.activityRule.scenario.moveToState(Lifecycle.State.RESUMED)
        text("1 new message").performClick()
        compose.waitForIdle()
        assertEquals(61L, read.last())
    }

    @Test
    fun `the unread line stands above the first unread message and moves nothing`() {
        show(many(60))
        val mark = UnreadMark(after = 20, count = 40)
        compose.runOnIdle { state = Screens.state(many(60), unread = mark) }
        scrollTo("message 18")
        val line = compose.onNodeWithContentDescription("40 unread messages").assertIsDisplayed().fetchSemanticsNode()
        assertTrue(line.positionInRoot.y < topOf("message 21"))
        assertTrue(line.positionInRoot.y > topOf("message 20"))
        compose.runOnIdle { state = Screens.state(many(63), unread = mark) }
        compose.waitForIdle()
        val after = compose.onNodeWithContentDescription("40 unread messages").fetchSemanticsNode()
        assertEquals(line.positionInRoot, after.positionInRoot)
    }
}
