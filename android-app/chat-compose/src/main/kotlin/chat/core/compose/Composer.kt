package chat.core.compose

import androidx.activity.compose.BackHandler
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.WindowInsets
import androidx.compose.foundation.layout.WindowInsetsSides
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.only
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.safeDrawing
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.layout.windowInsetsPadding
import androidx.compose.foundation.text.input.TextFieldState
import androidx.compose.material3.FilledIconButton
import androidx.compose.material3.Icon
import androidx.compose.material3.IconButton
import androidx.compose.material3.IconButtonDefaults
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.runtime.derivedStateOf
import androidx.compose.runtime.getValue
import androidx.compose.runtime.key
import androidx.compose.runtime.remember
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.res.painterResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.liveRegion
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.style.TextOverflow
import androidx.compose.ui.unit.dp
import chat.core.EndReason
import chat.core.MessageText

/**
 * Where one writes: the draft, or another text for a message, with its button. Near the limit it counts, in the
 * characters the server counts in.
 *
 * @param isSending Whether the draft is being stored.
 */
@Composable
internal fun Composer(composer: ComposerState, isSending: Boolean, actions: ChatActions) {
    val edit = composer.edit
    BackHandler(enabled = edit != null, onBack = composer::endEdit)
    Bar {
        if (edit != null) EditHeader(edit.original, onCancel = composer::endEdit)
        // Each text has a field of its own: its cursor, its undo, what the keyboard holds of it.
        key(edit) {
            if (edit == null) {
                Input(composer.draft, isSending, Purpose.SEND, onSubmit = actions.onSend)
            } else {
                Input(
                    text = edit.text,
                    isBusy = edit.isStoring,
                    purpose = Purpose.EDIT,
                    original = edit.original,
                    onLeave = composer::endEdit,
                    onSubmit = { actions.onEdit(edit.key, it) }
                )
            }
        }
    }
}

/** What stands in the composer's place in a room that takes nothing any more, and the draft, to be copied. */
@Composable
internal fun ClosedComposer(reason: EndReason, draft: TextFieldState, onRestart: () -> Unit) {
    Bar {
        Row(
            modifier = Modifier
                .fillMaxWidth()
                .heightIn(min = 64.dp)
                .padding(start = 20.dp, end = 12.dp)
                .semantics { liveRegion = LiveRegionMode.Polite },
            verticalAlignment = Alignment.CenterVertically
        ) {
            Text(
                text = stringResource(reason.label()),
                modifier = Modifier.weight(1f),
                color = MaterialTheme.colorScheme.onSurfaceVariant,
                style = MaterialTheme.typography.bodyMedium.byPhrases()
            )
            TextButton(onRestart) { Text(stringResource(R.string.chat_try_again)) }
        }
        if (draft.text.isNotEmpty()) {
            MessageField(
                text = draft,
                modifier = Modifier.fillMaxWidth().padding(start = 12.dp, end = 12.dp, bottom = 8.dp),
                isReadOnly = true
            )
        }
    }
}

/** At the foot of the screen, clear of whatever the system shows there. */
@Composable
private fun Bar(content: @Composable () -> Unit) {
    Surface(color = MaterialTheme.colorScheme.surface) {
        val sides = WindowInsetsSides.Horizontal + WindowInsetsSides.Bottom
        Column(Modifier.windowInsetsPadding(WindowInsets.safeDrawing.only(sides))) { content() }
    }
}

private enum class Purpose(val tag: String, val icon: Int, val label: Int) {
    SEND("draft", R.drawable.chat_ic_send, R.string.chat_send),
    EDIT("edit", R.drawable.chat_ic_sent, R.string.chat_save)
}

@Composable
private fun Input(
    text: TextFieldState,
    isBusy: Boolean,
    purpose: Purpose,
    original: String? = null,
    onLeave: (() -> Unit)? = null,
    onSubmit: (String) -> Unit
) {
    val length by remember(text) { derivedStateOf { MessageText.length(text.text) } }
    val isNews by remember(text, original) { derivedStateOf { !text.text.contentEquals(original) } }
    val canSubmit = !isBusy && isNews && length in 1..MessageText.MAX_LENGTH
    val submit = { if (canSubmit) onSubmit(text.text.toString()) }
    if (length > COUNT_FROM) Counter(length)
    Row(Modifier.padding(horizontal = 12.dp, vertical = 8.dp), verticalAlignment = Alignment.Bottom) {
        MessageField(
            text = text,
            modifier = Modifier.weight(1f).testTag(purpose.tag),
            isTooLong = length > MessageText.MAX_LENGTH,
            takesFocus = purpose == Purpose.EDIT,
            onLeave = onLeave,
            onSubmit = submit
        )
        SubmitButton(purpose, canSubmit, submit)
    }
}

/** Nobody needs to count before this. */
private const val COUNT_FROM = MessageText.MAX_LENGTH - 200

@Composable
private fun SubmitButton(purpose: Purpose, isEnabled: Boolean, onClick: () -> Unit) {
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
        Icon(painterResource(purpose.icon), stringResource(purpose.label), Modifier.size(22.dp))
    }
}

/** Says which message is being edited, and how to leave it at that. */
@Composable
private fun EditHeader(original: String, onCancel: () -> Unit) {
    Row(Modifier.fillMaxWidth().padding(start = 24.dp, end = 12.dp), verticalAlignment = Alignment.CenterVertically) {
        Column(Modifier.weight(1f).padding(vertical = 6.dp)) {
            Text(
                text = stringResource(R.string.chat_edit_title),
                modifier = Modifier.semantics { heading() },
                color = MaterialTheme.colorScheme.primary,
                style = MaterialTheme.typography.labelLarge
            )
            Text(
                text = original,
                color = MaterialTheme.colorScheme.onSurfaceVariant,
                maxLines = 1,
                overflow = TextOverflow.Ellipsis,
                style = MaterialTheme.typography.bodyMedium
            )
        }
        IconButton(onCancel) {
            Icon(painterResource(R.drawable.chat_ic_close), stringResource(R.string.chat_cancel), Modifier.size(22.dp))
        }
    }
}

/** A text that is too long says so once, not with every letter: the number beside it is for the eye. */
@Composable
private fun Counter(length: Int) {
    val isTooLong = length > MessageText.MAX_LENGTH
    val color = with(MaterialTheme.colorScheme) { if (isTooLong) error else onSurfaceVariant }
    val counted = stringResource(R.string.chat_counter_description, length, MessageText.MAX_LENGTH)
    Row(Modifier.fillMaxWidth().padding(start = 30.dp, end = 76.dp, top = 6.dp)) {
        Box(Modifier.weight(1f).semantics { liveRegion = LiveRegionMode.Polite }) {
            if (isTooLong) {
                Text(
                    text = stringResource(R.string.chat_too_long),
                    color = color,
                    style = MaterialTheme.typography.labelMedium
                )
            }
        }
        Text(
            text = stringResource(R.string.chat_counter, length, MessageText.MAX_LENGTH),
            modifier = Modifier.semantics { contentDescription = counted },
            color = color,
            style = MaterialTheme.typography.labelMedium
        )
    }
}
