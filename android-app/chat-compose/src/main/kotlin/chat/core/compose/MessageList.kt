package chat.core.compose

import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.LazyListState
import androidx.compose.foundation.lazy.items
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.SideEffect
import androidx.compose.runtime.derivedStateOf
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableLongStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.rememberCoroutineScope
import androidx.compose.runtime.rememberUpdatedState
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.runtime.snapshotFlow
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.LocalDensity
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import androidx.lifecycle.Lifecycle
import androidx.lifecycle.compose.LocalLifecycleOwner
import androidx.lifecycle.repeatOnLifecycle
import chat.core.ChatRow
import chat.core.ChatUiState
import chat.core.Connection
import chat.core.Message
import chat.core.ScrollAnchor
import kotlinx.coroutines.flow.filterNotNull
import kotlinx.coroutines.launch

/**
 * The messages, the newest at the bottom.
 *
 * The list runs backwards (`reverseLayout`, the newest is item 0) and its items have keys, so whatever arrives leaves
 * what one reads where it is. At the bottom that is not wanted: there the list follows, and it does so before the
 * new row is measured, so nothing jumps. What one has just written oneself is followed from anywhere.
 */
@Composable
internal fun MessageList(
    chat: ChatUiState,
    anchor: ScrollAnchor?,
    actions: ChatActions,
    look: MessageLook,
    onAction: (Message, MessageAction) -> Unit
) {
    val newestFirst = remember(chat.rows) { chat.rows.asReversed() }
    val state = remember { listState(newestFirst, anchor) }
    val nearly = with(LocalDensity.current) { NEARLY.roundToPx() }
    val isAtBottom by remember(state, nearly) { derivedStateOf { state.isAtBottom(nearly) } }
    // The number of the newest message when the reader last was at the bottom.
    var seen by rememberSaveable { mutableLongStateOf(newestFirst.newestId()) }
    val news = if (isAtBottom) 0 else remember(newestFirst, seen) { newestFirst.newsAfter(seen) }
    val before = remember { Before(newestFirst) }
    SideEffect {
        if (isAtBottom) seen = newestFirst.newestId()
        val hasNewest = before.rows.first().key != newestFirst.first().key
        if (hasNewest && (isAtBottom || newestFirst.isJustWritten(before.rows))) {
            state.requestScrollToItem(0)
        } else {
            state.keepPlace(newestFirst)
        }
        before.rows = newestFirst
    }
    Watch(state, newestFirst, chat, anchor, nearly, actions)
    val scope = rememberCoroutineScope()
    Box(Modifier.fillMaxSize()) {
        LazyColumn(
            modifier = Modifier.fillMaxSize().testTag("messages"),
            state = state,
            reverseLayout = true,
            contentPadding = PaddingValues(horizontal = 12.dp, vertical = 10.dp)
        ) {
            items(newestFirst, key = { it.key }, contentType = { it.javaClass }) { row ->
                when (row) {
                    is ChatRow.DateSeparator -> DateSeparator(row.label)
                    is ChatRow.Gap -> GapNotice(row.missing)
                    is ChatRow.UnreadLine -> UnreadLine(row.count)
                    is ChatRow.Message -> MessageRow(row, look, onAction)
                }
            }
            if (chat.hasOlder) {
                item(key = "older", contentType = "older") {
                    OlderNotice(chat.isLoadingOlder, chat.olderFailure != null, actions.onLoadOlder)
                }
            }
        }
        ToNewest(!isAtBottom, news, Modifier.align(Alignment.BottomCenter).padding(bottom = 8.dp)) {
            scope.launch { state.animateScrollToItem(0) }
        }
        Announcement(newestFirst, isAtBottom, look.displayName)
    }
}

/** So little above the end is still the end: a finger does not stop at zero. */
private val NEARLY = 48.dp

/** The rows of the last composition, to tell what is new in this one. */
private class Before(var rows: List<ChatRow>)

/** Tells where the list is: the place to come back to, what has been read, and when older messages are wanted. */
@Composable
private fun Watch(
    state: LazyListState,
    rows: List<ChatRow>,
    chat: ChatUiState,
    anchor: ScrollAnchor?,
    nearly: Int,
    actions: ChatActions
) {
    val shown by rememberUpdatedState(rows)
    val latest by rememberUpdatedState(actions)
    LaunchedEffect(state, nearly) {
        snapshotFlow { if (state.isLaidOut()) state.anchor(shown, nearly) else anchor }.collect { latest.onAnchor(it) }
    }
    // What is on a screen that nobody sees has not been read.
    val lifecycle = LocalLifecycleOwner.current.lifecycle
    LaunchedEffect(state, lifecycle) {
        lifecycle.repeatOnLifecycle(Lifecycle.State.STARTED) {
            snapshotFlow { state.lowestMessage(shown) }.filterNotNull().collect { latest.onShown(it) }
        }
    }
    val isNearTop by remember(state) { derivedStateOf { state.isNearTop() } }
    // The question comes up anew with each page that lands, for the oldest message is another then, and when the
    // network is back: what failed for the want of it is not the reader's to tap.
    val oldest = remember(rows) { rows.lastOrNull { it is ChatRow.Message }?.key }
    val isLive = chat.connection is Connection.Live
    LaunchedEffect(isNearTop, chat.hasOlder, oldest, isLive) {
        if (isNearTop && chat.hasOlder) latest.onLoadOlder()
    }
}
