package chat.core

import androidx.lifecycle.Lifecycle
import androidx.lifecycle.LifecycleOwner
import androidx.lifecycle.LifecycleRegistry
import androidx.lifecycle.ViewModelProvider
import androidx.lifecycle.get
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.fixtures.ChatRule
import chat.core.fixtures.ScreenOwner
import chat.core.fixtures.coreThreads
import chat.core.fixtures.holdsFor
import chat.core.fixtures.waitUntil
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
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

/** The view model owns the polling job: from init to clear, and only while the screen is started. */
@RunWith(AndroidJUnit4::class)
class ChatViewModelTest {
    @get:Rule
    val chat = ChatRule()

    private val owner = ScreenOwner()
    private val watch = CoroutineScope(Dispatchers.Unconfined + Job())
    private val events = mutableListOf<ChatEvent>()

    @After
    fun end() {
        watch.cancel()
        owner.viewModelStore.clear()
    }

    private fun model(client: ChatClient = chat.client()): ChatViewModel {
        val factory = ChatViewModel.factory { client.room(RoomId(chat.room)) }
        val model = ViewModelProvider.create(owner, factory)[ChatViewModel::class]
        watch.launch { model.events.collect { events += it } }
        return model
    }

    private fun ChatViewModel.texts() = state.value.rows.filterIsInstance<ChatRow.Message>().map { it.message.text }

    private class Screen : LifecycleOwner {
        override val lifecycle = LifecycleRegistry.createUnsafe(this)

        fun moveTo(state: Lifecycle.State) {
            lifecycle.currentState = state
        }
    }

    @Test
    fun `polling starts in init and stops when the view model is cleared`() {
        val model = model()
        waitUntil("it is live") { model.state.value.connection is Connection.Live }
        assertEquals(false, model.state.value.isLoading)
        chat.bobSays("hello")
        waitUntil("bob is heard") { model.texts() == listOf("hello") }
        owner.viewModelStore.clear()
        val asked = chat.proxy.polls
        holdsFor(400.milliseconds, "nothing was asked any more") { chat.proxy.polls <= asked + 1 }
    }

    @Test
    fun `clearing the view model while a request is in flight causes no later callback and leaks no thread`() {
        val client = chat.client()
        val room = chat.aliceRoom(client)
        val model = model(client)
        waitUntil("it is live") { model.state.value.connection is Connection.Live && room.timeline.value.isLoaded }
        val hold = chat.proxy.holdNextPoll()
        waitUntil("a question is held") { hold.hasArrived }
        val asked = chat.proxy.polls

        owner.viewModelStore.clear()
        // Long before it would have given up by itself, after its answerTimeout of ten seconds.
        waitUntil("the client hangs up on it", 3.seconds) { hold.isHungUp }
        // The room outlives the view model and would show whatever the core still said.
        val timeline = room.timeline.value
        chat.bobSays("too late")
        hold.release()
        holdsFor(500.milliseconds, "nothing was asked, and nothing said") {
            chat.proxy.polls == asked && room.timeline.value === timeline && room.connection.value == Connection.Idle
        }
        assertEquals(emptyList<ChatEvent>(), events)
        runBlocking { client.close() }
        waitUntil("the core's threads are gone") { coreThreads().isEmpty() }
    }

    @Test
    fun `a screen that is not started asks nothing, and catches up when it is`() {
        val screen = Screen()
        val model = model()
        screen.moveTo(Lifecycle.State.CREATED)
        screen.lifecycle.addObserver(model)
        holdsFor(300.milliseconds, "nothing was asked before the start") { chat.proxy.polls == 0 }

        screen.moveTo(Lifecycle.State.RESUMED)
        waitUntil("it is live") { model.state.value.connection is Connection.Live }
        screen.moveTo(Lifecycle.State.CREATED)
        chat.bobSays("while you were away")
        val asked = chat.proxy.polls
        holdsFor(500.milliseconds, "nothing was asked in the background") {
            chat.proxy.polls <= asked + 1 && model.texts().isEmpty()
        }

        screen.moveTo(Lifecycle.State.STARTED)
        waitUntil("it has caught up") { model.texts() == listOf("while you were away") }
    }

