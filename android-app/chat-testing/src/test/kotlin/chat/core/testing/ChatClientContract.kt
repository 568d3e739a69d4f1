package chat.core.testing

import chat.core.CatchUp
import chat.core.ChatException
import chat.core.Connection
import chat.core.EndReason
import chat.core.RoomId
import chat.core.SessionState
import chat.core.catchUp
import chat.core.fixtures.waitUntil
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertSame
import org.junit.Assert.assertThrows
import org.junit.Test

/** What a client's jobs do, whether there is a server behind them or none. */
internal abstract class ChatClientContract {
    private val scope = CoroutineScope(Dispatchers.Default + Job())
    protected abstract val stage: Stage
    private val client get() = stage.client
    private val room get() = stage.room

    @After
    fun end() = scope.cancel()

    private fun waitUntilLive() = waitUntil("it is live") { room.connection.value is Connection.Live }

    @Test
    fun `a room is idle, live while anybody is in poll, and idle again`() {
        assertEquals(Connection.Idle, room.connection.value)
        val pollers = List(2) { scope.launch { room.poll() } }
        waitUntilLive()
        pollers[0].cancel()
        waitUntil("the first is gone") { pollers[0].isCompleted }
        assertEquals(true, room.connection.value is Connection.Live)
        pollers[1].cancel()
        waitUntil("it is idle") { room.connection.value == Connection.Idle }
    }

    @Test
    fun `start and stop are a wish, and a poller has its own`() {
        room.start()
        room.start()
        waitUntilLive()
        val poller = scope.launch(start = CoroutineStart.UNDISPATCHED) { room.poll() }
        room.stop()
        assertEquals(true, room.connection.value is Connection.Live)
        poller.cancel()
        waitUntil("it is idle") { room.connection.value == Connection.Idle }
        room.start()
        waitUntilLive()
        room.stop()
        assertEquals(Connection.Idle, room.connection.value)
    }

    @Test
    fun `without a network it waits, and goes on by itself`() {
        room.start()
        waitUntilLive()
        stage.goOffline()
        waitUntil("it waits") { room.connection.value is Connection.Waiting }
        stage.goOnline()
        waitUntilLive()
    }

    @Test
    fun `a room that is over says why to whoever polls, and starts again when asked to`() {
        val poller = scope.async { room.poll() }
        waitUntilLive()
        stage.removeAlice()
        assertEquals(EndReason.NOT_A_MEMBER, runBlocking { poller.await() })
        assertEquals(Connection.Ended(EndReason.NOT_A_MEMBER), room.connection.value)
        stage.goOnline()
        room.start()
        waitUntilLive()
    }

    @Test
    fun `the end of the session ends every job, and the next session takes up what was started`() {
        room.start()
        val rooms = scope.async { client.pollRooms() }
        val poller = scope.async { room.poll() }
        waitUntilLive()
        waitUntil("the list is live") { client.roomsConnection.value is Connection.Live }
        stage.endSession()
        assertEquals(SessionState.ENDED, client.session.value)
        assertEquals(EndReason.SESSION_ENDED, runBlocking { poller.await() })
        assertEquals(EndReason.SESSION_ENDED, runBlocking { rooms.await() })
        waitUntil("it says so") { room.connection.value == Connection.Ended(EndReason.SESSION_ENDED) }
        runBlocking { client.resumeSession() }
        waitUntil("it goes on") { client.session.value == SessionState.ACTIVE }
        waitUntilLive()
    }

    @Test
    fun `the list of rooms is polled as a room is`() {
        assertEquals(Connection.Idle, client.roomsConnection.value)
        val poller = scope.launch { client.pollRooms() }
        waitUntil("it is live") { client.roomsConnection.value is Connection.Live }
        poller.cancel()
        waitUntil("it is idle") { client.roomsConnection.value == Connection.Idle }
    }

    @Test
    fun `an account is caught up with, or not without a network, and rests again`() {
        assertEquals(true, runBlocking { client.catchUp(rooms = 1) } is CatchUp.Done)
        waitUntil("the list rests") { client.roomsConnection.value == Connection.Idle }
        stage.goOffline()
        assertEquals(true, runBlocking { client.catchUp(within = 30.seconds) } is CatchUp.Later)
        assertEquals(Connection.Idle, room.connection.value)
    }

    @Test
    fun `a closed client is closed for everybody in it, and for whoever comes`() {
        val poller = scope.async { room.poll() }
        waitUntilLive()
        runBlocking { client.close() }
        assertEquals(EndReason.CLIENT_CLOSED, runBlocking { poller.await() })
        assertEquals(Connection.Ended(EndReason.CLIENT_CLOSED), room.connection.value)
        assertEquals(Connection.Ended(EndReason.CLIENT_CLOSED), client.roomsConnection.value)
        assertEquals(EndReason.CLIENT_CLOSED, runBlocking { room.poll() })
        val calls = listOf<suspend () -> Any>(
            { room.send("hello") },
            { room.loadOlder() },
            { client.room(RoomId(1)) },
            { client.wake(RoomId(1)) },
            { client.resumeSession() },
            { client.wipe() }
        )
        for (call in calls) assertThrows(ChatException.Closed::class.java) { runBlocking { call() } }
        room.start()
        room.wake()
        runBlocking { client.close() }
    }

    @Test
    fun `a room is one object, and they count from one`() {
        assertSame(room, runBlocking { client.room(room.id) })
        assertThrows(ChatException.InvalidRoom::class.java) { runBlocking { client.room(RoomId(0)) } }
        assertThrows(ChatException.InvalidRoom::class.java) { runBlocking { client.wake(RoomId(0)) } }
    }
}
