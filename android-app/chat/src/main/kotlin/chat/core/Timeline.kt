package chat.core

import java.time.Instant

/** A room, numbered by the server from 1. */
@JvmInline
public value class RoomId(public val value: Long) {
    override fun toString(): String = value.toString()
}

/**
 * A message's identity on the screen: it never changes while the message is shown, not even when a message
 * written here is confirmed by the server.
 */
@JvmInline
public value class MessageKey(public val value: Long) {
    override fun toString(): String = value.toString()
}

/**
 * The messages of a room as the device knows them.
 *
 * @property messages In the order of the screen, oldest first; what is still unsent comes last.
 * @property hasOlder Whether the server has messages before the first one.
 * @property isLoaded Whether the cache has been read. Before that the list is empty for no reason of the room's.
 */
public data class Timeline(
    public val messages: List<Message>,
    public val hasOlder: Boolean,
    public val isLoaded: Boolean
) {
    public companion object {
        /** What is known before the cache was read. */
        public val NotLoaded: Timeline = Timeline(emptyList(), hasOlder = false, isLoaded = false)
    }
}

/**
 * One message.
 *
 * @property key Its identity on the screen.
 * @property id Its number in the room; `null` until the server confirmed it.
 * @property sender The user who wrote it.
 * @property isOwn Whether that is [ChatConfig.userId].
 * @property text As it was written, byte for byte; empty when [isDeleted].
 * @property sentAt By the server's clock; by the device's until confirmed.
 * @property delivery How far it has come.
 */
public data class Message(
    public val key: MessageKey,
    public val id: Long?,
    public val sender: String,
    public val isOwn: Boolean,
    public val text: String,
    public val sentAt: Instant,
    public val isEdited: Boolean = false,
    public val isDeleted: Boolean = false,
    public val delivery: Delivery = Delivery.Sent
)

/**
 * How far a message has come. Messages of others are always [Sent].
 *
 * ```
 * Pending ──▶ Sending ──▶ Sent
 *    ▲          │  ▲
 *    └──────────┘  │ retry
 *     no network   │
 *               Failed
 * ```
 */
public sealed interface Delivery {
    /** Stored on the device, waiting for its turn or for the network. It is sent without further ado. */
    public data object Pending : Delivery

    /** On its way. */
    public data object Sending : Delivery

    /** The server has it. */
    public data object Sent : Delivery

    /** The server will not have it: [ChatRoom.retry] or [ChatRoom.discard] it. */
    public data class Failed(public val reason: FailureReason) : Delivery
}

/** Why the server will not have a message. */
public enum class FailureReason {
    /** The text, as it is. */
    REFUSED,

    /** One is not in the room any more. */
    NOT_A_MEMBER,

    /** The room is no more. */
    ROOM_NOT_FOUND
}
