package chat.core.compose

import android.content.Intent
import android.content.res.Configuration
import android.provider.Settings
import androidx.activity.ComponentActivity
import androidx.compose.material3.IconButton
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.CompositionLocalProvider
import androidx.compose.runtime.getValue
import androidx.compose.runtime.key
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import androidx.compose.ui.platform.LocalConfiguration
import androidx.compose.ui.semantics.SemanticsProperties
import androidx.compose.ui.semantics.getOrNull
import androidx.compose.ui.test.SemanticsMatcher
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.assertIsEnabled
import androidx.compose.ui.test.assertIsNotEnabled
import androidx.compose.ui.test.assertTextContains
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.junit4.v2.createAndroidComposeRule
import androidx.compose.ui.test.longClick
import androidx.compose.ui.test.onAllNodesWithTag
import androidx.compose.ui.test.onAllNodesWithText
import androidx.compose.ui.test.onNodeWithContentDescription
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performScrollToNode
import androidx.compose.ui.test.performTextInput
import androidx.compose.ui.test.performTextReplacement
import androidx.compose.ui.test.performTouchInput
import androidx.lifecycle.Lifecycle
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.ChatEvent
import chat.core.ChatException
import chat.core.ChatViewModel
import chat.core.Connection
import chat.core.EndReason
import chat.core.MessageKey
import chat.core.RoomId
import chat.core.fixtures.BareActivity
import chat.core.fixtures.SCREEN
import chat.core.fixtures.holdsFor
import chat.core.fixtures.waitUntil
import chat.core.testing.FakeChatRoom
import chat.core.testing.exampleMessage
import java.util.TimeZone
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.runBlocking
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
    fun `a draft that was left in the room is in the box, to be typed on`() {
        runBlocking { room.saveDraft("half a") }
        show()
        draft.assertTextContains("half a")
        draft.performTextInput(" thought")
        draft.assertTextContains("half a thought")
        send.performClick()
        compose.waitForIdle()
        assertEquals(listOf("half a thought"), room.sent)
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
    fun `what else fails does not end a send, and an edit does not wait for one`() {
        room.show(listOf(exampleMessage(2, "mine", sender = "alice")))
        val model = ChatViewModel({ room }, Screens.english)
        compose.setContent { ChatTheme { ChatRoute(model, title = "Room 1") } }
        room.storing = CompletableDeferred()
        draft.performTextInput("once")
        send.performClick()
        openEdit("mine")
        compose.onNodeWithTag("edit").performTextReplacement("mine, better")
        compose.onNodeWithContentDescription("Save").assertIsEnabled()
        compose.onNodeWithContentDescription("Cancel").performClick()
        compose.runOnIdle { model.retry(MessageKey(9)) }
        compose.onNodeWithText("That message has changed", substring = true).assertIsDisplayed()
        send.assertIsNotEnabled()
        room.storing.complete(Unit)
        compose.waitForIdle()
        compose.onNodeWithText("Message").assertIsDisplayed()
        assertEquals(listOf("once"), room.sent)
        assertEquals("", model.draft.value)
    }

    @Test
    fun `an app hears of what the screen has acted on`() {
        val heard = mutableListOf<ChatEvent>()
        val model = ChatViewModel({ room }, Screens.english)
        compose.setContent { ChatTheme { ChatRoute(model, title = "Room 1", onEvent = { heard += it }) } }
        draft.performTextInput("hello")
        send.performClick()
        compose.waitForIdle()
        compose.onNodeWithText("Message").assertIsDisplayed()
        assertEquals(listOf<ChatEvent>(ChatEvent.Stored("hello")), heard)
        room.end(EndReason.SESSION_ENDED)
        waitUntil("the app knows") {
            compose.waitForIdle()
            heard.last() == ChatEvent.SessionEnded
        }
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

    private fun openEdit(text: String) {
        // The rows are made on another thread.
        compose.waitUntil(10_000) { compose.onAllNodesWithText(text).fetchSemanticsNodes().isNotEmpty() }
        compose.onNodeWithText(text).performTouchInput { longClick() }
        compose.onNodeWithText("Edit").performClick()
    }

    private fun edit(text: String, better: String) {
        openEdit(text)
        compose.onNodeWithTag("edit").performTextReplacement(better)
        compose.onNodeWithContentDescription("Save").performClick()
        compose.waitForIdle()
    }

    @Test
    fun `an edit is over when it is stored`() {
        room.show(listOf(exampleMessage(2, "mine", sender = "alice")))
        show()
        edit("mine", "mine, better")
        waitUntil("the edit is over") { compose.onAllNodesWithTag("edit").fetchSemanticsNodes().isEmpty() }
        compose.onNodeWithText("mine, better").assertIsDisplayed()
        draft.assertIsDisplayed()
    }

    @Test
    fun `an edit that could not be stored keeps what was typed, and one is told`() {
        room.show(listOf(exampleMessage(2, "mine", sender = "alice")))
        show()
        room.failure = ChatException.StorageFull()
        edit("mine", "mine, better")
        compose.onNodeWithText("couldn’t be done", substring = true).assertIsDisplayed()
        compose.onNodeWithTag("edit").assertTextContains("mine, better")
        compose.onNodeWithContentDescription("Save").assertIsEnabled()
    }

    @Test
    fun `the first frame shows what the cache has`() {
        room.connection.value = Connection.Connecting
        room.show(List(40) { exampleMessage(it + 1L) })
        compose.mainClock.autoAdvance = false
        val model = ChatViewModel({ room }, Screens.english)
        compose.setContent { ChatTheme { ChatRoute(model, title = "Room 1") } }
        compose.mainClock.advanceTimeByFrame()
        compose.onNodeWithText("message 40").assertIsDisplayed()
        compose.onNodeWithContentDescription("Loading messages").assertDoesNotExist()
    }

    @Test
    fun `another screen takes nothing out of the box that it did not send`() {
        val model = ChatViewModel({ room }, Screens.english)
        var screen by mutableStateOf(1)
        compose.setContent { key(screen) { ChatTheme { ChatRoute(model, title = "Room 1") } } }
        room.storing = CompletableDeferred()
        draft.performTextInput("ha")
        send.performClick()
        draft.performTextInput("ha")
        compose.waitForIdle()
        // Stored behind the back of the first screen: the event waits for the second one.
        compose.mainClock.autoAdvance = false
        compose.runOnUiThread {
            room.storing.complete(Unit)
            screen = 2
        }
        compose.mainClock.autoAdvance = true
        compose.waitForIdle()
        draft.assertTextContains("ha")
        assertEquals("ha", model.draft.value)
    }

    private fun polls(pollers: Int) = waitUntil("$pollers poll") {
        compose.waitForIdle()
        room.pollers == pollers
    }

    @Test
    fun `it polls while the screen is started, without a word of the app's`() {
        var isShown by mutableStateOf(true)
        val model = ChatViewModel({ room }, Screens.english)
        compose.setContent { if (isShown) ChatTheme { ChatRoute(model, title = "Room 1") } }
        polls(1)
        compose.activityRule.scenario.moveToState(Lifecycle.State.CREATED)
        polls(0)
        compose.activityRule.scenario.moveToState(Lifecycle.State.RESUMED)
        polls(1)
        compose.runOnIdle { isShown = false }
        polls(0)
        compose.runOnIdle { isShown = true }
        polls(1)
    }

    @Test
    fun `of two screens the one that goes does not stop the one that came`() {
        var screens by mutableStateOf(listOf(1))
        val model = ChatViewModel({ room }, Screens.english)
        compose.setContent {
            ChatTheme { for (screen in screens) key(screen) { ChatRoute(model, title = "Screen $screen") } }
        }
        polls(1)
        compose.runOnIdle { screens = listOf(1, 2) }
        compose.runOnIdle { screens = listOf(2) }
        compose.onNodeWithText("Screen 2").assertIsDisplayed()
        holdsFor(300.milliseconds, "the other one polls") { room.pollers == 1 }
        compose.activityRule.scenario.moveToState(Lifecycle.State.CREATED)
        polls(0)
        compose.activityRule.scenario.moveToState(Lifecycle.State.RESUMED)
        polls(1)
        compose.runOnIdle { screens = emptyList() }
        polls(0)
    }

    @Test
    fun `another room at the same place has a list and a text box of its own`() {
        val other = FakeChatRoom(RoomId(2))
        room.show(List(60) { exampleMessage(it + 1L) })
        other.show(List(60) { exampleMessage(it + 1L, text = "other ${it + 1}") })
        val models = listOf(ChatViewModel({ room }, Screens.english), ChatViewModel({ other }, Screens.english))
        var shown by mutableStateOf(0)
        compose.setContent { ChatTheme { ChatRoute(models[shown], title = "Room ${shown + 1}") } }
        compose.waitForIdle()
        draft.performTextInput("half a thought")
        compose.onNodeWithTag("messages").performScrollToNode(hasText("message 12"))
        compose.runOnIdle { shown = 1 }
        compose.onNodeWithText("other 60").assertIsDisplayed()
        compose.onNodeWithText("half a thought").assertDoesNotExist()
        assertEquals(null, models[1].scrollAnchor)
        compose.runOnIdle { shown = 0 }
        compose.onNodeWithText("message 12").assertIsDisplayed()
        draft.assertTextContains("half a thought")
    }

    @Test
    fun `a session that is over leads to the login`() {
        var signIns = 0
        val model = ChatViewModel({ room }, Screens.english)
        compose.setContent { ChatTheme { ChatRoute(model, title = "Room 1", onSignIn = { signIns++ }) } }
        compose.waitForIdle()
        room.end(EndReason.SESSION_ENDED)
        waitUntil("it is over") { model.state.value.connection is Connection.Ended }
        compose.waitForIdle()
        compose.onNodeWithText("Sign in").performClick()
        assertEquals(1, signIns)
    }

    @Test
    fun `people are called what the app calls them`() {
        room.show(listOf(exampleMessage(1, "hello")))
        val model = ChatViewModel({ room }, Screens.english)
        compose.setContent {
            ChatTheme {
                ChatRoute(model, title = "Room 1", avatar = { Text("picture of $it") }, displayName = { "Bob B." })
            }
        }
        compose.onNodeWithContentDescription("Bob B., ", substring = true).assertIsDisplayed()
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

    @Test
    fun `the clock is followed still, after the app has taken another configuration itself`() {
        val home = TimeZone.getDefault()
        try {
            TimeZone.setDefault(TimeZone.getTimeZone("Asia/Seoul"))
            room.show(listOf(exampleMessage(1, "what time is it?")))
            val model = ChatViewModel({ room }, Screens.english)
            var configuration by mutableStateOf(compose.activity.resources.configuration)
            compose.setContent {
                CompositionLocalProvider(LocalConfiguration provides configuration) {
                    ChatTheme { ChatRoute(model, title = "Room 1") }
                }
            }
            shows("bob, 10:30 AM: what time is it?")
            compose.runOnIdle { configuration = Configuration(configuration).apply { screenWidthDp += 100 } }
            compose.waitForIdle()
            TimeZone.setDefault(TimeZone.getTimeZone("Europe/Berlin"))
            compose.activity.sendBroadcast(Intent(Intent.ACTION_TIMEZONE_CHANGED))
            shows("bob, 3:30 AM: what time is it?")
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
