package chat.core.internal

import chat.core.ChatException
import chat.core.ChatRoom
import chat.core.Connection
import chat.core.EndReason
import chat.core.MessageKey
import chat.core.RoomId
import chat.core.Timeline
import chat.core.ffi.ConnectionState
import chat.core.ffi.RoomCore
import chat.core.ffi.RoomListener
import chat.core.ffi.TimelineUpdate
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.filterIsInstance
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.withContext

/**
 * A room of the core as the app sees it.
 *
 * Two things are added to the core's own guarantees. The job is counted: it runs while anyone wants it, so that a
 * screen that goes cannot stop the one that came. And the gap between the core's gate and ours is closed: a callback
 * that left the core just before `stop` finds [open] false and changes nothing.
 *
 * [lock] is held for an assignment or for a call that returns at once, so nobody waits for it, the main thread
 * neither; and it is one lock, so that no order of two can be wrong.
 */
internal class NativeRoom(override val id: RoomId, private val io: CoroutineDispatcher) :
    ChatRoom,
    RoomListener {
    private val mutableTimeline = MutableStateFlow(Timeline.NotLoaded)
    private val mutableConnection = MutableStateFlow<Connection>(Connection.Idle)
    override val timeline: StateFlow<Timeline> = mutableTimeline.asStateFlow()
    override val connection: StateFlow<Connection> = mutableConnection.asStateFlow()

    private val lock = Any()
    private var core: RoomCore? = null
    private var closed = false

    /** Whether callbacks count: from the beginning, for the cache's first word, until the first stop. */
    private var open = true
    private var started = false
    private var pollers = 0

    /** The core's half, which calls back before its constructor has returned. */
    fun attach(core: RoomCore) = synchronized(lock) { this.core = core }

    /** The client is closing: whoever is in [poll] comes out, and nothing is shown any more. */
    fun close() {
        val core = synchronized(lock) {
            if (closed) return
            closed = true
            open = false
            mutableConnection.value = Connection.Ended(EndReason.CLIENT_CLOSED)
            core
        }
        core?.detach()
        core?.close()
    }

    override fun start() = synchronized(lock) {
        val idle = !started && pollers == 0
        started = true
        ensureRunning(idle)
    }

    override fun stop() = synchronized(lock) {
        val wasStarted = started
        started = false
        if (wasStarted) restIfUnwanted()
    }

    override suspend fun poll(): EndReason {
        synchronized(lock) {
            ensureRunning(idle = !started && pollers == 0)
            pollers++
        }
        try {
            return connection.filterIsInstance<Connection.Ended>().first().reason
        } finally {
            synchronized(lock) {
                pollers--
                restIfUnwanted()
            }
        }
    }

    private fun ensureRunning(idle: Boolean) {
        val core = core ?: return
        if (closed || (!idle && mutableConnection.value !is Connection.Ended)) return
        open = true
        mutableConnection.value = Connection.Connecting
        core.start()
    }

    private fun restIfUnwanted() {
        if (closed || started || pollers > 0) return
        open = false
        core?.stop()
        // Why it ended stays to be read until someone starts it again.
        if (mutableConnection.value !is Connection.Ended) mutableConnection.value = Connection.Idle
    }

    override fun wake() = synchronized(lock) {
        if (!closed) core?.wake()
        Unit
    }

    override suspend fun send(text: String): MessageKey = inLane { MessageKey(it.send(text)) }

    override suspend fun retry(key: MessageKey) = inLane { it.retry(key.value) }

    override suspend fun discard(key: MessageKey) = inLane { it.discard(key.value) }

    /** On the client's one lane, so calls keep their order; to its end, so a cancelled caller loses nothing. */
    private suspend fun <T> inLane(call: (RoomCore) -> T): T = withContext(NonCancellable + io) {
        val core = synchronized(lock) { if (closed) null else core } ?: throw ChatException.Closed()
        onCore { call(core) }
    }

    override fun onTimeline(update: TimelineUpdate) {
        // Callbacks come one at a time, so what is merged here is what is replaced below.
        val merged = mutableTimeline.value.merged(update)
        synchronized(lock) { if (open) mutableTimeline.value = merged }
    }

    override fun onConnection(state: ConnectionState) {
        val connection = state.toPublic()
        synchronized(lock) { if (open && (started || pollers > 0)) mutableConnection.value = connection }
    }
}
