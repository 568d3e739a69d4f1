package chat.core.testing

import chat.core.Connection
import chat.core.EndReason
import chat.core.Transport
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.filterIsInstance
import kotlinx.coroutines.flow.first

/** A job that many may want and that asks nobody: what it would hear, the test says. */
internal class FakeJob {
    val connection: MutableStateFlow<Connection> = MutableStateFlow(Connection.Idle)
    private val lock = Any()

    /** What the job hears, if it runs. */
    @Volatile
    var network: Connection = Connection.Live(Transport.POLLING)
        private set
    private var started = false

    /** How many are in [poll]. */
    @Volatile
    var pollers: Int = 0
        private set

    val isWanted: Boolean get() = synchronized(lock) { started || pollers > 0 }

    fun start() = synchronized(lock) {
        started = true
        run()
    }

    fun stop() = synchronized(lock) {
        val wasStarted = started
        started = false
        if (wasStarted) rest()
    }

    suspend fun poll(): EndReason {
        synchronized(lock) {
            pollers++
            run()
        }
        try {
            return connection.filterIsInstance<Connection.Ended>().first().reason
        } finally {
            synchronized(lock) {
                pollers--
                rest()
            }
        }
    }

    /** What the job hears from now on, at once if it runs. */
    fun hear(network: Connection) = synchronized(lock) {
        this.network = network
        if (started || pollers > 0) connection.value = network
    }

    fun close() = synchronized(lock) {
        network = Connection.Ended(EndReason.CLIENT_CLOSED)
        connection.value = network
    }

    /** A test that has set [connection] itself is not contradicted. */
    private fun run() {
        if (connection.value.let { it is Connection.Idle || it is Connection.Ended }) connection.value = network
    }

    private fun rest() {
        if (!started && pollers == 0 && connection.value !is Connection.Ended) connection.value = Connection.Idle
    }
}
