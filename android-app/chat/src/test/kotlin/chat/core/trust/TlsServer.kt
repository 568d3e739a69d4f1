package chat.core.trust

import chat.core.fixtures.TestServer
import java.io.File
import java.nio.file.Files

/**
 * The real server with TLS of its own, on one port for as long as a test lasts, behind one certificate after another.
 * The room is there from the beginning, with a word of bob's in it.
 */
class TlsServer : AutoCloseable {
    private val folder = Files.createTempDirectory("chat-tls").toFile()
    private val log = File(folder, "log")
    private var process: Process? = null
    private val port: Int
    val room: Long

    /** A token of alice's that no log and no file name may hold. */
    val token: String

    /** Where it is, by a name or an address of this machine. */
    fun url(host: String = "localhost") = "https://$host:$port"

    init {
        val server = TestServer(start(0), SECRET)
        port = server.url.substringAfterLast(':').toInt()
        room = server.createRoom()
        token = server.token("alice")
        server.say(room, "bob", "hello")
    }

    /** From now on this is what it shows; what was connected is not any more. */
    fun serve(identity: Identity) {
        val (certificate, key) = identity.write(folder)
        check(start(port, "--tls-cert", certificate.path, "--tls-key", key.path).startsWith("https://"))
    }

    /** How many requests came over TLS and were answered since the last [serve]. */
    fun requests(): Int = log.readLines().count { "path=" in it || "\"path\"" in it }

    /** What it holds in the end, by a last start without TLS. */
    fun texts(): List<String> = TestServer(start(port), SECRET).texts(room)

    private fun start(port: Int, vararg options: String): String {
        close()
        val binary = checkNotNull(System.getProperty("chat.server"))
        val database = File(folder, "chat.db").path
        val command = listOf(binary, "--listen", "127.0.0.1:$port", "--database", database, "--jwt-secret", SECRET)
        val started = ProcessBuilder(command + listOf("--log", "info") + options).redirectError(log).start()
        process = started
        return started.inputStream.bufferedReader().readLine().orEmpty().substringAfter("listening on ", "").also {
            check(it.isNotEmpty()) { log.readText() }
        }
    }

    override fun close() {
        process?.destroyForcibly()?.waitFor()
        process = null
    }

    private companion object {
        const val SECRET = "a secret of the tests, and of nobody else"
    }
}
