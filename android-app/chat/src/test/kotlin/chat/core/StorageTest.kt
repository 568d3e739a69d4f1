package chat.core

import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.fixtures.ChatRule
import chat.core.fixtures.waitUntil
import java.io.File
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith

/** Where on the phone the conversations lie. */
@RunWith(AndroidJUnit4::class)
class StorageTest {
    @get:Rule
    val chat = ChatRule()

    private val secrets by lazy { listOf(chat.server.token("alice"), "alice", "127.0.0.1", "for alice's eyes") }

    /** As files, whatever the app itself has there. */
    private fun files(folder: File) = folder.walk().filter { it.isFile }.toSet()

    @Test
    fun `all of it is in storage that back-ups leave out, under names that tell nothing`() {
        val (noBackup, all) = chat.context.run { noBackupFilesDir to dataDir }
        val before = files(all)
        chat.bobSays("for alice's eyes")
        val room = chat.aliceRoom(chat.client(chat.config { dataDir = null }))
        room.start()
        waitUntil("bob is heard") { room.timeline.value.messages.size == 1 }
        runBlocking { room.send("and mine") }
        val made = files(all) - before
        assertTrue("$made", made.any { it.extension == "sqlite3" })
        assertEquals(emptyList<File>(), made.filterNot { it.startsWith(noBackup) })
        for (name in made.map { it.relativeTo(all).path }) {
            assertEquals(name, emptyList<String>(), secrets.filter { it in name })
        }
    }

    @Test
    fun `no token is written down`() {
        val config = chat.config()
        val client = chat.client(config)
        val room = chat.aliceRoom(client)
        room.start()
        runBlocking { room.send("hello") }
        waitUntil("it is sent") { room.timeline.value.messages.singleOrNull()?.delivery == Delivery.Sent }
        runBlocking { client.close() }
        val signature = chat.server.token("alice").substringAfterLast('.')
        val made = files(checkNotNull(config.dataDir))
        assertTrue("$made", made.isNotEmpty())
        for (file in made) assertTrue(file.name, signature !in file.readText(Charsets.ISO_8859_1))
    }
}
