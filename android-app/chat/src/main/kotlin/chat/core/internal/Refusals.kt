package chat.core.internal

import chat.core.Change
import chat.core.ChatEvent
import chat.core.Delivery
import chat.core.Message

/** Notices what the server has refused since the screen was opened, each refusal once. */
internal class Refusals {
    private var known: Set<ChatEvent>? = null

    /** What [messages] have that the ones before had not. What was refused before the screen was opened is no news. */
    fun news(messages: List<Message>): List<ChatEvent> {
        val now = messages.mapNotNullTo(HashSet()) { it.refusal() }
        val news = known?.let { now - it }.orEmpty()
        known = now
        return news.toList()
    }

    private fun Message.refusal(): ChatEvent? {
        val delivery = delivery
        val change = change
        return when {
            delivery is Delivery.Failed -> ChatEvent.MessageRefused(key, delivery.reason)
            change is Change.Failed -> ChatEvent.ChangeRefused(key, change.reason)
            else -> null
        }
    }
}
