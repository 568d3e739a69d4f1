package chat.core

/**
 * All that a chat screen shows, in one immutable value.
 *
 * @property rows Oldest first.
 * @property hasOlder Whether the server has messages before the first row.
 * @property connection How the room stands with the server.
 * @property isLoading Whether there is nothing to show *yet*: neither the cache nor the server has been heard.
 * @property isSending Whether a text is being stored: the send button rests for those milliseconds.
 * @property failure Why the room could not be opened at all; see [ChatViewModel.reopen].
 */
public data class ChatUiState(
    public val rows: List<ChatRow> = emptyList(),
    public val hasOlder: Boolean = false,
    public val connection: Connection = Connection.Idle,
    public val isLoading: Boolean = true,
    public val isSending: Boolean = false,
    public val failure: ChatException? = null
)

/**
 * Where a reader of history is.
 *
 * @property key The message that the list is to be held at.
 * @property offset How far that message is from the list's edge, in pixels, as the list counts them.
 */
public data class ScrollAnchor(public val key: MessageKey, public val offset: Int)

/** What happens once and is then over: each is delivered to one collector, and none is dropped. */
public sealed interface ChatEvent {
    /** [text] is on the device and will be sent: the text box may let go of it, see [MessageText.remainder]. */
    public data class Stored(public val text: String) : ChatEvent

    /** [text] could not be stored: leave it in the text box. */
    public data class NotStored(public val text: String, public val error: ChatException) : ChatEvent

    /** A retry or discard did not work out, because the message has changed in the meantime for one. */
    public data class ActionFailed(public val error: ChatException) : ChatEvent

    /**
     * The server takes no token of this user any more, and the job has stopped. Send the user to the login, then
     * [ChatClient.resumeSession] and [ChatViewModel.restart].
     */
    public data object SessionEnded : ChatEvent

    /** The room is closed to this user, and the job has stopped. */
    public data class RoomUnavailable(public val reason: EndReason) : ChatEvent
}
