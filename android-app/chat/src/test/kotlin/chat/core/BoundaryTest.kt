package chat.core

import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.ffi.ChatCore
import chat.core.ffi.ConnectionState
import chat.core.ffi.CoreConfig
import chat.core.ffi.RoomListener
import chat.core.ffi.TimelineUpdate
import chat.core.ffi.TokenSource
import chat.core.ffi.TransportChoice
import chat.core.ffi.maxTextScalars
import chat.core.fixtures.ChatRule
import chat.core.fixtures.waitUntil
import chat.core.internal.TrustBridge
import java.io.File
import java.lang.reflect.Modifier
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.AtomicReference
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Assert.assertSame
import org.junit.Assert.assertThrows
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith

/** The seam between Kotlin and the core. */
@RunWith(AndroidJUnit4::class)
class BoundaryTest {
    @get:Rule
    val chat = ChatRule()

    private fun open(config: ChatConfig) = chat.client(config)

    @Test
    fun `a listener that throws does not kill the core`() {
        chat.client() // Loads the library.
        val heard = AtomicInteger()
        val core = AtomicReference<ChatCore>()
        val tokens = object : TokenSource {
            override fun onTokenWanted(request: ULong, refused: Boolean) {
                core.get().supplyToken(request, chat.server.token("alice"))
            }
        }
        val listener = object : RoomListener {
            override fun onTimeline(update: TimelineUpdate) {
                heard.incrementAndGet()
                throw IllegalStateException("the app's own bug")
            }

            override fun onConnection(state: ConnectionState) = throw IllegalArgumentException("another one")
        }
        val folder = chat.config(folder = "raw").dataDir!!.path
        core.set(ChatCore(coreConfig(folder), tokens, TrustBridge()))
        val room = core.get().room(chat.room, listener)
        room.start()
        waitUntil("it polls in spite of us") { chat.proxy.polls > 3 }
        val before = heard.get()
        chat.bobSays("still there?")
        waitUntil("it goes on telling us") { heard.get() > before }
        core.get().shutdown()
    }

    private fun coreConfig(folder: String) = CoreConfig(
        serverUrl = chat.proxy.url,
        userId = "alice",
        dataDir = folder,
        transport = TransportChoice.POLLING,
        pollIntervalMs = 50u,
        pollCeilingMs = 50u,
        roomsIntervalMs = 50u,
        messagesKept = 100u,
        answerTimeoutMs = 10_000u,
        allowCleartext = true,
        userAgent = ""
    )

    @Test
    fun `the limit is the core's own`() {
        chat.client()
        assertEquals(maxTextScalars().toInt(), MessageText.MAX_LENGTH)
    }

    @Test
    fun `an address that is not one is refused`() {
        for (url in listOf("", "chat.example.com", "ftp://chat.example.com", "https://chat.example.com/path")) {
            assertThrows(url, ChatException.InvalidConfig::class.java) { open(chat.config(url = url)) }
        }
    }

    @Test
    fun `an open line is refused unless it was asked for`() {
        assertThrows(ChatException.InvalidConfig::class.java) { open(chat.config { allowCleartext = false }) }
    }

    @Test
    fun `rooms count from one`() {
        assertThrows(ChatException.InvalidRoom::class.java) { runBlocking { chat.client().room(RoomId(0)) } }
    }

    @Test
    fun `a room is one object`() {
        val client = chat.client()
        assertSame(chat.aliceRoom(client), chat.aliceRoom(client))
    }

    @Test
    fun `one account is open once`() {
        chat.client()
        assertThrows(ChatException.CacheInUse::class.java) { chat.client() }
    }

    @Test
    fun `an opening that nobody waited for leaves nothing open`() {
        runBlocking {
            val caller = launch(start = CoroutineStart.UNDISPATCHED) {
                ChatClient.open(chat.context, chat.config()) { null }
            }
            caller.cancel()
            caller.join()
        }
        chat.client()
    }

    @Test
    fun `a folder that is a file is a storage problem`() {
        val file = File.createTempFile("chat-core", null)
        assertThrows(ChatException.Storage::class.java) { open(chat.config { dataDir = file }) }
        file.delete()
    }

    @Test
    fun `a closed client says so, and may be closed again`() {
        val client = chat.client()
        val room = chat.aliceRoom(client)
        room.start()
        runBlocking {
            client.close()
            client.close()
        }
        val calls = listOf<suspend () -> Unit>(
            { room.send("hello") },
            { room.edit(MessageKey(1), "hello") },
            { room.delete(MessageKey(1)) },
            { room.retry(MessageKey(1)) },
            { room.discard(MessageKey(1)) },
            { room.loadOlder() },
            { client.room(RoomId(1)) },
            { client.wake(RoomId(1)) },
            { client.resumeSession() },
            { client.wipe() }
        )
        for (call in calls) assertThrows(ChatException.Closed::class.java) { runBlocking { call() } }
        room.start()
        room.stop()
        room.wake()
        assertEquals(EndReason.CLIENT_CLOSED, runBlocking { room.poll() })
        assertEquals(EndReason.CLIENT_CLOSED, runBlocking { client.pollRooms() })
    }

    @Test
    fun `no generated type shows in the public API`() {
        val classes = File("target/classes/chat/core").listFiles().orEmpty().filter { it.extension == "class" }
            .map { Class.forName("chat.core.${it.nameWithoutExtension}") }
            .filter { Modifier.isPublic(it.modifiers) }
        check(classes.size > 30) { "found only ${classes.size} classes" }
        val leaks = classes.flatMap { type ->
            // What lambdas reach private fields by is public to the JVM, and to no compiler.
            val methods = type.declaredMethods.filter { Modifier.isPublic(it.modifiers) && !it.isSynthetic }
                .flatMap { it.genericParameterTypes.toList() + it.genericReturnType }
            val fields = type.declaredFields.filter { Modifier.isPublic(it.modifiers) }.map { it.genericType }
            (methods + fields + type.genericInterfaces).map { it.typeName }
                .filter { "chat.core.ffi" in it || "chat.core.internal" in it }
                .map { "${type.name}: $it" }
        }
        assertEquals(emptyList<String>(), leaks)
    }
}
