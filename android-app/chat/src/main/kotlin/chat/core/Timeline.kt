package chat.core

/** A room, numbered by the server from 1. */
@JvmInline
public value class RoomId(public val value: Long) {
    override fun toString(): String = value.toString()
}

/**
 * The messages of a room as the device knows them.
 *
 * @property messages In the order of the screen, oldest first; what is still unsent comes last.
 * @property hasOlder Whether there are messages before the first one, on the device or the server; see
 *   [ChatRoom.loadOlder].
 * @property readMarker The number of the last message that the user has read, here or on another device; `null` when
 *   they have read none.
 * @property unread How many messages of others come after it.
 * @property isLoaded Whether the cache has been read. Before that the list is empty for no reason of the room's.
 */
public data class Timeline(
    public val messages: List<Message>,
    public val hasOlder: Boolean,
    public val isLoaded: Boolean,
    public val readMarker: Long? = null,
    public val unread: Int = 0
) {
    public companion object {
        /** What is known before the cache was read. */
        public val NotLoaded: Timeline = Timeline(emptyList(), hasOlder = false, isLoaded = false)
    }
}
