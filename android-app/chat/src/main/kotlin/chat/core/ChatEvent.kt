package chat.core

/** What happens once and is then over: each is delivered to one collector, and none is dropped. */
public sealed interface ChatEvent {
    /** [text] is on the device and will be sent: the text box may let go of it, see [MessageText.remainder]. */
    public data class Stored(public val text: String) : ChatEvent {
        /** Without the text, which belongs in no log. */
        override fun toString(): String = "Stored"
    }

    /** [text] could not be stored: leave it in the text box. */
    public data class NotStored(public val text: String, public val error: ChatException) : ChatEvent {
        /** Without the text, which belongs in no log. */
        override fun toString(): String = "NotStored($error)"
    }

    /** The new text of a message is on the device and will be told to the server: the text box may let go of it. */
    public data class EditStored(@get:JvmName("getKey") public val key: MessageKey) : ChatEvent

    /**
     * [text] was typed in this room before and not sent: it belongs into the text box, on a line of its own above what
     * was typed meanwhile, if anything was. [ChatViewModel.draft] has it already.
     */
    public data class DraftFound(public val text: String) : ChatEvent {
        /** Without the text, which belongs in no log. */
        override fun toString(): String = "DraftFound"
    }

    /** The new text of a message could not be stored: leave it in the text box. It may be too late for an edit, too. */
    public data class EditNotStored(
        @get:JvmName("getKey") public val key: MessageKey,
        public val error: ChatException
    ) : ChatEvent

    /** A deletion, a retry or a discard could not be done: the message has changed meanwhile, for one. */
    public data class ActionFailed(public val error: ChatException) : ChatEvent

    /** The server will not have a message. It says so itself, with a way out; see [Delivery.Failed]. */
    public data class MessageRefused(
        @get:JvmName("getKey") public val key: MessageKey,
        public val reason: FailureReason
    ) : ChatEvent

    /** The server will not have an edit or a deletion: the message shows as it was; see [Change.Failed]. */
    public data class ChangeRefused(
        @get:JvmName("getKey") public val key: MessageKey,
        public val reason: FailureReason
    ) : ChatEvent

    /**
     * The server takes no token of this user any more, and the job has stopped. Send the user to the login, then
     * [ChatClient.resumeSession] and [ChatViewModel.restart].
     */
    public data object SessionEnded : ChatEvent

    /** The room is closed to this user, and the job has stopped. */
    public data class RoomUnavailable(public val reason: EndReason) : ChatEvent
}
