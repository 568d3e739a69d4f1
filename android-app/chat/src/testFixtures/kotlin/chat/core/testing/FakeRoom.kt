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
class FakeRoom : ChatRoom {
    override val id: RoomId = RoomId(1)
    override val timeline = MutableStateFlow(Timeline(emptyList(), hasOlder = false, isLoaded = true))
    override val connection = MutableStateFlow<Connection>(Connection.Live(Transport.POLLING))

    /** What was handed to [send] so far. */
    val sent = mutableListOf<String>()

    /** Completes the sends that wait for it; set it to hold them back. */
    var storing: CompletableDeferred<Unit> = CompletableDeferred(Unit)

    /** How many polls run right now. */
    var pollers = 0
        private set

    /** What else was asked of it: "edit 3 text", "delete 3", "older" … */
    val asked = mutableListOf<String>()

    /** What comes of the next [loadOlder]. */
    var older: CompletableDeferred<Boolean> = CompletableDeferred()

    /** Thrown by what acts on a message, if set. */
    var refusal: ChatException? = null

    /** Shows [messages] instead of what was there. */
    fun show(messages: List<Message>) = timeline.update { it.copy(messages = messages) }

    /** Adds a message at the end. */
    fun add(message: Message) = timeline.update { it.copy(messages = it.messages + message) }

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

    override suspend fun edit(key: MessageKey, text: String) = act("edit $key $text")
    override suspend fun delete(key: MessageKey) = act("delete $key")
    override suspend fun retry(key: MessageKey) = act("retry $key")
    override suspend fun discard(key: MessageKey) = act("discard $key")
    override suspend fun markRead(key: MessageKey) = act("read $key")
    override suspend fun markAllRead() = act("read all")

    private fun act(what: String) {
        asked += what
        refusal?.let { throw it }
    }

    override fun start() = throw UnsupportedOperationException("not prepared")
    override fun stop() = throw UnsupportedOperationException("not prepared")
    override fun wake() = throw UnsupportedOperationException("not prepared")
}

/** A message of bob's at half past ten in Seoul, unless told otherwise. */
fun exampleMessage(
    key: Long,
    text: String = "message $key",
    sender: String = "bob",
    at: Instant = Instant.parse("2024-08-07T01:30:00Z")
): Message = Message(MessageKey(key), key.takeIf { it > 0 }, sender, isOwn = sender == "alice", text, at)
