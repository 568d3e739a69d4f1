package chat.core.compose

import android.view.KeyEvent as AndroidKeyEvent
import android.view.View
import android.view.ViewGroup
import android.view.inputmethod.EditorInfo
import androidx.activity.ComponentActivity
import androidx.compose.ui.input.key.Key
import androidx.compose.ui.semantics.SemanticsActions
import androidx.compose.ui.semantics.SemanticsProperties
import androidx.compose.ui.semantics.getOrNull
import androidx.compose.ui.test.ExperimentalTestApi
import androidx.compose.ui.test.SemanticsMatcher
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.assertTextContains
import androidx.compose.ui.test.junit4.v2.createAndroidComposeRule
import androidx.compose.ui.test.onNodeWithContentDescription
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performKeyInput
import androidx.compose.ui.test.performSemanticsAction
import androidx.compose.ui.test.performTextInput
import androidx.compose.ui.test.performTextReplacement
import androidx.compose.ui.test.pressKey
import androidx.compose.ui.test.withKeyDown
import androidx.compose.ui.text.TextLayoutResult
import androidx.compose.ui.unit.dp
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.fixtures.BareActivity
import chat.core.fixtures.SCREEN
import chat.core.testing.exampleMessage
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotNull
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.annotation.Config

/** Where one writes: keyboards with keys, keyboards on the screen, and what is too long. */
@OptIn(ExperimentalTestApi::class)
@RunWith(AndroidJUnit4::class)
@Config(qualifiers = SCREEN)
class InputTest {
    @get:Rule(order = 0)
    val activity = BareActivity()

    @get:Rule(order = 1)
    val compose = createAndroidComposeRule<ComponentActivity>()

    private val composer = ComposerState()
    private val sent = mutableListOf<String>()
    private val box get() = compose.onNodeWithTag("draft")

    private fun show() = compose.setContent {
        ChatTheme {
            ChatScreen(
                state = Screens.state(listOf(exampleMessage(1), exampleMessage(2, "mine", "alice"))),
                title = "Room 1",
                composer = composer,
                actions = ChatActions { onSend = { sent += it } }
            )
        }
    }

    @Test
    fun `Enter sends, with and without Ctrl, and Shift and Enter is a new line`() {
        show()
        box.performTextInput("one")
        box.performKeyInput { withKeyDown(Key.ShiftLeft) { pressKey(Key.Enter) } }
        box.performTextInput("two")
        assertEquals(emptyList<String>(), sent)
        box.performKeyInput { pressKey(Key.Enter) }
        assertEquals(listOf("one\ntwo"), sent)
        box.performKeyInput { withKeyDown(Key.CtrlLeft) { pressKey(Key.Enter) } }
        assertEquals(listOf("one\ntwo", "one\ntwo"), sent)
    }

    @Test
    fun `Enter sends nothing that the button would not`() {
        show()
        box.performTextInput("\u3000 ")
        box.performKeyInput { pressKey(Key.Enter) }
        assertEquals(emptyList<String>(), sent)
        assertEquals("\u3000 ", composer.draft.text.toString())
    }

    @Test
    fun `the Enter of a keyboard on the screen is a new line, and its way to send sends`() {
        show()
        box.performClick()
        box.performTextInput("one")
        val info = EditorInfo()
        val view = compose.runOnIdle { checkNotNull(compose.activity.window.decorView.editor(info)) }
        assertEquals(EditorInfo.IME_ACTION_SEND, info.imeOptions and EditorInfo.IME_MASK_ACTION)
        assertEquals(EditorInfo.IME_FLAG_NO_ENTER_ACTION, info.imeOptions and EditorInfo.IME_FLAG_NO_ENTER_ACTION)
        val flags = AndroidKeyEvent.FLAG_SOFT_KEYBOARD
        for (action in listOf(AndroidKeyEvent.ACTION_DOWN, AndroidKeyEvent.ACTION_UP)) {
            val key = AndroidKeyEvent(0, 0, action, AndroidKeyEvent.KEYCODE_ENTER, 0, 0, -1, 0, flags)
            compose.runOnIdle { view.dispatchKeyEvent(key) }
        }
        compose.waitForIdle()
        assertEquals(emptyList<String>(), sent)
        assertEquals("one\n", composer.draft.text.toString())
        compose.runOnIdle {
            checkNotNull(view.onCreateInputConnection(EditorInfo())).performEditorAction(EditorInfo.IME_ACTION_SEND)
        }
        compose.waitForIdle()
        assertEquals(listOf("one\n"), sent)
    }

    private fun View.editor(info: EditorInfo): View? {
        if (onCreateInputConnection(info) != null) return this
        return (this as? ViewGroup)?.let { group ->
            (0 until group.childCount).firstNotNullOfOrNull { group.getChildAt(it).editor(info) }
        }
    }

    @Test
    fun `a text that is too long says so, to the eye and to the ear`() {
        show()
        box.performTextReplacement("가".repeat(4_000))
        compose.onNodeWithText("Too long to send").assertDoesNotExist()
        box.performTextReplacement("가".repeat(4_001))
        compose.onNodeWithText("Too long to send").assertIsDisplayed()
        compose.onNodeWithContentDescription("4001 of 4000 characters").assertIsDisplayed()
        compose.onNode(SemanticsMatcher.expectValue(SemanticsProperties.Error, "Too long to send")).assertExists()
        val announced = SemanticsMatcher("is announced") { it.config.getOrNull(SemanticsProperties.LiveRegion) != null }
        assertNotNull(
            compose.onNode(
                announced and androidx.compose.ui.test.hasAnyChild(
                    androidx.compose.ui.test.hasText("Too long to send")
                ),
                useUnmergedTree = true
            ).fetchSemanticsNode()
        )
        box.performKeyInput { pressKey(Key.Enter) }
        assertEquals(emptyList<String>(), sent)
    }

    @Test
    fun `many lines are taken, and six of them shown`() {
        show()
        val one = box.fetchSemanticsNode().size.height
        box.performTextReplacement(List(6) { "line" }.joinToString("\n"))
        val six = box.fetchSemanticsNode().size.height
        box.performTextReplacement(List(60) { "line" }.joinToString("\n"))
        val sixty = box.fetchSemanticsNode().size.height
        assert(six > 3 * one) { "$one, $six" }
        assertEquals(six, sixty)
        box.assertTextContains("line\nline", substring = true)
    }

    @Test
    fun `a text from the right begins at the right of the box`() {
        show()
        box.performTextInput("مرحبا")
        val layouts = mutableListOf<TextLayoutResult>()
        box.performSemanticsAction(SemanticsActions.GetTextLayoutResult) { it(layouts) }
        val width = box.fetchSemanticsNode().size.width - with(compose.density) { 2 * 18.dp.toPx() }
        assertEquals(width, layouts.single().getLineRight(0), 2f)
    }

    @Test
    fun `while a text is being stored it is not sent again, by no key either`() {
        show()
        box.performTextInput("once")
        compose.runOnIdle { composer.isSending = true }
        box.performKeyInput { pressKey(Key.Enter) }
        assertEquals(emptyList<String>(), sent)
    }
}
