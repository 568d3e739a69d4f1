package chat.core

import java.time.LocalDate

/**
 * All that a list of rooms shows, in one immutable value.
 *
 * @property rows The room in which something was said last comes first.
 * @property connection How the list stands with the server.
 * @property isLoading Whether there is nothing to show *yet*: neither the cache nor the server has been heard.
 * @property failure Why the client could not be opened at all; see [RoomListViewModel.reopen].
 */
public data class RoomListUiState(
    public val rows: List<RoomRow> = emptyList(),
    public val connection: Connection = Connection.Idle,
    public val isLoading: Boolean = true,
    public val failure: ChatException? = null
)

/**
 * A line of the list of rooms. Its identity is [RoomSummary.id].
 *
 * @property time When something was said last, for the user to read: see [ChatFormats.recent]. Empty as long as
 *   nothing was.
 */
public data class RoomRow(public val room: RoomSummary, public val time: String)

/** What happens to the list once and is then over: each is delivered to one collector, and none is dropped. */
public sealed interface RoomListEvent {
    /**
     * The server takes no token of this user any more, and the job has stopped. Send the user to the login, then
     * [ChatClient.resumeSession] and [RoomListViewModel.restart].
     */
    public data object SessionEnded : RoomListEvent
}

/** The rows for [rooms], in their order. Nothing but arithmetic on its arguments: it may run on any thread. */
public fun roomRows(rooms: List<RoomSummary>, formats: ChatFormats, today: LocalDate): List<RoomRow> = rooms.map {
    RoomRow(it, it.lastMessage?.let { last -> formats.recent(last.sentAt, today) }.orEmpty())
}
