// Values for tests, dull unless told otherwise: a test states only what it is about. Java finds them in `Examples`.
@file:JvmName("Examples")

package chat.core.testing

import chat.core.Change
import chat.core.ChatFormats
import chat.core.ChatUiState
import chat.core.Connection
import chat.core.Delivery
import chat.core.LastMessage
import chat.core.Message
import chat.core.MessageKey
import chat.core.Problem
import chat.core.RoomId
import chat.core.RoomSummary
import chat.core.Timeline
import chat.core.Transport
import chat.core.chatRows
import java.time.Instant
import java.time.ZoneId
import java.util.Locale
import kotlin.time.Duration.Companion.seconds

/** Half past ten in the morning of the 7th of August 2024, in Seoul. */
@JvmField
public val EXAMPLE_TIME: Instant = Instant.parse("2024-08-07T01:30:00Z")

/**
 * A message of bob's; one's own if it is alice's. As in a real room, a [key] above zero is the message's number, and
 * one below zero is that of a message written here: not sent yet, if nothing else is said.
 */
@JvmOverloads
public fun exampleMessage(
    key: Long = 1,
    text: String = "message $key",
    sender: String = if (key > 0) "bob" else "alice",
    at: Instant = EXAMPLE_TIME,
    delivery: Delivery = if (key > 0) Delivery.Sent else Delivery.Pending,
    change: Change = Change.None,
    isEdited: Boolean = false,
    isDeleted: Boolean = false
): Message = Message(
    MessageKey(key),
    key.takeIf { it > 0 },
    sender,
    isOwn = sender == "alice",
    if (isDeleted) "" else text,
    at,
    isEdited,
    isDeleted,
    delivery,
    change
)

/** So many messages of bob's: 1, 2, 3 … */
public fun exampleMessages(count: Int): List<Message> = List(count) { exampleMessage(it + 1L) }

/** A room whose cache has been read, with these messages. */
@JvmOverloads
public fun exampleTimeline(
    messages: List<Message> = emptyList(),
    hasOlder: Boolean = false,
    readMarker: Long? = null,
    unread: Int = 0
): Timeline = Timeline(messages, hasOlder, isLoaded = true, readMarker, unread)

/** A room in the list, in which bob said something and all is read. */
@JvmOverloads
public fun exampleRoomSummary(
    id: Long = 1,
    title: String = "Room $id",
    lastMessage: LastMessage? = exampleLastMessage(),
    unread: Int = 0
): RoomSummary = RoomSummary(RoomId(id), title, lastMessage, unread)

/** What bob said last in a room. */
@JvmOverloads
public fun exampleLastMessage(
    text: String = "the last word",
    sender: String = "bob",
    at: Instant = EXAMPLE_TIME,
    isDeleted: Boolean = false
): LastMessage = LastMessage(id = 1, sender, isOwn = sender == "alice", if (isDeleted) "" else text, at, isDeleted)

/** No connection, for the second time in a row, which nobody takes for a moment's trouble; a second to the next try. */
@JvmOverloads
public fun exampleWaiting(problem: Problem = Problem.OFFLINE): Connection =
    Connection.Waiting(problem, attempt = 2, retryIn = 1.seconds)

/** English, in Seoul, with a clock of 24 hours. */
public fun exampleFormats(): ChatFormats = ChatFormats(Locale.ENGLISH, ZoneId.of("Asia/Seoul"), "HH:mm")

/** A screen that shows [messages], polling. */
@JvmOverloads
public fun exampleUiState(
    messages: List<Message> = listOf(exampleMessage()),
    connection: Connection = Connection.Live(Transport.POLLING)
): ChatUiState = ChatUiState(rows = chatRows(messages, exampleFormats()), connection = connection, isLoading = false)
