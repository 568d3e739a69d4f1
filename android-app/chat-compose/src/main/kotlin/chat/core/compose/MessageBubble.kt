package chat.core.compose

import androidx.compose.foundation.clickable
import androidx.compose.foundation.combinedClickable
import androidx.compose.foundation.gestures.detectTapGestures
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.Spacer
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.width
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.clip
import androidx.compose.ui.input.pointer.pointerInput
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.CustomAccessibilityAction
import androidx.compose.ui.semantics.clearAndSetSemantics
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.customActions
import androidx.compose.ui.semantics.onLongClick
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.font.FontStyle
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.text.style.LineBreak
import androidx.compose.ui.text.style.TextDirection
import androidx.compose.ui.text.style.TextOverflow
import androidx.compose.ui.unit.dp
import chat.core.ChatRow
import chat.core.Delivery
import chat.core.Message

/** A message: one's own at the end of the line, another's at its start with the sender's name and initial. */
@Composable
internal fun MessageRow(row: ChatRow.Message, onAction: (MessageAction) -> Unit) {
    val message = row.message
    val own = message.isOwn
    Column(
        modifier = Modifier
            .fillMaxWidth()
            .padding(top = if (row.opensRun) 10.dp else 3.dp),
        horizontalAlignment = if (own) Alignment.End else Alignment.Start
    ) {
        Row(
            modifier = Modifier.fillMaxWidth(),
            horizontalArrangement = if (own) Arrangement.End else Arrangement.Start
        ) {
            if (!own) {
                if (row.opensRun) Initial(message.sender, 36.dp) else Spacer(Modifier.width(36.dp))
                Spacer(Modifier.width(8.dp))
            }
            Column(horizontalAlignment = if (own) Alignment.End else Alignment.Start) {
                if (!own && row.opensRun) SenderName(message.sender)
                Row(verticalAlignment = Alignment.Bottom) {
                    if (own) Stamp(row)
                    Bubble(row, Modifier.weight(1f, fill = false), onAction)
                    if (!own) Stamp(row)
                }
            }
        }
        val refusal = message.refusal()
        if (refusal != null) FailedActions(refusal, onAction)
    }
}

@Composable
private fun Bubble(row: ChatRow.Message, modifier: Modifier, onAction: (MessageAction) -> Unit) {
    val message = row.message
    val colors = MaterialTheme.colorScheme
    val failed = message.delivery is Delivery.Failed
    val shape = bubbleShape(message.isOwn, row.opensRun, row.closesRun)
    var isMenuOpen by remember { mutableStateOf(false) }
    Box(modifier.widthIn(max = 460.dp)) {
        Surface(
            shape = shape,
            color = when {
                failed -> colors.errorContainer
                message.isOwn -> colors.primary
                else -> colors.surfaceContainerHigh
            },
            contentColor = when {
                failed -> colors.onErrorContainer
                message.isOwn -> colors.onPrimary
                else -> colors.onSurface
            },
            modifier = Modifier
                .clip(shape)
                .press(message, onTap = { onAction(MessageAction.RETRY) }, onLongPress = { isMenuOpen = true })
                .describe(row, onAction)
        ) {
            Column(Modifier.padding(horizontal = 14.dp, vertical = 9.dp)) { BubbleText(message) }
        }
        MessageMenu(message.actions(), isMenuOpen, onDismiss = { isMenuOpen = false }, onAction)
    }
}

/** A long press opens the menu, for a screen reader too; a tap tries again what has failed. */
@Composable
private fun Modifier.press(message: Message, onTap: () -> Unit, onLongPress: () -> Unit): Modifier {
    val label = stringResource(R.string.chat_message_actions)
    return when {
        message.actions().isEmpty() -> this

        message.delivery is Delivery.Failed ->
            combinedClickable(onClick = onTap, onLongClick = onLongPress, onLongClickLabel = label)

        // No tap: a screen reader would offer one, to no effect.
        else -> pointerInput(message.key) { detectTapGestures(onLongPress = { onLongPress() }) }
            .semantics {
                onLongClick(label) {
                    onLongPress()
                    true
                }
            }
    }
}

/** Ten lines, then the rest on demand. */
@Composable
private fun BubbleText(message: Message) {
    var isExpanded by rememberSaveable(message.key.value) { mutableStateOf(false) }
    var isLong by remember(message.text) { mutableStateOf(false) }
    val base = MaterialTheme.typography.bodyLarge
    Text(
        text = if (message.isDeleted) stringResource(R.string.chat_deleted_message) else message.text,
        maxLines = if (isExpanded) Int.MAX_VALUE else COLLAPSED_LINES,
        overflow = TextOverflow.Ellipsis,
        onTextLayout = { if (it.hasVisualOverflow) isLong = true },
        // The text's own direction: Arabic reads from the right in a left-to-right app too.
        style = base.copy(
            textDirection = TextDirection.Content,
            // Korean and Japanese lines break between phrases, as people write them, and not inside a word.
            lineBreak = LineBreak.Paragraph.copy(wordBreak = LineBreak.WordBreak.Phrase),
            fontStyle = if (message.isDeleted) FontStyle.Italic else base.fontStyle
        )
    )
    if (isLong) {
        Text(
            text = stringResource(if (isExpanded) R.string.chat_less else R.string.chat_more),
            modifier = Modifier
                .clip(RoundedCornerShape(8.dp))
                .clickable { isExpanded = !isExpanded }
                .padding(vertical = 6.dp),
            style = MaterialTheme.typography.labelLarge,
            fontWeight = FontWeight.Bold
        )
    }
    if (message.isEdited && !message.isDeleted) {
        Text(stringResource(R.string.chat_edited), style = MaterialTheme.typography.labelSmall)
    }
}

/** After so many lines a bubble folds. */
private const val COLLAPSED_LINES = 10

@Composable
private fun SenderName(sender: String) {
    Text(
        text = sender,
        modifier = Modifier.padding(start = 4.dp, bottom = 4.dp).clearAndSetSemantics {},
        color = MaterialTheme.colorScheme.onSurfaceVariant,
        style = MaterialTheme.typography.labelMedium
    )
}

/** Round, but nearly square on its speaker's side, where it touches its neighbours of the same run. */
private fun bubbleShape(own: Boolean, opens: Boolean, closes: Boolean): RoundedCornerShape {
    val round = 18.dp
    val joint = 5.dp
    return if (own) {
        RoundedCornerShape(
            topStart = round,
            topEnd = if (opens) round else joint,
            bottomEnd = joint,
            bottomStart = round
        )
    } else {
        RoundedCornerShape(
            topStart = joint,
            topEnd = round,
            bottomEnd = round,
            bottomStart = if (closes) round else joint
        )
    }
}

/** What a screen reader says: who, when, what and how far it has come, in one go; and offers: what the menu does. */
@Composable
private fun Modifier.describe(row: ChatRow.Message, onAction: (MessageAction) -> Unit): Modifier {
    val message = row.message
    val text = when {
        message.isDeleted -> stringResource(R.string.chat_deleted_message)
        message.isEdited -> stringResource(R.string.chat_edited_description, message.text)
        else -> message.text
    }
    val description = if (message.isOwn) {
        stringResource(R.string.chat_own_message_description, row.time, text, stringResource(message.progress()))
    } else {
        stringResource(R.string.chat_other_message_description, message.sender, row.time, text)
    }
    val offers = message.actions().map { action ->
        CustomAccessibilityAction(stringResource(action.label)) {
            onAction(action)
            true
        }
    }
    return semantics(mergeDescendants = true) {
        contentDescription = description
        customActions = offers
    }
}
