package chat.core

import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.testing.ChatRule
import chat.core.testing.waitUntil
import kotlinx.coroutines.runBlocking
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith

/** Each way to hear of a room's changes, on the real core and against the real server. */
@RunWith(AndroidJUnit4::class)
class TransportTest {
    @get:Rule
    val chat = ChatRule()

    private fun ChatRoom.texts() = timeline.value.messages.map { it.text }

    private fun ChatRoom.isLiveBy(transport: Transport) = connection.value == Connection.Live(transport)

    private fun isPolled(choice: TransportChoice) {
        chat.proxy.refuseStreams()
        val room = chat.aliceRoom(chat.client(chat.config(transport = choice)))
        room.start()
        // Long polling has to fail three times: each try looks like any question.
        waitUntil("it is polled and says so") { chat.proxy.polls > 10 && room.isLiveBy(Transport.POLLING) }
        chat.bobSays("hello")
        waitUntil("bob is heard") { room.texts() == listOf("hello") }
        runBlocking { room.send("hi") }
        waitUntil("alice is confirmed") { room.timeline.value.messages.last().id == 2L }
    }

    @Test
    fun `a server without streams is polled, and says so`() = isPolled(TransportChoice.AUTO)

    @Test
    fun `a server without long polling is polled, and says so`() = isPolled(TransportChoice.LONG_POLLING)

    @Test
    fun `a server without server-sent events is polled, and says so`() = isPolled(TransportChoice.SSE)

    @Test
    fun `a server without WebSockets is polled, and says so`() = isPolled(TransportChoice.WEB_SOCKET)
}
