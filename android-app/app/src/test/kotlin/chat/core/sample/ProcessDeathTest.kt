package chat.core.sample

import android.os.Bundle
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.assertTextContains
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.junit4.v2.createEmptyComposeRule
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performScrollToNode
import androidx.compose.ui.test.performTextInput
import androidx.test.core.app.ApplicationProvider
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.Connection
import chat.core.TransportChoice
import chat.core.fixtures.FaultProxy
import chat.core.fixtures.SCREEN
import chat.core.fixtures.ServerProcess
import chat.core.fixtures.texts
import chat.core.fixtures.waitUntil
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotSame
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.android.controller.ActivityController
import org.robolectric.annotation.Config

/** The system ends the process behind the user's back: what the next one shows is what they left. */
@RunWith(AndroidJUnit4::class)
@Config(qualifiers = SCREEN)
class ProcessDeathTest {
    @get:Rule
    val compose = createEmptyComposeRule()

    private val server = ServerProcess.shared
    private val proxy = FaultProxy(server.url)
    private val app get() = ApplicationProvider.getApplicationContext<SampleApp>()
    private val room by lazy { server.createRoom() }
    private lateinit var activity: ActivityController<MainActivity>
    private val model get() = activity.get().model

    private fun launch(): ActivityController<MainActivity> {
        val account = SampleAccount(proxy.url, "alice", server.token("alice"), room, TransportChoice.POLLING)
        return Robolectric.buildActivity(MainActivity::class.java, account.intent(app))
    }

    @After
    fun close() {
        activity.pause().stop().destroy()
        runBlocking { app.closeClients() }
        proxy.close()
    }

    /** Another activity, another view model, another client, from what the system kept and from the cache. */
    private fun die() {
        val saved = Bundle()
        val before = model
        activity.pause().stop().saveInstanceState(saved).destroy()
        runBlocking { app.closeClients() }
        activity = launch().create(saved).start().restoreInstanceState(saved).resume().visible()
        assertNotSame(before, model)
        waitUntil("it is live") { model.state.value.connection is Connection.Live }
    }

    @Test
    fun `the draft and the place in the list are what they were`() {
        repeat(60) { server.say(room, "bob", "message ${it + 1}") }
        activity = launch().setup()
        waitUntil("all are there") { model.state.value.texts().size == 60 }
        compose.onNodeWithTag("draft").performTextInput("반쯤 쓴 글")
        compose.onNodeWithTag("messages").performScrollToNode(hasText("message 12"))
        compose.waitForIdle()
        val before = topOf("message 12")

        server.say(room, "bob", "while you were away")
        die()
        waitUntil("it has caught up") { model.state.value.texts().size == 61 }
        compose.onNodeWithTag("draft").assertTextContains("반쯤 쓴 글")
        assertEquals(before, topOf("message 12"), 1f)
        compose.onNodeWithText("New messages").assertIsDisplayed()

        compose.onNodeWithTag("send").performClick()
        waitUntil("it is sent once") { server.texts(room).count { it == "반쯤 쓴 글" } == 1 }
        die()
        compose.onNodeWithText("Message").assertIsDisplayed()
        compose.onNodeWithText("반쯤 쓴 글").assertIsDisplayed()
    }

    private fun topOf(text: String) = compose.onNodeWithText(text).fetchSemanticsNode().positionInRoot.y
}
