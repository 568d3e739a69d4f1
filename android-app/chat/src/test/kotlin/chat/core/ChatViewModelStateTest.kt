package chat.core

import android.os.Looper
import androidx.lifecycle.Lifecycle
import androidx.lifecycle.SavedStateHandle
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.fixtures.ScreenOwner
import chat.core.fixtures.holdsFor
import chat.core.fixtures.waitUntil
import chat.core.testing.FakeChatRoom
import chat.core.testing.exampleMessage
import java.time.ZoneId
import java.util.Locale
import java.util.concurrent.CopyOnWriteArraySet
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.StandardTestDispatcher
import kotlinx.coroutines.test.TestCoroutineScheduler
import org.junit.Assert.assertEquals
import org.junit.Test
import org.junit.runner.RunWith

/** From a room to what the screen shows, without a core. */
@RunWith(AndroidJUnit4::class)
class ChatViewModelStateTest {
    private val seoul = ChatFormats(Locale.KOREA, ZoneId.of("Asia/Seoul"), "a h:mm")

    /** The server has been heard, unless a test says otherwise. */
    private val room = FakeChatRoom().apply { connection.value = Connection.Live(Transport.POLLING) }

    private fun model() = ChatViewModel({ room }, seoul)

    private fun ChatViewModel.time() = (state.value.rows.lastOrNull() as? ChatRow.Message)?.time

    @Test
    fun `rows are made off the main thread`() {
        val threads = CopyOnWriteArraySet<Thread>()
        val messages = object : AbstractList<Message>() {
            override val size = 1
            override fun get(index: Int): Message {
                threads += Thread.currentThread()
                return exampleMessage(1)
            }
        }
        val model = model()
        room.show(messages)
        waitUntil("it is shown") { model.time() == "오전 10:30" }
        assertEquals(false, Looper.getMainLooper().thread in threads)
    }

    @Test
    fun `what the cache has told already is there from the first frame on`() {
        room.show(listOf(exampleMessage(1), exampleMessage(2)))
        val first = model().state.value
        assertEquals(listOf("d2024-08-07#1", "m1", "m2"), first.rows.map { it.key })
        assertEquals(false, first.isLoading)
    }

    @Test
    fun `an edit that is stored is told of, and one that is not`() {
        room.show(listOf(exampleMessage(2, sender = "alice")))
        val model = model()
        val events = mutableListOf<ChatEvent>()
        val screen = CoroutineScope(Dispatchers.Unconfined + Job())
        screen.launch { model.events.collect { events += it } }
        model.edit(MessageKey(2), "better")
        waitUntil("it is stored") { events == listOf(ChatEvent.EditStored(MessageKey(2))) }
        room.failure = ChatException.StorageFull()
        model.edit(MessageKey(2), "best")
        waitUntil("it is told") { events.size == 2 }
        val failed = events.last() as ChatEvent.EditNotStored
        assertEquals(MessageKey(2), failed.key)
        assertEquals(true, failed.error is ChatException.StorageFull)
        screen.cancel()
    }

    @Test
    fun `another time zone changes what is shown at once`() {
        val model = model()
        room.show(listOf(exampleMessage(1)))
        waitUntil("it is shown") { model.time() == "오전 10:30" }
        model.setFormats(seoul.copy(zone = ZoneId.of("Europe/Berlin"), timePattern = "HH:mm"))
        waitUntil("it is shown anew") { model.time() == "03:30" }
    }

    @Test
    fun `an empty cache is loading until the server has been heard`() {
        room.connection.value = Connection.Connecting
        val model = model()
        waitUntil("the job runs") { room.pollers == 1 }
        assertEquals(true, model.state.value.isLoading)
        room.connection.value = Connection.Live(Transport.POLLING)
        waitUntil("the room is empty") { !model.state.value.isLoading }
    }

