package chat.core

import java.time.Instant

/**
 * The rooms of an account.
 *
 * @property rooms The one in which something was said last comes first.
 * @property isLoaded Whether the cache has been read. Before that the list is empty for no reason of the account's.
 */
public data class RoomList(public val rooms: List<RoomSummary>, public val isLoaded: Boolean) {
    public companion object {
        /** What is known before the cache was read. */
        public val NotLoaded: RoomList = RoomList(emptyList(), isLoaded = false)
    }
}

/**
 * A room in the list.
 *
 * @property title What it is called.
 * @property lastMessage What was said last; `null` as long as nothing was.
 * @property unread How many messages of others have not been read.
 */
public data class RoomSummary(
    @get:JvmName("getId") public val id: RoomId,
    public val title: String,
    public val lastMessage: LastMessage?,
    public val unread: Int
)

/**
 * What was said last in a room.
 *
 * @property id Its number in the room.
 * @property isOwn Whether [sender] is [ChatConfig.userId].
 * @property text Empty when [isDeleted].
 * @property sentAt By the server's clock.
 */
public data class LastMessage(
    public val id: Long,
    public val sender: String,
    public val isOwn: Boolean,
    public val text: String,
    public val sentAt: Instant,
    public val isDeleted: Boolean
) {
    /** Everything but what was said, which belongs in no log. */
    override fun toString(): String = "LastMessage(id=$id, sender=$sender, sentAt=$sentAt, isDeleted=$isDeleted)"
}

/** Whether the server takes the account's tokens. */
public enum class SessionState {
    /** As far as anybody knows. */
    ACTIVE,

    /**
     * It refused a token and the fresh one after it. Nothing is asked of it until [ChatClient.resumeSession]; what is
     * unsent is kept.
     */
    ENDED
}
