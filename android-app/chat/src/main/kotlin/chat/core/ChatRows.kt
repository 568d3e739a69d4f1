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
 *
 * @param unread Where the [ChatRow.UnreadLine] is wanted. It is above the first message of somebody else's after that;
 *   as long as one cannot tell which that is, because it is not fetched yet, there is none.
 */
public fun chatRows(messages: List<Message>, formats: ChatFormats, unread: UnreadMark? = null): List<ChatRow> =
    chatRows(messages, formats, unread) { formats.time(it.sentAt) }

/** The same, with the [time] of a message from wherever it is known already. */
internal fun chatRows(
    messages: List<Message>,
    formats: ChatFormats,
    unread: UnreadMark?,
    time: (Message) -> String
): List<ChatRow> {
    val rows = ArrayList<ChatRow>(messages.size + messages.size / 8 + 1)
    val separators = HashMap<LocalDate, Int>()
    val line = LinePlace(unread)
    var previous: Message? = null
    var previousDay: LocalDate? = null
    for (message in messages) {
        val day = formats.day(message.sentAt)
        val missing = previous?.missingUntil(message) ?: 0
        val place = line.above(message, previous)
        val opensRun = day != previousDay || missing > 0 || place != null || previous?.sender != message.sender
        if (opensRun || previous.minute() != message.minute()) rows.closeRun()
        if (place == Place.ABOVE_GAP) rows += line.row()
        if (missing > 0) rows += ChatRow.Gap("g${previous?.id}", missing)
        if (day != previousDay) {
            val nth = separators.merge(day, 1, Int::plus)
            rows += ChatRow.DateSeparator("d$day#$nth", formats.date(day))
        }
        if (place == Place.ABOVE_MESSAGE) rows += line.row()
        rows += ChatRow.Message(message, time(message), opensRun, closesRun = false)
        previous = message
        previousDay = day
    }
    rows.closeRun()
    return rows
}

/** What was the last message until now closes its run. */
private fun MutableList<ChatRow>.closeRun() {
    val last = lastOrNull() as? ChatRow.Message ?: return
    this[lastIndex] = last.copy(closesRun = true)
}

/** How many messages lie between this one and [next], its neighbour; what is unsent has no place among them yet. */
private fun Message.missingUntil(next: Message): Long = if (id == null || next.id == null) 0 else next.id - id - 1

/** Counted from the epoch: on the night the clocks go back, 1:30 and 1:30 are not the same minute. */
private fun Message.minute() = Math.floorDiv(sentAt.epochSecond, 60L)

private enum class Place { ABOVE_GAP, ABOVE_MESSAGE }

/** Looks for the place of the unread line, message by message. */
private class LinePlace(private val mark: UnreadMark?) {
    private var isOver = mark == null || mark.count == 0

    fun row() = ChatRow.UnreadLine("unread", checkNotNull(mark).count)

    fun above(message: Message, previous: Message?): Place? {
        if (isOver || mark == null || message.id == null || message.id <= mark.after) return null
        val before = previous?.id ?: 0
        val isHole = before < message.id - 1
        val place = when {
            // The first unread one is in the hole.
            isHole && previous != null && before >= mark.after -> Place.ABOVE_GAP

            // So is the last one that was read: who knows what else.
            isHole && mark.after < message.id - 1 -> null

            message.isOwn -> return null

            else -> Place.ABOVE_MESSAGE
        }
        isOver = true
        return place
    }
}
