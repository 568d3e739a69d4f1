package chat.core

import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.fixtures.ChatRule
import chat.core.fixtures.Relay
import chat.core.fixtures.holdsFor
import chat.core.fixtures.waitUntil
import java.util.UUID
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.measureTime
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith

/** The account brought up to date once, with no screen anywhere, on the real core and against the real server. */
@RunWith(AndroidJUnit4::class)
class CatchUpTest {
    @get:Rule
    val chat = ChatRule()

    /** Somebody who is in no other test's rooms. */
    private val me = "me-${UUID.randomUUID()}"
    private val room by lazy { createRoom() }

    private fun createRoom(title: String = "A room") = chat.server.createRoom(me, "bob", title = title)

    private fun client(url: String = chat.proxy.url) = chat.client(chat.config(url, me))

    private fun bobSays(text: String) = chat.server.say(room, "bob", text)

    private fun ChatClient.myRoom() = runBlocking { room(RoomId(room)) }

    private fun ChatClient.caughtUp(rooms: Int = 20) = runBlocking { catchUp(rooms = rooms) }

    private fun ChatClient.texts(room: Long = this@CatchUpTest.room): List<String> {
        val opened = runBlocking { room(RoomId(room)) }
        waitUntil("the cache is read") { opened.timeline.value.isLoaded }
        return opened.timeline.value.messages.map { it.text }
    }

    /** Nothing runs, and nothing is asked any more. */
    private fun ChatClient.rests(list: Connection = Connection.Idle) {
        assertEquals(list, roomsConnection.value)
        val asked = chat.proxy.log.size
        holdsFor(500.milliseconds, "nothing was asked") { chat.proxy.log.size == asked }
    }

    private fun lists() = chat.proxy.log.count { it == "GET /v1/rooms" }

    @Test
    fun `what was said meanwhile is on the device, and each room was asked for once`() {
        val other = createRoom(title = "another")
        val silent = createRoom(title = "a silent one")
        bobSays("one")
        bobSays("two")
        chat.server.say(other, "bob", "three")
        val client = client()
        assertEquals(CatchUp.Done(rooms = 2), client.caughtUp())
        client.rests()
        assertEquals(1 to 2, lists() to chat.proxy.polls)
        assertEquals(3, client.rooms.value.rooms.sumOf { it.unread })

        chat.proxy.failAll(503, "unavailable")
        assertEquals(
            listOf(listOf("one", "two"), listOf("three"), emptyList()),
            listOf(room, other, silent).map {
                client.texts(it)
            }
        )
    }

    @Test
    fun `an account without news costs one request`() {
        bobSays("hello")
        val client = client()
        client.caughtUp()
        val asked = chat.proxy.log.size
        assertEquals(CatchUp.Done(rooms = 0), client.caughtUp())
        assertEquals(listOf("GET /v1/rooms"), chat.proxy.log.drop(asked))
        runBlocking { client.close() }

        val next = client()
        assertEquals("the next process knows as well", CatchUp.Done(rooms = 0), next.caughtUp())
        assertEquals(2, chat.proxy.log.size - asked)
    }

    @Test
    fun `however much was missed, all of it is there in the end`() {
        val client = client()
        bobSays("number 1")
        client.caughtUp()
        repeat(700) { bobSays("number ${it + 2}") }
        assertEquals(CatchUp.Done(rooms = 1), client.caughtUp())
        client.rests()
        chat.proxy.failAll(503, "unavailable")
        val room = client.myRoom()
        while (runBlocking { room.loadOlder() }) continue
        room.start()
        waitUntil("all are there") { client.texts() == (1..701).map { "number $it" } }
        room.stop()
    }

    @Test
    fun `what was unsent is sent, in rooms that have no news too`() {
        chat.proxy.failPosts(503, "unavailable")
        val client = client()
        runBlocking { client.myRoom().send("from the tunnel") }
        waitUntil("the rest is long", 20.seconds) { chat.proxy.posts >= 4 }
        chat.proxy.heal()
        val result = client.caughtUp()
        assertTrue("$result", result is CatchUp.Done)
        assertEquals(listOf("from the tunnel"), chat.server.texts(room))
        client.rests()
    }

    @Test
    fun `only so many rooms are looked at, the liveliest`() {
        val rooms = List(3) { createRoom(title = "$it") }
        rooms.forEach { chat.server.say(it, "bob", "hello in $it") }
        val client = client()
        assertEquals(CatchUp.Done(rooms = 2), client.caughtUp(rooms = 2))
        chat.proxy.failAll(503, "unavailable")
        val listed = client.rooms.value.rooms.map { it.id.value }
        assertEquals(listOf(1, 1, 0), listed.map { client.texts(it).size })
    }

    @Test
    fun `a server that fails is left alone after the second time`() {
        chat.proxy.failAll(503, "unavailable")
        val client = client()
        assertEquals(CatchUp.Later(Problem.SERVER), client.caughtUp())
        assertEquals(2, lists())
        client.rests()
    }

    @Test
    fun `without a network it is over soon, and what is missing comes the next time`() {
        bobSays("hello")
        Relay(chat.server.url).use { relay ->
            val client = client(relay.url)
            relay.down()
            assertEquals(CatchUp.Later(Problem.OFFLINE), client.caughtUp())
            relay.up()
            assertEquals(CatchUp.Done(rooms = 1), client.caughtUp())
            assertEquals(listOf("hello"), client.texts())
        }
    }

    @Test
    fun `it takes no longer than it may, and the question is dropped`() {
        bobSays("hello")
        val client = client()
        val hold = chat.proxy.holdNextPoll()
        val took = measureTime {
            assertEquals(CatchUp.Later(Problem.TIMEOUT), runBlocking { client.catchUp(within = 1.seconds) })
        }
        assertTrue("$took", took in 1.seconds..5.seconds)
        waitUntil("it is hung up") { hold.isHungUp }
        hold.release()
        client.rests()
    }

    @Test
    fun `the end of the session is the end of it`() {
        val client = chat.client(chat.config(user = me), tokens = { "a bad token" })
        assertEquals(CatchUp.Ended(EndReason.SESSION_ENDED), client.caughtUp())
        client.rests(Connection.Ended(EndReason.SESSION_ENDED))
    }

    @Test
    fun `a room that is on the screen stays there, and is caught up with at once`() {
        val client = chat.client(chat.config(user = me, interval = 30.seconds))
        val room = client.myRoom()
        room.start()
        waitUntil("it is live") { room.connection.value is Connection.Live }
        bobSays("hello")
        val took = measureTime { assertEquals(CatchUp.Done(rooms = 1), client.caughtUp()) }
        assertTrue("$took", took < 10.seconds)
        assertEquals(listOf("hello"), room.timeline.value.messages.map { it.text })
        assertTrue("${room.connection.value}", room.connection.value is Connection.Live)
        room.stop()
    }
}
