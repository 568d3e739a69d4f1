package chat.core.compose

import androidx.compose.foundation.text.input.TextFieldState
import androidx.compose.runtime.Composable
import androidx.compose.runtime.Stable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.saveable.Saver
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import chat.core.Message
import chat.core.MessageKey

/**
 * What the user is writing: a new message, or another text for one of their own. Each has a text of its own, so that
 * an edit that is begun, saved or left loses nothing of the new message.
 *
 * @property draft The new message. Whoever makes this keeps it: [ChatRoute] has it from the view model.
 */
@Stable
public class ComposerState internal constructor(public val draft: TextFieldState, edit: Edit?) {
    /** Nothing is being edited. */
    public constructor(draft: TextFieldState = TextFieldState()) : this(draft, null)

    /** Whether [draft] is being stored: meanwhile its button rests, so that a second tap is no second message. */
    internal var isSending: Boolean by mutableStateOf(false)

    /** Whether a text is being stored, [ChatRoute] says: a new message, or the edit. */
    public val isStoring: Boolean get() = isSending || edit?.isStoring == true

    /** One's own message that is to say something else, and what. */
    @Stable
    internal class Edit(val key: MessageKey, val original: String, val text: TextFieldState) {
        var isStoring: Boolean by mutableStateOf(false)
    }

    internal var edit: Edit? by mutableStateOf(edit)
        private set

    /** The message that is being edited, if one is. */
    public val edited: MessageKey? get() = edit?.key

    /** Shows the text of [message] to be changed, in place of the draft. */
    public fun beginEdit(message: Message) {
        edit = Edit(message.key, message.text, TextFieldState(message.text))
    }

    /** Shows the draft again: the edit is stored, or was not wanted after all. */
    public fun endEdit() {
        edit = null
    }
}

/** A [ComposerState] whose edit survives a turned phone and the end of the process; [draft] is its maker's to keep. */
@Composable
public fun rememberComposerState(draft: TextFieldState): ComposerState =
    rememberSaveable(draft, saver = composerSaver(draft)) { ComposerState(draft) }

private fun composerSaver(draft: TextFieldState) = Saver<ComposerState, ArrayList<Any>>(
    save = { composer ->
        // The system allows all screens together about a megabyte.
        composer.edit?.run { arrayListOf(key.value, original, text.text.take(LONGEST_SAVED).toString()) }
    },
    restore = { (key, original, text) ->
        val edit = ComposerState.Edit(MessageKey(key as Long), original as String, TextFieldState(text as String))
        ComposerState(draft, edit)
    }
)

/** In UTF-16 units, as the view model's: what is longer could not be sent anyway. */
private const val LONGEST_SAVED = 32_000
