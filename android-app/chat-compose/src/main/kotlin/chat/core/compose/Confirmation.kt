package chat.core.compose

import androidx.compose.material3.AlertDialog
import androidx.compose.material3.ButtonDefaults
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.ui.res.stringResource

/** Asks before words are gone for good: a deletion is everybody's, and what was never sent is nowhere else. */
@Composable
internal fun Confirmation(action: MessageAction, onDismiss: () -> Unit, onConfirm: () -> Unit) {
    val isDeletion = action == MessageAction.DELETE
    AlertDialog(
        onDismissRequest = onDismiss,
        title = { Text(stringResource(if (isDeletion) R.string.chat_delete_title else R.string.chat_discard_title)) },
        text = { Text(stringResource(if (isDeletion) R.string.chat_delete_text else R.string.chat_discard_text)) },
        confirmButton = {
            TextButton(
                onClick = onConfirm,
                colors = ButtonDefaults.textButtonColors(contentColor = MaterialTheme.colorScheme.error)
            ) {
                Text(stringResource(action.label))
            }
        },
        dismissButton = { TextButton(onDismiss) { Text(stringResource(R.string.chat_cancel)) } }
    )
}
