package chat.core.compose

import androidx.compose.foundation.BorderStroke
import androidx.compose.foundation.LocalIndication
import androidx.compose.foundation.combinedClickable
import androidx.compose.foundation.focusable
import androidx.compose.foundation.gestures.detectTapGestures
import androidx.compose.foundation.indication
import androidx.compose.foundation.interaction.MutableInteractionSource
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.ColorScheme
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.rememberUpdatedState
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.clip
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.luminance
import androidx.compose.ui.input.key.Key
import androidx.compose.ui.input.key.KeyEventType
import androidx.compose.ui.input.key.isShiftPressed
import androidx.compose.ui.input.key.key
import androidx.compose.ui.input.key.onKeyEvent
import androidx.compose.ui.input.key.type
import androidx.compose.ui.input.pointer.PointerEventPass
import androidx.compose.ui.input.pointer.PointerEventType
import androidx.compose.ui.input.pointer.isSecondaryPressed
import androidx.compose.ui.input.pointer.pointerInput
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.CustomAccessibilityAction
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.customActions
import androidx.compose.ui.semantics.onLongClick
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.font.FontStyle
import androidx.compose.ui.unit.dp
import chat.core.ChatRow
import chat.core.Delivery
import chat.core.Message

/** What was said, and by a long press what can be done with it. */
@Composable
internal fun Bubble(
    row: ChatRow.Message,
    name: String,
    canChange: Boolean,
    modifier: Modifier,
    onAction: (MessageAction) -> Unit
) {
    val message = row.message
    val offers = remember(message, canChange) { message.actions(canChange) }
    val shape = bubbleShape(message.isOwn, row.opensRun, row.closesRun)
    val (color, contentColor) = MaterialTheme.colorScheme.bubble(message)
    var isMenuOpen by remember { mutableStateOf(false) }
    Box(modifier.widthIn(max = 460.dp)) {
        Surface(
            shape = shape,
            color = color,
            contentColor = contentColor,
            border = if (message.isDeleted) BorderStroke(1.dp, MaterialTheme.colorScheme.outlineVariant) else null,
            modifier = Modifier
                .clip(shape)
                .press(message, offers, { onAction(MessageAction.RETRY) }, onLongPress = { isMenuOpen = true })
                .describe(row, name, offers, onAction)
        ) {
            Column(Modifier.padding(horizontal = 14.dp, vertical = 9.dp)) {
                if (message.isDeleted) Tombstone() else BubbleText(message.key.value, message.text)
                if (message.isEdited && !message.isDeleted) {
                    Text(stringResource(R.string.chat_edited), style = MaterialTheme.typography.labelSmall)
                }
            }
        }
        MessageMenu(offers, isMenuOpen, onDismiss = { isMenuOpen = false }, onAction)
    }
}

@Composable
private fun Tombstone() {
    Text(
        text = stringResource(R.string.chat_deleted_message),
        style = MaterialTheme.typography.bodyMedium,
        fontStyle = FontStyle.Italic
    )
}

/** Of the bubble and of what is written on it. */
private fun ColorScheme.bubble(message: Message): Pair<Color, Color> = when {
    message.isDeleted -> surface to onSurfaceVariant

    message.delivery is Delivery.Failed -> errorContainer to onErrorContainer

    !message.isOwn -> surfaceContainerHigh to onSurface

    // In the dark Material's primary is a bright colour, made for letters and buttons; whole bubbles of it dazzle.
    surface.luminance() < 0.5f -> primaryContainer to onPrimaryContainer

    else -> primary to onPrimary
}

/**
 * A long press opens the menu, for a screen reader too, and so do the keys and the other mouse button that open menus
 * everywhere; a tap, and Enter, tries again what has failed.
 */
@Composable
private fun Modifier.press(
    message: Message,
    offers: List<MessageAction>,
    onTap: () -> Unit,
    onLongPress: () -> Unit
): Modifier {
    val label = stringResource(R.string.chat_message_actions)
    return when {
        offers.isEmpty() -> this

        message.delivery is Delivery.Failed && MessageAction.RETRY in offers ->
            menuKeys(hasEnter = false, onLongPress).combinedClickable(
                onClick = onTap,
                onClickLabel = stringResource(MessageAction.RETRY.label),
                onLongClick = onLongPress,
                onLongClickLabel = label
            )

        // No tap: a screen reader would offer one, to no effect.
        else -> menuKeys(hasEnter = true, onLongPress)
            .focused()
            .pointerInput(message.key) { detectTapGestures(onLongPress = { onLongPress() }) }
            .semantics {
                onLongClick(label) {
                    onLongPress()
                    true
                }
            }
    }
}

/** Has [onOpen] done by the keys for menus, by Enter too if [hasEnter], and by the right mouse button. */
@Composable
private fun Modifier.menuKeys(hasEnter: Boolean, onOpen: () -> Unit): Modifier {
    val open by rememberUpdatedState(onOpen)
    return onKeyEvent { event ->
        val isOurs = when (event.key) {
            Key.Menu -> true
            Key.F10 -> event.isShiftPressed
            Key.Enter, Key.NumPadEnter, Key.DirectionCenter -> hasEnter
            else -> false
        }
        // At the end of it, as with a button, or Enter would come up in the menu.
        if (isOurs && event.type == KeyEventType.KeyUp) open()
        isOurs
    }.pointerInput(Unit) {
        awaitPointerEventScope {
            while (true) {
                // Before the tap and what is in the bubble see it: for them it would be a press like any other.
                val event = awaitPointerEvent(PointerEventPass.Initial)
                if (event.type != PointerEventType.Press || !event.buttons.isSecondaryPressed) continue
                event.changes.forEach { it.consume() }
                open()
            }
        }
    }
}

/** Can be gone to by keys, and shows that one is there. */
@Composable
private fun Modifier.focused(): Modifier {
    val interactions = remember { MutableInteractionSource() }
    return indication(interactions, LocalIndication.current).focusable(interactionSource = interactions)
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
private fun Modifier.describe(
    row: ChatRow.Message,
    name: String,
    offers: List<MessageAction>,
    onAction: (MessageAction) -> Unit
): Modifier {
    val message = row.message
    val text = when {
        message.isDeleted -> stringResource(R.string.chat_deleted_message)
        message.isEdited -> stringResource(R.string.chat_edited_description, message.text)
        else -> message.text
    }
    val description = if (message.isOwn) {
        stringResource(R.string.chat_own_message_description, row.time, text, stringResource(message.progress()))
    } else {
        stringResource(R.string.chat_other_message_description, name, row.time, text)
    }
    val offered = offers.map { action ->
        CustomAccessibilityAction(stringResource(action.label)) {
            onAction(action)
            true
        }
    }
    return semantics(mergeDescendants = true) {
        contentDescription = description
        customActions = offered
    }
}
