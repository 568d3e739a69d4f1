package chat.core.testing

import chat.core.ChatClient
import chat.core.ChatException
import chat.core.ChatRoom
import chat.core.Connection
import chat.core.EndReason
import chat.core.Problem
import chat.core.RoomId
import chat.core.RoomList
import chat.core.RoomSummary
import chat.core.SessionState
import chat.core.Transport
import java.util.concurrent.CopyOnWriteArrayList
import kotlinx.coroutines.flow.MutableStateFlow

/**
 * A client without a server and without a device. Its rooms are [FakeChatRoom]s, made when they are first asked for;
 * its list of rooms is what the test [showRooms], and does not follow what is said in them.
 *
 * Any thread may call it.
 */
public class FakeChatClient(override val userId: String = "alice") : ChatClient {
    private val job = FakeJob()
    private val calls = CopyOnWriteArrayList<String>()
    private val opened = LinkedHashMap<RoomId, FakeChatRoom>()
    private var network: Connection = Connection.Live(Transport.POLLING)
    private var closed = false

    /** What shows; empty at first. See [showRooms]. */
    override val rooms: MutableStateFlow<RoomList> = MutableStateFlow(RoomList(emptyList(), isLoaded = true))

    /** How the job of [pollRooms] stands; may be set to whatever a test is about. */
    override val roomsConnection: MutableStateFlow<Connection> get() = job.connection

    override val session: MutableStateFlow<SessionState> = MutableStateFlow(SessionState.ACTIVE)

    /** How many are in [pollRooms] right now. */
    public val roomPollers: Int get() = job.pollers

    /** What was asked of the client itself, in words: "wake 1", "resume", "close", "wipe". */
    public val asked: List<String> get() = calls

    /** Thrown by [room], [wake] and [wipe] instead of what they do. */
    public var failure: ChatException? = null

    /** The room that [room] gets, to be prepared. */
    @JvmOverloads
    public fun fakeRoom(id: Long = 1): FakeChatRoom = synchronized(opened) {
        opened.getOrPut(RoomId(id)) { FakeChatRoom(RoomId(id), userId).also { it.hear(network) } }
    }

    /** Shows [summaries] as the account's rooms, in this order. */
    public fun showRooms(vararg summaries: RoomSummary) {
        rooms.value = RoomList(summaries.toList(), isLoaded = true)
    }

    /** There is a network, as from the beginning: jobs that run are live, the rooms' and the list's. */
    @JvmOverloads
    public fun goOnline(transport: Transport = Transport.POLLING) {
        hear(Connection.Live(transport))
        job.hear(Connection.Live(Transport.POLLING))
    }

    /** There is none: jobs that run are waiting. */
    @JvmOverloads
    public fun goOffline(problem: Problem = Problem.OFFLINE): Unit = hear(exampleWaiting(problem))

    /** The server takes no token of this user any more, until [resumeSession]: every job is over. */
    public fun endSession() {
        session.value = SessionState.ENDED
        hear(Connection.Ended(EndReason.SESSION_ENDED))
    }

    override suspend fun room(id: RoomId): ChatRoom = acting {
        if (id.value < 1) throw ChatException.InvalidRoom()
        fakeRoom(id.value)
    }

    override suspend fun pollRooms(): EndReason = job.poll()

    override suspend fun wake(roomId: RoomId) {
        calls += "wake $roomId"
        acting { if (roomId.value < 1) throw ChatException.InvalidRoom() }
    }

    override suspend fun resumeSession() {
        calls += "resume"
        if (closed) throw ChatException.Closed()
        session.value = SessionState.ACTIVE
        goOnline()
    }

    override suspend fun close() {
        calls += "close"
        shut()
    }

    override suspend fun wipe() {
        calls += "wipe"
        acting { shut() }
    }

    private fun shut() = synchronized(opened) {
        closed = true
        network = Connection.Ended(EndReason.CLIENT_CLOSED)
        job.close()
        opened.values.forEach { it.close() }
    }

    private fun <T> acting(act: () -> T): T {
        if (closed) throw ChatException.Closed()
        failure?.let { throw it }
        return act()
    }

    private fun hear(network: Connection) = synchronized(opened) {
        this.network = network
        job.hear(network)
        opened.values.forEach { it.hear(network) }
    }
}
