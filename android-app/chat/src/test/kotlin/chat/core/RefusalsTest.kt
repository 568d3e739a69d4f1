package chat.core

import chat.core.internal.Refusals
import chat.core.testing.exampleMessage
import org.junit.Assert.assertEquals
import org.junit.Test

/** Which refusals are news to the user. */
class RefusalsTest {
    private val refusals = Refusals()
    private val reason = FailureReason.REFUSED

    private fun confirmed(id: Long) = exampleMessage(id)

    private fun Message.refused() = copy(change = Change.Failed(reason))

    @Test
    fun `an edit refused while the message is in sight is news, once`() {
        refusals.news(listOf(confirmed(1), confirmed(2)))
        val after = listOf(confirmed(1), confirmed(2).refused())
        assertEquals(listOf(ChatEvent.ChangeRefused(confirmed(2).key, reason)), refusals.news(after))
        assertEquals(emptyList<ChatEvent>(), refusals.news(after))
    }

    @Test
    fun `what was refused long ago is none, whether it was there, comes with older messages or comes back`() {
        refusals.news(listOf(confirmed(7).refused()))
        assertEquals(emptyList<ChatEvent>(), refusals.news(listOf(confirmed(3).refused(), confirmed(7).refused())))
        refusals.news(listOf(confirmed(900)))
        assertEquals(emptyList<ChatEvent>(), refusals.news(listOf(confirmed(7).refused(), confirmed(900))))
    }

    @Test
    fun `a message written and refused between two looks is news`() {
        refusals.news(emptyList())
        val refused = exampleMessage(-1).copy(id = null, delivery = Delivery.Failed(reason))
        assertEquals(listOf(ChatEvent.MessageRefused(refused.key, reason)), refusals.news(listOf(refused)))
    }

    @Test
    fun `refused again after another try is news again`() {
        refusals.news(listOf(confirmed(1)))
        refusals.news(listOf(confirmed(1).refused()))
        refusals.news(listOf(confirmed(1).copy(change = Change.Pending)))
        assertEquals(1, refusals.news(listOf(confirmed(1).refused())).size)
    }
}
