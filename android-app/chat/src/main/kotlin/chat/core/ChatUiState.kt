package chat.core

/**
 * All that a chat screen shows, in one immutable value.
 *
 * @property rows Oldest first.
 * @property hasOlder Whether there are messages before the first row; see [ChatViewModel.loadOlder].
 * @property isLoadingOlder Whether they are being fetched.
 * @property olderFailure Why they could not be fetched the last time they were asked for.
 * @property unread How many messages of others have not been read.
 * @property connection How the room stands with the server, and by which transport it is heard.
 * @property isLoading Whether there is nothing to show *yet*: neither the cache nor the server has been heard.
 * @property isSending Whether a text is being stored: the send button rests for those milliseconds.
 * @property failure Why the room could not be opened at all; see [ChatViewModel.reopen].
 */
public data class ChatUiState(
    public val rows: List<ChatRow> = emptyList(),
    public val hasOlder: Boolean = false,
    public val isLoadingOlder: Boolean = false,
    public val olderFailure: ChatException? = null,
    public val unread: Int = 0,
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
public data class ScrollAnchor(@get:JvmName("getKey") public val key: MessageKey, public val offset: Int)
