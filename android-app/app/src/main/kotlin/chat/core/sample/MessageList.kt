package chat.core.sample

import androidx.compose.animation.AnimatedVisibility
import androidx.compose.animation.fadeIn
import androidx.compose.animation.fadeOut
import androidx.compose.animation.scaleIn
import androidx.compose.animation.scaleOut
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.items
import androidx.compose.foundation.shape.CircleShape
import androidx.compose.material3.CircularProgressIndicator
import androidx.compose.material3.HorizontalDivider
import androidx.compose.material3.Icon
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.SideEffect
import androidx.compose.runtime.derivedStateOf
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.rememberCoroutineScope
import androidx.compose.runtime.rememberUpdatedState
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.runtime.snapshotFlow
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.res.painterResource
import androidx.compose.ui.res.pluralStringResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.clearAndSetSemantics
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import chat.core.ChatRow
import chat.core.MessageKey
import chat.core.ScrollAnchor
import kotlinx.coroutines.launch

/**
 * The messages, the newest at the bottom.
 *
 * The list runs backwards (`reverseLayout`, the newest is item 0) and its items have keys, so whatever arrives leaves
 * what one reads where it is. At the bottom that is not wanted: there the list follows, and it does so before the
 * new row is measured, so nothing jumps. One's own new message is followed from anywhere.
 */
@Composable
fun MessageList(
    rows: List<ChatRow>,
    anchor: ScrollAnchor?,
    onAnchor: (ScrollAnchor?) -> Unit,
    onRetry: (MessageKey) -> Unit,
    onDiscard: (MessageKey) -> Unit
) {
    val newestFirst = remember(rows) { rows.asReversed() }
    val newest = newestFirst.first()
    val state = remember { listState(newestFirst, anchor) }
    val isAtBottom by remember(state) { derivedStateOf { state.isAtBottom() } }
    var lastSeen by rememberSaveable { mutableStateOf(newest.key) }
    SideEffect {
        if (newest.key != lastSeen && (isAtBottom || newest.isOwn())) {
            lastSeen = newest.key
            state.requestScrollToItem(0)
        } else {
            state.keepPlace(newestFirst)
        }
    }
    val shown by rememberUpdatedState(newestFirst)
    LaunchedEffect(state) {
        snapshotFlow { if (state.isLaidOut()) state.anchor(shown) else anchor }.collect(onAnchor)
    }
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
                    is ChatRow.Message -> MessageRow(row, onRetry, onDiscard)
                }
            }
        }
        ToNewest(
            isVisible = !isAtBottom,
            hasNews = newest.key != lastSeen,
            modifier = Modifier.align(Alignment.BottomCenter).padding(bottom = 12.dp)
        ) {
            lastSeen = newest.key
            scope.launch { state.animateScrollToItem(0) }
        }
    }
    // Reached the bottom by hand: everything is seen.
    if (isAtBottom && newest.key != lastSeen) SideEffect { lastSeen = newest.key }
}

private fun ChatRow.isOwn() = this is ChatRow.Message && message.isOwn

@Composable
private fun ToNewest(isVisible: Boolean, hasNews: Boolean, modifier: Modifier, onClick: () -> Unit) {
    AnimatedVisibility(isVisible, modifier, enter = fadeIn() + scaleIn(), exit = fadeOut() + scaleOut()) {
        val colors = MaterialTheme.colorScheme
        Surface(
            onClick = onClick,
            shape = CircleShape,
            color = if (hasNews) colors.primary else colors.surfaceContainerHighest,
            contentColor = if (hasNews) colors.onPrimary else colors.onSurface,
            shadowElevation = 4.dp
        ) {
            Row(
                modifier = Modifier.padding(horizontal = if (hasNews) 16.dp else 10.dp, vertical = 10.dp),
                verticalAlignment = Alignment.CenterVertically,
                horizontalArrangement = Arrangement.spacedBy(8.dp)
            ) {
                if (hasNews) Text(stringResource(R.string.new_messages), style = MaterialTheme.typography.labelLarge)
                Icon(painterResource(R.drawable.ic_down), stringResource(R.string.to_newest))
            }
        }
    }
}
