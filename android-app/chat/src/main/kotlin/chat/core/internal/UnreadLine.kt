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

    /** The newest message that may have been unread when the user came. */
    private var newest = 0L

    /** The line for [timeline] at the user's nth [visit]; [isLive] says whether the server has been heard. */
    fun mark(visit: Int, timeline: Timeline, isLive: Boolean): UnreadMark? {
        if (visit != this.visit) {
            this.visit = visit
            mark = null
            isSettled = false
        }
        if (!isSettled) settle(timeline, isLive)
        val mark = mark?.takeIf { it.count > 0 } ?: return null
        // Older pages may bring more of what was unread than was known of in the beginning.
        return mark.copy(count = maxOf(mark.count, timeline.unreadAfter(mark.after)))
    }

    private fun settle(timeline: Timeline, isLive: Boolean) {
        // An empty room has no line, ever: whoever is in it from the beginning sees all of it come.
        isSettled = isLive
        newest = timeline.messages.findLast { it.id != null }?.id ?: return
        val marker = timeline.readMarker ?: 0
        val before = mark?.takeIf { it.after < marker }
        // Read on the spot, before the server was heard: what it has to say was unread all the same.
        mark = before?.copy(count = maxOf(before.count, timeline.unreadAfter(before.after)))
            ?: UnreadMark(marker, timeline.unread)
    }

    private fun Timeline.unreadAfter(id: Long) =
        messages.count { !it.isOwn && !it.isDeleted && (it.id ?: 0) in id + 1..newest }
}
