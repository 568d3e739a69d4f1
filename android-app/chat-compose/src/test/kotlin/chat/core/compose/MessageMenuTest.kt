package chat.core.compose

import android.content.ClipboardManager
import androidx.activity.ComponentActivity
import androidx.compose.foundation.text.input.TextFieldState
import androidx.compose.runtime.Composable
import androidx.compose.runtime.remember
import androidx.compose.ui.input.key.Key
import androidx.compose.ui.semantics.SemanticsActions
import androidx.compose.ui.semantics.SemanticsNode
import androidx.compose.ui.test.ExperimentalTestApi
import androidx.compose.ui.test.SemanticsNodeInteraction
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.assertIsFocused
import androidx.compose.ui.test.assertIsNotEnabled
import androidx.compose.ui.test.junit4.StateRestorationTester
import androidx.compose.ui.test.junit4.v2.createAndroidComposeRule
import androidx.compose.ui.test.longClick
import androidx.compose.ui.test.onAllNodesWithText
import androidx.compose.ui.test.onNodeWithContentDescription
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performKeyInput
import androidx.compose.ui.test.performMouseInput
import androidx.compose.ui.test.performSemanticsAction
import androidx.compose.ui.test.performTextReplacement
import androidx.compose.ui.test.performTouchInput
import androidx.compose.ui.test.pressKey
import androidx.compose.ui.test.requestFocus
import androidx.compose.ui.test.rightClick
import androidx.compose.ui.test.withKeyDown
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.Change
import chat.core.Delivery
import chat.core.FailureReason
import chat.core.Message
import chat.core.fixtures.BareActivity
import chat.core.fixtures.SCREEN
import chat.core.testing.exampleMessage
import org.junit.Assert.assertEquals
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.annotation.Config

/** What can be done with a message: by a long press, and by a screen reader. */
@OptIn(ExperimentalTestApi::class)
@RunWith(AndroidJUnit4::class)
@Config(qualifiers = SCREEN)
class MessageMenuTest {
    @get:Rule(order = 0)
    val activity = BareActivity()

    @get:Rule(order = 1)
    val compose = createAndroidComposeRule<ComponentActivity>()

    private val done = mutableListOf<String>()
    private val theirs = exampleMessage(1, "theirs")
    private val mine = exampleMessage(2, "mine", sender = "alice")
    private val refused = Delivery.Failed(FailureReason.REFUSED)
    private val refusedChange = Change.Failed(FailureReason.REFUSED)

    /** The screen goes and another one comes, as when the phone is turned. */
    private lateinit var restore: () -> Unit

    private fun show(vararg messages: Message) = with(StateRestorationTester(compose)) {
        restore = ::emulateSavedInstanceStateRestore
        setContent { Chat(messages.toList()) }
    }

    @Composable
    private fun Chat(messages: List<Message>) {
        ChatTheme {
            ChatScreen(
                state = Screens.state(messages),
                title = "Room 1",
                composer = rememberComposerState(remember { TextFieldState() }),
                actions = ChatActions {
                    onEdit = { key, text -> done += "edit $key $text" }
                    onDelete = { done += "delete $it" }
                    onRetry = { done += "retry $it" }
                    onDiscard = { done += "discard $it" }
                }
            )
        }
    }

    private fun text(text: String) = compose.onNodeWithText(text)

    private fun press(text: String) = text(text).performTouchInput { longClick() }

    /** What a screen reader offers for the message. */
    private fun SemanticsNodeInteraction.offers() =
        fetchSemanticsNode().config[SemanticsActions.CustomActions].map { it.label }

    private fun SemanticsNode.longPressLabel() = config[SemanticsActions.OnLongClick].label

    private fun opens(message: String, what: String, open: SemanticsNodeInteraction.() -> Unit) {
        compose.onNodeWithText(message).open()
        compose.waitForIdle()
        assertEquals(what, 1, compose.onAllNodesWithText("Copy").fetchSemanticsNodes().size)
        compose.onNodeWithText("Copy").performClick()
        compose.waitForIdle()
        compose.onNodeWithText("Copy").assertDoesNotExist()
    }

    @Test
    fun `a message is reached by keys, and those that open menus open its menu`() {
        show(theirs, mine)
        for (name in listOf("theirs", "mine")) {
            opens(name, "Enter") { requestFocus().assertIsFocused().performKeyInput { pressKey(Key.Enter) } }
            opens(name, "Menu") { requestFocus().performKeyInput { pressKey(Key.Menu) } }
            opens(name, "Shift and F10") {
                requestFocus().performKeyInput { withKeyDown(Key.ShiftLeft) { pressKey(Key.F10) } }
            }
        }
        assertEquals(emptyList<String>(), done)
    }

    @Test
    fun `the right button of a mouse opens the menu, and tries nothing again`() {
        show(theirs, mine.copy(delivery = refused))
        opens("theirs", "the right button") { performMouseInput { rightClick() } }
        opens("mine", "the right button") { performMouseInput { rightClick() } }
        assertEquals(emptyList<String>(), done)
    }

