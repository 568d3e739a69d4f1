package chat.core.testing

import java.io.IOException
import java.net.InetAddress
import java.net.ServerSocket
import java.net.Socket
import java.net.URI
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.concurrent.thread

/**
 * A wire between the app and [upstream]: hands bytes through as they are, streams and sockets too, and knows what is
 * being asked on it. What has to make up answers is [FaultProxy].
 */
class Relay(private val upstream: String) : AutoCloseable {
    private val server = ServerSocket(0, BACKLOG, InetAddress.getLoopbackAddress())
    private val connections = CopyOnWriteArrayList<Connection>()
    private val requests = ConcurrentLinkedQueue<String>()

    /** Where the app thinks the server is. */
    val url: String get() = "http://127.0.0.1:${server.localPort}"

    init {
        thread(name = "relay", isDaemon = true) {
            try {
                while (true) connections += Connection(server.accept())
            } catch (_: IOException) {
                // Closed.
            }
        }
    }

    /** How many requests for [what], a part of their first line, there were so far. */
    fun asked(what: String): Int = requests.count { what in it }

    /** How many of them are still being answered. */
    fun held(what: String): Int = connections.count { what in it.request }

    /** Ends every connection, as a tunnel does. */
    fun cut() = connections.forEach { it.close() }

    override fun close() {
        server.close()
        cut()
    }

    private inner class Connection(private val app: Socket) {
        private val remote = URI(upstream).run { Socket(host, port) }

        /** The first line of what is asked at the moment. */
        @Volatile
        var request = ""
            private set

        init {
            pump(app, remote) { bytes, size ->
                val line = String(bytes, 0, minOf(size, LONGEST_LINE), Charsets.ISO_8859_1).substringBefore("\r\n")
                if (line.endsWith(" HTTP/1.1")) {
                    request = line
                    requests += line
                }
            }
            // Its answer ends a long poll and every other question; a stream and a socket have only begun with it.
            pump(remote, app) { _, _ -> if ("/messages" in request) request = "" }
        }

        private fun pump(from: Socket, to: Socket, notice: (ByteArray, Int) -> Unit) = thread(isDaemon = true) {
            val bytes = ByteArray(LARGEST_READ)
            try {
                while (true) {
                    val size = from.getInputStream().read(bytes)
                    if (size < 0) break
                    notice(bytes, size)
                    to.getOutputStream().write(bytes, 0, size)
                }
            } catch (_: IOException) {
                // One end is gone, and so is the other now.
            }
            close()
        }

        fun close() {
            app.close()
            remote.close()
            connections -= this
        }
    }

    private companion object {
        const val BACKLOG = 50
        const val LARGEST_READ = 16 shl 10

        /** Of a request of ours; what else travels is not looked at any further. */
        const val LONGEST_LINE = 500
    }
}
