package chat.core.sample

import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.junit4.v2.createEmptyComposeRule
import androidx.compose.ui.test.longClick
import androidx.compose.ui.test.onNodeWithContentDescription
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performScrollToIndex
import androidx.compose.ui.test.performTextInput
import androidx.compose.ui.test.performTextReplacement
import androidx.compose.ui.test.performTouchInput
import androidx.lifecycle.Lifecycle
import androidx.test.core.app.ActivityScenario
import androidx.test.core.app.ApplicationProvider
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.Change
import chat.core.ChatRow
import chat.core.ChatViewModel
import chat.core.Connection
import chat.core.MessageText
import chat.core.TransportChoice
import chat.core.fixtures.FaultProxy
import chat.core.fixtures.SCREEN
import chat.core.fixtures.ServerProcess
import chat.core.fixtures.coreThreads
import chat.core.fixtures.holdsFor
import chat.core.fixtures.messages
import chat.core.fixtures.texts
import chat.core.fixtures.waitUntil
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotSame
import org.junit.Assert.assertSame
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config

/** Everything at once: activity, screen, view model, native core, HTTP, server. */
@RunWith(AndroidJUnit4::class)
@Config(qualifiers = SCREEN)
class ConversationTest {
    @get:Rule
    val compose = createEmptyComposeRule()

    private val server = ServerProcess.shared
    private val proxy = FaultProxy(server.url)
    private val app get() = ApplicationProvider.getApplicationContext<SampleApp>()
    private val room by lazy { server.createRoom() }
    private lateinit var scenario: ActivityScenario<MainActivity>
    private lateinit var model: ChatViewModel

    @Before
    fun open() {
        val account = SampleAccount(proxy.url, "alice", server.token("alice"), room, TransportChoice.POLLING)
        scenario = ActivityScenario.launch(account.intent(app))
        scenario.onActivity { model = it.model }
        waitUntil("it is live") { model.state.value.connection is Connection.Live }
    }

    @After
    fun close() {
        scenario.close()
        runBlocking { app.closeClients() }
        proxy.close()
    }

    private fun type(text: String) = compose.onNodeWithTag("draft").performTextInput(text)

    private fun send(text: String) {
        type(text)
        compose.onNodeWithTag("send").performClick()
    }

    @Test
    fun `two people talk`() {
        send("안녕하세요, bob!")
        waitUntil("bob reads it") { server.texts(room) == listOf("안녕하세요, bob!") }
        server.say(room, "bob", "반가워요 👋")
        waitUntil("alice reads it") { model.state.value.texts().size == 2 }
        compose.onNodeWithText("안녕하세요, bob!").assertIsDisplayed()
        compose.onNodeWithText("반가워요 👋").assertIsDisplayed()
    }

    @Test
    fun `every script goes through the screen byte for byte`() {
        val texts = listOf("한글과 漢字", "👩🏽‍🚀🇰🇷", "مرحبا שלום", "가".repeat(MessageText.MAX_LENGTH))
        texts.forEachIndexed { index, text ->
            send(text)
            waitUntil("number $index is stored and out of the box") { model.state.value.texts().size == index + 1 }
            compose.onNodeWithText("Message").assertExists()
        }
        waitUntil("the server has them all", 20.seconds) { server.texts(room) == texts }
        assertEquals(texts, model.state.value.texts())
    }

    @Test
    fun `what alice regrets is edited, or deleted, for bob too`() {
        send("helo")
        send("bye")
        waitUntil("bob reads them") { server.texts(room) == listOf("helo", "bye") }
        waitUntil("both are confirmed") { model.state.value.messages().all { it.id != null } }
        choose("helo", "Edit")
        compose.onNodeWithTag("edit").performTextReplacement("hello")
        compose.onNodeWithText("Save").performClick()
        choose("bye", "Delete")
        waitUntil("bob reads what is left") { server.texts(room) == listOf("hello", "") }
        waitUntil("so does alice") { model.state.value.messages().all { it.change == Change.None } }
        compose.onNodeWithText("hello").assertIsDisplayed()
        compose.onNodeWithText("edited").assertIsDisplayed()
        compose.onNodeWithText("Message deleted").assertIsDisplayed()
    }

