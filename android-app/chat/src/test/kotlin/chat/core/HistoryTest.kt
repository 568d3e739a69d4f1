package chat.core

import androidx.lifecycle.ViewModelProvider
import androidx.lifecycle.get
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.fixtures.ChatRule
import chat.core.fixtures.ScreenOwner
import chat.core.fixtures.waitUntil
import java.time.ZoneId
import java.util.Locale
import java.util.concurrent.CopyOnWriteArrayList
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith

/** The way into the past: every message once, in its place, whatever the network and the callers do. */
@RunWith(AndroidJUnit4::class)
class HistoryTest {
    @get:Rule
    val chat = ChatRule()

    private val scope = CoroutineScope(Dispatchers.Default)

    @After
    fun end() = scope.cancel()

    private fun ChatRoom.texts() = timeline.value.messages.map { it.text }

    /** A live room of which the newest page is known. */
    private fun longRoom(count: Int = MANY, client: ChatClient = chat.client()): ChatRoom {
        repeat(count) { chat.bobSays("number ${it + 1}") }
        val room = chat.aliceRoom(client)
        room.start()
        waitUntil("it is live") {
            room.connection.value is Connection.Live && room.timeline.value.messages.isNotEmpty()
        }
        return room
    }

    private fun ChatRoom.loadAll() = runBlocking {
        do {
            val hasOlder = loadOlder()
        } while (hasOlder)
    }

    private fun numbers(range: IntRange) = range.map { "number $it" }

    @Test
    fun `page by page one comes to the first message, and knows it`() {
        val room = longRoom()
        assertTrue(room.timeline.value.hasOlder)
        var pages = 0
        while (runBlocking { room.loadOlder() }) {
            // Shown before it is answered, and without a hole.
            val shown = room.timeline.value.messages.map { checkNotNull(it.id) }
            assertEquals((shown.first()..MANY).toList(), shown)
            assertTrue(pages++ < MANY)
        }
        assertEquals(numbers(1..MANY), room.texts())
        assertEquals(false, room.timeline.value.hasOlder)
        val asked = chat.proxy.histories
        assertEquals(false, runBlocking { room.loadOlder() })
        assertEquals(asked, chat.proxy.histories)
    }

    @Test
    fun `what was fetched once comes from the device, without a network`() {
        val first = chat.client()
        val room = longRoom(client = first)
        room.loadAll()
        runBlocking { first.close() }
        val asked = chat.proxy.histories
        chat.proxy.failAll(503, "unavailable")
        val again = chat.aliceRoom()
        waitUntil("the cache is read") { again.timeline.value.isLoaded }
        again.loadAll()
        assertEquals(numbers(1..MANY), again.texts())
        assertEquals(asked, chat.proxy.histories)
    }

    @Test
    fun `however many ask there is one question, and polling goes on beside it`() {
        val room = longRoom()
        val hold = chat.proxy.holdNextHistory()
        val callers = List(5) { scope.async { room.loadOlder() } }
        waitUntil("the question is held") { hold.hasArrived }
        chat.bobSays("meanwhile")
        waitUntil("news come in") { room.texts().last() == "meanwhile" }
        assertEquals(1, chat.proxy.histories)
        hold.release()
        val answers = runBlocking { callers.map { it.await() } }
        assertEquals(1, answers.toSet().size)
        assertEquals(1, chat.proxy.histories)
        val shown = room.timeline.value.messages.map { checkNotNull(it.id) }
        assertEquals((shown.first()..MANY + 1).toList(), shown)
    }

    @Test
    fun `a caller that goes away keeps nobody from the answer`() {
        val room = longRoom()
        val before = room.timeline.value.messages.size
        val hold = chat.proxy.holdNextHistory()
        val caller = scope.launch(start = CoroutineStart.UNDISPATCHED) { room.loadOlder() }
        waitUntil("the question is held") { hold.hasArrived }
        caller.cancel()
        waitUntil("the caller is gone") { caller.isCompleted }
        hold.release()
        waitUntil("the messages are there") { room.timeline.value.messages.size > before }
        runBlocking { room.loadOlder() }
        val shown = room.timeline.value.messages.map { checkNotNull(it.id) }
        assertEquals((shown.first()..MANY).toList(), shown)
    }

    @Test
    fun `when the server cannot be asked it says why, and works again later`() {
        val room = longRoom()
        val before = room.timeline.value.messages
        chat.proxy.failHistory(503, "unavailable")
        val error = assertThrows(ChatException.Offline::class.java) { runBlocking { room.loadOlder() } }
        assertEquals(Problem.SERVER, error.problem)
        assertEquals(before, room.timeline.value.messages)
        chat.proxy.heal()
        runBlocking { room.loadOlder() }
        assertTrue(room.timeline.value.messages.size > before.size)
    }

    @Test
    fun `a client that closes answers who is waiting`() {
        val client = chat.client()
        val room = longRoom(client = client)
        val hold = chat.proxy.holdNextHistory()
        val caller = scope.async { runCatching { room.loadOlder() }.exceptionOrNull() }
        waitUntil("the question is held") { hold.hasArrived }
        runBlocking { client.close() }
        assertTrue(runBlocking { caller.await() } is ChatException.Closed)
        assertThrows(ChatException.Closed::class.java) { runBlocking { room.loadOlder() } }
        hold.release()
    }

    @Test
    fun `whoever was away for long sees the newest first, a gap before them, and in the end all of it`() {
        val room = longRoom(count = 5)
        room.stop()
        repeat(1_200) { chat.bobSays("number ${it + 6}") }
        val seen = CopyOnWriteArrayList<List<ChatRow>>()
        val seoul = ChatFormats(Locale.KOREA, ZoneId.of("Asia/Seoul"), "a h:mm")
        // Unconfined: misses none.
        scope.launch(Dispatchers.Unconfined) { room.timeline.collect { seen += chatRows(it.messages, seoul) } }
        room.start()
        waitUntil("all are there") { seen.last().count { it is ChatRow.Message } == 1_205 }
        assertEquals(numbers(1..1_205), room.texts())
        val known = seen.map { rows -> rows.filterIsInstance<ChatRow.Message>().map { checkNotNull(it.message.id) } }
        val missing = seen.map { rows -> rows.filterIsInstance<ChatRow.Gap>().sumOf { it.missing } }
        assertEquals(known.map { it.last() - it.first() + 1 }, known.zip(missing) { ids, gap -> ids.size + gap })
        assertTrue("$missing", missing.any { it > 0 } && missing.last() == 0L)
    }

    @Test
    fun `a screen that comes back to an old place begins with it, not at the newest`() {
        val first = chat.client()
        val room = longRoom(count = 620, client = first)
        room.loadAll()
        val place = ScrollAnchor(room.timeline.value.messages[20].key, offset = -7)
        val before = ScreenOwner()
        val factory = { room: ChatRoom -> ChatViewModel.factory { room } }
        ViewModelProvider.create(before, factory(room)).get<ChatViewModel>().scrollAnchor = place
        val saved = before.saved()
        before.viewModelStore.clear()
        runBlocking { first.close() }

        val again = chat.aliceRoom()
        val after = ScreenOwner(saved)
        val model = ViewModelProvider.create(after, factory(again)).get<ChatViewModel>()
        waitUntil("it shows something") { model.state.value.rows.isNotEmpty() }
        val shown = model.state.value.rows.filterIsInstance<ChatRow.Message>().map { it.message.key }
        assertTrue("${shown.size} rows", place.key in shown)
        assertEquals(place, model.scrollAnchor)
        after.viewModelStore.clear()
    }

    private companion object {
        /** More than two pages. */
        const val MANY = 250
    }
}
