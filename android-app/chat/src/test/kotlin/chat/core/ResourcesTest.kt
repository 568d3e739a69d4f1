package chat.core

import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.fixtures.ChatRule
import chat.core.fixtures.coreThreads
import chat.core.fixtures.openFiles
import chat.core.fixtures.waitUntil
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith

/** Threads and files: what is opened is closed. Against the server itself: a proxy has files of its own. */
@RunWith(AndroidJUnit4::class)
class ResourcesTest {
    @get:Rule
    val chat = ChatRule()

    private fun direct() = chat.config(url = chat.server.url)

    private fun ChatRoom.isLive() = connection.value is Connection.Live

    @Test
    fun `a thousand starts and stops leave threads and files as they were`() {
        val room = chat.aliceRoom(chat.client(direct()))
        fun rest() {
            room.start()
            waitUntil("it is live") { room.isLive() }
            room.stop()
        }
        repeat(20) { rest() }
        val threads = coreThreads().sorted()
        val files = openFiles()
        repeat(1_000) {
            room.start()
            room.stop()
        }
        rest()
        assertEquals(threads, coreThreads().sorted())
        // A dropped connection takes a moment to be closed.
        waitUntil("the files are closed, from ${openFiles()} to $files") { openFiles() <= files }
    }

    @Test
    fun `a closed client leaves no thread and no file behind`() {
        fun once() {
            val client = chat.client(direct())
            val room = chat.aliceRoom(client)
            room.start()
            waitUntil("it is live") { room.isLive() }
            runBlocking { client.close() }
        }
        once()
        waitUntil("the threads are gone") { coreThreads().isEmpty() }
        val files = openFiles()
        repeat(20) { once() }
        waitUntil("the threads are gone again") { coreThreads().isEmpty() }
        waitUntil("the files are closed, from ${openFiles()} to $files") { openFiles() <= files }
    }
}
