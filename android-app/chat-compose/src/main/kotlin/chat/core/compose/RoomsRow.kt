package chat.core.compose

import androidx.compose.foundation.clickable
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.widthIn
import androidx.compose.material3.Badge
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.LocalDensity
import androidx.compose.ui.platform.LocalLayoutDirection
import androidx.compose.ui.res.pluralStringResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.TextStyle
import androidx.compose.ui.text.font.FontStyle
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.text.style.TextDirection
import androidx.compose.ui.text.style.TextOverflow
import androidx.compose.ui.unit.LayoutDirection
import androidx.compose.ui.unit.dp
import chat.core.LastMessage
import chat.core.RoomRow

/** A room: its name and initial, what was said last and when, and how much of it is unread. */
@Composable
internal fun RoomsRow(
    row: RoomRow,
    displayName: (user: String) -> String,
    modifier: Modifier = Modifier,
    onClick: () -> Unit
) {
    val room = row.room
    val preview = room.lastMessage.preview(displayName)
    val unread = if (room.unread > 0) pluralStringResource(R.plurals.chat_unread, room.unread, room.unread) else ""
    val spoken = listOf(room.title, unread, preview, row.time).filter { it.isNotEmpty() }.joinToString()
    Row(
        modifier = modifier
            .fillMaxWidth()
            .clickable(onClick = onClick)
            .semantics { contentDescription = spoken }
            .heightIn(min = 76.dp)
            .padding(horizontal = 16.dp, vertical = 10.dp),
        verticalAlignment = Alignment.CenterVertically,
        horizontalArrangement = Arrangement.spacedBy(14.dp)
    ) {
        ChatAvatar(room.title, room.title, size = 48.dp)
        Column(Modifier.weight(1f), verticalArrangement = Arrangement.spacedBy(2.dp)) {
            TitleLine(row)
            Row(horizontalArrangement = Arrangement.spacedBy(12.dp)) {
                Preview(room.lastMessage, preview, Modifier.weight(1f))
                if (room.unread > 0) UnreadBadge(room.unread)
            }
        }
    }
}

@Composable
private fun TitleLine(row: RoomRow) {
    val isUnread = row.room.unread > 0
    val colors = MaterialTheme.colorScheme
    Row(horizontalArrangement = Arrangement.spacedBy(12.dp)) {
        Text(
            text = row.room.title,
            modifier = Modifier.weight(1f).alignByBaseline(),
            fontWeight = if (isUnread) FontWeight.Bold else null,
            // Beside a large time there is little room for a large title.
            maxLines = if (LocalDensity.current.fontScale > LARGE_TYPE) 2 else 1,
            overflow = TextOverflow.Ellipsis,
            style = MaterialTheme.typography.titleMedium.lined()
        )
        Text(
            text = row.time,
            modifier = Modifier.alignByBaseline(),
            color = if (isUnread) colors.primary else colors.onSurfaceVariant,
            maxLines = 1,
            style = MaterialTheme.typography.labelMedium
        )
    }
}

/** From here on letters are large: the step of Android's own settings after "large". */
private const val LARGE_TYPE = 1.3f

@Composable
private fun Preview(last: LastMessage?, preview: String, modifier: Modifier) {
    val base = MaterialTheme.typography.bodyMedium
    Text(
        text = preview,
        modifier = modifier,
        color = MaterialTheme.colorScheme.onSurfaceVariant,
        maxLines = 2,
        overflow = TextOverflow.Ellipsis,
        style = base.lined().copy(
            fontStyle = if (last == null || last.isDeleted) FontStyle.Italic else base.fontStyle
        )
    )
}

/** Each text in its own direction, and all of them beginning at the same side: it is a list, not a page. */
@Composable
private fun TextStyle.lined(): TextStyle {
    val isRtl = LocalLayoutDirection.current == LayoutDirection.Rtl
    return copy(textDirection = TextDirection.Content, textAlign = if (isRtl) TextAlign.Right else TextAlign.Left)
}

@Composable
private fun UnreadBadge(count: Int) {
    val label = if (count > MOST_COUNTED) R.string.chat_rooms_unread_many else R.string.chat_rooms_unread
    val style = MaterialTheme.typography.labelSmall
    Badge(
        // One digit in a circle, however large.
        modifier = Modifier.widthIn(min = with(LocalDensity.current) { style.lineHeight.toDp() }),
        containerColor = MaterialTheme.colorScheme.primary,
        contentColor = MaterialTheme.colorScheme.onPrimary
    ) {
        Text(stringResource(label, minOf(count, MOST_COUNTED)), style = style)
    }
}

/** Nobody wants to know it more exactly, and more digits would not fit. */
private const val MOST_COUNTED = 99

/** What was said last, in few words. */
@Composable
private fun LastMessage?.preview(displayName: (user: String) -> String): String = when {
    this == null -> stringResource(R.string.chat_rooms_no_message)
    isDeleted -> stringResource(R.string.chat_deleted_message)
    isOwn -> stringResource(R.string.chat_rooms_own_message, beginning(text))
    else -> stringResource(R.string.chat_rooms_other_message, displayName(sender), beginning(text))
}

/** Two lines hold no more, and an ear less: what follows need not be measured nor spoken. */
private const val LONGEST_PREVIEW = 200

/** The beginning of [text] as one line. */
private fun beginning(text: String): String {
    val line = text.take(LONGEST_PREVIEW).trimEnd { it.isHighSurrogate() }
    return line.replace(WhiteSpace, " ") + if (line.length < text.length) "…" else ""
}

private val WhiteSpace = Regex("\\s+")
