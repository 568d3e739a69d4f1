package chat.core.compose

import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.navigationBarsPadding
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.foundation.text.BasicTextField
import androidx.compose.foundation.text.KeyboardOptions
import androidx.compose.foundation.text.input.TextFieldLineLimits
import androidx.compose.foundation.text.input.TextFieldState
import androidx.compose.material3.FilledIconButton
import androidx.compose.material3.Icon
import androidx.compose.material3.IconButtonDefaults
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.derivedStateOf
import androidx.compose.runtime.getValue
import androidx.compose.runtime.remember
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.SolidColor
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.res.painterResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.text.input.KeyboardCapitalization
import androidx.compose.ui.text.style.TextDirection
import androidx.compose.ui.unit.dp
import chat.core.MessageText

/** The text box and its button. Near the limit it counts, in the characters the server counts in. */
@Composable
internal fun Composer(draft: TextFieldState, canSend: Boolean, onSend: (String) -> Unit) {
    val length by remember(draft) { derivedStateOf { MessageText.length(draft.text) } }
    Surface(color = MaterialTheme.colorScheme.surface) {
        Column(Modifier.navigationBarsPadding()) {
            if (length > COUNT_FROM) Counter(length, Modifier.align(Alignment.End))
            Row(Modifier.padding(horizontal = 12.dp, vertical = 8.dp), verticalAlignment = Alignment.Bottom) {
                DraftField(draft, Modifier.weight(1f))
                SendButton(canSend && length in 1..MessageText.MAX_LENGTH) { onSend(draft.text.toString()) }
            }
        }
    }
}

/** Nobody needs to count before this. */
private const val COUNT_FROM = MessageText.MAX_LENGTH - 200

@Composable
private fun DraftField(draft: TextFieldState, modifier: Modifier) {
    val colors = MaterialTheme.colorScheme
    val style = MaterialTheme.typography.bodyLarge.copy(color = colors.onSurface, textDirection = TextDirection.Content)
    BasicTextField(
        state = draft,
        modifier = modifier.testTag("draft"),
        textStyle = style,
        keyboardOptions = KeyboardOptions(capitalization = KeyboardCapitalization.Sentences),
        lineLimits = TextFieldLineLimits.MultiLine(maxHeightInLines = 6),
        cursorBrush = SolidColor(colors.primary),
        decorator = { field ->
            Surface(shape = RoundedCornerShape(24.dp), color = colors.surfaceContainerHigh) {
                Box(
                    modifier = Modifier.heightIn(min = 48.dp).padding(horizontal = 18.dp, vertical = 12.dp),
                    contentAlignment = Alignment.CenterStart
                ) {
                    if (draft.text.isEmpty()) {
                        Text(stringResource(R.string.chat_message_hint), color = colors.onSurfaceVariant, style = style)
                    }
                    field()
                }
            }
        }
    )
}

@Composable
private fun SendButton(isEnabled: Boolean, onClick: () -> Unit) {
    FilledIconButton(
        onClick = onClick,
        modifier = Modifier.padding(start = 8.dp).size(48.dp).testTag("send"),
        enabled = isEnabled,
        colors = IconButtonDefaults.filledIconButtonColors(
            containerColor = MaterialTheme.colorScheme.primary,
            contentColor = MaterialTheme.colorScheme.onPrimary,
            disabledContainerColor = MaterialTheme.colorScheme.surfaceContainerHigh,
            disabledContentColor = MaterialTheme.colorScheme.outline
        )
    ) {
        Icon(painterResource(R.drawable.chat_ic_send), stringResource(R.string.chat_send), Modifier.size(22.dp))
    }
}

@Composable
private fun Counter(length: Int, modifier: Modifier) {
    val isTooLong = length > MessageText.MAX_LENGTH
    Text(
        text = stringResource(R.string.chat_counter, length, MessageText.MAX_LENGTH),
        modifier = modifier.padding(end = 76.dp, top = 6.dp),
        color = if (isTooLong) MaterialTheme.colorScheme.error else MaterialTheme.colorScheme.onSurfaceVariant,
        style = MaterialTheme.typography.labelMedium
    )
}
