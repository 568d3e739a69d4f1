package chat.core.compose

import androidx.activity.ComponentActivity
import androidx.compose.foundation.text.input.TextFieldState
import androidx.compose.runtime.CompositionLocalProvider
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import androidx.compose.runtime.snapshots.Snapshot
import androidx.compose.ui.geometry.Rect
import androidx.compose.ui.platform.LocalDensity
import androidx.compose.ui.platform.LocalLayoutDirection
import androidx.compose.ui.semantics.SemanticsActions
import androidx.compose.ui.semantics.SemanticsNode
import androidx.compose.ui.semantics.SemanticsProperties
import androidx.compose.ui.semantics.getOrNull
import androidx.compose.ui.test.SemanticsMatcher
import androidx.compose.ui.test.hasContentDescription
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.isHeading
import androidx.compose.ui.test.isRoot
import androidx.compose.ui.test.junit4.v2.createAndroidComposeRule
import androidx.compose.ui.test.longClick
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performTouchInput
import androidx.compose.ui.text.TextLayoutResult
import androidx.compose.ui.unit.Density
import androidx.compose.ui.unit.LayoutDirection
import androidx.compose.ui.unit.dp
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.ChatException
import chat.core.ChatUiState
import chat.core.Connection
import chat.core.EndReason
import chat.core.Problem
import chat.core.Transport
import chat.core.UnreadMark
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

/** For whoever reads with their ears, with large letters, from the right, or has large fingers. */
@RunWith(AndroidJUnit4::class)
@Config(qualifiers = SCREEN)
class AccessibilityTest {
    @get:Rule(order = 0)
    val activity = BareActivity()

    @get:Rule(order = 1)
    val compose = createAndroidComposeRule<ComponentActivity>()

    private var state by mutableStateOf(ChatUiState())
    private var fontScale by mutableStateOf(1f)
    private var direction by mutableStateOf(LayoutDirection.Ltr)
    private var composer by mutableStateOf(ComposerState())
    private val offline = Connection.Waiting(Problem.OFFLINE, attempt = 2, retryIn = 4.seconds)

    /** All there is to see, one after the other. */
    private val states = mapOf(
        "trouble" to Screens.state(Screens.troubled(korean = false), connection = offline),
        "changes" to Screens.state(Screens.changed(korean = false), unread = UnreadMark(after = 2, count = 44))
            .copy(hasOlder = true, olderFailure = ChatException.Offline(Problem.OFFLINE)),
        "long" to Screens.state(listOf(exampleMessage(1, List(30) { "line $it" }.joinToString("\n")))),
        "empty" to Screens.state(emptyList()),
        "offline and empty" to Screens.state(emptyList(), connection = offline),
        "signed out" to
            Screens.state(Screens.conversation(false), connection = Connection.Ended(EndReason.SESSION_ENDED)),
        "closed" to Screens.state(Screens.conversation(false), connection = Connection.Ended(EndReason.NOT_A_MEMBER)),
        "failure" to ChatUiState(isLoading = false, failure = ChatException.CacheTooNew())
    )

    private fun show(first: ChatUiState = states.values.first()) {
        state = first
        compose.setContent {
            val density = LocalDensity.current.density
            CompositionLocalProvider(
                LocalDensity provides Density(density, fontScale),
                LocalLayoutDirection provides direction
            ) {
                ChatTheme {
                    ChatScreen(state, "A room with a name of some length", composer, ChatActions { onSignIn = {} })
                }
            }
        }
        compose.waitForIdle()
    }

    private fun each(check: (String) -> Unit) {
        for ((name, next) in states) {
            for (draft in listOf("", "안녕".repeat(2_001))) {
                compose.runOnIdle {
                    state = next
                    composer = ComposerState(TextFieldState(draft))
                }
                compose.waitForIdle()
                check(if (draft.isEmpty()) name else "$name, with a long draft")
            }
        }
    }

    private fun nodes(matcher: SemanticsMatcher): List<SemanticsNode> =
        compose.onAllNodes(matcher, useUnmergedTree = true).fetchSemanticsNodes()

    private val clickable = SemanticsMatcher("can be tapped") { SemanticsActions.OnClick in it.config }

    private fun SemanticsNode.says(): String {
        val texts = config.getOrNull(SemanticsProperties.Text).orEmpty().map { it.text }
        return (texts + config.getOrNull(SemanticsProperties.ContentDescription).orEmpty()).joinToString().take(40)
    }

    @Test
    fun `whatever can be tapped is large enough for a finger, in each state`() {
        show()
        val smallest = with(compose.density) { 48.dp.toPx() }
        each { name ->
            val found = nodes(clickable)
            for (node in found) {
                val touch = node.touchBoundsInRoot
                // What the edge of the list cuts off can be scrolled to.
                val isCut = node.boundsInRoot.height < node.size.height
                val isLarge = touch.width >= smallest - 1 && touch.height >= smallest - 1
                assertTrue("$name: ${node.says()} has $touch", isLarge || isCut)
            }
        }
    }

    @Test
    @Config(qualifiers = "w320dp-h568dp-xhdpi")
    fun `letters twice as large fit on a small phone, none cut off and none upon the other`() {
        fontScale = 2f
        show()
        each { name ->
            val texts = nodes(SemanticsMatcher.keyIsDefined(SemanticsActions.GetTextLayoutResult))
            assertTrue(name, texts.isNotEmpty())
            for (node in texts) assertTrue("$name: “${node.says()}” is cut off", node.isWhole())
            // The field stands where its hint does.
            val shown = texts.filter { !it.boundsInRoot.isEmpty && SemanticsProperties.EditableText !in it.config }
            for ((index, one) in shown.withIndex()) {
                for (other in shown.drop(index + 1)) {
                    assertTrue("$name: “${one.says()}” and “${other.says()}”", !one.covers(other))
                }
            }
        }
    }

