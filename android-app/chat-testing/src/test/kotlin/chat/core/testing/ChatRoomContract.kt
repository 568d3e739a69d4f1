package chat.core.testing

import chat.core.Change
import chat.core.ChatException
import chat.core.Connection
import chat.core.Delivery
import chat.core.FailureReason
import chat.core.Message
import chat.core.MessageKey
import chat.core.MessageText
import chat.core.fixtures.waitUntil
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test

/** What a room does with messages, whether there is a server behind it or none. */
internal abstract class ChatRoomContract {
    protected abstract val stage: Stage
    private val room get() = stage.room
    private val messages get() = room.timeline.value.messages
    private val texts get() = messages.map { it.text }

    private fun message(key: MessageKey) = messages.single { it.key == key }

    private fun say(text: String) = runBlocking { room.send(text) }

    /** Waits until the message shows as [holds] wants it. */
    private fun waitFor(key: MessageKey, what: String, holds: Message.() -> Boolean) =
        waitUntil("$key $what") { messages.find { it.key == key }?.holds() == true }

    private fun live() {
        room.start()
        waitUntil("it is live") { room.timeline.value.isLoaded && room.connection.value is Connection.Live }
    }

    /** A live room in which alice has said [text], which has arrived. */
    private fun said(text: String): MessageKey {
        live()
        return say(text).also(stage::deliver)
    }

    private fun refuses(type: Class<out ChatException>, call: suspend () -> Unit) {
        assertThrows(type) { runBlocking { call() } }
    }

    @Test
    fun `what somebody else says shows with its number for a key, and is unread`() {
        live()
        stage.bobSays("hello")
        waitUntil("it shows") { messages.isNotEmpty() }
        messages.single().run {
            assertEquals(MessageKey(1), key)
            assertEquals(1L, id)
            assertEquals("bob", sender)
            assertEquals(false, isOwn)
            assertEquals(Delivery.Sent, delivery)
        }
        assertEquals(null to 1, room.timeline.value.run { readMarker to unread })
    }

    @Test
    fun `a draft is kept as it was typed until it is sent, or what became of it`() = runBlocking {
        assertEquals("", room.draft())
        room.saveDraft("  half a thou")
        assertEquals("  half a thou", room.draft())
        room.send("something else")
        assertEquals("  half a thou", room.draft())
        room.send("half a thought")
        assertEquals("", room.draft())
        room.saveDraft("\u3000".repeat(MessageText.MAX_LENGTH + 1))
        assertEquals(MessageText.MAX_LENGTH + 1, room.draft().length)
        room.saveDraft("")
        assertEquals("", room.draft())
    }

    @Test
    fun `what is said offline waits, last of all, and keeps its key when it arrives`() {
        live()
        stage.bobSays("before")
        waitUntil("it shows") { texts == listOf("before") }
        stage.goOffline()
        val keys = listOf("first", " \u3000second\u0085\n").map { say(it) }
        waitUntil("both show") { texts == listOf("before", "first", "second") }
        for (key in keys) {
            waitFor(key, "waits") { delivery == Delivery.Pending }
            assertEquals(null, message(key).id)
            assertEquals("alice", message(key).sender)
            assertEquals(true, message(key).isOwn)
        }
        keys.forEach { stage.deliver(it) }
        assertEquals(listOf("before", "first", "second"), texts)
        assertEquals(listOf(MessageKey(1)) + keys, messages.map { it.key })
        assertEquals(listOf(1L, 2L, 3L), messages.map { it.id })
        assertEquals(1, room.timeline.value.unread)
    }

    @Test
    fun `what cannot be said is refused and does not show`() {
        live()
        refuses(ChatException.TextBlank::class.java) { room.send("\u3000\n ") }
        refuses(ChatException.TextTooLong::class.java) { room.send("가".repeat(MessageText.MAX_LENGTH + 1)) }
        refuses(ChatException.TextInvalid::class.java) { room.send("half a pair: \uD83D") }
        refuses(ChatException.TextInvalid::class.java) { room.send("a zero: \u0000") }
        assertEquals(emptyList<Message>(), messages)
    }

    @Test
    fun `a cancelled send is a send`() {
        live()
        stage.goOffline()
        runBlocking { launch(start = CoroutineStart.UNDISPATCHED) { room.send("do not lose me") }.cancel() }
        waitUntil("it shows") { texts == listOf("do not lose me") }
    }

    @Test
    fun `a message that is refused can be tried again, or discarded`() {
        live()
        stage.goOffline()
        val key = say("hello")
        waitFor(key, "shows") { true }
        stage.refuse(key)
        assertEquals(Delivery.Failed(FailureReason.REFUSED), message(key).delivery)
        stage.goOffline()
        runBlocking { room.retry(key) }
        waitFor(key, "waits") { delivery == Delivery.Pending || delivery == Delivery.Sending }
        stage.refuse(key)
        runBlocking { room.discard(key) }
        waitUntil("it is gone") { messages.isEmpty() }
        refuses(ChatException.NotFound::class.java) { room.retry(key) }
        refuses(ChatException.NotFound::class.java) { room.discard(key) }
    }

