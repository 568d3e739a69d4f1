package chat.core.compose

import androidx.activity.ComponentActivity
import androidx.compose.foundation.text.input.TextFieldState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.test.ExperimentalTestApi
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.assertIsEnabled
import androidx.compose.ui.test.assertIsFocused
import androidx.compose.ui.test.assertIsNotEnabled
import androidx.compose.ui.test.assertTextContains
import androidx.compose.ui.test.junit4.StateRestorationTester
import androidx.compose.ui.test.junit4.v2.createAndroidComposeRule
import androidx.compose.ui.test.longClick
import androidx.compose.ui.test.onNodeWithContentDescription
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performTextInput
import androidx.compose.ui.test.performTextReplacement
import androidx.compose.ui.test.performTouchInput
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.ChatUiState
import chat.core.fixtures.BareActivity
import chat.core.fixtures.SCREEN
import chat.core.testing.exampleMessage
import org.junit.Assert.assertEquals
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.annotation.Config

/** Another text for one's own message: written where messages are written, and never lost. */
@OptIn(ExperimentalTestApi::class)
@RunWith(AndroidJUnit4::class)
@Config(qualifiers = SCREEN)
class EditTest {
    @get:Rule(order = 0)
    val activity = BareActivity()

    @get:Rule(order = 1)
    val compose = createAndroidComposeRule<ComponentActivity>()

    private val mine = exampleMessage(2, "mine", sender = "alice")
    private var state by mutableStateOf(Screens.state(listOf(exampleMessage(1, "theirs"), mine)))
    private val draft = TextFieldState()
    private lateinit var composer: ComposerState
    private val done = mutableListOf<String>()
    private lateinit var restore: () -> Unit
    private val box get() = compose.onNodeWithTag("edit")
    private val save get() = compose.onNodeWithContentDescription("Save")

    private fun text(text: String) = compose.onNodeWithText(text)

    private fun show() = with(StateRestorationTester(compose)) {
        restore = ::emulateSavedInstanceStateRestore
        setContent {
            composer = rememberComposerState(remember { draft })
            val actions = remember { ChatActions { onEdit = { key, text -> done += "edit $key $text" } } }
            ChatTheme { ChatScreen(state, "Room 1", composer, actions) }
        }
    }

    private fun begin() {
        text("mine").performTouchInput { longClick() }
        text("Edit").performClick()
        compose.waitForIdle()
    }

    @Test
    fun `an edit begins with the text there is, and is saved when it is another one`() {
        show()
        begin()
        text("Edit message").assertIsDisplayed()
        box.assertTextContains("mine").assertIsFocused()
        save.assertIsNotEnabled()
        box.performTextReplacement(" \u3000")
        save.assertIsNotEnabled()
        box.performTextReplacement("mine, better")
        save.assertIsEnabled().performClick()
        assertEquals(listOf("edit 2 mine, better"), done)
        // Whoever stores it says so; until then it stays.
        box.assertTextContains("mine, better")
        compose.runOnIdle { composer.endEdit() }
        text("Edit message").assertDoesNotExist()
    }

    @Test
    fun `what was being written waits until the edit is over`() {
        show()
        compose.onNodeWithTag("draft").performTextInput("half a thought")
        begin()
        text("half a thought").assertDoesNotExist()
        box.performTextInput("!")
        compose.onNodeWithContentDescription("Cancel").performClick()
        compose.onNodeWithTag("draft").assertTextContains("half a thought")
        assertEquals(emptyList<String>(), done)
    }

    @Test
    fun `the back button leaves the edit and not the chat`() {
        show()
        begin()
        compose.runOnUiThread { compose.activity.onBackPressedDispatcher.onBackPressed() }
        compose.waitForIdle()
        text("Edit message").assertDoesNotExist()
        assertEquals(false, compose.activity.isFinishing)
    }

    @Test
    fun `a turned phone keeps the edit and what is typed, and so does the end of the process`() {
        show()
        begin()
        box.performTextReplacement("mine, better")
        restore()
        box.assertTextContains("mine, better")
        // The next process begins without a message.
        compose.runOnIdle { state = ChatUiState() }
        restore()
        box.assertTextContains("mine, better")
        compose.runOnIdle { state = Screens.state(listOf(mine)) }
        save.assertIsEnabled().performClick()
        assertEquals(listOf("edit 2 mine, better"), done)
    }

    @Test
    fun `a message that is gone meanwhile takes nothing of the text along`() {
        show()
        begin()
        box.performTextReplacement("mine, better")
        compose.runOnIdle { state = Screens.state(listOf(mine.copy(text = "", isDeleted = true))) }
        box.assertTextContains("mine, better")
        compose.runOnIdle { state = Screens.state(emptyList()) }
        box.assertTextContains("mine, better")
    }
}