    /** Whether all of its lines are drawn, in width and height; one that ends in an ellipsis means to. */
    private fun SemanticsNode.isWhole(): Boolean {
        val results = mutableListOf<TextLayoutResult>()
        config[SemanticsActions.GetTextLayoutResult].action?.invoke(results)
        val layout = results.singleOrNull() ?: return true
        // What scrolls, and what folds, has more than one sees.
        if (SemanticsProperties.EditableText in config || layout.layoutInput.maxLines < Int.MAX_VALUE) return true
        val widest = (0 until layout.lineCount).maxOf { layout.getLineRight(it) - layout.getLineLeft(it) }
        return layout.multiParagraph.height <= size.height + 1 && widest <= size.width + 1
    }

    private fun SemanticsNode.covers(other: SemanticsNode): Boolean {
        val common: Rect = boundsInRoot.intersect(other.boundsInRoot)
        return common.width > 1 && common.height > 1
    }

    @Test
    fun `from the right to the left one's own bubbles are on the left`() {
        direction = LayoutDirection.Rtl
        show(Screens.state(listOf(exampleMessage(1, "theirs"), exampleMessage(2, "mine", sender = "alice"))))
        val middle = compose.onNode(isRoot()).fetchSemanticsNode().size.width / 2
        assertTrue(compose.onNodeWithText("mine").fetchSemanticsNode().boundsInRoot.center.x < middle)
        assertTrue(compose.onNodeWithText("theirs").fetchSemanticsNode().boundsInRoot.center.x > middle)
        assertTrue(compose.onNodeWithTag("send").fetchSemanticsNode().boundsInRoot.center.x < middle)
    }

    @Test
    fun `days and the unread line are headings, and a message is said in one go`() {
        show(Screens.state(Screens.changed(korean = false), unread = UnreadMark(after = 2, count = 44)))
        val headings = nodes(isHeading()).map { it.says() }
        assertTrue("$headings", headings.containsAll(listOf("August 7, 2024", "44 unread messages")))
        val bubble = compose.onNode(hasContentDescription("carol, 10:31 AM: I may be", substring = true))
        assertEquals(0, bubble.fetchSemanticsNode().children.count { it.layoutInfo.isPlaced })
    }

    @Test
    fun `what is read comes in the order of the screen, from the top to the bottom`() {
        show(Screens.state(List(5) { exampleMessage(it + 1L) }))
        val tops = (1..5).map { compose.onNodeWithText("message $it").fetchSemanticsNode().positionInRoot.y }
        assertEquals(tops.sorted(), tops)
        val lowest = compose.onNodeWithTag("draft").fetchSemanticsNode().positionInRoot.y
        assertTrue(lowest > tops.last())
        // Nothing says another order than that of the places: neither index nor group.
        val ordered = SemanticsMatcher("has a place of its own") {
            it.config.getOrNull(SemanticsProperties.TraversalIndex) ?: 0f != 0f
        }
        assertEquals(emptyList<SemanticsNode>(), nodes(ordered))
    }

    private fun announced() = nodes(SemanticsMatcher.keyIsDefined(SemanticsProperties.LiveRegion)).map { it.says() }

    /** Half a second with another state. */
    private fun pass(next: ChatUiState) {
        compose.runOnUiThread {
            state = next
            Snapshot.sendApplyNotifications()
        }
        compose.mainClock.advanceTimeBy(500)
    }

    @Test
    fun `what others say is announced, and nothing else is`() {
        val messages = List(3) { exampleMessage(it + 1L) }
        show(Screens.state(messages))
        compose.mainClock.autoAdvance = false
        val quiet = announced()
        pass(state.copy(connection = Connection.Live(Transport.SSE)))
        assertEquals(quiet, announced())
        val mine = exampleMessage(4, "mine", "alice")
        pass(Screens.state(messages + mine))
        assertEquals(quiet, announced())
        pass(Screens.state(messages + mine + exampleMessage(5, "hello")))
        assertEquals(listOf("New message. bob: hello"), announced() - quiet.toSet())
        compose.mainClock.advanceTimeBy(5_000)
        assertEquals(quiet, announced())
    }

    @Test
    fun `what is deleted while it is being announced is not said any longer`() {
        val messages = List(3) { exampleMessage(it + 1L) }
        show(Screens.state(messages))
        compose.mainClock.autoAdvance = false
        val quiet = announced()
        pass(Screens.state(messages + exampleMessage(4, "hello")))
        assertEquals(listOf("New message. bob: hello"), announced() - quiet.toSet())
        pass(Screens.state(messages + exampleMessage(4, "").copy(isDeleted = true)))
        compose.mainClock.advanceTimeBy(5_000)
        assertEquals(quiet, announced())
    }

    @Test
    fun `the menu's items are large enough for a finger too`() {
        show(Screens.state(listOf(exampleMessage(2, "mine", sender = "alice"))))
        compose.onNodeWithText("mine").performTouchInput { longClick() }
        val smallest = with(compose.density) { 48.dp.toPx() }
        val items = nodes(clickable and (hasText("Edit") or hasText("Copy") or hasText("Delete")))
        for (item in items) assertTrue(item.says(), item.touchBoundsInRoot.height >= smallest - 1)
        compose.onNodeWithText("Edit").performClick()
        compose.waitForIdle()
        for (node in nodes(clickable)) {
            assertTrue("${node.says()} has ${node.touchBoundsInRoot}", node.touchBoundsInRoot.height >= smallest - 1)
        }
    }
}
