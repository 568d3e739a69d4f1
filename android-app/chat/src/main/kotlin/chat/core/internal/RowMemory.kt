package chat.core.internal

import chat.core.ChatFormats
import chat.core.ChatRow
import chat.core.Message
import chat.core.MessageKey
import chat.core.UnreadMark
import chat.core.chatRows

/**
 * The rows of a list that changes little from one time to the next: what says the same as the last time is the same
 * object. Of ten thousand rows only the new ones have their time written out, and comparing the old list with the new
 * one, as flows and screens do, is comparing references.
 */
internal class RowMemory {
    private var formats: ChatFormats? = null
    private var known: Map<MessageKey, ChatRow.Message> = emptyMap()

    /** As the public function of this name. */
    fun rows(messages: List<Message>, formats: ChatFormats, unread: UnreadMark?): List<ChatRow> {
        val before = if (formats == this.formats) known else emptyMap()
        val now = HashMap<MessageKey, ChatRow.Message>(messages.size * 2)
        val rows = chatRows(messages, formats, unread) { message ->
            before[message.key]?.takeIf { it.message === message }?.time ?: formats.time(message.sentAt)
        }.map { row ->
            if (row !is ChatRow.Message) return@map row
            val kept = before[row.message.key]?.takeIf { it == row } ?: row
            now[row.message.key] = kept
            kept
        }
        this.formats = formats
        known = now
        return rows
    }
}
