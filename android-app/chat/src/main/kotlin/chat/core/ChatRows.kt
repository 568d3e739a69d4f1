package chat.core

import java.time.LocalDate

/**
 * The rows for [messages], oldest first as they are. Nothing but arithmetic on its arguments: it may run on any
 * thread, and for a long list it should not be the main one.
 *
 * The days are the user's, not the server's: they change with [ChatFormats.zone]. When the clock of an unsent message
 * runs behind, a day may come up twice; both separators are shown, each with a key of its own.
 *
 * A room's messages are numbered without a hole, so a hole between two neighbours is what the device does not have
 * yet: a [ChatRow.Gap]. It keeps its key while it is filled from its newer end.
 */
public fun chatRows(messages: List<Message>, formats: ChatFormats): List<ChatRow> {
    val rows = ArrayList<ChatRow>(messages.size + messages.size / 8 + 1)
    val separators = HashMap<LocalDate, Int>()
    var previousDay: LocalDate? = null
    var day = messages.firstOrNull()?.let { formats.day(it.sentAt) }
    messages.forEachIndexed { index, message ->
        val today = checkNotNull(day)
        val next = messages.getOrNull(index + 1)
        val before = if (index > 0) messages[index - 1].missingUntil(message) else 0
        if (before > 0) rows += ChatRow.Gap("g${messages[index - 1].id}", before)
        val nextDay = next?.let { formats.day(it.sentAt) }
        if (today != previousDay) {
            val nth = separators.merge(today, 1, Int::plus)
            rows += ChatRow.DateSeparator("d$today#$nth", formats.date(today))
        }
        rows += ChatRow.Message(
            message = message,
            time = formats.time(message.sentAt),
            opensRun = today != previousDay || before > 0 || messages[index - 1].sender != message.sender,
            closesRun = next == null || nextDay != today || message.missingUntil(next) > 0 ||
                next.sender != message.sender || next.minute() != message.minute()
        )
        previousDay = today
        day = nextDay
    }
    return rows
}

/** How many messages lie between this one and [next], its neighbour; what is unsent has no place among them yet. */
private fun Message.missingUntil(next: Message): Long = if (id == null || next.id == null) 0 else next.id - id - 1

/** Counted from the epoch: on the night the clocks go back, 1:30 and 1:30 are not the same minute. */
private fun Message.minute() = Math.floorDiv(sentAt.epochSecond, 60L)
