package chat.core

import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.fixtures.ChatRule
import chat.core.fixtures.waitUntil
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.Assert.assertEquals
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith

/** The app's own code, called by the core: whatever it does, the core lives on. */
@RunWith(AndroidJUnit4::class)
class TokenTest {
    @get:Rule
    val chat = ChatRule()

    private fun ChatRoom.isLive() = connection.value is Connection.Live

    @Test
    fun `a provider that throws means that there is no token now`() {
        val calls = AtomicInteger()
        val room = chat.aliceRoom(
            chat.client(tokens = {
                if (calls.incrementAndGet() <
                    3
                ) {
                    error("no login yet")
                } else {
                    chat.server.token("alice")
                }
            })
        )
        room.start()
        waitUntil("it says so") { (room.connection.value as? Connection.Waiting)?.problem == Problem.TOKEN_UNAVAILABLE }
        waitUntil("it is live") { room.isLive() }
        assertEquals(3, calls.get())
    }

    @Test
    fun `so does one that runs into a timeout of its own`() {
        val calls = AtomicInteger()
        val room = chat.aliceRoom(
            chat.client(tokens = {
                if (calls.incrementAndGet() == 1) withTimeout(10.milliseconds) { delay(10_000.milliseconds) }
                chat.server.token("alice")
            })
        )
        room.start()
        waitUntil("it is live") { room.isLive() }
        assertEquals(2, calls.get())
    }

    @Test
    fun `many requests that met the refusal ask for one token`() {
        val good = chat.server.token("alice")
        val calls = AtomicInteger()
        val refusals = AtomicInteger()
        val client = chat.client(tokens = { refused ->
            calls.incrementAndGet()
            if (refused) refusals.incrementAndGet()
            // Long enough for every room to run into the same refusal.
            if (refused) delay(300.milliseconds)
            if (refused) good else "expired"
        })
        chat.proxy.refuse("expired")
        val rooms = List(5) { chat.server.createRoom() }.map { runBlocking { client.room(RoomId(it)) } }
        rooms.forEach { it.start() }
        waitUntil("all are live") { rooms.all { it.isLive() } }
        assertEquals(1, refusals.get())
        assertEquals(2, calls.get())
    }

    @Test
    fun `a provider that is slow to answer can be closed on`() {
        val client = chat.client(tokens = {
            delay(60_000.milliseconds)
            null
        })
        val room = chat.aliceRoom(client)
        room.start()
        waitUntil("it waits") { room.connection.value != Connection.Idle }
        runBlocking { withTimeout(5_000.milliseconds) { client.close() } }
    }
}
