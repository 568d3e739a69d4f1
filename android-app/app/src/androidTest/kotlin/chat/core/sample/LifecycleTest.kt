package chat.core.sample

import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.junit4.v2.createEmptyComposeRule
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performTextInput
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.Connection
import chat.core.Transport
import chat.core.TransportChoice
import chat.core.fixtures.holdsFor
import chat.core.fixtures.waitUntil
import kotlin.time.Duration.Companion.milliseconds
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotSame
import org.junit.Assert.assertSame
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith

/** What the screen's comings and goings do to what is asked of the server, counted on the wire. */
@RunWith(AndroidJUnit4::class)
class LifecycleTest {
    @get:Rule(order = 0)
    val compose = createEmptyComposeRule()

    @get:Rule(order = 1)
    val sample = Sample()

    private fun launchLive(choice: TransportChoice, transport: Transport) {
        sample.launch(sample.account(choice))
        waitUntil("it is live by $transport", Sample.PATIENCE) { sample.connection == Connection.Live(transport) }
    }

    private fun rests_in_the_background(choice: TransportChoice, transport: Transport, question: String) {
        launchLive(choice, transport)
        waitUntil("it asks") { sample.relay.asked(question) > 0 }
        sample.toBackground()
        sample.bobSays("are you there?")
        sample.isSilent()
        assertEquals("nothing is being answered", 0, sample.relay.held("/v1"))
        assertEquals(emptyList<String>(), sample.texts)
        sample.toForeground()
        waitUntil("it has caught up") { sample.texts == listOf("are you there?") }
        compose.onNodeWithText("are you there?").assertIsDisplayed()
    }

    @Test
    fun in_the_background_nothing_is_polled_and_coming_back_catches_up() =
        rests_in_the_background(TransportChoice.POLLING, Transport.POLLING, "/messages?after=")

    @Test
    fun in_the_background_no_long_poll_is_held() =
        rests_in_the_background(TransportChoice.LONG_POLLING, Transport.LONG_POLLING, "wait=")

    @Test
    fun in_the_background_no_stream_is_open() = rests_in_the_background(TransportChoice.SSE, Transport.SSE, "/events")

    @Test
    fun in_the_background_no_socket_is_open() =
        rests_in_the_background(TransportChoice.WEB_SOCKET, Transport.WEB_SOCKET, "/socket")

    @Test
    fun a_turned_phone_keeps_the_view_model_the_question_and_the_draft() {
        launchLive(TransportChoice.LONG_POLLING, Transport.LONG_POLLING)
        waitUntil("a question is held") { sample.relay.held("wait=") == 1 }
        compose.onNodeWithTag("draft").performTextInput("half a thou")
        val model = sample.model
        var before: MainActivity? = null
        sample.onActivity { before = it }
        val asked = sample.relay.log
        repeat(3) { sample.scenario.recreate() }
        sample.onActivity {
            assertNotSame(before, it)
            assertSame(model, it.model)
        }
        // Had the job been restarted, it would have dropped the held question and asked another one.
        holdsFor(300.milliseconds, "nothing else was asked") { sample.relay.log == asked }
        assertEquals(1, sample.relay.held("wait="))
        compose.onNodeWithTag("draft").performTextInput("ght")
        compose.onNodeWithTag("send").performClick()
        waitUntil("it is sent") { sample.server.texts(sample.room) == listOf("half a thought") }
        holdsFor(200.milliseconds, "it is shown once") { sample.texts.size <= 1 }
        assertEquals("it was sent once", 1, sample.relay.asked("POST"))
        // One collector of events: the box was emptied of what was sent, once.
        compose.onNodeWithText("Message").assertIsDisplayed()
    }

    @Test
    fun a_turned_phone_keeps_the_socket() {
        launchLive(TransportChoice.WEB_SOCKET, Transport.WEB_SOCKET)
        val asked = sample.relay.log
        repeat(3) { sample.scenario.recreate() }
        sample.bobSays("still there?")
        waitUntil("bob is heard") { sample.texts == listOf("still there?") }
        assertEquals(asked, sample.relay.log.filter { "/read" !in it })
        assertEquals(1, sample.relay.held("/socket"))
    }

    @Test
    fun a_finished_screen_stops_the_job() {
        sample.launchLive()
        sample.scenario.close()
        sample.isSilent()
    }
}
