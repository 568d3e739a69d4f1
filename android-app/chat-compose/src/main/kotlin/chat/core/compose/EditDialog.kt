package chat.core.compose

import androidx.compose.foundation.text.KeyboardOptions
import androidx.compose.foundation.text.input.TextFieldLineLimits
import androidx.compose.foundation.text.input.rememberTextFieldState
import androidx.compose.material3.AlertDialog
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.runtime.derivedStateOf
import androidx.compose.runtime.getValue
import androidx.compose.runtime.remember
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.text.input.KeyboardCapitalization
import chat.core.MessageText

/** Asks for what a message is to say instead of [text]. */
@Composable
internal fun EditDialog(text: String, onDismiss: () -> Unit, onSave: (String) -> Unit) {
    val draft = rememberTextFieldState(text)
    val canSave by remember(text) {
        derivedStateOf { draft.text.toString() != text && MessageText.isSendable(draft.text) }
    }
    AlertDialog(
        onDismissRequest = onDismiss,
        title = { Text(stringResource(R.string.chat_edit_title)) },
        text = {
            OutlinedTextField(
                state = draft,
                modifier = Modifier.testTag("edit"),
                keyboardOptions = KeyboardOptions(capitalization = KeyboardCapitalization.Sentences),
                lineLimits = TextFieldLineLimits.MultiLine(maxHeightInLines = 8)
            )
        },
        confirmButton = {
            TextButton(onClick = { onSave(draft.text.toString()) }, enabled = canSave) {
                Text(stringResource(R.string.chat_save))
            }
        },
        dismissButton = { TextButton(onDismiss) { Text(stringResource(R.string.chat_cancel)) } }
    )
}
