package chat.core.internal

import chat.core.Message
import chat.core.Timeline
import chat.core.ffi.TimelineUpdate

/** What the screen shows after [update]: pure, so that the order is tested without a core. */
internal fun Timeline.merged(update: TimelineUpdate): Timeline = when (update) {
    is TimelineUpdate.Snapshot ->
        Timeline(update.items.map { it.toMessage() }, update.hasOlder, isLoaded = true)

    is TimelineUpdate.Diff -> {
        val upserted = update.upserted.map { it.toMessage() }
        val gone = upserted.mapTo(HashSet()) { it.key.value }.apply { addAll(update.removed) }
        val kept = messages.filterNot { it.key.value in gone }
        // Nearly sorted, which is what the library's sort is fastest at.
        copy(messages = (kept + upserted).sortedWith(ScreenOrder), isLoaded = true)
    }
}

/** Confirmed ones by number, then those written here and not yet confirmed, oldest first: -1, -2, … */
private val ScreenOrder = Comparator<Message> { a, b ->
    val aId = a.id
    val bId = b.id
    when {
        aId != null && bId != null -> aId.compareTo(bId)
        aId != null -> -1
        bId != null -> 1
        else -> b.key.value.compareTo(a.key.value)
    }
}
