package chat.core.sample

import android.content.Intent
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.junit4.v2.createEmptyComposeRule
import androidx.compose.ui.test.onNodeWithText
import androidx.test.core.app.ActivityScenario
import androidx.test.core.app.ApplicationProvider
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.ChatViewModel
import chat.core.Connection
import chat.core.Transport
import chat.core.TransportChoice
import chat.core.fixtures.SCREEN
import chat.core.fixtures.ServerProcess
import chat.core.fixtures.texts
import chat.core.fixtures.waitUntil
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.annotation.Config

/** Which transport the sample takes, and what it says of it. */
@RunWith(AndroidJUnit4::class)
@Config(qualifiers = SCREEN)
class TransportTest {
    @get:Rule
    val compose = createEmptyComposeRule()

    private val server = ServerProcess.shared
    private val app get() = ApplicationProvider.getApplicationContext<SampleApp>()
    private val account by lazy { SampleAccount(server.url, "alice", server.token("alice"), server.createRoom()) }

    @After
    fun close() = runBlocking { app.closeClients() }

    private fun shows(account: SampleAccount, transport: Transport, line: String) {
        ActivityScenario.launch<MainActivity>(account.intent(app)).use { scenario ->
            lateinit var model: ChatViewModel
            scenario.onActivity { model = it.model }
            waitUntil("it is live by $transport") { model.state.value.connection == Connection.Live(transport) }
            compose.onNodeWithText(line).assertIsDisplayed()
            server.say(account.room, "bob", "hello")
            waitUntil("bob is heard") { model.state.value.texts() == listOf("hello") }
        }
    }

    @Test
    fun `left to itself it takes a WebSocket`() = shows(account, Transport.WEB_SOCKET, "Connected · WebSocket")

    @Test
    fun `told to, it takes another`() =
        shows(account.copy(transport = TransportChoice.SSE), Transport.SSE, "Connected · Server-sent events")

    @Test
    fun `an extra that names no transport is none`() {
        val transports = listOf("LONG_POLLING", "carrier pigeon", null).map {
            SampleAccount.of(Intent().putExtra("transport", it), app).transport
        }
        assertEquals(listOf(TransportChoice.LONG_POLLING, TransportChoice.AUTO, TransportChoice.AUTO), transports)
    }
}
