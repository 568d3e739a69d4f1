package chat.core

import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.ffi.ConnectionState
import chat.core.ffi.RoomStatus
import chat.core.ffi.TimelineUpdate
import chat.core.ffi.Transport as CoreTransport
import chat.core.fixtures.ChatRule
import chat.core.fixtures.holdsFor
import chat.core.fixtures.waitUntil
import chat.core.internal.NativeRoom
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Assert.assertSame
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith

/** The polling job of a room, on the real core and against the real server. */
@RunWith(AndroidJUnit4::class)
class ChatRoomTest {
    @get:Rule
    val chat = ChatRule()

    private fun ChatRoom.texts() = timeline.value.messages.map { it.text }

    @Test
    fun `what bob says arrives`() {
        val room = chat.aliceRoom()
        room.start()
        chat.bobSays("hello")
        waitUntil("bob is heard") { room.texts() == listOf("hello") && room.connection.value is Connection.Live }
        val message = room.timeline.value.messages.single()
        assertEquals("bob", message.sender)
        assertEquals(false, message.isOwn)
    }

    @Test
    fun `started twice it is one job, and its questions never overlap`() {
        val room = chat.aliceRoom()
        repeat(20) { room.start() }
        waitUntil("it polls") { chat.proxy.polls > 20 }
        assertEquals(1, chat.proxy.mostPollsAtOnce)
    }

    @Test
    fun `a question that is never answered is not asked a second time beside it`() {
        val hold = chat.proxy.holdNextPoll()
        val room = chat.aliceRoom()
        room.start()
        waitUntil("the question is held") { hold.hasArrived }
        holdsFor(400.milliseconds, "only one question was asked") { chat.proxy.polls == 1 }
        hold.release()
        waitUntil("it goes on") { chat.proxy.polls > 3 }
    }

    @Test
    fun `after stop nothing is asked and nothing changes`() {
        val room = chat.aliceRoom()
        room.start()
        waitUntil("it is live") { room.connection.value is Connection.Live && room.timeline.value.isLoaded }
        room.stop()
        assertEquals(Connection.Idle, room.connection.value)
        val before = room.timeline.value
        chat.bobSays("you cannot hear me")
        // The question that was dropped may just be passing through the proxy.
        val asked = chat.proxy.polls
        holdsFor(400.milliseconds, "nothing was asked") {
            chat.proxy.polls <= asked + 1 && room.timeline.value === before
        }
        room.start()
        waitUntil("it catches up") { room.texts() == listOf("you cannot hear me") }
    }

    @Test
    fun `stopping drops the question in flight`() {
        val room = chat.aliceRoom()
        val hold = chat.proxy.holdNextPoll()
        chat.bobSays("late")
        room.start()
        waitUntil("the question is held") { hold.hasArrived }
        room.stop()
        hold.release()
        holdsFor(300.milliseconds, "nothing arrived") { room.texts().isEmpty() }
    }

    @Test
    fun `a callback that left the core just before the stop changes nothing`() {
        val room = chat.aliceRoom() as NativeRoom
        room.start()
        waitUntil("it is live") { room.connection.value is Connection.Live && room.timeline.value.isLoaded }
        room.stop()
        val before = room.timeline.value
        room.onTimeline(
            TimelineUpdate.Snapshot(emptyList(), RoomStatus(hasOlder = true, readMarker = null, unread = 0u))
        )
        room.onConnection(ConnectionState.Live(CoreTransport.POLLING))
        assertSame(before, room.timeline.value)
        assertEquals(Connection.Idle, room.connection.value)
    }

    @Test
    fun `two pollers share one job, and it ends with the second`() {
        val room = chat.aliceRoom()
        val scope = CoroutineScope(Dispatchers.Default)
        val first = scope.launch { room.poll() }
        val second = scope.launch { room.poll() }
        waitUntil("it is live") { room.connection.value is Connection.Live }
        first.cancel()
        waitUntil("the first is gone") { first.isCompleted }
        chat.bobSays("still there?")
        waitUntil("bob is heard") { room.texts() == listOf("still there?") }
        assertEquals(1, chat.proxy.mostPollsAtOnce)
        second.cancel()
        waitUntil("the second is gone") { second.isCompleted }
        assertEquals(Connection.Idle, room.connection.value)
        scope.cancel()
    }

