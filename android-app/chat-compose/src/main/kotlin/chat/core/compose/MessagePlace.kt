package chat.core.compose

import androidx.compose.foundation.lazy.LazyListState
import androidx.compose.runtime.snapshots.Snapshot
import chat.core.ChatRow
import chat.core.MessageKey
import chat.core.ScrollAnchor

/** Whether the newest message is on the screen, but for [nearly] so many pixels. */
internal fun LazyListState.isAtBottom(nearly: Int): Boolean =
    firstVisibleItemIndex == 0 && firstVisibleItemScrollOffset < nearly

/** Whether the list has been on the screen. */
internal fun LazyListState.isLaidOut(): Boolean = layoutInfo.visibleItemsInfo.isNotEmpty()

/** A list that begins where [anchor] says, or at the newest message when that one is not among [rows] (any more). */
internal fun listState(rows: List<ChatRow>, anchor: ScrollAnchor?): LazyListState {
    val index = if (anchor == null) -1 else rows.indexOfFirst { it is ChatRow.Message && it.message.key == anchor.key }
    return if (anchor == null || index < 0) LazyListState() else LazyListState(index, -anchor.offset)
}

/** So many rows before the oldest is soon enough to fetch older ones: they are there before one comes to the end. */
private const val NEAR_TOP = 20

/** Whether the reader nears the oldest row. */
internal fun LazyListState.isNearTop(): Boolean {
    val highest = layoutInfo.visibleItemsInfo.lastOrNull() ?: return false
    return highest.index >= layoutInfo.totalItemsCount - NEAR_TOP
}

/** The lowest message on the screen: it has been read, and so have those before it. */
internal fun LazyListState.lowestMessage(rows: List<ChatRow>): MessageKey? =
    layoutInfo.visibleItemsInfo.firstNotNullOfOrNull { item ->
        (rows.getOrNull(item.index) as? ChatRow.Message)?.takeIf { it.key == item.key }?.message?.key
    }

/** Where the list is: at its lowest message on the screen, or `null` at the newest. */
internal fun LazyListState.anchor(rows: List<ChatRow>, nearly: Int): ScrollAnchor? {
    if (isAtBottom(nearly)) return null
    return layoutInfo.visibleItemsInfo.firstNotNullOfOrNull { item ->
        // The layout is a frame behind the rows at times.
        val row = rows.getOrNull(item.index) as? ChatRow.Message
        row?.takeIf { it.key == item.key }?.let { ScrollAnchor(it.message.key, item.offset) }
    }
}

/**
 * Holds the list at a row that [rows] still have. It does so by itself as long as the lowest row on the screen is one
 * of them; when that one is gone, because a gap was filled or a message discarded, the next one above it is held.
 */
internal fun LazyListState.keepPlace(rows: List<ChatRow>) {
    val visible = Snapshot.withoutReadObservation { layoutInfo.visibleItemsInfo }
    val lowest = visible.firstOrNull() ?: return
    if (rows.indexNear(lowest.index, lowest.key) >= 0) return
    for (item in visible) {
        val index = rows.indexNear(item.index, item.key)
        if (index >= 0) return requestScrollToItem(index, -item.offset)
    }
}

/**
 * Where the row with [key] is that was at [index] before; -1 when it is nowhere. What moves a row are the few that
 * came or went beside it, so the search goes outwards: of ten thousand rows it looks at those few.
 */
internal fun List<ChatRow>.indexNear(index: Int, key: Any): Int {
    for (distance in 0..maxOf(index, lastIndex - index)) {
        if (getOrNull(index + distance)?.key == key) return index + distance
        if (getOrNull(index - distance)?.key == key) return index - distance
    }
    return -1
}
