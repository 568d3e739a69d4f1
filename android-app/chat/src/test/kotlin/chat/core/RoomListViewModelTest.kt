package chat.core

import androidx.lifecycle.Lifecycle
import androidx.lifecycle.LifecycleOwner
import androidx.lifecycle.LifecycleRegistry
import androidx.lifecycle.ViewModelProvider
import androidx.lifecycle.get
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.fixtures.ChatRule
import chat.core.fixtures.ScreenOwner
import chat.core.fixtures.holdsFor
import chat.core.fixtures.waitUntil
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith

/** The list of rooms on the real server: polled from init to clear, and only while the screen is started. */
@RunWith(AndroidJUnit4::class)
class RoomListViewModelTest {
    @get:Rule
    val chat = ChatRule()

    private val owner = ScreenOwner()
    private val watch = CoroutineScope(Dispatchers.Unconfined + Job())
    private val events = mutableListOf<RoomListEvent>()

    /** A user that other tests know nothing of, so that the list is this test's own. */
    private val user = "alice-${System.nanoTime()}"

    @After
    fun end() {
        watch.cancel()
        owner.viewModelStore.clear()
    }

    private fun client(tokens: TokenProvider = TokenProvider { chat.server.token(user) }) =
        chat.client(chat.config(user = user), tokens)

    private fun model(client: ChatClient = client()): RoomListViewModel {
        val model = ViewModelProvider.create(owner, RoomListViewModel.factory { client })[RoomListViewModel::class]
        watch.launch { model.events.collect { events += it } }
        return model
    }

    private fun room(title: String) = chat.server.createRoom(user, "bob", title = title)

    private fun RoomListViewModel.titles() = state.value.rows.map { it.room.title }

    private fun RoomListViewModel.unread() = state.value.rows.associate { it.room.title to it.room.unread }

    private fun RoomListViewModel.isLive() = state.value.connection is Connection.Live

    private fun asked() = chat.proxy.log.count { it == "GET /v1/rooms" }

    private class Screen : LifecycleOwner {
        override val lifecycle = LifecycleRegistry.createUnsafe(this)

        fun moveTo(state: Lifecycle.State) {
            lifecycle.currentState = state
        }
    }

    @Test
    fun `a new room appears, and the one in which something is said comes first`() {
        val lunch = room("점심")
        val model = model()
        waitUntil("it is listed") { model.isLive() && model.titles() == listOf("점심") }
        room("Work")
        waitUntil("the new one appears") { model.titles().toSet() == setOf("Work", "점심") }
        chat.server.say(lunch, "bob", "12시 반?")
        waitUntil("it comes first") { model.titles() == listOf("점심", "Work") }
        waitUntil("it is unread") { model.unread() == mapOf("점심" to 1, "Work" to 0) }
        assertEquals("12시 반?", model.state.value.rows.first().room.lastMessage?.text)
    }

    @Test
    fun `a room that is read here, or on another device, is no longer unread`() {
        val lunch = room("Lunch")
        val work = room("Work")
        chat.server.say(lunch, "bob", "one")
        chat.server.say(work, "bob", "two")
        val client = client()
        val model = model(client)
        waitUntil("both are unread") { model.unread() == mapOf("Lunch" to 1, "Work" to 1) }
        runBlocking {
            val room = client.room(RoomId(lunch))
            room.start()
            waitUntil("it is there") { room.timeline.value.messages.size == 1 }
            room.markAllRead()
        }
        waitUntil("the one that is read is not unread") { model.unread() == mapOf("Lunch" to 0, "Work" to 1) }
        chat.server.markRead(work, user, 1)
        waitUntil("nor is the other one") { model.unread() == mapOf("Lunch" to 0, "Work" to 0) }
    }

