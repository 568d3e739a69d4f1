package chat.core.compose

import androidx.activity.ComponentActivity
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.junit4.v2.createAndroidComposeRule
import androidx.compose.ui.test.onNodeWithText
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.ChatUiState
import chat.core.Connection
import chat.core.Message
import chat.core.fixtures.BareActivity
import chat.core.fixtures.SCREEN
import chat.core.testing.exampleMessage
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.annotation.Config

/** What is composed anew when something changes: the rows that did, and no others. */
@RunWith(AndroidJUnit4::class)
@Config(qualifiers = SCREEN)
class RecompositionTest {
    @get:Rule(order = 0)
    val activity = BareActivity()

    @get:Rule(order = 1)
    val compose = createAndroidComposeRule<ComponentActivity>()

    private var state by mutableStateOf(ChatUiState())

    private val composer = ComposerState()
    private val actions = ChatActions()

    /** Whose rows were composed: each asks for its sender's name, and here each message has a sender of its own. */
    private val composed = mutableListOf<String>()

    private fun show(messages: List<Message>) {
        state = Screens.state(messages)
        compose.setContent {
            ChatTheme {
                ChatScreen(state, "Room 1", composer, actions, displayName = ::name)
            }
        }
        compose.waitForIdle()
        assertTrue("$composed", composed.size >= 5)
        composed.clear()
    }

    private fun name(user: String): String {
        composed += user
        return user
    }

    /** As they come from the core: what has not changed is the same message, in a list of new rows. */
    private fun change(messages: List<Message>): Set<String> {
        compose.runOnIdle { state = Screens.state(messages) }
        compose.waitForIdle()
        return composed.toSet().also { composed.clear() }
    }

    private val messages = List(40) { exampleMessage(it + 1L, sender = "user ${it + 1}") }

    @Test
    fun `a new message has none of the other rows composed anew`() {
        show(messages)
        assertEquals(setOf("user 41"), change(messages + exampleMessage(41, sender = "user 41")))
        compose.onNodeWithText("message 41").assertIsDisplayed()
    }

    @Test
    fun `a message that changes is composed anew, and nothing else`() {
        show(messages)
        val edited = messages.map { if (it.key.value == 38L) it.copy(text = "better", isEdited = true) else it }
        assertEquals(setOf("user 38"), change(edited))
        compose.onNodeWithText("better").assertIsDisplayed()
    }

    @Test
    fun `what changes around the rows leaves them alone`() {
        show(messages)
        compose.runOnIdle { state = state.copy(connection = Connection.Connecting, unread = 3) }
        compose.waitForIdle()
        assertEquals(emptyList<String>(), composed)
    }
}