    @Test
    fun `an empty answer touches nothing`() {
        chat.bobSays("one")
        val room = chat.aliceRoom()
        room.start()
        waitUntil("it is up to date") { room.texts() == listOf("one") && room.connection.value is Connection.Live }
        val timelines = mutableListOf<Timeline>()
        val connections = mutableListOf<Connection>()
        val watch = CoroutineScope(Dispatchers.Unconfined + Job())
        watch.launch { room.timeline.collect { timelines += it } }
        watch.launch { room.connection.collect { connections += it } }
        val empty = chat.proxy.emptyPolls
        waitUntil("twenty empty answers came") { chat.proxy.emptyPolls > empty + 20 }
        watch.cancel()
        assertEquals(1, timelines.size)
        assertEquals(listOf<Connection>(Connection.Live(Transport.POLLING)), connections)
    }

    @Test
    fun `a failing server is waited for and not given up`() {
        val room = chat.aliceRoom()
        room.start()
        waitUntil("it is live") { room.connection.value is Connection.Live }
        chat.proxy.failAll(500)
        waitUntil("the trouble shows") { (room.connection.value as? Connection.Waiting)?.problem == Problem.SERVER }
        chat.bobSays("back again")
        chat.proxy.heal()
        waitUntil("it has recovered") {
            room.texts() == listOf("back again") && room.connection.value is Connection.Live
        }
    }

    @Test
    fun `nonsense from the network is waited out too`() {
        chat.proxy.talkNonsense()
        val room = chat.aliceRoom()
        room.start()
        waitUntil("the nonsense is noticed") {
            (room.connection.value as? Connection.Waiting)?.problem == Problem.BAD_ANSWER
        }
        chat.proxy.heal()
        waitUntil("it has recovered") { room.connection.value is Connection.Live }
    }

    @Test
    fun `starts and stops in a storm end as the last one said`() {
        val room = chat.aliceRoom()
        repeat(200) {
            room.start()
            room.stop()
        }
        room.start()
        chat.bobSays("after the storm")
        waitUntil("bob is heard") { room.texts() == listOf("after the storm") }
        chat.proxy.recount()
        val asked = chat.proxy.polls
        waitUntil("it polls on") { chat.proxy.polls > asked + 10 }
        assertEquals(1, chat.proxy.mostPollsAtOnce)
    }

    @Test
    fun `two messages of one minute are two`() {
        repeat(50) { chat.bobSays("same") }
        val room = chat.aliceRoom()
        room.start()
        waitUntil("all are there") { room.timeline.value.messages.size == 50 }
        assertEquals(50, room.timeline.value.messages.map { it.key }.toSet().size)
    }

    @Test
    fun `what is cached shows without a network and before a start`() {
        chat.bobSays("kept")
        val first = chat.client()
        val room = chat.aliceRoom(first)
        room.start()
        waitUntil("bob is heard") { room.texts() == listOf("kept") }
        runBlocking { first.close() }
        assertEquals(Connection.Ended(EndReason.CLIENT_CLOSED), room.connection.value)
        val asked = chat.proxy.polls
        val again = chat.aliceRoom(chat.client())
        waitUntil("the cache is read") { again.timeline.value.isLoaded }
        assertEquals(listOf("kept"), again.texts())
        assertTrue(chat.proxy.polls <= asked + 1)
    }

    @Test
    fun `whoever is not in the room is told and the job is over`() {
        val room = runBlocking { chat.client().room(RoomId(chat.server.createRoom("bob", "carol"))) }
        assertEquals(EndReason.NOT_A_MEMBER, runBlocking { room.poll() })
        val nowhere = runBlocking { chat.client(chat.config(folder = "another")).room(RoomId(999_999)) }
        assertEquals(EndReason.ROOM_NOT_FOUND, runBlocking { nowhere.poll() })
    }
}