    private fun choose(message: String, action: String) {
        compose.onNodeWithText(message).performTouchInput { longClick() }
        compose.onNodeWithText(action).performClick()
        compose.waitForIdle()
    }

    @Test
    fun `whoever scrolls up reads it all, and whoever comes back sees what is unread`() {
        scenario.moveToState(Lifecycle.State.CREATED)
        repeat(230) { server.say(room, "bob", "number ${it + 1}") }
        scenario.moveToState(Lifecycle.State.RESUMED)
        waitUntil("it has caught up") { model.state.value.texts().lastOrNull() == "number 230" }
        compose.waitForIdle()
        waitUntil("it is read") { server.reading(room, "alice") == 230L to 0 }
        waitUntil("all are there", 20.seconds) {
            // Each page comes when its time has come: near the top.
            scrollToTop()
            model.state.value.texts().size == 230
        }
        scrollToTop()
        assertEquals((1..230).map { "number $it" }, model.state.value.texts())
        compose.onNodeWithText("number 1").assertIsDisplayed()
        compose.onNodeWithContentDescription("230 unread messages").assertIsDisplayed()
    }

    private fun scrollToTop() {
        compose.waitForIdle()
        compose.onNodeWithTag("messages").performScrollToIndex(model.state.value.rows.size - 1)
        compose.waitForIdle()
    }

    @Test
    fun `a turned phone keeps the view model, the job and the draft`() {
        type("half a thou")
        var before: MainActivity? = null
        scenario.onActivity { before = it }
        val hold = proxy.holdNextPoll()
        waitUntil("a question is held") { hold.hasArrived }
        val asked = proxy.polls
        repeat(3) { scenario.recreate() }
        scenario.onActivity {
            assertNotSame(before, it)
            assertSame(model, it.model)
        }
        // Had the job been restarted, it would have dropped the held question and asked another one.
        holdsFor(300.milliseconds, "nothing else was asked") { proxy.polls == asked }
        hold.release()
        type("ght")
        compose.onNodeWithTag("send").performClick()
        waitUntil("it is sent once") { server.texts(room) == listOf("half a thought") }
        holdsFor(200.milliseconds, "it is shown once") { model.state.value.texts().size <= 1 }
        assertEquals(1, proxy.mostPollsAtOnce)
        // One collector of events: the box was emptied of what was sent, once.
        compose.onNodeWithText("Message").assertIsDisplayed()
    }

    @Test
    fun `in the background nothing is asked, and coming back catches up`() {
        scenario.moveToState(Lifecycle.State.CREATED)
        server.say(room, "bob", "are you there?")
        val asked = proxy.polls
        holdsFor(1.seconds + 500.milliseconds, "nothing was asked") { proxy.polls <= asked + 1 }
        assertEquals(emptyList<String>(), model.state.value.texts())
        scenario.moveToState(Lifecycle.State.RESUMED)
        waitUntil("it has caught up") { model.state.value.texts() == listOf("are you there?") }
        compose.onNodeWithText("are you there?").assertIsDisplayed()
    }

    @Test
    fun `another language changes the days and the times of what is shown`() {
        server.say(room, "bob", "what time is it?")
        waitUntil("alice reads it") { model.state.value.texts().size == 1 }
        RuntimeEnvironment.setQualifiers("+ko-rKR")
        scenario.recreate()
        waitUntil("the day is Korean") {
            // Collected by the new screen only when it is drawn.
            compose.waitForIdle()
            (model.state.value.rows.first() as ChatRow.DateSeparator).label.matches(Regex("\\d+년 \\d+월 \\d+일"))
        }
        val time = (model.state.value.rows.last() as ChatRow.Message).time
        assertTrue(time, time.startsWith("오전 ") || time.startsWith("오후 "))
    }

    @Test
    fun `a finished screen stops the job`() {
        scenario.moveToState(Lifecycle.State.DESTROYED)
        val asked = proxy.polls
        holdsFor(1.seconds + 500.milliseconds, "nothing was asked") { proxy.polls <= asked + 1 }
        runBlocking { app.closeClients() }
        waitUntil("the core's threads are gone") { coreThreads().isEmpty() }
    }
}
