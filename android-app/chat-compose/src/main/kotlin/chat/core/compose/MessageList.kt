package chat.core.compose

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
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.LazyListState
import androidx.compose.foundation.lazy.items
import androidx.compose.foundation.shape.CircleShape
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
import androidx.compose.ui.platform.LocalContext
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.res.painterResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.unit.dp
import androidx.lifecycle.Lifecycle
import androidx.lifecycle.compose.LocalLifecycleOwner
import androidx.lifecycle.repeatOnLifecycle
import chat.core.ChatRow
import chat.core.ChatUiState
import chat.core.Message
import chat.core.MessageKey
import chat.core.ScrollAnchor
import kotlinx.coroutines.flow.filterNotNull
import kotlinx.coroutines.launch

/**
 * The messages, the newest at the bottom.
 *
 * The list runs backwards (`reverseLayout`, the newest is item 0) and its items have keys, so whatever arrives leaves
 * what one reads where it is. At the bottom that is not wanted: there the list follows, and it does so before the
 * new row is measured, so nothing jumps. One's own new message is followed from anywhere.
 *
 * @param onEditBegins Told that the user wants to have another text for a message.
 */
@Composable
internal fun MessageList(
    chat: ChatUiState,
    anchor: ScrollAnchor?,
    actions: ChatActions,
    onEditBegins: (MessageKey) -> Unit
) {
    val newestFirst = remember(chat.rows) { chat.rows.asReversed() }
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
    Watch(state, newestFirst, chat.hasOlder, anchor, actions)
    val scope = rememberCoroutineScope()
    val onAction = messageActions(actions, onEditBegins)
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
                    is ChatRow.Message -> MessageRow(row) { onAction(row.message, it) }
                }
            }
            if (chat.hasOlder) {
                item(key = "older", contentType = "older") {
                    OlderNotice(chat.isLoadingOlder, chat.olderFailure != null, actions.onLoadOlder)
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

/** Tells where the list is: the place to come back to, what has been read, and when older messages are wanted. */
@Composable
private fun Watch(
    state: LazyListState,
    rows: List<ChatRow>,
    hasOlder: Boolean,
    anchor: ScrollAnchor?,
    actions: ChatActions
) {
    val shown by rememberUpdatedState(rows)
    val latest by rememberUpdatedState(actions)
    LaunchedEffect(state) {
        snapshotFlow { if (state.isLaidOut()) state.anchor(shown) else anchor }.collect { latest.onAnchor(it) }
    }
    // What is on a screen that nobody sees has not been read.
    val lifecycle = LocalLifecycleOwner.current.lifecycle
    LaunchedEffect(state, lifecycle) {
        lifecycle.repeatOnLifecycle(Lifecycle.State.STARTED) {
            snapshotFlow { state.lowestMessage(shown) }.filterNotNull().collect { latest.onShown(it) }
        }
    }
    val isNearTop by remember(state) { derivedStateOf { state.isNearTop() } }
    // With each page that lands the oldest message is another, and the question comes up anew.
    val oldest = remember(rows) { rows.lastOrNull { it is ChatRow.Message }?.key }
    LaunchedEffect(isNearTop, hasOlder, oldest) {
        if (isNearTop && hasOlder) latest.onLoadOlder()
    }
}

@Composable
private fun messageActions(actions: ChatActions, onEditBegins: (MessageKey) -> Unit): (Message, MessageAction) -> Unit {
    val context = LocalContext.current
    return { message, action ->
        when (action) {
            MessageAction.RETRY -> actions.onRetry(message.key)
            MessageAction.EDIT -> onEditBegins(message.key)
            MessageAction.COPY -> copy(context, message.text)
            MessageAction.DELETE -> actions.onDelete(message.key)
            MessageAction.DISCARD, MessageAction.UNDO -> actions.onDiscard(message.key)
        }
    }
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
                if (hasNews) {
                    Text(
                        stringResource(R.string.chat_new_messages),
                        style = MaterialTheme.typography.labelLarge
                    )
                }
                Icon(painterResource(R.drawable.chat_ic_down), stringResource(R.string.chat_to_newest))
            }
        }
    }
}
