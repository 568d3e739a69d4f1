package chat.core.internal

import chat.core.ChatException
import chat.core.Connection
import chat.core.EndReason
import chat.core.ffi.ConnectionState
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.filterIsInstance
import kotlinx.coroutines.flow.first

/**
 * A job of the core's that many may want.
 *
 * Two things are added to the core's own guarantees. The job is counted: it runs while anyone wants it, so that a
 * screen that goes cannot stop the one that came. And the gap between the core's gate and ours is closed: a callback
 * that left the core just before `stop` finds [open] false and changes nothing.
 *
 * [lock] is held for an assignment or for a call that returns at once, so nobody waits for it, the main thread
 * neither; and it is one lock, so that no order of two can be wrong.
 */
internal class SharedJob<C : Any>(private val begin: (C) -> Unit, private val end: (C) -> Unit) {
    private val mutableConnection = MutableStateFlow<Connection>(Connection.Idle)
    val connection: StateFlow<Connection> = mutableConnection.asStateFlow()

    private val lock = Any()
    private var core: C? = null
    private var closed = false

    /** Whether callbacks count: from the beginning, for the cache's first word, until the first stop. */
    private var open = true
    private var started = false
    private var pollers = 0

    /** The core's half, which calls back before its constructor has returned. */
    fun attach(core: C) = synchronized(lock) { this.core = core }

    /** Whoever is in [poll] comes out, and nothing is shown any more. */
    fun close(release: (C) -> Unit) {
        val core = synchronized(lock) {
            if (closed) return
            closed = true
            open = false
            mutableConnection.value = Connection.Ended(EndReason.CLIENT_CLOSED)
            core
        }
        core?.let(release)
    }

    fun start() = synchronized(lock) {
        val idle = !started && pollers == 0
        started = true
        ensureRunning(idle)
    }

    fun stop() = synchronized(lock) {
        val wasStarted = started
        started = false
        if (wasStarted) restIfUnwanted()
    }

    suspend fun poll(): EndReason {
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
        begin(core)
    }

    private fun restIfUnwanted() {
        if (closed || started || pollers > 0) return
        open = false
        core?.let(end)
        // Why it ended stays to be read until someone starts it again.
        if (mutableConnection.value !is Connection.Ended) mutableConnection.value = Connection.Idle
    }

    /** Takes in what a callback brought, unless nobody wants to hear it any more. */
    fun show(change: () -> Unit) = synchronized(lock) { if (open) change() }

    fun onConnection(state: ConnectionState) {
        val connection = state.toPublic()
        synchronized(lock) { if (open && (started || pollers > 0)) mutableConnection.value = connection }
    }

    /** The core's half for a call that returns at once; nothing happens when it is closed. */
    fun tell(call: (C) -> Unit) = synchronized(lock) { if (!closed) core?.let(call) }

    /** The core's half for a call that may take a moment. */
    fun core(): C = synchronized(lock) { if (closed) null else core } ?: throw ChatException.Closed()
}
