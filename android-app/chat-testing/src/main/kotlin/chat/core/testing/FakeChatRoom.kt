package chat.core.testing

import chat.core.ChatException
import chat.core.ChatRoom
import chat.core.Connection
import chat.core.EndReason
import chat.core.Message
import chat.core.MessageKey
import chat.core.RoomId
import chat.core.Timeline
import chat.core.Transport
import java.time.Instant
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.update

/** A room without a server: it shows what it is told to show, and throws where nothing was prepared. */
public class FakeChatRoom : ChatRoom {
    override val id: RoomId = RoomId(1)
    override val timeline: MutableStateFlow<Timeline> =
        MutableStateFlow(Timeline(emptyList(), hasOlder = false, isLoaded = true))
    override val connection: MutableStateFlow<Connection> = MutableStateFlow(Connection.Live(Transport.POLLING))

    /** What was handed to [send] so far. */
    public val sent: MutableList<String> = mutableListOf()

    /** Completes the sends that wait for it; set it to hold them back. */
    public var storing: CompletableDeferred<Unit> = CompletableDeferred(Unit)

    /** How many polls run right now. */
    public var pollers: Int = 0
        private set

    /** What else was asked of it: "edit 3 text", "delete 3", "older" … */
    public val asked: MutableList<String> = mutableListOf()

    /** What comes of the next [loadOlder]. */
    public var older: CompletableDeferred<Boolean> = CompletableDeferred()

    /** Thrown by what acts on a message, if set. */
    public var refusal: ChatException? = null

    /** Shows [messages] instead of what was there. */
    public fun show(messages: List<Message>): Unit = timeline.update { it.copy(messages = messages) }

    /** Adds a message at the end. */
    public fun add(message: Message): Unit = timeline.update { it.copy(messages = it.messages + message) }

    override suspend fun poll(): EndReason {
        pollers++
        try {
            awaitCancellation()
        } finally {
            pollers--
        }
    }

    override suspend fun send(text: String): MessageKey {
        sent += text
        storing.await()
        return MessageKey(-sent.size.toLong())
    }

    override suspend fun loadOlder(): Boolean {
        asked += "older"
        return older.await()
    }

    override suspend fun edit(key: MessageKey, text: String): Unit = act("edit $key $text")
    override suspend fun delete(key: MessageKey): Unit = act("delete $key")
    override suspend fun retry(key: MessageKey): Unit = act("retry $key")
    override suspend fun discard(key: MessageKey): Unit = act("discard $key")
    override suspend fun markRead(key: MessageKey): Unit = act("read $key")
    override suspend fun markAllRead(): Unit = act("read all")

    private fun act(what: String) {
        asked += what
        refusal?.let { throw it }
    }

    override fun start(): Unit = throw UnsupportedOperationException("not prepared")
    override fun stop(): Unit = throw UnsupportedOperationException("not prepared")
    override fun wake(): Unit = throw UnsupportedOperationException("not prepared")
}

/** A message of bob's at half past ten in Seoul, unless told otherwise. */
public fun exampleMessage(
    key: Long,
    text: String = "message $key",
    sender: String = "bob",
    at: Instant = Instant.parse("2024-08-07T01:30:00Z")
): Message = Message(MessageKey(key), key.takeIf { it > 0 }, sender, isOwn = sender == "alice", text, at)
