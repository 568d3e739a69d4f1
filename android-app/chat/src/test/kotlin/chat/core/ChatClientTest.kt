package chat.core

import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.fixtures.ChatRule
import chat.core.fixtures.holdsFor
import chat.core.fixtures.waitUntil
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith

/** What an account has beside its rooms: their list, its session, pushes, and an end. */
@RunWith(AndroidJUnit4::class)
class ChatClientTest {
    @get:Rule
    val chat = ChatRule()

    private val scope = CoroutineScope(Dispatchers.Default)

    @After
    fun end() = scope.cancel()

    private fun ChatClient.room(id: Long = chat.room) = rooms.value.rooms.find { it.id == RoomId(id) }

    @Test
    fun `the list of rooms has titles, last messages and what is unread, and follows`() {
        val lunch = chat.server.createRoom("alice", "bob", title = "점심 🍱")
        chat.server.say(lunch, "bob", "어디서?")
        val client = chat.client()
        val polling = scope.launch { client.pollRooms() }
        waitUntil("the room is listed") { client.room(lunch)?.unread == 1 }
        assertEquals("점심 🍱", client.room(lunch)?.title)
        val last = checkNotNull(client.room(lunch)?.lastMessage)
        assertEquals(listOf("bob", "어디서?", false), listOf(last.sender, last.text, last.isOwn))
        waitUntil("it is live") { client.roomsConnection.value is Connection.Live }

        chat.server.say(lunch, "alice", "시청역!")
        waitUntil("it follows") { client.room(lunch)?.lastMessage?.text == "시청역!" }
        assertEquals(true, client.room(lunch)?.lastMessage?.isOwn)
        chat.server.markRead(lunch, "alice", 1)
        waitUntil("it is read on another device") { client.room(lunch)?.unread == 0 }

        polling.cancel()
        waitUntil("the job is over") { client.roomsConnection.value == Connection.Idle }
        val asked = chat.proxy.log.size
        holdsFor(300.milliseconds, "nothing was asked") { chat.proxy.log.size <= asked + 1 }
    }

    @Test
    fun `two who poll the list share one job, and it ends with the second`() {
        val client = chat.client()
        val first = scope.launch { client.pollRooms() }
        val second = scope.launch { client.pollRooms() }
        waitUntil("it is live") { client.roomsConnection.value is Connection.Live }
        first.cancel()
        waitUntil("the first is gone") { first.isCompleted }
        val asked = chat.proxy.log.size
        waitUntil("it polls on") { chat.proxy.log.size > asked + 3 }
        second.cancel()
        waitUntil("the job is over") { client.roomsConnection.value == Connection.Idle }
    }

    @Test
    fun `the list is there without a network`() {
        chat.bobSays("kept")
        val first = chat.client()
        scope.launch { first.pollRooms() }
        waitUntil("the room is listed") { first.room()?.lastMessage?.text == "kept" }
        runBlocking { first.close() }
        chat.proxy.failAll(503, "unavailable")
        val again = chat.client()
        waitUntil("the cache is read") { again.rooms.value.isLoaded }
        assertEquals("kept", again.room()?.lastMessage?.text)
    }

    @Test
    fun `a push brings a room up to date that nobody has open`() {
        chat.bobSays("pushed")
        val client = chat.client()
        runBlocking { client.wake(RoomId(chat.room)) }
        waitUntil("it was asked for") { chat.proxy.polls > 0 }
        chat.proxy.failAll(503, "unavailable")
        waitUntil("it is in the cache") {
            val room = chat.aliceRoom(client)
            room.timeline.value.messages.map { it.text } == listOf("pushed")
        }
        assertEquals(Connection.Idle, chat.aliceRoom(client).connection.value)
        assertThrows(ChatException.InvalidRoom::class.java) { runBlocking { client.wake(RoomId(0)) } }
    }

    @Test
    fun `the end of the session is told once, and after it a new one begins`() {
        var token = "a bad token"
        val client = chat.client(tokens = { token })
        val told = mutableListOf<SessionState>()
        val watch = CoroutineScope(Dispatchers.Unconfined + Job())
        watch.launch { client.session.collect { told += it } }
        val rooms = List(3) { chat.server.createRoom() }.map { runBlocking { client.room(RoomId(it)) } }
        rooms.forEach { it.start() }
        val ended = Connection.Ended(EndReason.SESSION_ENDED)
        waitUntil("all are over") { rooms.all { it.connection.value == ended } }
        val asked = chat.proxy.log.size
        holdsFor(300.milliseconds, "nothing was asked") { chat.proxy.log.size == asked }
        assertEquals(listOf(SessionState.ACTIVE, SessionState.ENDED), told)

        token = chat.server.token("alice")
        runBlocking { client.resumeSession() }
        waitUntil("all go on") { rooms.all { it.connection.value is Connection.Live } }
        assertEquals(listOf(SessionState.ACTIVE, SessionState.ENDED, SessionState.ACTIVE), told)
        watch.cancel()
    }

    @Test
    fun `logging out leaves nothing of the account on the device`() {
        chat.bobSays("for alice's eyes")
        val config = chat.config()
        val client = chat.client(config)
        val room = chat.aliceRoom(client)
        room.start()
        waitUntil("bob is heard") { room.timeline.value.messages.size == 1 }
        chat.proxy.failPosts(503, "unavailable")
        runBlocking { room.send("unsent") }
        val waiting = scope.async { room.poll() }
        runBlocking { client.wipe() }
        assertEquals(EndReason.CLIENT_CLOSED, runBlocking { waiting.await() })
        val left = checkNotNull(config.dataDir).walk().filter { it.isFile && it.length() > 0 }.map { it.name }.toList()
        assertTrue("$left", left.none { "lock" !in it })
        assertThrows(ChatException.Closed::class.java) { runBlocking { client.wipe() } }
        runBlocking { client.close() }

        chat.proxy.failAll(503, "unavailable")
        val again = chat.aliceRoom(chat.client(config))
        waitUntil("the cache is read") { again.timeline.value.isLoaded }
        assertEquals(emptyList<Message>(), again.timeline.value.messages)
    }

    @Test
    fun `a ceiling no higher than the interval is a fixed cadence, and numbers without sense are refused`() {
        for (ceiling in listOf(0, 99, 100)) {
            val config = chat.config(interval = 100.milliseconds, folder = "$ceiling") {
                pollCeiling = ceiling.milliseconds
            }
            val room = chat.aliceRoom(chat.client(config))
            room.start()
            waitUntil("it polls") { chat.proxy.polls > 2 }
            val asked = chat.proxy.polls
            holdsFor(1.seconds, "it polls no faster") { chat.proxy.polls - asked <= 11 }
            room.stop()
        }
        assertThrows(ChatException.InvalidConfig::class.java) { chat.client(chat.config(interval = 0.milliseconds)) }
        assertThrows(ChatException.InvalidConfig::class.java) { chat.client(chat.config { messagesKept = 0 }) }
    }
}
