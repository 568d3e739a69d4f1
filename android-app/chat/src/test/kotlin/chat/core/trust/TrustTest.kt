package chat.core.trust

import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.ChatClient
import chat.core.ChatConfig
import chat.core.ChatRoom
import chat.core.Connection
import chat.core.Problem
import chat.core.RoomId
import chat.core.Transport
import chat.core.TransportChoice
import chat.core.ffi.ServerTrust
import chat.core.ffi.TrustVerdict
import chat.core.fixtures.ChatRule
import chat.core.fixtures.waitUntil
import chat.core.internal.NativeClient
import chat.core.internal.TrustBridge
import java.security.cert.CertificateException
import java.security.cert.X509Certificate
import java.util.concurrent.CopyOnWriteArrayList
import javax.net.ssl.TrustManagerFactory
import javax.net.ssl.X509TrustManager
import kotlin.time.Duration.Companion.days
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith

/**
 * Which servers are believed: on the real core and against the real server with TLS of its own. The phone is the JVM
 * here, with its own trust manager over what a test installs.
 */
@RunWith(AndroidJUnit4::class)
class TrustTest {
    @get:Rule
    val chat = ChatRule()

    private val server = TlsServer()
    private val opened = mutableListOf<ChatClient>()

    /** The phone's authorities at the moment. */
    @Volatile
    private var installed = TestAuthority.store(TestAuthority.known)

    @After
    fun end() {
        runBlocking { opened.forEach { it.close() } }
        server.close()
    }