    @Test
    fun `however often it is restarted there is one job`() {
        val model = model()
        waitUntil("it is live") { model.state.value.connection is Connection.Live }
        repeat(20) { model.restart() }
        chat.bobSays("still one")
        waitUntil("bob is heard") { model.texts() == listOf("still one") }
        chat.proxy.recount()
        val asked = chat.proxy.polls
        waitUntil("it polls on") { chat.proxy.polls > asked + 20 }
        assertEquals(1, chat.proxy.mostPollsAtOnce)
    }

    @Test
    fun `a screen that goes does not stop the one that came`() {
        val client = chat.client()
        val first = model(client)
        waitUntil("it is live") { first.state.value.connection is Connection.Live }
        val secondOwner = ScreenOwner()
        val factory = ChatViewModel.factory { client.room(RoomId(chat.room)) }
        val second = ViewModelProvider.create(secondOwner, factory).get<ChatViewModel>()
        waitUntil("the second is live") { second.state.value.connection is Connection.Live }
        owner.viewModelStore.clear()
        chat.bobSays("hello, second")
        waitUntil("the second hears bob") { second.texts() == listOf("hello, second") }
        secondOwner.viewModelStore.clear()
    }

    @Test
    fun `a session that is over is told once, and the job is over too`() {
        var asked = 0
        val client = chat.client(tokens = { refused ->
            asked++
            if (refused) "another bad one" else "a bad token"
        })
        val model = model(client)
        waitUntil("the end is told") { events.isNotEmpty() }
        val polls = chat.proxy.polls
        holdsFor(400.milliseconds, "it stayed over") { chat.proxy.polls == polls && events.size == 1 }
        assertEquals(listOf<ChatEvent>(ChatEvent.SessionEnded), events)
        assertEquals(Connection.Ended(EndReason.SESSION_ENDED), model.state.value.connection)
        assertEquals(2, asked)
    }

    @Test
    fun `coming back to a screen whose session is over asks nothing and says nothing`() {
        val screen = Screen()
        val model = model(chat.client(tokens = { "a bad token" }))
        screen.moveTo(Lifecycle.State.RESUMED)
        screen.lifecycle.addObserver(model)
        waitUntil("the end is told") { events.isNotEmpty() }
        val polls = chat.proxy.polls
        screen.moveTo(Lifecycle.State.CREATED)
        screen.moveTo(Lifecycle.State.RESUMED)
        holdsFor(300.milliseconds, "it stayed over") { chat.proxy.polls == polls && events.size == 1 }
    }

    @Test
    fun `after a new login the job goes on`() {
        var token = "a bad token"
        val client = chat.client(tokens = { token })
        val model = model(client)
        waitUntil("the end is told") { events.isNotEmpty() }
        token = chat.server.token("alice")
        runBlocking { client.resumeSession() }
        model.restart()
        waitUntil("it is live") { model.state.value.connection is Connection.Live }
        assertEquals(1, events.size)
    }

    @Test
    fun `a failing server does not end the job`() {
        chat.proxy.failAll(500)
        val model = model()
        waitUntil("the trouble shows") { model.state.value.connection is Connection.Waiting }
        chat.bobSays("hello")
        chat.proxy.heal()
        waitUntil("it has recovered") { model.texts() == listOf("hello") }
        assertEquals(emptyList<ChatEvent>(), events)
    }

    @Test
    fun `a room that does not open says why and can be opened again`() {
        var broken = true
        val client = chat.client()
        val factory = ChatViewModel.factory {
            if (broken) throw ChatException.Storage("no space") else client.room(RoomId(chat.room))
        }
        val model = ViewModelProvider.create(owner, factory).get<ChatViewModel>()
        waitUntil("it says why") { model.state.value.failure is ChatException.Storage }
        assertEquals(false, model.state.value.isLoading)
        broken = false
        model.reopen()
        waitUntil("it is live") { model.state.value.connection is Connection.Live }
        assertEquals(null, model.state.value.failure)
    }

    @Test
    fun `an event that nobody collected is still there`() {
        val client = chat.client(tokens = { "a bad token" })
        val factory = ChatViewModel.factory { client.room(RoomId(chat.room)) }
        val model = ViewModelProvider.create(owner, factory).get<ChatViewModel>()
        waitUntil("the job is over") { model.state.value.connection is Connection.Ended }
        watch.launch { model.events.collect { events += it } }
        waitUntil("the end is told") { events == listOf(ChatEvent.SessionEnded) }
    }
}
