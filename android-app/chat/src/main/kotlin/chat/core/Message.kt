package chat.core

import java.time.Instant

/**
 * A message's identity on the screen: it never changes while the message is shown, not even when a message
 * written here is confirmed by the server.
 */
@JvmInline
public value class MessageKey(public val value: Long) {
    override fun toString(): String = value.toString()
}

/**
 * One message.
 *
 * @property key Its identity on the screen.
 * @property id Its number in the room; `null` until the server confirmed it.
 * @property sender The user who wrote it.
 * @property isOwn Whether that is [ChatConfig.userId].
 * @property text As it was written, byte for byte; empty when [isDeleted]. With a change under way, as it will be.
 * @property sentAt By the server's clock; by the device's until confirmed.
 * @property delivery How far it has come.
 * @property change How far an edit or the deletion of it has come.
 */
public data class Message(
    @get:JvmName("getKey") public val key: MessageKey,
    public val id: Long?,
    public val sender: String,
    public val isOwn: Boolean,
    public val text: String,
    public val sentAt: Instant,
    public val isEdited: Boolean = false,
    public val isDeleted: Boolean = false,
    public val delivery: Delivery = Delivery.Sent,
    public val change: Change = Change.None
) {
    /** Everything but what was said, which belongs in no log. */
    override fun toString(): String =
        "Message(key=$key, id=$id, sender=$sender, sentAt=$sentAt, isEdited=$isEdited, isDeleted=$isDeleted, " +
            "delivery=$delivery, change=$change, ${text.length} characters)"
}

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

/** How far an edit or the deletion of one's own message has come. Messages of others are always [None]. */
public sealed interface Change {
    /** It says what the server says. */
    public data object None : Change

    /** It shows as the user wants it, and the server is being told. */
    public data object Pending : Change

    /** The server will not have the change, and the message shows as it was: [ChatRoom.retry] or [ChatRoom.discard] it. */
    public data class Failed(public val reason: FailureReason) : Change
}

/** Why the server will not have a message, or the change of one. */
public enum class FailureReason {
    /** The text, as it is. */
    REFUSED,

    /** One is not in the room any more. */
    NOT_A_MEMBER,

    /** The room is no more. */
    ROOM_NOT_FOUND
}
