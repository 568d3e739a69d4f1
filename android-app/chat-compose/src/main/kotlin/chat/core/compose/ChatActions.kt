package chat.core.compose

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
public class ChatActions(
    public val onSend: (String) -> Unit = {},
    public val onEdit: (MessageKey, String) -> Unit = { _, _ -> },
    public val onDelete: (MessageKey) -> Unit = {},
    public val onRetry: (MessageKey) -> Unit = {},
    public val onDiscard: (MessageKey) -> Unit = {},
    public val onLoadOlder: () -> Unit = {},
    public val onShown: (MessageKey) -> Unit = {},
    public val onAnchor: (ScrollAnchor?) -> Unit = {},
    public val onRestart: () -> Unit = {},
    public val onReopen: () -> Unit = {}
)