    @Test
    fun `another transport while live is all that changes`() {
        room.show(listOf(exampleMessage(1)))
        val model = model()
        waitUntil("it is shown") { model.state.value.rows.size == 2 }
        val states = mutableListOf<ChatUiState>()
        val screen = CoroutineScope(Dispatchers.Unconfined + Job())
        screen.launch { model.state.collect { states += it } }
        for (transport in Transport.entries.reversed()) {
            room.connection.value = Connection.Live(transport)
            waitUntil("it says $transport") { model.state.value.connection == Connection.Live(transport) }
        }
        screen.cancel()
        val first = states.first()
        assertEquals(
            (listOf(Transport.POLLING) + Transport.entries.reversed()).map {
                Connection.Live(it)
            },
            states.map { it.connection }
        )
        assertEquals(states.map { first }, states.map { it.copy(connection = first.connection) })
    }

    @Test
    fun `a filled cache is never loading`() {
        room.connection.value = Connection.Connecting
        room.show(listOf(exampleMessage(1)))
        val model = model()
        waitUntil("it is shown") { model.state.value.rows.size == 2 }
        assertEquals(false, model.state.value.isLoading)
    }

    @Test
    fun `an event handed to a collector that was just cancelled goes to the next`() {
        val frames = TestCoroutineScheduler()
        val model = model()
        val events = mutableListOf<ChatEvent>()
        val gone = CoroutineScope(StandardTestDispatcher(frames) + Job())
        gone.launch { model.events.collect { events += it } }
        frames.runCurrent()
        model.send("hello")
        waitUntil("it is stored") { room.sent == listOf("hello") && !model.state.value.isSending }
        gone.cancel()
        frames.runCurrent()
        assertEquals(emptyList<ChatEvent>(), events)
        val next = CoroutineScope(Dispatchers.Unconfined + Job())
        next.launch { model.events.collect { events += it } }
        waitUntil("the next one has it") { events == listOf(ChatEvent.Stored("hello")) }
        next.cancel()
    }

    @Test
    fun `what happened while nobody looked is told to the next who looks, in order and once`() {
        val model = model()
        val told = mutableListOf<ChatEvent>()
        val expected = List(100) { "number $it" }.onEach { text ->
            model.send(text)
            waitUntil("it is stored") { room.sent.last() == text && !model.state.value.isSending }
        }
        // As screens come and go: each sees a part.
        repeat(10) {
            val screen = CoroutineScope(Dispatchers.Unconfined + Job())
            screen.launch { model.events.take(10).collect { told += it } }
            screen.cancel()
        }
        assertEquals(expected.map { ChatEvent.Stored(it) }, told)
    }

    @Test
    fun `two who look are not told twice`() {
        val model = model()
        val told = mutableListOf<ChatEvent>()
        val screens = CoroutineScope(Dispatchers.Unconfined + Job())
        repeat(2) { screens.launch { model.events.collect { told += it } } }
        val expected = List(20) { "number $it" }.onEach { text ->
            model.send(text)
            waitUntil("it is stored") { room.sent.last() == text && !model.state.value.isSending }
        }
        assertEquals(expected.map { ChatEvent.Stored(it) }, told)
        screens.cancel()
    }

    private fun ChatViewModel.line() = state.value.rows.filterIsInstance<ChatRow.UnreadLine>().singleOrNull()?.count

    private fun ChatViewModel.keys() = state.value.rows.map { it.key }

    private fun status(marker: Long, unread: Int, vararg messages: Message) {
        room.timeline.value = Timeline(messages.toList(), hasOlder = true, isLoaded = true, marker, unread)
    }

    @Test
    fun `the unread line is drawn when the screen opens, follows the catch-up, and then stays`() {
        room.connection.value = Connection.Connecting
        status(1, 1, exampleMessage(1), exampleMessage(2))
        val model = model()
        waitUntil("the cache's line shows") { model.line() == 1 }
        // The first answer brings more, and then the room is live.
        status(1, 2, exampleMessage(1), exampleMessage(2), exampleMessage(3))
        room.connection.value = Connection.Live(Transport.POLLING)
        // Both: the line may show before the room is known to be live, and is not settled then.
        waitUntil("the server's line shows") { model.line() == 2 && model.state.value.connection is Connection.Live }
        val before = model.keys()
        // They are read, and another one comes.
        status(4, 0, exampleMessage(1), exampleMessage(2), exampleMessage(3), exampleMessage(4))
        waitUntil("it shows") { model.keys() == before + "m4" }
        assertEquals(2, model.line())
    }

