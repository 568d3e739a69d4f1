package chat.core

import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.fixtures.ChatRule
import chat.core.fixtures.waitUntil
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith

/** What alice writes reaches the server once, in order, byte for byte. */
@RunWith(AndroidJUnit4::class)
class SendTest {
    @get:Rule
    val chat = ChatRule()

    private fun ChatRoom.last() = timeline.value.messages.lastOrNull()

    private fun ChatRoom.say(text: String) = runBlocking { send(text) }

    @Test
    fun `every script survives the way there and back`() {
        val room = chat.aliceRoom()
        room.start()
        val texts = listOf(
            "안녕하세요, 오늘 저녁 8시에 만나요!",
            "👩🏽‍🚀👨‍👩‍👧‍👦🇰🇷 e\u0301 is é".let {
                java.text.Normalizer.normalize(it, java.text.Normalizer.Form.NFC)
            },
            "مرحبا بالعالم — שלום עולם",
            "two\nlines\tand a tab",
            "가".repeat(MessageText.MAX_LENGTH),
            "😀".repeat(MessageText.MAX_LENGTH)
        )
        texts.forEach { room.say(it) }
        waitUntil("the server has them all") { chat.server.texts(chat.room) == texts }
        waitUntil("all are sent") { room.timeline.value.messages.all { it.delivery == Delivery.Sent && it.id != null } }
        assertEquals(texts, room.timeline.value.messages.map { it.text })
    }

    @Test
    fun `what the screen counts is what the core counts`() {
        val room = chat.aliceRoom()
        val drafts = listOf("a", "😀", "\u1112\u1161\u11AB", "e\u0301", "\u0958", "\uFB2C").flatMap {
            val fitting = MessageText.MAX_LENGTH / MessageText.length(it)
            listOf(it.repeat(fitting), it.repeat(fitting + 1))
        } + listOf(" ", "\u3000\n", "\u200D", "\u0000", "a\u0000b", "a\uD83D")
        for (draft in drafts) {
            val taken = runCatching { room.say(draft) }
            assertEquals("${draft.take(3)} × ${draft.length}", MessageText.isSendable(draft), taken.isSuccess)
            val tooLong = taken.exceptionOrNull() as? ChatException.TextTooLong ?: continue
            assertEquals(tooLong.length, MessageText.length(draft))
        }
    }

    @Test
    fun `a message keeps its key from the outbox to the server's answer`() {
        val room = chat.aliceRoom()
        room.start()
        val key = room.say("hello")
        waitUntil("it is confirmed") { room.last()?.id != null }
        assertEquals(key, room.last()?.key)
        assertEquals(true, room.last()?.isOwn)
        assertEquals(1, room.timeline.value.messages.size)
    }

    @Test
    fun `a cancelled send is a send`() {
        val room = chat.aliceRoom()
        room.start()
        val before = List(20) { "number $it" }
        runBlocking {
            // Undispatched: the calls are made and queue up; then the last caller goes away, long before its turn.
            before.forEach { launch(start = CoroutineStart.UNDISPATCHED) { room.send(it) } }
            val caller = launch(start = CoroutineStart.UNDISPATCHED) { room.send("do not lose me") }
            caller.cancel()
        }
        waitUntil("the server has it") { chat.server.texts(chat.room) == before + "do not lose me" }
    }

    @Test
    fun `many sends at once keep the order of their calls`() {
        val room = chat.aliceRoom()
        room.start()
        val texts = List(50) { "number $it" }
        runBlocking {
            texts.map { async(start = CoroutineStart.UNDISPATCHED) { room.send(it) } }.forEach { it.await() }
        }
        waitUntil("the server has them all") { chat.server.texts(chat.room) == texts }
    }

    @Test
    fun `what is written without a network is sent when there is one`() {
        val room = chat.aliceRoom()
        room.start()
        waitUntil("it is live") { room.connection.value is Connection.Live }
        chat.proxy.failAll(503, "unavailable")
        room.say("written offline")
        waitUntil("it waits") { room.last()?.delivery in setOf(Delivery.Pending, Delivery.Sending) }
        waitUntil("it was tried") { chat.proxy.posts > 0 }
        chat.proxy.heal()
        waitUntil("the server has it") { chat.server.texts(chat.room) == listOf("written offline") }
        waitUntil("it is sent") { room.last()?.delivery == Delivery.Sent }
    }

    @Test
    fun `a message that is refused can be tried again, and holds up nobody`() {
        val room = chat.aliceRoom()
        room.start()
        chat.proxy.failPosts(422, "invalid")
        val key = room.say("refused")
        waitUntil("it has failed") { room.last()?.delivery == Delivery.Failed(FailureReason.REFUSED) }
        chat.proxy.heal()
        room.say("the next one")
        waitUntil("the next is there") { chat.server.texts(chat.room) == listOf("the next one") }
        runBlocking { room.retry(key) }
        waitUntil("it is there too") { chat.server.texts(chat.room) == listOf("the next one", "refused") }
    }

    @Test
    fun `a message that is refused can be discarded`() {
        val room = chat.aliceRoom()
        room.start()
        chat.proxy.failPosts(422, "invalid")
        val key = room.say("refused")
        waitUntil("it has failed") { room.last()?.delivery is Delivery.Failed }
        runBlocking { room.discard(key) }
        waitUntil("it is gone") { room.timeline.value.messages.isEmpty() }
        assertThrows(ChatException.NotFound::class.java) { runBlocking { room.retry(key) } }
    }

    @Test
    fun `what cannot be said is refused at once`() {
        val room = chat.aliceRoom()
        assertThrows(ChatException.TextBlank::class.java) { room.say("\u3000\n ") }
        val tooLong = assertThrows(ChatException.TextTooLong::class.java) { room.say("a".repeat(4_001)) }
        assertEquals(4_001, tooLong.length)
        assertEquals(4_000, tooLong.limit)
        assertThrows(ChatException.TextInvalid::class.java) { room.say("half a pair: \uD83D") }
        assertThrows(ChatException.TextInvalid::class.java) { room.say("a zero: \u0000") }
        assertEquals(emptyList<Message>(), room.timeline.value.messages)
    }

    @Test
    fun `what was sent before the client closed is sent by the next one`() {
        chat.proxy.failAll(503, "unavailable")
        val first = chat.client()
        chat.aliceRoom(first).say("remember me")
        runBlocking { first.close() }
        chat.proxy.heal()
        chat.client()
        waitUntil("the server has it") { chat.server.texts(chat.room) == listOf("remember me") }
    }
}
