package chat.core.compose

import chat.core.RoomSummary
import chat.core.testing.EXAMPLE_TIME
import chat.core.testing.exampleLastMessage
import chat.core.testing.exampleRoomSummary
import java.time.Instant

/** A room in which [sender] said [text]. */
fun exampleRoom(
    id: Long,
    title: String = "room $id",
    text: String = "hello from $id",
    sender: String = "bob",
    at: Instant = EXAMPLE_TIME,
    unread: Int = 0
): RoomSummary = exampleRoomSummary(id, title, exampleLastMessage(text, sender, at), unread)
