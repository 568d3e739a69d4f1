package chat.core

import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.fixtures.ChatRule
import chat.core.fixtures.holdsFor
import chat.core.fixtures.waitUntil
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith

/** What has been read, here and on the user's other devices. */
@RunWith(AndroidJUnit4::class)
class ReadMarkerTest {
    @get:Rule
    val chat = ChatRule()

    private fun ChatRoom.read() = timeline.value.run { readMarker to unread }

    private fun roomOf(vararg texts: String): ChatRoom {
        texts.forEach { chat.bobSays(it) }
        val room = chat.aliceRoom()
        room.start()
        waitUntil("all are there") { room.timeline.value.messages.size == texts.size }
        return room
    }

    private fun ChatRoom.key(text: String) = timeline.value.messages.single { it.text == text }.key

    @Test
    fun `what was read is read on every device, and never unread again`() {
        val room = roomOf("one", "two", "three")
        waitUntil("three are unread") { room.read() == null to 3 }
        runBlocking { room.markRead(room.key("two")) }
        waitUntil("one is left") { room.read() == 2L to 1 }
        runBlocking { room.markRead(room.key("one")) }
        waitUntil("the server knows") { chat.server.reading(chat.room, "alice") == 2L to 1 }
        holdsFor(300.milliseconds, "it only goes forward") { room.read() == 2L to 1 }
        runBlocking { room.markAllRead() }
        waitUntil("nothing is left") { room.read() == 3L to 0 }
        waitUntil("the server knows it all") { chat.server.reading(chat.room, "alice") == 3L to 0 }
    }

    @Test
    fun `one's own messages are not unread, nor can one read what is not sent`() {
        val room = roomOf("one")
        chat.proxy.failPosts(503, "unavailable")
        val own = runBlocking { room.send("my own") }
        waitUntil("it waits") { room.timeline.value.messages.size == 2 }
        runBlocking { room.markRead(own) }
        assertEquals(1, room.timeline.value.unread)
        runBlocking { room.markAllRead() }
        waitUntil("what is on the server is read") { room.read() == 1L to 0 }
        assertThrows(ChatException.NotFound::class.java) { runBlocking { room.markRead(MessageKey(99)) } }
    }

    @Test
    fun `an empty room has nothing to read`() {
        val room = roomOf()
        runBlocking { room.markAllRead() }
        assertEquals(null to 0, room.read())
    }
}
