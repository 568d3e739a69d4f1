package chat.core.compose

import androidx.compose.runtime.Immutable
import chat.core.MessageKey
import chat.core.ScrollAnchor

/**
 * What a chat screen asks for; what is not said does nothing.
 *
 * ```
 * ChatActions {
 *     onSend = { text -> … }
 *     onRetry = { key -> … }
 * }
 * ```
 *
 * No parameters, so that later versions can add to it: see `docs/adr/0013`.
 */
@Immutable
public class ChatActions private constructor(builder: Builder) {
    /** @param build Says what is to be done. */
    public constructor(build: Builder.() -> Unit = {}) : this(Builder().apply(build))

    /**
     * Takes the text as it stands in the box; the caller takes it out of [ComposerState.draft] once it is stored.
     */
    public val onSend: (String) -> Unit = builder.onSend

    /** Another text for a message; the caller ends [ComposerState.edited] once it is stored. */
    public val onEdit: (MessageKey, String) -> Unit = builder.onEdit

    /** Deletes a message, for everybody; the user has been asked. */
    public val onDelete: (MessageKey) -> Unit = builder.onDelete

    /** Tries again what was refused: a message, or a change of one. */
    public val onRetry: (MessageKey) -> Unit = builder.onRetry

    /** Takes back what was refused or not sent: a message, after the user was asked, or a change of one. */
    public val onDiscard: (MessageKey) -> Unit = builder.onDiscard

    /** The reader nears the oldest message. Asked often: what is being fetched already is the caller's to know. */
    public val onLoadOlder: () -> Unit = builder.onLoadOlder

    /** Told which message is the lowest on the screen: it, and all before it, have been read. */
    public val onShown: (MessageKey) -> Unit = builder.onShown

    /** Told where the list is, whenever it has moved; `null` at the newest message. */
    public val onAnchor: (ScrollAnchor?) -> Unit = builder.onAnchor

    /** Starts anew after the end of the room, or of the session when there is no [onSignIn]. */
    public val onRestart: () -> Unit = builder.onRestart

    /** Tries again to open what could not be opened. */
    public val onReopen: () -> Unit = builder.onReopen

    /** Where to sign in anew when the session is over; without it there is [onRestart]. */
    public val onSignIn: (() -> Unit)? = builder.onSignIn

    /** What [ChatActions] are made of: its properties are theirs. */
    public class Builder internal constructor() {
        /** See [ChatActions.onSend]. */
        public var onSend: (String) -> Unit = {}

        /** See [ChatActions.onEdit]. */
        public var onEdit: (MessageKey, String) -> Unit = { _, _ -> }

        /** See [ChatActions.onDelete]. */
        public var onDelete: (MessageKey) -> Unit = {}

        /** See [ChatActions.onRetry]. */
        public var onRetry: (MessageKey) -> Unit = {}

        /** See [ChatActions.onDiscard]. */
        public var onDiscard: (MessageKey) -> Unit = {}

        /** See [ChatActions.onLoadOlder]. */
        public var onLoadOlder: () -> Unit = {}

        /** See [ChatActions.onShown]. */
        public var onShown: (MessageKey) -> Unit = {}

        /** See [ChatActions.onAnchor]. */
        public var onAnchor: (ScrollAnchor?) -> Unit = {}

        /** See [ChatActions.onRestart]. */
        public var onRestart: () -> Unit = {}

        /** See [ChatActions.onReopen]. */
        public var onReopen: () -> Unit = {}

        /** See [ChatActions.onSignIn]. */
        public var onSignIn: (() -> Unit)? = null
    }
}
