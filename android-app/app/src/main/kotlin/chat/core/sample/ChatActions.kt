package chat.core.sample

import androidx.compose.runtime.Immutable
import chat.core.MessageKey
import chat.core.ScrollAnchor

/**
 * What a chat screen asks for.
 *
 * @property onSend Takes the text as it stands in the box; the caller takes it out of the box once it is stored.
 * @property onShown Told which message is the lowest on the screen: it, and all before it, have been read.
 * @property onAnchor Told where the list is, whenever it has moved; `null` at the newest message.
 */
@Immutable
class ChatActions(
    val onSend: (String) -> Unit = {},
    val onEdit: (MessageKey, String) -> Unit = { _, _ -> },
    val onDelete: (MessageKey) -> Unit = {},
    val onRetry: (MessageKey) -> Unit = {},
    val onDiscard: (MessageKey) -> Unit = {},
    val onLoadOlder: () -> Unit = {},
    val onShown: (MessageKey) -> Unit = {},
    val onAnchor: (ScrollAnchor?) -> Unit = {},
    val onRestart: () -> Unit = {},
    val onReopen: () -> Unit = {}
)
