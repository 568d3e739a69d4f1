package chat.core.compose

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.Spacer
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.width
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.LocalDensity
import androidx.compose.ui.semantics.clearAndSetSemantics
import androidx.compose.ui.text.style.TextOverflow
import androidx.compose.ui.unit.dp
import chat.core.ChatRow
import chat.core.Message

/** A message: one's own at the end of the line, another's at its start with the sender's name and initial. */
@Composable
internal fun MessageRow(row: ChatRow.Message, look: MessageLook, onAction: (Message, MessageAction) -> Unit) {
    val message = row.message
    val side = if (message.isOwn) Alignment.End else Alignment.Start
    val name = look.displayName(message.sender)
    Column(
        modifier = Modifier
            .fillMaxWidth()
            .padding(top = if (row.opensRun) 10.dp else 3.dp),
        horizontalAlignment = side
    ) {
        Row(
            modifier = Modifier.fillMaxWidth(),
            horizontalArrangement = if (message.isOwn) Arrangement.End else Arrangement.Start
        ) {
            if (!message.isOwn) Avatar(message.sender, name, look, isShown = row.opensRun)
            Column(horizontalAlignment = side) {
                if (!message.isOwn && row.opensRun) SenderName(name)
                BubbleAndStamp(row) { modifier ->
                    Bubble(row, name, look.canChange, modifier) { onAction(message, it) }
                }
            }
        }
        val refusal = message.refusal()
        if (refusal != null) FailedActions(refusal, look.canChange) { onAction(message, it) }
    }
}

/** The time stands beside the bubble, on its inner side; when letters are large there is no room for it but below. */
@Composable
private fun BubbleAndStamp(row: ChatRow.Message, bubble: @Composable (Modifier) -> Unit) {
    val own = row.message.isOwn
    if (LocalDensity.current.fontScale >= LARGE) {
        Column(horizontalAlignment = if (own) Alignment.End else Alignment.Start) {
            bubble(Modifier)
            Stamp(row)
        }
    } else {
        Row(verticalAlignment = Alignment.Bottom) {
            if (own) Stamp(row)
            bubble(Modifier.weight(1f, fill = false))
            if (!own) Stamp(row)
        }
    }
}

/** From here on letters are large: a time takes a third of a small phone's width. */
internal const val LARGE = 1.5f

@Composable
private fun SenderName(name: String) {
    Text(
        text = name,
        // The bubble's own description begins with it.
        modifier = Modifier.padding(start = 4.dp, bottom = 4.dp).clearAndSetSemantics {},
        color = MaterialTheme.colorScheme.onSurfaceVariant,
        maxLines = 1,
        overflow = TextOverflow.Ellipsis,
        style = MaterialTheme.typography.labelMedium
    )
}

@Composable
private fun Avatar(user: String, name: String, look: MessageLook, isShown: Boolean) {
    if (!isShown) {
        Spacer(Modifier.width(AVATAR))
    } else if (look.avatar == null) {
        ChatAvatar(user, name)
    } else {
        Column(Modifier.width(AVATAR).clearAndSetSemantics {}) { look.avatar(user) }
    }
    Spacer(Modifier.width(8.dp))
}