    @Test
    fun `what waits is sent as it reads then, or not at all`() {
        live()
        stage.goOffline()
        val (first, second, third) = listOf("first", "second", "third").map { say(it) }
        waitUntil("they show") { messages.size == 3 && messages.all { it.delivery == Delivery.Pending } }
        runBlocking {
            room.edit(first, "erste")
            room.delete(second)
            room.discard(third)
        }
        waitUntil("it shows") { texts == listOf("erste") }
        assertEquals(false to Change.None, message(first).run { isEdited to change })
        stage.deliver(first)
        assertEquals(listOf("erste"), texts)
    }

    @Test
    fun `what is on its way cannot be taken back, but changed`() {
        live()
        val key = stage.whileSending({ say("helo") }) { key ->
            refuses(ChatException.TooLate::class.java) { room.discard(key) }
            runBlocking { room.edit(key, "hello") }
            waitFor(key, "shows the edit") { text == "hello" && isEdited && change == Change.Pending }
            assertEquals(Delivery.Sending, message(key).delivery)
        }
        if (message(key).change == Change.Pending) stage.deliver(key)
        assertEquals("hello" to true, message(key).run { text to isEdited })
    }

    @Test
    fun `an edit shows at once, and the newest one counts`() {
        val key = said("helo")
        stage.goOffline()
        runBlocking {
            room.edit(key, "hellow")
            room.edit(key, "hello")
        }
        waitFor(key, "shows") { text == "hello" && isEdited && change == Change.Pending }
        stage.deliver(key)
        assertEquals("hello" to true, message(key).run { text to isEdited })
    }

    @Test
    fun `an edit that is refused is taken off, and can be tried again or let go`() {
        val key = said("helo")
        stage.goOffline()
        runBlocking { room.edit(key, "hello") }
        waitFor(key, "shows") { text == "hello" }
        stage.refuse(key)
        assertEquals("helo" to false, message(key).run { text to isEdited })
        stage.goOffline()
        runBlocking { room.retry(key) }
        waitFor(key, "shows again") { text == "hello" && change == Change.Pending }
        stage.refuse(key)
        runBlocking { room.discard(key) }
        waitFor(key, "is as it was") { text == "helo" && change == Change.None }
        refuses(ChatException.NotFound::class.java) { room.discard(key) }
        refuses(ChatException.NotFound::class.java) { room.retry(key) }
    }

    @Test
    fun `a deletion leaves a tombstone, and comes back when it is refused`() {
        val key = said("hello")
        stage.goOffline()
        runBlocking { room.delete(key) }
        waitFor(key, "is gone") { isDeleted && text.isEmpty() && change == Change.Pending }
        refuses(ChatException.NotFound::class.java) { room.edit(key, "again") }
        stage.refuse(key)
        assertEquals("hello" to false, message(key).run { text to isDeleted })
        stage.goOffline()
        runBlocking { room.retry(key) }
        waitFor(key, "is gone again") { isDeleted }
        stage.deliver(key)
        assertEquals(true to "", message(key).run { isDeleted to text })
        refuses(ChatException.NotFound::class.java) { room.delete(key) }
    }

    @Test
    fun `others' messages are theirs, and what is not there is not found`() {
        live()
        stage.bobSays("by bob")
        waitUntil("it shows") { messages.isNotEmpty() }
        val key = messages.single().key
        refuses(ChatException.NotTheSender::class.java) { room.edit(key, "by alice") }
        refuses(ChatException.NotTheSender::class.java) { room.delete(key) }
        refuses(ChatException.NotFound::class.java) { room.edit(MessageKey(99), "nobody's") }
        refuses(ChatException.NotFound::class.java) { room.markRead(MessageKey(99)) }
    }

    @Test
    fun `the read marker goes forward, over one's own messages too, and not to what is not sent`() {
        live()
        listOf("one", "two", "three").forEach(stage::bobSays)
        waitUntil("all are unread") { room.timeline.value.unread == 3 }
        runBlocking { room.markRead(MessageKey(2)) }
        waitUntil("one is left") { room.timeline.value.run { readMarker == 2L && unread == 1 } }
        runBlocking { room.markRead(MessageKey(1)) }
        stage.goOffline()
        val own = say("my own")
        waitFor(own, "shows") { true }
        runBlocking { room.markRead(own) }
        assertEquals(2L to 1, room.timeline.value.run { readMarker to unread })
        runBlocking { room.markAllRead() }
        waitUntil("none is left") { room.timeline.value.run { readMarker == 3L && unread == 0 } }
    }

    @Test
    fun `older messages come page by page, and neither without a network nor when the room is over`() {
        val all = stage.fill()
        room.start()
        waitUntil("the newest are there") { room.timeline.value.hasOlder && messages.lastOrNull()?.id == all.toLong() }
        stage.goOffline()
        refuses(ChatException.Offline::class.java) { room.loadOlder() }
        stage.removeAlice()
        refuses(ChatException.Ended::class.java) { room.loadOlder() }
        stage.goOnline()
        var before = messages.size
        while (runBlocking { room.loadOlder() }) {
            waitUntil("there are more") { messages.size > before }
            before = messages.size
        }
        waitUntil("all are there") { messages.map { it.id } == List(all) { it + 1L } }
        assertEquals(false, room.timeline.value.hasOlder)
        assertEquals(false, runBlocking { room.loadOlder() })
    }
}
