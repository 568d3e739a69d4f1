package chat.core.compose

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.FlowRow
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.Spacer
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.layout.width
import androidx.compose.material3.ButtonDefaults
import androidx.compose.material3.Icon
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.res.painterResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.clearAndSetSemantics
import androidx.compose.ui.unit.dp
import chat.core.Change
import chat.core.ChatRow
import chat.core.Delivery
import chat.core.FailureReason
import chat.core.Message

/** Beside the bubble: the time below the last of a minute, and how far one's own message has come. */
@Composable
internal fun Stamp(row: ChatRow.Message) {
    val delivery = row.message.delivery
    val isOnItsWay =
        delivery is Delivery.Pending || delivery is Delivery.Sending || row.message.change is Change.Pending
    if (!row.closesRun && !isOnItsWay) return
    Row(
        // The bubble's own description says all this.
        modifier = Modifier.padding(horizontal = 6.dp, vertical = 2.dp).clearAndSetSemantics {},
        verticalAlignment = Alignment.CenterVertically,
        horizontalArrangement = Arrangement.spacedBy(3.dp)
    ) {
        val color = MaterialTheme.colorScheme.onSurfaceVariant
        if (row.message.isOwn && delivery !is Delivery.Failed) {
            val icon = if (isOnItsWay) R.drawable.chat_ic_pending else R.drawable.chat_ic_sent
            Icon(painterResource(icon), contentDescription = null, Modifier.size(13.dp), tint = color)
        }
        Text(row.time, color = color, style = MaterialTheme.typography.labelSmall, maxLines = 1)
    }
}

/** What the server will not have of a message: it, or a change of it. */
internal class Refusal(val reason: FailureReason, val isOfChange: Boolean)

/** What the server will not have of this message, if anything. */
internal fun Message.refusal(): Refusal? {
    val delivery = delivery
    val change = change
    return when {
        delivery is Delivery.Failed -> Refusal(delivery.reason, isOfChange = false)
        change is Change.Failed -> Refusal(change.reason, isOfChange = true)
        else -> null
    }
}

/** Below a message that the server will not have: why, and what to do about it. */
@Composable
internal fun FailedActions(refusal: Refusal, canChange: Boolean, onAction: (MessageAction) -> Unit) {
    val error = MaterialTheme.colorScheme.error
    val takeBack = if (refusal.isOfChange) MessageAction.UNDO else MessageAction.DISCARD
    FlowRow(horizontalArrangement = Arrangement.End, itemVerticalAlignment = Alignment.CenterVertically) {
        Row(Modifier.padding(end = 4.dp), verticalAlignment = Alignment.CenterVertically) {
            Icon(
                painterResource(R.drawable.chat_ic_failed),
                contentDescription = null,
                Modifier.size(15.dp),
                tint = error
            )
            Spacer(Modifier.width(4.dp))
            Text(
                text = stringResource(refusal.label()),
                color = error,
                style = MaterialTheme.typography.labelMedium.byPhrases()
            )
        }
        // Together, on a line of their own where the first has no room for both.
        Row {
            for (action in listOfNotNull(MessageAction.RETRY.takeIf { canChange }, takeBack)) {
                SmallAction(stringResource(action.label)) { onAction(action) }
            }
        }
    }
}

@Composable
private fun SmallAction(label: String, onClick: () -> Unit) {
    TextButton(
        onClick = onClick,
        contentPadding = PaddingValues(horizontal = 8.dp),
        colors = ButtonDefaults.textButtonColors(contentColor = MaterialTheme.colorScheme.onSurface)
    ) {
        Text(label, style = MaterialTheme.typography.labelLarge)
    }
}

/** How far a message, or what the user wants changed of it, has come, in words. */
internal fun Message.progress(): Int = when (change) {
    is Change.Pending -> R.string.chat_state_changing

    is Change.Failed -> R.string.chat_state_change_failed

    is Change.None -> when (delivery) {
        is Delivery.Pending -> R.string.chat_state_pending
        is Delivery.Sending -> R.string.chat_state_sending
        is Delivery.Sent -> R.string.chat_state_sent
        is Delivery.Failed -> R.string.chat_state_failed
    }
}

private fun Refusal.label(): Int = when (reason) {
    FailureReason.REFUSED -> if (isOfChange) R.string.chat_failed_change_refused else R.string.chat_failed_refused
    FailureReason.NOT_A_MEMBER -> R.string.chat_failed_not_a_member
    FailureReason.ROOM_NOT_FOUND -> R.string.chat_failed_no_room
}
