package chat.core

import androidx.lifecycle.ViewModelProvider
import androidx.lifecycle.get
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.fixtures.ScreenOwner
import chat.core.fixtures.waitUntil
import chat.core.testing.FakeChatRoom
import kotlinx.coroutines.CompletableDeferred
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith

/** What a screen still knows after the system ended its process, and what its text box holds meanwhile. */
@RunWith(AndroidJUnit4::class)
class ProcessDeathTest {
    private val room = FakeChatRoom()
    private val owners = mutableListOf<ScreenOwner>()

    private fun ScreenOwner.model() = ViewModelProvider.create(
        this,
        ChatViewModel.factory {
            room
        }
    ).get<ChatViewModel>()

    private fun owner(before: ScreenOwner? = null) = ScreenOwner(before?.saved()).also { owners += it }

    @After
    fun end() = owners.forEach { it.viewModelStore.clear() }

    @Test
    fun `the next process has the draft and the place in the list`() {
        val before = owner()
        before.model().run {
            setDraft("half a thought 👩🏽‍🚀")
            scrollAnchor = ScrollAnchor(MessageKey(-3), offset = -117)
        }
        val after = owner(before).model()
        assertEquals("half a thought 👩🏽‍🚀", after.draft.value)
        assertEquals(ScrollAnchor(MessageKey(-3), offset = -117), after.scrollAnchor)
    }

    @Test
    fun `whoever was at the newest message is there again`() {
        val before = owner()
        before.model().scrollAnchor = ScrollAnchor(MessageKey(5), 0)
        before.model().scrollAnchor = null
        assertEquals(null, owner(before).model().scrollAnchor)
    }

    @Test
    fun `a text that was stored is in the draft no more, and what was typed meanwhile is`() {
        val before = owner()
        val model = before.model()
        model.setDraft("hello")
        room.storing = CompletableDeferred()
        model.send("hello")
        model.setDraft("hello and more")
        waitUntil("it is being stored") { room.sent == listOf("hello") }
        assertEquals("hello and more", owner(before).model().draft.value)
        room.storing.complete(Unit)
        waitUntil("it is stored") { model.draft.value == " and more" }
        assertEquals(" and more", owner(before).model().draft.value)
    }

    @Test
    fun `a text that could not be stored is still in the draft`() {
        val before = owner()
        val model = before.model()
        model.setDraft("keep me")
        room.storing = CompletableDeferred<Unit>().apply { completeExceptionally(ChatException.Storage("no space")) }
        model.send("keep me")
        waitUntil("it has been tried") { room.sent == listOf("keep me") && !model.state.value.isSending }
        assertEquals("keep me", owner(before).model().draft.value)
    }

    @Test
    fun `a whole book in the text box does not end the process`() {
        val before = owner()
        val book = "가나다라 ".repeat(200_000)
        before.model().setDraft(book)
        assertEquals(book, before.model().draft.value)
        val after = owner(before).model().draft.value
        assertTrue(
            "${after.length}",
            after.length < 100_000 && book.startsWith(after) && !MessageText.isSendable(after)
        )
    }
}