    @Test
    fun `what is read before the server was heard is counted with what the server brings`() {
        room.connection.value = Connection.Connecting
        status(1, 1, exampleMessage(1), exampleMessage(2))
        val model = model()
        waitUntil("the cache's line shows") { model.line() == 1 }
        status(2, 0, exampleMessage(1), exampleMessage(2))
        status(2, 2, exampleMessage(1), exampleMessage(2), exampleMessage(3), exampleMessage(4))
        room.connection.value = Connection.Live(Transport.POLLING)
        waitUntil("the server's line shows") { model.line() == 3 }
        assertEquals(listOf("d2024-08-07#1", "m1", "unread", "m2", "m3", "m4"), model.keys())
    }

    @Test
    fun `older pages that bring more of what was unread are counted too`() {
        status(0, 1, exampleMessage(3))
        val model = model()
        waitUntil("it shows, but not where it begins") { model.keys() == listOf("d2024-08-07#1", "m3") }
        status(3, 0, exampleMessage(1), exampleMessage(2), exampleMessage(3), exampleMessage(4))
        waitUntil("it begins with the first") { model.keys().take(2) == listOf("d2024-08-07#1", "unread") }
        assertEquals(3, model.line())
    }

    @Test
    fun `what comes while one looks draws no line`() {
        status(2, 0, exampleMessage(1), exampleMessage(2))
        val model = model()
        waitUntil("it shows") { model.keys().size == 3 }
        status(2, 1, exampleMessage(1), exampleMessage(2), exampleMessage(3))
        waitUntil("it shows") { model.keys().size == 4 }
        assertEquals(null, model.line())
    }

    @Test
    fun `coming back draws the line anew`() {
        val owner = ScreenOwner()
        val model = model()
        owner.lifecycle.currentState = Lifecycle.State.RESUMED
        owner.lifecycle.addObserver(model)
        status(2, 0, exampleMessage(1), exampleMessage(2))
        waitUntil("it shows") { model.keys().size == 3 && room.pollers == 1 }
        owner.lifecycle.currentState = Lifecycle.State.CREATED
        waitUntil("it rests") { room.pollers == 0 }
        room.keepConnecting()
        owner.lifecycle.currentState = Lifecycle.State.RESUMED
        status(2, 1, exampleMessage(1), exampleMessage(2), exampleMessage(3))
        waitUntil("the line shows") { model.line() == 1 }
    }

    @Test
    fun `it rests when the last of those who observe it does, in whichever order they come and go`() {
        val activity = ScreenOwner()
        val inner = ScreenOwner()
        val model = model()
        for (owner in listOf(activity, inner)) {
            owner.lifecycle.addObserver(model)
            owner.lifecycle.currentState = Lifecycle.State.RESUMED
        }
        waitUntil("it polls") { room.pollers == 1 }
        activity.lifecycle.currentState = Lifecycle.State.CREATED
        holdsFor(300.milliseconds, "the inner one is still there") { room.pollers == 1 }
        inner.lifecycle.currentState = Lifecycle.State.CREATED
        waitUntil("it rests") { room.pollers == 0 }
        activity.lifecycle.currentState = Lifecycle.State.RESUMED
        waitUntil("it polls again") { room.pollers == 1 }
        activity.lifecycle.currentState = Lifecycle.State.DESTROYED
        waitUntil("it rests again") { room.pollers == 0 }
    }

