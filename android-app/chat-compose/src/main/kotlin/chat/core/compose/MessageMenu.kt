package chat.core.compose

import android.content.ClipData
import android.content.ClipboardManager
import android.content.Context
import androidx.annotation.StringRes
import androidx.compose.material3.DropdownMenu
import androidx.compose.material3.DropdownMenuItem
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.res.stringResource
import chat.core.Change
import chat.core.Delivery
import chat.core.Message

/** What can be done with a message. */
internal enum class MessageAction(@get:StringRes val label: Int) {
    RETRY(R.string.chat_try_again),
    EDIT(R.string.chat_edit),
    COPY(R.string.chat_copy),
    DELETE(R.string.chat_delete),
    DISCARD(R.string.chat_discard),
    UNDO(R.string.chat_undo_change)
}

/** What can be done with this message as it stands, in a room where one [canChange] something, or not any more. */
internal fun Message.actions(canChange: Boolean): List<MessageAction> = when {
    isDeleted -> emptyList()

    !isOwn -> listOf(MessageAction.COPY)

    !canChange -> if (isUnsent()) listOf(MessageAction.COPY, MessageAction.DISCARD) else listOf(MessageAction.COPY)

    change is Change.Failed -> listOf(MessageAction.RETRY, MessageAction.UNDO, MessageAction.COPY)

    delivery is Delivery.Sent -> listOf(MessageAction.EDIT, MessageAction.COPY, MessageAction.DELETE)

    delivery is Delivery.Failed ->
        listOf(MessageAction.RETRY, MessageAction.EDIT, MessageAction.COPY, MessageAction.DISCARD)

    delivery is Delivery.Pending -> listOf(MessageAction.EDIT, MessageAction.COPY, MessageAction.DISCARD)

    // On its way it may be there already: it can be deleted, not taken back.
    else -> listOf(MessageAction.EDIT, MessageAction.COPY, MessageAction.DELETE)
}

private fun Message.isUnsent() = delivery is Delivery.Failed || delivery is Delivery.Pending

/** Shows what can be done with a message, at the message. */
@Composable
internal fun MessageMenu(
    actions: List<MessageAction>,
    isExpanded: Boolean,
    onDismiss: () -> Unit,
    onAction: (MessageAction) -> Unit
) {
    DropdownMenu(isExpanded, onDismiss) {
        actions.forEach { action ->
            val takesAway = action == MessageAction.DELETE || action == MessageAction.DISCARD
            DropdownMenuItem(
                text = {
                    Text(
                        text = stringResource(action.label),
                        color = with(MaterialTheme.colorScheme) { if (takesAway) error else onSurface }
                    )
                },
                onClick = {
                    onDismiss()
                    onAction(action)
                }
            )
        }
    }
}

/** Puts [text] where other apps can paste it from. */
internal fun copy(context: Context, text: String) {
    val clipboard = context.getSystemService(ClipboardManager::class.java) ?: return
    clipboard.setPrimaryClip(ClipData.newPlainText(null, text))
}
