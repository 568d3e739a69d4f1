package chat.core.compose

import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.LazyListState
import androidx.compose.foundation.lazy.items
import androidx.compose.foundation.lazy.rememberLazyListState
import androidx.compose.runtime.Composable
import androidx.compose.runtime.SideEffect
import androidx.compose.runtime.remember
import androidx.compose.runtime.snapshots.Snapshot
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import chat.core.RoomRow
import chat.core.RoomSummary

/**
 * The rooms, the one in which something was said last at the top.
 *
 * Items have keys, so a list holds its first item on the screen where it is, wherever that one moves. Both is wrong
 * here: at the top one wants to see what comes first now, and further down one wants to stay, even when the room that
 * happens to be first on the screen is the one that goes to the top. [RoomsPlace] sees to both, before the new order
 * is measured, so nothing jumps.
 */
@Composable
internal fun RoomsList(
    rows: List<RoomRow>,
    onRoomClick: (RoomSummary) -> Unit,
    displayName: (user: String) -> String,
    padding: PaddingValues
) {
    val state = rememberLazyListState()
    val place = remember(state) { RoomsPlace(state) }
    SideEffect { place.follow(rows.map { it.room.id.value }) }
    LazyColumn(
        modifier = Modifier.fillMaxSize().testTag("rooms"),
        state = state,
        contentPadding = padding
    ) {
        items(rows, key = { it.room.id.value }) { row ->
            RoomsRow(row, displayName, Modifier.animateItem()) { onRoomClick(row.room) }
        }
    }
}

/** Where a list of rooms is, over changes of their order. */
private class RoomsPlace(private val list: LazyListState) {
    private var order: List<Long> = emptyList()

    fun follow(rooms: List<Long>) {
        val before = order
        order = rooms
        if (before == rooms || before.isEmpty()) return
        Snapshot.withoutReadObservation {
            if (list.firstVisibleItemIndex == 0 && list.firstVisibleItemScrollOffset < NEARLY) {
                list.requestScrollToItem(0)
            } else {
                hold(before, rooms)
            }
        }
    }

    /** Holds the first room on the screen that has stayed where it was among the others. */
    private fun hold(before: List<Long>, now: List<Long>) {
        val stayed = stayed(before, now)
        val held = list.layoutInfo.visibleItemsInfo.firstOrNull { it.key in stayed } ?: return
        list.requestScrollToItem(now.indexOf(held.key as Long), -held.offset)
    }
}

/** So few pixels below the top are still the top: a finger does not stop at zero. */
private const val NEARLY = 64

/** The rooms of [before] that are there [now], but for those that went past others on their way to the top. */
internal fun stayed(before: List<Long>, now: List<Long>): Set<Long> {
    val places = now.withIndex().associate { (place, id) -> id to place }
    var lowest = -1
    return before.filterTo(HashSet()) { id ->
        val place = places[id] ?: -1
        (place > lowest).also { if (it) lowest = place }
    }
}
