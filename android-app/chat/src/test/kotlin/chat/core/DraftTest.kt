package chat.core

import android.os.Looper
import androidx.lifecycle.Lifecycle
import androidx.lifecycle.SavedStateHandle
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.fixtures.ChatRule
import chat.core.fixtures.ScreenOwner
import chat.core.fixtures.holdsFor
import chat.core.fixtures.waitUntil
import chat.core.testing.FakeChatRoom
import java.time.Duration
import java.time.ZoneId
import java.util.Locale
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Shadows.shadowOf

/** What was typed and not sent waits in its room, for whatever screen shows the room next. */
@RunWith(AndroidJUnit4::class)
class DraftTest {
    @get:Rule
    val chat = ChatRule()

    private val room = FakeChatRoom()

    /** A screen that somebody opens, not one that comes back. */
    private fun screen(of: ChatRoom = room) = Screen(of)

    private class Screen(room: ChatRoom, val savedState: SavedStateHandle = SavedStateHandle()) {
        private val owner = ScreenOwner()
        val model = ChatViewModel({ room }, ChatFormats(Locale.US, ZoneId.of("UTC"), "HH:mm"), savedState)
        val events = mutableListOf<ChatEvent>()

        init {
            CoroutineScope(Dispatchers.Main.immediate + Job()).launch { model.events.collect { events += it } }
            owner.viewModelStore.put("chat", model)
            owner.lifecycle.addObserver(model)
            owner.lifecycle.currentState = Lifecycle.State.RESUMED
        }

        fun goToBackground() {
            owner.lifecycle.currentState = Lifecycle.State.CREATED
        }

        fun leave() {
            owner.lifecycle.currentState = Lifecycle.State.DESTROYED
            owner.viewModelStore.clear()
        }
    }

    private fun kept(of: ChatRoom = room) = runBlocking { of.draft() }

    @Test
    fun `leaving the room and coming back finds the draft, once`() {
        screen().run {
            model.setDraft("half a thought")
            leave()
        }
        waitUntil("it is kept") { kept() == "half a thought" }
        screen().run {
            waitUntil("it is found") { model.draft.value == "half a thought" }
            waitUntil("the screen is told") { events == listOf(ChatEvent.DraftFound("half a thought")) }
        }
    }

    @Test
    fun `another process finds it, from the device's cache`() {
        val client = chat.client()
        screen(chat.aliceRoom(client)).run {
            model.setDraft("반쯤 쓴 글")
            leave()
            waitUntil("it is kept") { kept(chat.aliceRoom(client)) == "반쯤 쓴 글" }
        }
        runBlocking { client.close() }
        val next = screen(chat.aliceRoom(chat.client()))
        waitUntil("it is found") { next.model.draft.value == "반쯤 쓴 글" }
        next.leave()
    }

    @Test
    fun `it is kept after a pause in typing, and at once when the screen goes to the background`() {
        val screen = screen()
        screen.model.setDraft("half a")
        holdsFor(100.milliseconds, "it waits for a pause") { kept() == "" }
        // The main thread's clock stands still unless it is moved.
        shadowOf(Looper.getMainLooper()).idleFor(Duration.ofMillis(500))
        waitUntil("it is kept") { kept() == "half a" }
        screen.model.setDraft("half a thought")
        screen.goToBackground()
        waitUntil("it is kept") { kept() == "half a thought" }
    }

    @Test
    fun `what is sent is no draft, though the screen is left while it is being stored`() {
        room.storing = CompletableDeferred()
        screen().run {
            model.setDraft("on its way")
            model.send("on its way")
            waitUntil("it is being stored") { room.sent == listOf("on its way") }
            leave()
        }
        holdsFor(100.milliseconds, "nothing is decided") { kept() == "" }
        room.storing.complete(Unit)
        waitUntil("it is sent") { room.timeline.value.messages.size == 1 }
        shadowOf(Looper.getMainLooper()).idleFor(Duration.ofSeconds(1))
        holdsFor(200.milliseconds, "no draft is left of it") { kept() == "" }
    }

    @Test
    fun `what was typed beyond what is sent stays`() {
        room.storing = CompletableDeferred()
        val screen = screen()
        screen.model.setDraft("sent")
        screen.model.send("sent")
        screen.model.setDraft("sent and typed on")
        room.storing.complete(Unit)
        waitUntil("it is sent") { screen.model.draft.value == " and typed on" }
        screen.leave()
        waitUntil("the rest is kept") { kept() == " and typed on" }
    }

    @Test
    fun `what the screen itself remembers is newer, nothing at all too`() {
        runBlocking { room.saveDraft("long ago") }
        val saved = Screen(room).run {
            waitUntil("it is found") { model.draft.value == "long ago" }
            model.setDraft("")
            savedState
        }
        runBlocking { room.saveDraft("long ago") }
        val screen = Screen(room, saved)
        waitUntil("the room is open") { room.pollers > 0 }
        holdsFor(100.milliseconds, "the box stays empty") { screen.model.draft.value == "" }
        assertEquals(emptyList<ChatEvent>(), screen.events)
    }

    @Test
    fun `who begins to type before the room is open has both`() {
        runBlocking { room.saveDraft("half a thought") }
        val opening = CompletableDeferred<ChatRoom>()
        val model = ChatViewModel({ opening.await() }, ChatFormats(Locale.US, ZoneId.of("UTC"), "HH:mm"))
        model.setDraft("another")
        opening.complete(room)
        waitUntil("both are there") { model.draft.value == "half a thought\nanother" }
    }

    @Test
    fun `a book is kept as far as it could ever be sent, and no letter of it is cut in half`() {
        val screen = screen()
        screen.model.setDraft("😀".repeat(100_000) + "\uD83D")
        screen.leave()
        waitUntil("it is kept") { kept().length == 32_000 }
        assertEquals(true, kept().endsWith("😀"))
    }

    @Test
    fun `a screen that is gone before the cache was read takes nothing away`() {
        val client = chat.client()
        val room = chat.aliceRoom(client)
        runBlocking { room.saveDraft("half a thought") }
        screen(room).leave()
        runBlocking { client.close() }
        assertEquals("half a thought", kept(chat.aliceRoom(chat.client())))
    }

    @Test
    fun `a disk that is full troubles nobody, and the next change is tried again`() {
        room.failure = ChatException.StorageFull()
        val screen = screen()
        screen.model.setDraft("half a")
        screen.goToBackground()
        holdsFor(100.milliseconds, "it is in the box") { screen.model.draft.value == "half a" }
        room.failure = null
        screen.model.setDraft("half a thought")
        waitUntil("it is kept") { kept() == "half a thought" }
    }
}