    @Test
    fun `however often a list asks for older ones there is one question at a time, and it says how it goes`() {
        val model = model()
        model.loadOlder()
        waitUntil("the room is known") { !model.state.value.isLoading }
        status(0, 0, exampleMessage(9))
        waitUntil("there are older ones") { model.state.value.hasOlder }
        room.answering = CompletableDeferred()
        room.goOffline()
        repeat(3) { model.loadOlder() }
        waitUntil("they are asked for") { room.asked == listOf("older") }
        assertEquals(true, model.state.value.isLoadingOlder)
        room.answering.complete(Unit)
        waitUntil("it says so") { model.state.value.olderFailure is ChatException.Offline }
        assertEquals(false, model.state.value.isLoadingOlder)
        room.goOnline()
        room.addOlderPage(listOf(exampleMessage(8)))
        model.loadOlder()
        waitUntil("it works") { room.asked.size == 2 && !model.state.value.isLoadingOlder }
        assertEquals(null, model.state.value.olderFailure)
    }

    private fun told(model: ChatViewModel, act: (List<ChatEvent>) -> Unit) {
        val events = mutableListOf<ChatEvent>()
        val screen = CoroutineScope(Dispatchers.Unconfined + Job())
        screen.launch { model.events.collect { events += it } }
        act(events)
        screen.cancel()
    }

    @Test
    fun `a place at a message of one's own that is gone has no older ones fetched`() {
        val waiting = exampleMessage(-1, "waiting", sender = "alice").copy(id = null, delivery = Delivery.Pending)
        val all = List(5) { exampleMessage(it + 101L) }
        room.show(all + waiting)
        val saved = SavedStateHandle()
        ChatViewModel({ room }, seoul, saved).scrollAnchor = ScrollAnchor(waiting.key, offset = -7)
        room.show(all)
        room.addOlderPage(List(5) { exampleMessage(it + 96L) })
        val model = ChatViewModel({ room }, seoul, saved)
        waitUntil("it shows") { model.state.value.rows.isNotEmpty() }
        assertEquals(5, room.timeline.value.messages.size)
    }

    @Test
    fun `what the server refuses is told once, and what it had refused before is no news`() {
        val failed = FailureReason.REFUSED
        val old = exampleMessage(-1, sender = "alice").copy(delivery = Delivery.Failed(failed))
        val own = exampleMessage(3, sender = "alice")
        room.show(listOf(own, old))
        val model = model()
        waitUntil("it shows") { model.keys().size == 3 }
        told(model) { events ->
            room.show(listOf(own.copy(change = Change.Failed(failed)), old))
            waitUntil("it is told") { events == listOf(ChatEvent.ChangeRefused(own.key, failed)) }
            room.add(exampleMessage(-2, sender = "alice").copy(delivery = Delivery.Failed(failed)))
            waitUntil("it is told too") { events.last() == ChatEvent.MessageRefused(MessageKey(-2), failed) }
            room.add(exampleMessage(-3, sender = "alice"))
            waitUntil("it shows") { model.keys().size == 5 }
            assertEquals(2, events.size)
        }
    }

    @Test
    fun `what is asked for reaches the room, and what does not work out is told`() {
        val refused = exampleMessage(-1).copy(delivery = Delivery.Failed(FailureReason.REFUSED))
        room.show(listOf(3L, 4L, 5L, 6L).map { exampleMessage(it, sender = "alice") } + refused + exampleMessage(-2))
        val model = model()
        waitUntil("it shows") { model.keys().size == 7 }
        told(model) { events ->
            model.edit(MessageKey(3), "better")
            model.delete(MessageKey(4))
            model.retry(MessageKey(-1))
            model.discard(MessageKey(-2))
            model.markRead(MessageKey(5))
            waitUntil("it is asked") {
                room.asked ==
                    listOf("edit 3 better", "delete 4", "retry -1", "discard -2", "read 5")
            }
            waitUntil("the edit is stored") { events == listOf(ChatEvent.EditStored(MessageKey(3))) }
            val late = ChatException.TooLate()
            room.failure = late
            model.discard(MessageKey(-3))
            model.markRead(MessageKey(6))
            waitUntil("it is told") { room.asked.last() == "read 6" && events.last() == ChatEvent.ActionFailed(late) }
        }
    }
}
