package chat.core

import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.fixtures.ChatRule
import chat.core.fixtures.waitUntil
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith

/** Edits and deletions: on the screen at once, on the server once, and taken back when it will not have them. */
@RunWith(AndroidJUnit4::class)
class ChangeTest {
    @get:Rule
    val chat = ChatRule()

    private fun ChatRoom.message() = timeline.value.messages.last()

    private fun serverTexts() = chat.server.texts(chat.room)

    /** A live room in which alice has said "helo". */
    private fun saidRoom(): Pair<ChatRoom, MessageKey> {
        val room = chat.aliceRoom()
        room.start()
        val key = runBlocking { room.send("helo") }
        waitUntil("it is confirmed") { room.timeline.value.messages.lastOrNull()?.id != null }
        return room to key
    }

    @Test
    fun `an edit shows at once and is confirmed`() {
        val (room, key) = saidRoom()
        chat.proxy.failChanges(503, "unavailable")
        runBlocking { room.edit(key, "hello") }
        waitUntil("it shows") { room.message().text == "hello" }
        assertEquals(Change.Pending, room.message().change)
        assertEquals(listOf("helo"), serverTexts())
        chat.proxy.heal()
        room.wake()
        waitUntil("the server has it") { serverTexts() == listOf("hello") }
        waitUntil("it is confirmed") { room.message().run { change == Change.None && isEdited && text == "hello" } }
        assertEquals(key, room.message().key)
    }

    @Test
    fun `a deletion leaves a tombstone, here and there`() {
        val (room, key) = saidRoom()
        runBlocking { room.delete(key) }
        waitUntil("it shows") { room.message().isDeleted && room.message().text.isEmpty() }
        waitUntil("it is confirmed") { room.message().change == Change.None }
        assertEquals(listOf(""), serverTexts())
        assertThrows(ChatException.NotFound::class.java) { runBlocking { room.edit(key, "again") } }
    }

    @Test
    fun `a change that is refused is taken back, and can be tried again or let go`() {
        val (room, key) = saidRoom()
        chat.proxy.failChanges(422, "invalid")
        runBlocking { room.edit(key, "hello") }
        val refused = Change.Failed(FailureReason.REFUSED)
        waitUntil("it is as it was") { room.message().change == refused && room.message().text == "helo" }
        chat.proxy.heal()
        runBlocking { room.retry(key) }
        waitUntil("the server has it") { serverTexts() == listOf("hello") }
        waitUntil("so has the screen") { room.message().run { change == Change.None && text == "hello" } }

        chat.proxy.failChanges(422, "invalid")
        runBlocking { room.delete(key) }
        waitUntil("it is as it was") { room.message().change == refused && !room.message().isDeleted }
        runBlocking { room.discard(key) }
        waitUntil("nothing is left of it") { room.message().change == Change.None }
        assertEquals("hello", room.message().text)
    }

    @Test
    fun `an edit whose caller has gone is an edit`() {
        val (room, key) = saidRoom()
        runBlocking {
            // The lane is busy, so the edit waits for its turn while its caller goes away.
            repeat(20) { launch(start = CoroutineStart.UNDISPATCHED) { room.send("number $it") } }
            val caller = launch(start = CoroutineStart.UNDISPATCHED) { room.edit(key, "hello") }
            caller.cancel()
        }
        waitUntil("the server has it") { serverTexts().first() == "hello" }
    }

    @Test
    fun `what is not sent yet is sent as it reads then, or not at all`() {
        val room = chat.aliceRoom()
        room.start()
        chat.proxy.failPosts(503, "unavailable")
        val (first, second, third) = runBlocking { listOf("first", "second", "third").map { room.send(it) } }
        waitUntil("they wait") { room.timeline.value.messages.size == 3 }
        runBlocking {
            room.edit(second, "zweite")
            room.delete(third)
        }
        waitUntil("the third is gone") { room.timeline.value.messages.map { it.text } == listOf("first", "zweite") }
        chat.proxy.heal()
        room.wake()
        waitUntil("the server has them") { serverTexts() == listOf("first", "zweite") }
        assertEquals(listOf(first, second), room.timeline.value.messages.map { it.key })
    }

    @Test
    fun `what may have reached the server cannot be taken back`() {
        val room = chat.aliceRoom()
        room.start()
        waitUntil("it is live") { room.connection.value is Connection.Live }
        val hold = chat.proxy.holdNextPost()
        val key = runBlocking { room.send("too late") }
        waitUntil("it is on its way") { hold.hasArrived }
        assertThrows(ChatException.TooLate::class.java) { runBlocking { room.discard(key) } }
        hold.release()
        waitUntil("the server has it") { serverTexts() == listOf("too late") }
    }

    @Test
    fun `others' messages are theirs, and so are their changes`() {
        val room = chat.aliceRoom()
        room.start()
        val id = chat.bobSays("by bob")
        waitUntil("bob is heard") { room.timeline.value.messages.size == 1 }
        val key = room.message().key
        assertThrows(ChatException.NotTheSender::class.java) { runBlocking { room.edit(key, "by alice") } }
        assertThrows(ChatException.NotTheSender::class.java) { runBlocking { room.delete(key) } }
        chat.server.edit(chat.room, "bob", id, "by bob himself")
        waitUntil("his edit is heard") { room.message().run { isEdited && text == "by bob himself" } }
        chat.server.delete(chat.room, "bob", id)
        waitUntil("his deletion is heard") { room.message().run { isDeleted && text.isEmpty() } }
        assertEquals(key, room.message().key)
    }
}