    @Test
    fun `a screen that is not started asks nothing, and catches up when it is`() {
        room("before")
        val screen = Screen()
        val model = model()
        screen.moveTo(Lifecycle.State.CREATED)
        screen.lifecycle.addObserver(model)
        holdsFor(300.milliseconds, "nothing was asked before the start") { asked() == 0 }

        screen.moveTo(Lifecycle.State.RESUMED)
        waitUntil("it is listed") { model.titles() == listOf("before") && model.isLive() }
        screen.moveTo(Lifecycle.State.CREATED)
        waitUntil("the job rests") { model.state.value.connection == Connection.Idle }
        // What was on its way may just have arrived.
        holdsFor(100.milliseconds, "nothing was shown") { model.titles() == listOf("before") }
        val asked = asked()
        room("meanwhile")
        holdsFor(600.milliseconds, "nothing was asked in the background") {
            asked() == asked && model.titles() == listOf("before")
        }

        screen.moveTo(Lifecycle.State.STARTED)
        waitUntil("it has caught up") { model.titles().toSet() == setOf("before", "meanwhile") }
    }

    @Test
    fun `a cleared view model asks nothing any more`() {
        val model = model()
        waitUntil("it is live") { model.isLive() }
        owner.viewModelStore.clear()
        val asked = asked()
        holdsFor(400.milliseconds, "nothing was asked any more") { asked() <= asked + 1 }
    }

    @Test
    fun `without a network the rooms of the last time are listed`() {
        room("kept")
        val first = client()
        val model = model(first)
        waitUntil("it is listed") { model.titles() == listOf("kept") && model.isLive() }
        owner.viewModelStore.clear()
        runBlocking { first.close() }
        chat.proxy.failAll(503, "unavailable")
        val second = ViewModelProvider.create(ScreenOwner(), RoomListViewModel.factory { client() })
            .get<RoomListViewModel>()
        waitUntil("it is listed again") { second.titles() == listOf("kept") }
        assertEquals(false, second.state.value.isLoading)
        waitUntil("the trouble shows") { second.state.value.connection is Connection.Waiting }
        assertEquals(listOf("kept"), second.titles())
    }

    @Test
    fun `a session that is over is told once, and after a new login the job goes on`() {
        var token = "a bad token"
        val client = client { token }
        val model = model(client)
        waitUntil("the end is told") { events.isNotEmpty() }
        val asked = asked()
        holdsFor(400.milliseconds, "it stayed over") { asked() == asked && events.size == 1 }
        assertEquals(Connection.Ended(EndReason.SESSION_ENDED), model.state.value.connection)

        token = chat.server.token(user)
        room("after the login")
        runBlocking { client.resumeSession() }
        model.restart()
        waitUntil("it is live") { model.isLive() && model.titles() == listOf("after the login") }
        assertEquals(listOf<RoomListEvent>(RoomListEvent.SessionEnded), events)
    }

    @Test
    fun `however often it is restarted there is one job`() {
        val model = model()
        waitUntil("it is live") { model.isLive() }
        repeat(20) { model.restart() }
        waitUntil("it is live again") { model.isLive() }
        val hold = chat.proxy.hold { it.requestURI.path == "/v1/rooms" }
        waitUntil("a question is held") { hold.hasArrived }
        val asked = asked()
        holdsFor(300.milliseconds, "nobody else asks") { asked() == asked }
        hold.release()
        waitUntil("it goes on") { asked() > asked }
    }

    @Test
    fun `a client that does not open says why and can be opened again`() {
        var broken = true
        val client = client()
        val factory = RoomListViewModel.factory { if (broken) throw ChatException.CacheTooNew() else client }
        val model = ViewModelProvider.create(owner, factory).get<RoomListViewModel>()
        waitUntil("it says why") { model.state.value.failure is ChatException.CacheTooNew }
        assertEquals(false, model.state.value.isLoading)
        broken = false
        model.reopen()
        waitUntil("it is live") { model.isLive() }
        assertEquals(null, model.state.value.failure)
    }

    @Test
    fun `a client that was closed says so`() {
        val client = client()
        val model = model(client)
        waitUntil("it is live") { model.isLive() }
        runBlocking { client.close() }
        waitUntil("it says so") { model.state.value.failure is ChatException.Closed }
        assertEquals(emptyList<RoomListEvent>(), events)
    }
}
