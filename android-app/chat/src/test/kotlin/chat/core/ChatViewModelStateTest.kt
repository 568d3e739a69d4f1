package chat.core

import android.os.Looper
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.testing.FakeRoom
import chat.core.testing.exampleMessage
import chat.core.testing.waitUntil
import java.time.ZoneId
import java.util.Locale
import java.util.concurrent.CopyOnWriteArraySet
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
    private val room = FakeRoom()

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
        room.connection.value = Connection.Live
        waitUntil("the room is empty") { !model.state.value.isLoading }
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
}
