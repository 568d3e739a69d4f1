package consumer

import android.content.Context
import android.content.ContextWrapper
import chat.core.ChatClient
import chat.core.ChatConfig
import chat.core.Delivery
import chat.core.Message
import chat.core.RoomId
import chat.core.TokenProvider
import java.io.File
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout

/**
 * The smallest app: it sends a message, waits until the server has it and somebody else's has come, prints what is in
 * the room, and ends. It has every listener of the core's called. It is minified by R8 with the library's consumer rules and no others (MinifiedConsumerTest), so
 * it may use nothing of the library but what is public.
 */
object Consumer {
    /** @param arguments The server, the user's token, the room's number, a folder for the cache. */
    @JvmStatic
    fun main(arguments: Array<String>) = runBlocking {
        val (server, token, room, folder) = arguments
        val config = ChatConfig(server, userId = "alice") {
            allowCleartext = true
            pollInterval = 50.milliseconds
        }
        val client = ChatClient.open(App(File(folder)), config, FixedToken(token))
        val chat = client.room(RoomId(room.toLong()))
        chat.start()
        chat.send("from the minified app")
        val timeline = withTimeout(20.seconds) {
            chat.timeline.first {
                it.messages.all(::isSent) &&
                    it.messages.size == 2
            }
        }
        // What the core calls back for: the list of rooms, and the end of a look for older messages.
        val polling = launch { client.pollRooms() }
        withTimeout(20.seconds) { client.rooms.first { it.rooms.isNotEmpty() } }
        polling.cancel()
        check(!chat.loadOlder()) { "there are no older messages" }
        timeline.messages.forEach { println("${it.sender}: ${it.text}") }
        client.close()
    }

    private fun isSent(message: Message) = message.delivery == Delivery.Sent

    private class FixedToken(private val token: String) : TokenProvider {
        override suspend fun token(refused: Boolean): String? = token.takeUnless { refused }
    }

    /** A context outside of Android: a folder, and no system services. */
    private class App(private val folder: File) : ContextWrapper(null) {
        override fun getApplicationContext(): Context = this
        override fun getNoBackupFilesDir(): File = folder
        override fun getSystemServiceName(serviceClass: Class<*>): String? = null
        override fun getSystemService(name: String): Any? = null
    }
}