    @Test
    fun `a long press on one's own message offers to delete it, and asks once more`() {
        show(theirs, mine)
        press("mine")
        text("Edit").assertIsDisplayed()
        text("Copy").assertIsDisplayed()
        text("Delete").performClick()
        compose.waitForIdle()
        text("Delete message?").assertIsDisplayed()
        assertEquals(emptyList<String>(), done)
        text("Delete").performClick()
        compose.waitForIdle()
        text("Delete message?").assertDoesNotExist()
        assertEquals(listOf("delete 2"), done)
    }

    @Test
    fun `whoever thinks better of it deletes nothing`() {
        show(theirs, mine)
        press("mine")
        text("Delete").performClick()
        text("Cancel").performClick()
        compose.waitForIdle()
        text("Delete message?").assertDoesNotExist()
        assertEquals(emptyList<String>(), done)
    }

    @Test
    fun `the question is still there when the phone was turned`() {
        show(theirs, mine)
        press("mine")
        text("Delete").performClick()
        compose.waitForIdle()
        restore()
        text("Delete message?").assertIsDisplayed()
        text("Delete").performClick()
        assertEquals(listOf("delete 2"), done)
    }

    @Test
    fun `of others' messages one can have a copy`() {
        show(theirs, mine)
        press("theirs")
        text("Edit").assertDoesNotExist()
        text("Delete").assertDoesNotExist()
        text("Copy").performClick()
        compose.waitForIdle()
        val clipboard = compose.activity.getSystemService(ClipboardManager::class.java)
        assertEquals("theirs", clipboard?.primaryClip?.getItemAt(0)?.text)
    }

    @Test
    fun `what waits to be sent can be taken back, and what is on its way deleted`() {
        show(
            mine.copy(text = "waiting", delivery = Delivery.Pending),
            exampleMessage(3, "going", sender = "alice").copy(delivery = Delivery.Sending)
        )
        press("waiting")
        text("Delete").assertDoesNotExist()
        text("Discard").performClick()
        text("Discard").performClick()
        compose.waitForIdle()
        press("going")
        text("Discard").assertDoesNotExist()
        text("Delete").performClick()
        text("Delete").performClick()
        assertEquals(listOf("discard 2", "delete 3"), done)
    }

    @Test
    fun `a refused message has a menu too, and a tap still tries it again`() {
        show(mine.copy(delivery = refused))
        text("mine").performClick()
        press("mine")
        text("Edit").performClick()
        compose.onNodeWithTag("edit").performTextReplacement("mine, milder")
        compose.onNodeWithContentDescription("Save").performClick()
        assertEquals(listOf("retry 2", "edit 2 mine, milder"), done)
    }

    @Test
    fun `a refused change says so, and can be tried again or undone`() {
        show(mine.copy(change = refusedChange))
        text("The server refused the change").assertIsDisplayed()
        text("Try again").performClick()
        text("Undo change").performClick()
        assertEquals(listOf("retry 2", "discard 2"), done)
        compose.onNodeWithContentDescription("You, 10:30 AM: mine. The change was refused").assertIsDisplayed()
    }

    @Test
    fun `a change on its way is said to a screen reader`() {
        show(mine.copy(isEdited = true, change = Change.Pending))
        compose.onNodeWithContentDescription(
            "You, 10:30 AM: mine (edited). The change is being saved"
        ).assertIsDisplayed()
    }

    @Test
    fun `of a deleted message nothing is offered`() {
        show(mine.copy(text = "", isDeleted = true))
        press("Message deleted")
        text("Copy").assertDoesNotExist()
        val node = compose.onNodeWithContentDescription("You, 10:30 AM: Message deleted. Sent").fetchSemanticsNode()
        assertEquals(false, SemanticsActions.OnLongClick in node.config)
    }

    @Test
    fun `a screen reader offers what the menu does`() {
        show(theirs, mine)
        val own = compose.onNodeWithContentDescription("You, 10:30 AM: mine. Sent")
        assertEquals(listOf("Edit", "Copy", "Delete"), own.offers())
        assertEquals(listOf("Copy"), compose.onNodeWithContentDescription("bob, 10:30 AM: theirs").offers())
        assertEquals("Message actions", own.fetchSemanticsNode().longPressLabel())
        compose.runOnIdle { own.fetchSemanticsNode().config[SemanticsActions.CustomActions].last().action() }
        text("Delete").performClick()
        assertEquals(listOf("delete 2"), done)
        own.performSemanticsAction(SemanticsActions.OnLongClick)
        text("Edit").assertIsDisplayed()
    }

    @Test
    @Config(qualifiers = "+ko-rKR")
    fun `in Korean too`() {
        show(theirs, mine, exampleMessage(3, "거절", sender = "alice").copy(delivery = refused))
        val own = compose.onNodeWithContentDescription("나, 10:30 AM: mine. 전송됨")
        assertEquals(listOf("수정", "복사", "삭제"), own.offers())
        val failed = compose.onNodeWithContentDescription("나, 10:30 AM: 거절. 전송 실패. 탭하여 다시 시도하세요.")
        assertEquals(listOf("다시 시도", "수정", "복사", "전송 취소"), failed.offers())
        press("mine")
        text("수정").performClick()
        text("메시지 수정").assertIsDisplayed()
        compose.onNodeWithContentDescription("저장").assertIsNotEnabled()
    }
}
