package chat.core

import android.net.ConnectivityManager
import androidx.lifecycle.Lifecycle
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.fixtures.ChatRule
import chat.core.fixtures.Relay
import chat.core.fixtures.ScreenOwner
import chat.core.fixtures.holdsFor
import chat.core.fixtures.waitUntil
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Shadows.shadowOf
import org.robolectric.shadows.ShadowNetwork

/** Each way to hear of a room's changes, on the real core and against the real server. */
@RunWith(AndroidJUnit4::class)
class TransportTest {
    @get:Rule
    val chat = ChatRule()

    private val relay by lazy { Relay(chat.server.url) }
    private val scope = CoroutineScope(Dispatchers.Unconfined)

    @After
    fun end() {
        scope.cancel()
        relay.close()
    }

    /** Polls beside a stream are an hour apart, so that they bring nothing. */
    private fun room(choice: TransportChoice): ChatRoom =
        chat.aliceRoom(chat.client(chat.config(relay.url, interval = 1.hours, transport = choice)))

    private fun ChatRoom.texts() = timeline.value.messages.map { it.text }

    private fun ChatRoom.isLiveBy(transport: Transport) = connection.value == Connection.Live(transport)

    private fun ChatRoom.connections() = CopyOnWriteArrayList<Connection>().also { seen ->
        scope.launch { connection.collect { seen += it } }
    }

    /** A conversation with a pause in it. [stream] is what is asked for on the wire. */
    private fun converse(choice: TransportChoice, transport: Transport, stream: String) {
        val room = room(choice)
        room.start()
        waitUntil("it is live by $transport") { room.isLiveBy(transport) }
        chat.bobSays("hello")
        waitUntil("bob is heard") { room.texts() == listOf("hello") }
        runBlocking { room.send("hi") }
        waitUntil("alice is confirmed") {
            room.timeline.value.messages.last().let { it.id == 2L && it.delivery == Delivery.Sent }
        }
        assertEquals(listOf("hello", "hi"), chat.server.texts(chat.room))

        waitUntil("the stream is held") { relay.held(stream) == 1 }
        room.stop()
        assertEquals(Connection.Idle, room.connection.value)
        waitUntil("it has hung up") { relay.held(stream) == 0 }
        chat.bobSays("you cannot hear me")
        holdsFor(200.milliseconds, "nothing changed") { room.texts() == listOf("hello", "hi") }

        room.start()
        waitUntil("it catches up") { room.texts() == listOf("hello", "hi", "you cannot hear me") }
        waitUntil("it is live by $transport again") { room.isLiveBy(transport) }
        chat.bobSays("and now?")
        waitUntil("bob is heard") { room.texts() == listOf("hello", "hi", "you cannot hear me", "and now?") }
        assertEquals(listOf(1L, 2L, 3L, 4L), room.timeline.value.messages.map { it.id })
    }

    @Test
    fun `long polling brings what bob says, takes what alice says, and hangs up`() =
        converse(TransportChoice.LONG_POLLING, Transport.LONG_POLLING, "wait=")

    @Test
    fun `so do server-sent events`() = converse(TransportChoice.SSE, Transport.SSE, "/events")

    @Test
    fun `so does a WebSocket`() = converse(TransportChoice.WEB_SOCKET, Transport.WEB_SOCKET, "/socket")

    @Test
    fun `and the richest of them is taken by itself`() = converse(TransportChoice.AUTO, Transport.WEB_SOCKET, "/socket")

    @Test
    fun `what alice says goes up the WebSocket`() {
        val room = room(TransportChoice.AUTO)
        room.start()
        waitUntil("it is live") { room.isLiveBy(Transport.WEB_SOCKET) }
        runBlocking { room.send("hi") }
        waitUntil("alice is confirmed") { room.timeline.value.messages.singleOrNull()?.id == 1L }
        assertEquals(0, relay.asked("POST"))
    }

    @Test
    fun `a stream that is cut is opened again, and nobody is troubled by it`() {
        val room = room(TransportChoice.AUTO)
        room.start()
        waitUntil("it is live") { room.isLiveBy(Transport.WEB_SOCKET) }
        val connections = room.connections()
        relay.cut()
        chat.bobSays("out of the tunnel")
        waitUntil("bob is heard") { room.texts() == listOf("out of the tunnel") }
        waitUntil("it is open again") { relay.held("/socket") == 1 }
        assertEquals(listOf<Connection>(Connection.Live(Transport.WEB_SOCKET)), connections)
    }

    @Test
    fun `on another network the stream is opened anew, and nobody is troubled by it`() {
        val room = room(TransportChoice.AUTO)
        room.start()
        waitUntil("it is live") { room.isLiveBy(Transport.WEB_SOCKET) }
        val connections = room.connections()
        val opened = relay.asked("/socket")
        val manager = shadowOf(chat.context.getSystemService(ConnectivityManager::class.java))
        manager.networkCallbacks.forEach { it.onAvailable(ShadowNetwork.newInstance(7)) }
        waitUntil("it is opened anew") { relay.asked("/socket") == opened + 1 }
        waitUntil("the one of before is gone") { relay.held("/socket") == 1 }
        chat.bobSays("on the road?")
        waitUntil("bob is heard") { room.texts() == listOf("on the road?") }
        assertEquals(listOf<Connection>(Connection.Live(Transport.WEB_SOCKET)), connections)
    }

    @Test
    fun `a screen names the transport, and hangs up when it is left`() {
        val room = room(TransportChoice.AUTO)
        val owner = ScreenOwner()
        val model = ChatViewModel({ room }, ChatFormats.of(chat.context))
        owner.lifecycle.addObserver(model)
        owner.lifecycle.currentState = Lifecycle.State.RESUMED
        waitUntil("it says so") { model.state.value.connection == Connection.Live(Transport.WEB_SOCKET) }
        waitUntil("the stream is held") { relay.held("/socket") == 1 }
        owner.lifecycle.currentState = Lifecycle.State.CREATED
        waitUntil("it has hung up") { relay.held("/socket") == 0 }
        waitUntil("it says so") { model.state.value.connection == Connection.Idle }
    }

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
