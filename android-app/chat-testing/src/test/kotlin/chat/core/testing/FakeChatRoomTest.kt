package chat.core.testing

import chat.core.Delivery
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test

/** What a test may do to a fake and could not do to a real room. */
class FakeChatRoomTest {
    private val room = FakeChatRoom()
    private val texts get() = room.timeline.value.messages.map { it.text }

    @Test
    fun `what a test has put there stays when something is sent`() = runBlocking {
        room.show(listOf(exampleMessage(7), exampleMessage(-1, "waiting")))
        val key = room.send("hello")
        assertEquals(listOf("message 7", "waiting", "hello"), texts)
        room.deliver(key)
        assertEquals(listOf("message 7", "hello", "waiting"), texts)
        assertEquals(9L, room.receive("and bob").id)
        room.deliverAll()
        assertEquals(listOf("message 7", "hello", "and bob", "waiting"), texts)
        assertEquals(true, room.timeline.value.messages.all { it.delivery == Delivery.Sent })
    }

    @Test
    fun `what was not prepared is the test's mistake, and said to be`() {
        room.timeline.value = exampleTimeline(exampleMessages(1), hasOlder = true)
        assertThrows(IllegalStateException::class.java) { runBlocking { room.loadOlder() } }
        assertThrows(IllegalStateException::class.java) { room.deliver(exampleMessage(1).key) }
        assertThrows(IllegalStateException::class.java) { room.refuse(exampleMessage(9).key) }
    }

    @Test
    fun `what is asked is written down, in words`() = runBlocking {
        room.add(exampleMessage(3, sender = "alice"))
        room.edit(exampleMessage(3).key, "better")
        room.markAllRead()
        room.wake()
        assertEquals(listOf("edit 3 better", "read all", "wake"), room.asked)
    }
}
