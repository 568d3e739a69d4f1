package chat.core.sample

import android.content.Intent
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.junit4.v2.createEmptyComposeRule
import androidx.compose.ui.test.onNodeWithText
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.Connection
import chat.core.Transport
import chat.core.TransportChoice
import chat.core.fixtures.waitUntil
import org.junit.Assert.assertEquals
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith

/** Which transport the sample takes, and what it says of it. */
@RunWith(AndroidJUnit4::class)
class TransportTest {
    @get:Rule(order = 0)
    val compose = createEmptyComposeRule()

    @get:Rule(order = 1)
    val sample = Sample()

    private fun shows(choice: TransportChoice, transport: Transport, line: String) {
        sample.launch(sample.account(choice))
        waitUntil("it is live by $transport", Sample.PATIENCE) { sample.connection == Connection.Live(transport) }
        compose.onNodeWithText(line).assertIsDisplayed()
        sample.bobSays("hello")
        waitUntil("bob is heard") { sample.texts == listOf("hello") }
    }

    @Test
    fun left_to_itself_it_takes_a_web_socket() =
        shows(TransportChoice.AUTO, Transport.WEB_SOCKET, "Connected · WebSocket")

    @Test
    fun told_to_it_takes_another() = shows(TransportChoice.SSE, Transport.SSE, "Connected · Server-sent events")

    @Test
    fun an_extra_that_names_no_transport_is_none() {
        val transports = listOf("LONG_POLLING", "carrier pigeon", null).map {
            SampleAccount.of(Intent().putExtra("transport", it), sample.app).transport
        }
        assertEquals(listOf(TransportChoice.LONG_POLLING, TransportChoice.AUTO, TransportChoice.AUTO), transports)
    }
}
