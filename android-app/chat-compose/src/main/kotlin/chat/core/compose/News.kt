package chat.core.compose

import androidx.compose.animation.AnimatedVisibility
import androidx.compose.animation.fadeIn
import androidx.compose.animation.fadeOut
import androidx.compose.animation.scaleIn
import androidx.compose.animation.scaleOut
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.BoxScope
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.layout.sizeIn
import androidx.compose.foundation.shape.CircleShape
import androidx.compose.material3.Icon
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.LocalResources
import androidx.compose.ui.res.painterResource
import androidx.compose.ui.res.pluralStringResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.liveRegion
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import chat.core.ChatRow
import chat.core.Message
import kotlinx.coroutines.delay

/** The number of the newest message that the server has; 0 when there is none. Newest first, as all of these. */
internal fun List<ChatRow>.newestId(): Long = firstNotNullOfOrNull { (it as? ChatRow.Message)?.message?.id } ?: 0

/** How many messages of others came after the one numbered [seen], those included that are still being fetched. */
internal fun List<ChatRow>.newsAfter(seen: Long): Int {
    var count = 0L
    for (row in this) {
        when (row) {
            is ChatRow.Message -> {
                if ((row.message.id ?: Long.MAX_VALUE) <= seen) break
                if (row.message.isNews()) count++
            }

            is ChatRow.Gap -> count += row.missing

            else -> Unit
        }
    }
    return count.coerceAtMost(Int.MAX_VALUE.toLong()).toInt()
}

private fun Message.isNews() = !isOwn && !isDeleted

/**
 * Whether the newest is what the user has just written, here: those of the server have their number for a key. One
 * that comes to light because a later one was discarded is not new.
 */
internal fun List<ChatRow>.isJustWritten(before: List<ChatRow>): Boolean {
    val newest = first() as? ChatRow.Message ?: return false
    val message = newest.message
    return message.isOwn && message.id != message.key.value && before.none { it.key == newest.key }
}

/** The way down, and how much has come in there meanwhile. */
@Composable
internal fun ToNewest(isVisible: Boolean, news: Int, modifier: Modifier, onClick: () -> Unit) {
    // While it leaves, it still says what it said.
    var last by remember { mutableStateOf(news) }
    if (isVisible) last = news
    AnimatedVisibility(isVisible, modifier, enter = fadeIn() + scaleIn(), exit = fadeOut() + scaleOut()) {
        val colors = MaterialTheme.colorScheme
        val hasNews = last > 0
        Surface(
            onClick = onClick,
            modifier = Modifier.semantics { liveRegion = LiveRegionMode.Polite },
            shape = CircleShape,
            color = if (hasNews) colors.primary else colors.surfaceContainerHighest,
            contentColor = if (hasNews) colors.onPrimary else colors.onSurface,
            shadowElevation = 4.dp
        ) {
            Row(
                modifier = Modifier
                    .sizeIn(minWidth = 48.dp, minHeight = 48.dp)
                    .padding(horizontal = if (hasNews) 18.dp else 12.dp, vertical = 10.dp),
                verticalAlignment = Alignment.CenterVertically,
                horizontalArrangement = Arrangement.spacedBy(8.dp)
            ) {
                if (hasNews) {
                    Text(
                        text = pluralStringResource(R.plurals.chat_new_messages, last, last),
                        style = MaterialTheme.typography.labelLarge
                    )
                }
                Icon(painterResource(R.drawable.chat_ic_down), stringResource(R.string.chat_to_newest))
            }
        }
    }
}

/**
 * Has a screen reader say what others say while one is at the bottom, where no chip tells of it. It is a place without
 * extent that says so when its words change, and has none for the rest of the time.
 */
@Composable
internal fun BoxScope.Announcement(rows: List<ChatRow>, isAtBottom: Boolean, displayName: (String) -> String) {
    val newest = rows.firstNotNullOfOrNull { (it as? ChatRow.Message)?.message?.takeIf(Message::isNews) }
    val seen = remember { Seen(newest?.id ?: 0) }
    var words by remember { mutableStateOf("") }
    val resources = LocalResources.current
    LaunchedEffect(newest?.id) {
        // The one before may have been deleted while it was being said.
        words = ""
        val id = newest?.id ?: return@LaunchedEffect
        val isNew = id > seen.id
        seen.id = maxOf(seen.id, id)
        if (!isNew || !isAtBottom) return@LaunchedEffect
        words = resources.getString(R.string.chat_new_message_description, displayName(newest.sender), newest.text)
        delay(SAID_AFTER)
        words = ""
    }
    Box(
        Modifier.align(Alignment.BottomCenter).size(1.dp).semantics {
            liveRegion = LiveRegionMode.Polite
            if (words.isNotEmpty()) contentDescription = words
        }
    )
}

private class Seen(var id: Long)

/** In milliseconds. A screen reader takes the words up within a second; whoever wanders over the screen finds none. */
private const val SAID_AFTER = 3_000L
