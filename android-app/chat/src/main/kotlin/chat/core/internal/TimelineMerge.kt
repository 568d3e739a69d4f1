package chat.core.internal

import chat.core.Message
import chat.core.Timeline
import chat.core.ffi.RoomStatus
import chat.core.ffi.TimelineUpdate

/** What the screen shows after [update]: pure, so that the order is tested without a core. */
internal fun Timeline.merged(update: TimelineUpdate): Timeline = when (update) {
    is TimelineUpdate.Snapshot -> timeline(update.items.map { it.toMessage() }, update.status)

    is TimelineUpdate.Diff ->
        timeline(messages.merged(update.upserted.map { it.toMessage() }, update.removed), update.status)
}

private fun timeline(messages: List<Message>, status: RoomStatus) =
    Timeline(messages, status.hasOlder, isLoaded = true, status.readMarker, status.unread.toCount())

/**
 * This list without those [removed] and with [upserted] added, or put in place of those with the same key.
 *
 * The list is in the order of the screen and stays so. Ten thousand messages are neither sorted nor hashed for the
 * sake of one: places are found by bisection, and what lies between them is copied as it is.
 */
internal fun List<Message>.merged(upserted: List<Message>, removed: List<Long>): List<Message> {
    if (upserted.isEmpty() && removed.isEmpty()) return this
    val unsentFrom = bisect { it.id == null }
    val added = upserted.sortedWith(ScreenOrder)
    val gone = IntArray(added.size + removed.size)
    var count = 0
    for (message in added) indexOf(message.key.value, message.id, unsentFrom).let { if (it >= 0) gone[count++] = it }
    for (key in removed) {
        // Of a message that was written here one knows only the key; that it is confirmed and removed is rare.
        var index = indexOf(key, key.takeIf { it > 0 }, unsentFrom)
        if (index < 0 && key < 0) index = indexOfFirst { it.key.value == key }
        if (index >= 0) gone[count++] = index
    }
    gone.sort(0, count)

    val merged = ArrayList<Message>(size + added.size)
    var copied = 0
    var next = 0
    fun copyUntil(end: Int) {
        while (next < count && gone[next] < end) {
            if (gone[next] > copied) merged.addAll(subList(copied, gone[next]))
            copied = gone[next++] + 1
        }
        if (end > copied) merged.addAll(subList(copied, end))
        copied = maxOf(copied, end)
    }
    for (message in added) {
        copyUntil(bisect { ScreenOrder.compare(it, message) >= 0 })
        merged += message
    }
    copyUntil(size)
    return merged
}

/** Where the message with [key] is, [id] being its number as far as one knows it; -1 when it is not there. */
private fun List<Message>.indexOf(key: Long, id: Long?, unsentFrom: Int): Int {
    if (id != null) {
        val index = bisect { it.id == null || it.id >= id }
        if (getOrNull(index)?.key?.value == key) return index
    }
    val index = bisect(from = unsentFrom) { it.key.value <= key }
    return if (getOrNull(index)?.key?.value == key) index else -1
}

/** The first index from [from] on where [holds], which holds for all that follow too; the size when it never does. */
private inline fun List<Message>.bisect(from: Int = 0, holds: (Message) -> Boolean): Int {
    var low = from
    var high = size
    while (low < high) {
        val middle = (low + high) ushr 1
        if (holds(this[middle])) high = middle else low = middle + 1
    }
    return low
}

/** Confirmed ones by number, then those written here and not yet confirmed, oldest first: -1, -2, … */
internal val ScreenOrder: Comparator<Message> = Comparator { a, b ->
    val aId = a.id
    val bId = b.id
    when {
        aId != null && bId != null -> aId.compareTo(bId)
        aId != null -> -1
        bId != null -> 1
        else -> b.key.value.compareTo(a.key.value)
    }
}
