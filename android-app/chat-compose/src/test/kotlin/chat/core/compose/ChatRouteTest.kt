package chat.core.compose

import android.content.Intent
import android.provider.Settings
import androidx.activity.ComponentActivity
import androidx.compose.material3.IconButton
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.semantics.SemanticsProperties
import androidx.compose.ui.semantics.getOrNull
import androidx.compose.ui.test.SemanticsMatcher
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.assertIsEnabled
import androidx.compose.ui.test.assertIsNotEnabled
import androidx.compose.ui.test.assertTextContains
import androidx.compose.ui.test.junit4.v2.createAndroidComposeRule
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performTextInput
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.ChatException
import chat.core.ChatViewModel
import chat.core.fixtures.BareActivity
import chat.core.fixtures.SCREEN
import chat.core.testing.FakeChatRoom
import chat.core.testing.exampleMessage
import java.util.TimeZone
import kotlinx.coroutines.CompletableDeferred
import org.junit.Assert.assertEquals
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.annotation.Config

/** The screen with its view model on a room that stores when it is told to. */
@RunWith(AndroidJUnit4::class)
@Config(qualifiers = SCREEN)
class ChatRouteTest {
    @get:Rule(order = 0)
    val activity = BareActivity()

    @get:Rule(order = 1)
    val compose = createAndroidComposeRule<ComponentActivity>()

    private val room = FakeChatRoom()
    private val draft get() = compose.onNodeWithTag("draft")
    private val send get() = compose.onNodeWithTag("send")

    private fun show(navigationIcon: @Composable () -> Unit = {}) {
        val model = ChatViewModel({ room }, Screens.english)
        compose.setContent { ChatTheme { ChatRoute(model, title = "Room 1", navigationIcon = navigationIcon) } }
        compose.waitForIdle()
    }

    @Test
    fun `an app puts its way back before the title`() {
        var back = 0
        show { IconButton(onClick = { back++ }) { Text("<") } }
        compose.onNodeWithText("<").assertIsDisplayed().performClick()
        assertEquals(1, back)
    }

    @Test
    fun `the box is emptied when the text is stored, and not before`() {
        show()
        room.storing = CompletableDeferred()
        draft.performTextInput("hello")
        send.performClick()
        compose.waitForIdle()
        draft.assertTextContains("hello")
        room.storing.complete(Unit)
        compose.waitForIdle()
        compose.onNodeWithText("Message").assertIsDisplayed()
        assertEquals(listOf("hello"), room.sent)
    }

    @Test
    fun `what is typed while the text is being stored stays`() {
        show()
        room.storing = CompletableDeferred()
        draft.performTextInput("hello")
        send.performClick()
        draft.performTextInput(" and more")
        room.storing.complete(Unit)
        compose.waitForIdle()
        draft.assertTextContains(" and more")
        assertEquals(listOf("hello"), room.sent)
    }

    @Test
    fun `a second tap is no second message`() {
        show()
        room.storing = CompletableDeferred()
        draft.performTextInput("once")
        send.assertIsEnabled().performClick()
        compose.waitForIdle()
        send.assertIsNotEnabled().performClick()
        room.storing.complete(Unit)
        compose.waitForIdle()
        assertEquals(listOf("once"), room.sent)
    }

    @Test
    fun `what could not be stored stays in the box, and one is told`() {
        show()
        room.storing = CompletableDeferred<Unit>().apply { completeExceptionally(ChatException.Storage("no space")) }
        draft.performTextInput("keep me")
        send.performClick()
        compose.onNodeWithText("couldn’t be saved", substring = true).assertIsDisplayed()
        draft.assertTextContains("keep me")
        send.assertIsEnabled()
    }

    @Test
    fun `the clock of the phone is followed, its zone and its hours`() {
        val home = TimeZone.getDefault()
        try {
            TimeZone.setDefault(TimeZone.getTimeZone("Asia/Seoul"))
            room.show(listOf(exampleMessage(1, "what time is it?")))
            show()
            shows("bob, 10:30 AM: what time is it?")
            TimeZone.setDefault(TimeZone.getTimeZone("Europe/Berlin"))
            compose.activity.sendBroadcast(Intent(Intent.ACTION_TIMEZONE_CHANGED))
            shows("bob, 3:30 AM: what time is it?")
            Settings.System.putString(compose.activity.contentResolver, Settings.System.TIME_12_24, "24")
            compose.activity.sendBroadcast(Intent(Intent.ACTION_TIME_CHANGED))
            shows("bob, 03:30: what time is it?")
        } finally {
            TimeZone.setDefault(home)
        }
    }

    /** Rows are made on another thread, which Compose's own idling does not know of. */
    private fun shows(description: String) {
        val matcher = SemanticsMatcher("described as $description") { node ->
            // Some versions of the locale data put a narrow space before AM.
            val texts = node.config.getOrNull(SemanticsProperties.ContentDescription).orEmpty()
            texts.any { it.replace('\u202F', ' ') == description }
        }
        compose.waitUntil(10_000) { compose.onAllNodes(matcher).fetchSemanticsNodes().isNotEmpty() }
    }
}
