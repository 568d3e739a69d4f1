package chat.core.internal

import chat.core.Timeline
import chat.core.UnreadMark

/**
 * Where the unread line of a screen stands: above what had not been read when the user came to it, which is to say
 * until the server was heard. What comes later is read as it comes, and moves no line.
 */
internal class UnreadLine {
    private var visit = 0
    private var mark: UnreadMark? = null
    private var isSettled = false

    /** The line for [timeline] at the user's nth [visit]; [isLive] says whether the server has been heard. */
    fun mark(visit: Int, timeline: Timeline, isLive: Boolean): UnreadMark? {
        if (visit != this.visit) {
            this.visit = visit
            mark = null
            isSettled = false
        }
        if (isSettled || timeline.messages.isEmpty()) {
            // An empty room has no line, ever: whoever is in it from the beginning sees all of it come.
            isSettled = isSettled || isLive
            return mark
        }
        val marker = timeline.readMarker ?: 0
        val before = mark?.takeIf { it.after < marker }
        // Read on the spot, before the server was heard: what it has to say was unread all the same.
        mark = before?.copy(count = maxOf(before.count, timeline.countAfter(before.after)))
            ?: UnreadMark(marker, timeline.unread)
        isSettled = isLive
        return mark
    }

    private fun Timeline.countAfter(id: Long) = messages.count { !it.isOwn && (it.id ?: 0) > id }
}