    private fun phone(): X509TrustManager = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm())
        .apply { init(installed) }
        .trustManagers.firstNotNullOf { it as? X509TrustManager }

    /** Beside a stream nothing is polled, so that what is heard came by it. */
    private fun config(choice: TransportChoice, url: String): ChatConfig {
        val interval = if (choice == TransportChoice.POLLING) 0.1.seconds else 1.hours
        return chat.config(url, interval = interval, transport = choice) { allowCleartext = false }
    }

    private fun room(
        choice: TransportChoice = TransportChoice.POLLING,
        url: String = server.url(),
        trust: ServerTrust = TrustBridge(::phone)
    ): ChatRoom = runBlocking {
        NativeClient.open(chat.context, config(choice, url), { server.token }, trust)
            .also { opened += it }
            .room(RoomId(server.room))
    }

    private val ChatRoom.isRefused get() = (connection.value as? Connection.Waiting)?.problem == Problem.TLS

    private fun ChatRoom.isLiveBy(transport: Transport) = connection.value == Connection.Live(transport)

    private fun ChatRoom.texts() = timeline.value.messages.map { it.text }

    private fun good() = TestAuthority.known.issue("localhost")

    private fun isRefused(room: ChatRoom) {
        waitUntil("it says so") { room.isRefused }
        waitUntil("it was tried again") { (room.connection.value as? Connection.Waiting)?.run { attempt > 1 } == true }
        assertEquals("requests", 0, server.requests())
    }

    /** Nothing is told to the [bad] one; when there is a good one in its place, all is well by itself. */
    private fun pollsOnly(bad: Identity) {
        server.serve(bad)
        val room = room()
        room.start()
        runBlocking { room.send("for your eyes only") }
        isRefused(room)
        server.serve(good())
        waitUntil("it goes on", 20.seconds) { room.isLiveBy(Transport.POLLING) }
        waitUntil("all is said", 20.seconds) { room.timeline.value.messages.all { it.id != null } }
        assertEquals(listOf("hello", "for your eyes only"), room.texts())
    }

    /** The same with a socket that was open before. */
    private fun opensASocketOnly(bad: Identity) {
        server.serve(good())
        val room = room(TransportChoice.WEB_SOCKET)
        room.start()
        waitUntil("it is live") { room.isLiveBy(Transport.WEB_SOCKET) }
        server.serve(bad)
        waitUntil("it is over") { room.connection.value !is Connection.Live }
        runBlocking { room.send("for your eyes only") }
        isRefused(room)
        server.serve(good())
        waitUntil("it goes on", 20.seconds) { room.isLiveBy(Transport.WEB_SOCKET) }
        waitUntil("all is said", 20.seconds) { room.timeline.value.messages.all { it.id != null } }
        assertEquals(listOf("hello", "for your eyes only"), server.texts())
    }

    private fun expired() = TestAuthority.known.issue("localhost", ends = (-1).days)

    private fun wrongHost() = TestAuthority.known.issue("chat.example.com")

    private fun unknown() = TestAuthority.unknown.issue("localhost")

    @Test
    fun `a poll goes to no server whose certificate has expired`() = pollsOnly(expired())

    @Test
    fun `nor to one with the certificate of another host`() = pollsOnly(wrongHost())

    @Test
    fun `nor to one of an authority that the phone does not know`() = pollsOnly(unknown())

    @Test
    fun `a socket is opened to no server whose certificate has expired`() = opensASocketOnly(expired())

    @Test
    fun `nor to one with the certificate of another host, a socket`() = opensASocketOnly(wrongHost())

    @Test
    fun `nor to one of an authority that the phone does not know, a socket`() = opensASocketOnly(unknown())

    @Test
    fun `an address is believed by a certificate for the address`() {
        server.serve(TestAuthority.known.issue("127.0.0.1"))
        val room = room(TransportChoice.AUTO, server.url("127.0.0.1"))
        room.start()
        waitUntil("it is live") { room.isLiveBy(Transport.WEB_SOCKET) }
    }

    @Test
    fun `an authority that the user installs or removes counts from the next connection on`() {
        installed = TestAuthority.store(TestAuthority.unknown)
        server.serve(good())
        val room = room(TransportChoice.AUTO)
        room.start()
        isRefused(room)
        installed = TestAuthority.store(TestAuthority.known, TestAuthority.unknown)
        waitUntil("it is believed", 20.seconds) { room.isLiveBy(Transport.WEB_SOCKET) }
        installed = TestAuthority.store(TestAuthority.unknown)
        server.serve(good())
        isRefused(room)
    }

    @Test
    fun `what a network security config says of the host is heard, a pin for one`() {
        server.serve(good())
        val hosts = CopyOnWriteArrayList<String>()
        var pinned = false
        val phone = PerHost { host ->
            hosts += host
            if (!pinned) throw CertificateException("Pin verification failed")
        }
        val room = room(trust = TrustBridge { phone })
        room.start()
        isRefused(room)
        assertEquals(setOf("localhost"), hosts.toSet())
        pinned = true
        waitUntil("it is believed", 20.seconds) { room.isLiveBy(Transport.POLLING) }
    }

    @Test
    fun `a trust manager out of order is a no, and kills nobody`() {
        server.serve(good())
        val faults = ArrayDeque(
            listOf<() -> X509TrustManager>(
                { throw IllegalStateException("a bug") },
                { PerHost { throw OutOfMemoryError("not really") } },
                { PerHost { throw NoSuchMethodError("of another version") } }
            )
        )
        val room = room(trust = TrustBridge { faults.removeFirstOrNull()?.invoke() ?: PerHost { } })
        room.start()
        waitUntil("it says so") { room.isRefused }
        waitUntil("all were met, and it lives", 20.seconds) { room.isLiveBy(Transport.POLLING) }
        assertEquals(0, faults.size)
    }

    @Test
    fun `whatever comes over the boundary instead of an answer is a no`() {
        server.serve(good())
        val faults = ArrayDeque(listOf(IllegalStateException("a bug"), StackOverflowError()))
        val trust = object : ServerTrust {
            override fun verify(chain: List<ByteArray>, host: String): TrustVerdict {
                faults.removeFirstOrNull()?.let { throw it }
                return TrustVerdict.TRUSTED
            }
        }
        val room = room(trust = trust)
        room.start()
        waitUntil("it says so") { room.isRefused }
        waitUntil("all were met, and it lives", 20.seconds) { room.isLiveBy(Transport.POLLING) }
        assertEquals(0, faults.size)
    }

    @Test
    fun `a client that is opened without anything special asks the phone`() {
        server.serve(good())
        val client = chat.client(config(TransportChoice.AUTO, server.url())) { server.token }
        val room = runBlocking { client.room(RoomId(server.room)) }
        room.start()
        isRefused(room)
    }
}

/** As Android's own: asked with the host, which its general method would refuse to do without. */
class PerHost(private val check: (String) -> Unit) : X509TrustManager {
    @Suppress("unused") // Found by its name, as Android's is.
    fun checkServerTrusted(chain: Array<X509Certificate>, type: String, host: String): List<X509Certificate> {
        check(host)
        return chain.toList()
    }

    override fun checkServerTrusted(chain: Array<X509Certificate>, type: String) =
        throw CertificateException("hostname aware checkServerTrusted is required")

    override fun checkClientTrusted(chain: Array<X509Certificate>, type: String) =
        throw CertificateException("no client")

    override fun getAcceptedIssuers(): Array<X509Certificate> = emptyArray()
}
