package chat.core.compose

import android.view.KeyEvent as AndroidKeyEvent
import android.view.inputmethod.EditorInfo
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.foundation.text.BasicTextField
import androidx.compose.foundation.text.KeyboardOptions
import androidx.compose.foundation.text.input.TextFieldLineLimits
import androidx.compose.foundation.text.input.TextFieldState
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.remember
import androidx.compose.ui.ExperimentalComposeUiApi
import androidx.compose.ui.Modifier
import androidx.compose.ui.focus.FocusRequester
import androidx.compose.ui.focus.focusRequester
import androidx.compose.ui.graphics.SolidColor
import androidx.compose.ui.input.key.Key
import androidx.compose.ui.input.key.KeyEvent
import androidx.compose.ui.input.key.KeyEventType
import androidx.compose.ui.input.key.isShiftPressed
import androidx.compose.ui.input.key.key
import androidx.compose.ui.input.key.onPreviewKeyEvent
import androidx.compose.ui.input.key.type
import androidx.compose.ui.platform.InterceptPlatformTextInput
import androidx.compose.ui.platform.LocalDensity
import androidx.compose.ui.platform.PlatformTextInputInterceptor
import androidx.compose.ui.platform.PlatformTextInputMethodRequest
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.error
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.input.ImeAction
import androidx.compose.ui.text.input.KeyboardCapitalization
import androidx.compose.ui.text.style.TextDirection
import androidx.compose.ui.unit.dp

/**
 * A text of several lines.
 *
 * - A keyboard on the screen: Enter is a new line, as in every text of several lines; what else the keyboard has to
 *   send with (a gesture, a button of its own) sends.
 * - A keyboard with keys: Enter sends, with or without Ctrl; Shift+Enter is a new line; Escape leaves an edit.
 *
 * @param takesFocus Whether the keyboard comes up by itself.
 */
@OptIn(ExperimentalComposeUiApi::class)
@Composable
internal fun MessageField(
    text: TextFieldState,
    modifier: Modifier = Modifier,
    isReadOnly: Boolean = false,
    isTooLong: Boolean = false,
    takesFocus: Boolean = false,
    onLeave: (() -> Unit)? = null,
    onSubmit: () -> Unit = {}
) {
    val colors = MaterialTheme.colorScheme
    val style = MaterialTheme.typography.bodyLarge.copy(color = colors.onSurface, textDirection = TextDirection.Content)
    val tooLong = stringResource(R.string.chat_too_long)
    val focus = remember { FocusRequester() }
    InterceptPlatformTextInput(EnterIsNewLine) {
        BasicTextField(
            state = text,
            modifier = modifier
                .focusRequester(focus)
                .onPreviewKeyEvent { it.isHandled(onLeave, onSubmit) }
                .semantics { if (isTooLong) error(tooLong) },
            readOnly = isReadOnly,
            textStyle = style,
            keyboardOptions = KeyboardOptions(
                capitalization = KeyboardCapitalization.Sentences,
                imeAction = ImeAction.Send
            ),
            onKeyboardAction = { onSubmit() },
            lineLimits = TextFieldLineLimits.MultiLine(
                // More would leave nothing of the conversation on a small phone.
                maxHeightInLines = if (LocalDensity.current.fontScale < LARGE) 6 else 3
            ),
            cursorBrush = SolidColor(colors.primary),
            decorator = { field ->
                Surface(shape = RoundedCornerShape(24.dp), color = colors.surfaceContainerHigh) {
                    Box(
                        modifier = Modifier
                            .fillMaxWidth()
                            .heightIn(min = 48.dp)
                            .padding(horizontal = 18.dp, vertical = 12.dp),
                        // As wide as the box, or a text from the right would begin in the middle of it.
                        propagateMinConstraints = true
                    ) {
                        if (text.text.isEmpty()) {
                            val hint = stringResource(R.string.chat_message_hint)
                            Text(hint, color = colors.onSurfaceVariant, style = style)
                        }
                        field()
                    }
                }
            }
        )
    }
    if (takesFocus) LaunchedEffect(focus) { focus.requestFocus() }
}

/** Asks for a keyboard that can send and yet has an Enter: as `EditText` does for several lines, and Compose does not. */
@OptIn(ExperimentalComposeUiApi::class)
private val EnterIsNewLine = PlatformTextInputInterceptor { request, next ->
    next.startInputMethod(
        PlatformTextInputMethodRequest { info ->
            request.createInputConnection(info).also {
                info.imeOptions = info.imeOptions or EditorInfo.IME_FLAG_NO_ENTER_ACTION
            }
        }
    )
}

private fun KeyEvent.isHandled(onLeave: (() -> Unit)?, onSubmit: () -> Unit): Boolean {
    val act = when (key) {
        // Some keyboards on the screen send a key for their Enter. Theirs is a new line.
        Key.Enter, Key.NumPadEnter -> onSubmit.takeUnless { isShiftPressed || isFromScreen() }

        Key.Escape -> onLeave

        else -> null
    } ?: return false
    if (type == KeyEventType.KeyDown && nativeKeyEvent.repeatCount == 0) act()
    return true
}

private fun KeyEvent.isFromScreen() = nativeKeyEvent.flags and AndroidKeyEvent.FLAG_SOFT_KEYBOARD != 0
