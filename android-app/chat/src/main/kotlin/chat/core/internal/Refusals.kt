package chat.core.internal

import chat.core.Change
import chat.core.ChatEvent
import chat.core.Delivery
import chat.core.Message

/** Notices what the server has refused since the screen was opened, each refusal once. */
internal class Refusals {
    private var known: Set<ChatEvent> = emptySet()
    private var previous: List<Message>? = null

    /**
     * What [messages] have that the ones before had not. What was refused before the screen was opened is no news,
     * also when it comes with older messages, or again with a list that was begun anew.
     */
    fun news(messages: List<Message>): List<ChatEvent> {
        val refused = messages.mapNotNull { message -> message.refusal()?.let { message to it } }
        val before = previous
        val news = if (before == null) {
            emptyList()
        } else {
            refused.filter { (message, event) -> event !in known && (message.id == null || before.has(message)) }
        }
        known = refused.mapTo(HashSet()) { it.second }
        previous = messages
        return news.map { it.second }
    }

    private fun List<Message>.has(message: Message) = any { it.key == message.key }

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
