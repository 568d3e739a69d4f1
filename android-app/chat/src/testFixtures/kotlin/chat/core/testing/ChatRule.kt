package chat.core.testing

import android.app.Application
import androidx.test.core.app.ApplicationProvider
import chat.core.ChatClient
import chat.core.ChatConfig
import chat.core.RoomId
import chat.core.TokenProvider
import chat.core.TransportChoice
import java.io.File
import java.nio.file.Files
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.runBlocking
import org.junit.rules.ExternalResource

/** A room on the real server with a [FaultProxy] before it, and clients that are closed when the test ends. */
class ChatRule : ExternalResource() {
    val server: ServerProcess by lazy { ServerProcess.shared }
    val proxy: FaultProxy by lazy { FaultProxy(server.url) }
    val context: Application get() = ApplicationProvider.getApplicationContext()
    val room: Long by lazy { server.createRoom() }
    private val clients = mutableListOf<ChatClient>()
    private lateinit var folder: File

    override fun before() {
        folder = Files.createTempDirectory("chat-core").toFile()
    }

    override fun after() {
        runBlocking { clients.forEach { it.close() } }
        proxy.close()
        folder.deleteRecursively()
    }

    /** A configuration of alice's that polls often. */
    fun config(
        url: String = proxy.url,
        user: String = "alice",
        interval: Duration = 50.milliseconds,
        folder: String = user,
        transport: TransportChoice = TransportChoice.POLLING
    ): ChatConfig = ChatConfig(
        serverUrl = url,
        userId = user,
        transport = transport,
        pollInterval = interval,
        roomsInterval = interval,
        allowCleartext = true,
        dataDir = File(this.folder, folder)
    )

    /** Opens a client that this rule will close. */
    fun client(
        config: ChatConfig = config(),
        tokens: TokenProvider = TokenProvider { server.token(config.userId) }
    ): ChatClient = runBlocking { ChatClient.open(context, config, tokens) }.also { clients += it }

    /** alice's view of [room], not started. */
    fun aliceRoom(client: ChatClient = client()) = runBlocking { client.room(RoomId(room)) }

    /** bob says something in [room]. */
    fun bobSays(text: String): Long = server.say(room, "bob", text)
}
