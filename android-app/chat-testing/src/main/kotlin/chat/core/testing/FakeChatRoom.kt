package chat.core.testing

import chat.core.Change
import chat.core.ChatException
import chat.core.ChatRoom
import chat.core.Connection
import chat.core.Delivery
import chat.core.EndReason
import chat.core.FailureReason
import chat.core.Message
import chat.core.MessageKey
import chat.core.MessageText
import chat.core.Problem
import chat.core.RoomId
import chat.core.Timeline
import chat.core.Transport
import java.time.Instant
import java.util.concurrent.CopyOnWriteArrayList
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.withContext

/**
 * A room without a server and without a device: for the tests of view models and screens.
 *
 * The user's half behaves as a [ChatRoom] does: [send] adds a row that is [Delivery.Pending], [edit] and [delete] show
 * at once, what makes no sense is refused with the exception that the real one throws. The server's half is the test:
 * it [receive]s, it [deliver]s or [refuse]s what the user did, it is [goOffline] or [end]. `ChatClientContract`, run
 * against this and against the real client on a real server, holds the two together.
 *
 * What it leaves out: nothing is stored, and what is received shows at once, also while nothing polls.
 *
 * Any thread may call it.
 *
 * @property userId Who the user is: their messages are [Message.isOwn].
 */
public class FakeChatRoom(override val id: RoomId = RoomId(1), public val userId: String = "alice") : ChatRoom {
    private val job = FakeJob()
    private val calls = CopyOnWriteArrayList<String>()
    private val texts = CopyOnWriteArrayList<String>()
    private val olderPages = ArrayDeque<List<Message>>()
    private val wishes = HashMap<MessageKey, Wish>()
    private var lastKey = 0L
    private var closed = false

    @Volatile
    private var draft = ""

    /** What shows. A test may set it to whatever it is about; [exampleTimeline] makes one. */
    override val timeline: MutableStateFlow<Timeline> = MutableStateFlow(exampleTimeline())

    /**
     * How the job stands: idle until somebody wants it, then live unless the test said otherwise. May be set to
     * whatever a test is about, too.
     */
    override val connection: MutableStateFlow<Connection> get() = job.connection

    /** How many are in [poll] right now. */
    public val pollers: Int get() = job.pollers

    /** Whether the job is wanted: by [start], or by somebody in [poll]. */
    public val isRunning: Boolean get() = job.isWanted

    /** What was handed to [send] so far. */
    public val sent: List<String> get() = texts

    /** What else was asked, in words: "edit 3 text", "delete 3", "retry -1", "discard -1", "read 3", "read all", "older", "wake". */
    public val asked: List<String> get() = calls

    /** Sends are stored when this completes: put an incomplete one here to hold them back. */
    public var storing: CompletableDeferred<Unit> = CompletableDeferred(Unit)

    /** The same for the answers to [loadOlder]. */
    public var answering: CompletableDeferred<Unit> = CompletableDeferred(Unit)

    /** Thrown by every call that suspends but [poll], instead of what it does: a full disk, for one. */
    public var failure: ChatException? = null

    /** When the user's next message is written, and others' is sent. */
    public var now: Instant = EXAMPLE_TIME

    /** Shows [messages] instead of what was there. */
    public fun show(messages: List<Message>): Unit = timeline.update { it.copy(messages = messages) }

    /** Puts [message] in its place, or in the place of the one with its key. */
    public fun add(message: Message): Unit = timeline.update { it.with(message) }

    /** Somebody else says [text], or the user on another device: the next number, and unread unless it is their own. */
    @JvmOverloads
    public fun receive(text: String, sender: String = "bob"): Message = synchronized(wishes) {
        val id = nextId()
        val message = Message(MessageKey(id), id, sender, isOwn = sender == userId, text, now)
        timeline.update { it.with(message).run { copy(unread = if (message.isOwn) unread else unread + 1) } }
        message
    }

    /** A try to send the message of [key] begins: [Delivery.Sending], too late for [discard]. */
    public fun startSending(key: MessageKey): Unit = synchronized(wishes) {
        val message = message(key)
        check(message.delivery == Delivery.Pending) { "message $key does not wait to be sent" }
        add(message.copy(delivery = Delivery.Sending))
    }

    /** The server takes what waits of the message of [key]: the message itself, which gets its number, or a change of it. */
    public fun deliver(key: MessageKey): Unit = synchronized(wishes) {
        val message = message(key)
        if (message.id == null) {
            val id = nextId()
            wishes[key]?.let { wishes[key] = Wish(it.before.copy(id = id, delivery = Delivery.Sent), it.text) }
            add(message.copy(id = id, delivery = Delivery.Sent))
        } else {
            check(wishes.remove(key) != null) { "nothing of message $key waits to be delivered" }
            add(message.copy(change = Change.None))
        }
    }

    /** The server takes all that waits. */
    public fun deliverAll() {
        val isWaiting = { it: Message -> it.delivery == Delivery.Pending || it.delivery == Delivery.Sending }
        timeline.value.messages.filter(isWaiting).forEach { deliver(it.key) }
        timeline.value.messages.filter { it.change == Change.Pending }.forEach { deliver(it.key) }
    }

    /** The server will not have what waits of the message of [key]: the message itself, or a change of it. */
    @JvmOverloads
    public fun refuse(key: MessageKey, reason: FailureReason = FailureReason.REFUSED): Unit = synchronized(wishes) {
        val message = message(key)
        if (message.id == null) {
            add((wishes.remove(key)?.before ?: message).copy(delivery = Delivery.Failed(reason)))
        } else {
            val wish = checkNotNull(wishes[key]) { "nothing of message $key waits to be refused" }
            add(wish.before.copy(change = Change.Failed(reason)))
        }
    }

    /** The next [loadOlder] brings [messages], oldest first; one call of this for each page. */
    public fun addOlderPage(messages: List<Message>): Unit = synchronized(wishes) {
        olderPages += messages
        timeline.update { it.copy(hasOlder = true) }
    }

    /** There is a network, as from the beginning: a job that runs is live. */
    @JvmOverloads
    public fun goOnline(transport: Transport = Transport.POLLING): Unit = hear(Connection.Live(transport))

    /** There is none: a job that runs is waiting, and [loadOlder] fails. */
    @JvmOverloads
    public fun goOffline(problem: Problem = Problem.OFFLINE): Unit = hear(exampleWaiting(problem))

    /** The server keeps silent: a job that runs is connecting until it is told otherwise. */
    public fun keepConnecting(): Unit = hear(Connection.Connecting)

    /** The job is over, and whoever is in [poll] comes out. Being online again makes it start again. */
    public fun end(reason: EndReason): Unit = hear(Connection.Ended(reason))

    override suspend fun poll(): EndReason = job.poll()

    override fun start(): Unit = job.start()

    override fun stop(): Unit = job.stop()

    override fun wake() {
        calls += "wake"
    }

    override suspend fun send(text: String): MessageKey {
        texts += text
        val key = synchronized(wishes) { nextKey() }
        val said = acting { sayable(text) }
        // As the real one: what was called is done, whether or not the caller is still there.
        withContext(NonCancellable) { storing.await() }
        add(Message(key, null, userId, isOwn = true, said, now, delivery = Delivery.Pending))
        if (MessageText.isSendable(draft) && said.startsWith(sayable(draft))) draft = ""
        return key
    }

    override suspend fun draft(): String = acting { draft }

    override suspend fun saveDraft(text: String): Unit = acting { draft = text }

    override suspend fun edit(key: MessageKey, text: String): Unit = asked("edit $key $text") {
        val said = sayable(text)
        val message = own(key)
        if (message.isHere()) {
            add(message.copy(text = said, delivery = Delivery.Pending))
        } else {
            wish(message, said)
        }
    }

    override suspend fun delete(key: MessageKey): Unit = asked("delete $key") {
        val message = own(key)
        if (message.isHere()) remove(key) else wish(message, null)
    }

    override suspend fun retry(key: MessageKey): Unit = asked("retry $key") {
        val message = find(key)
        when {
            message.delivery is Delivery.Failed -> add(message.copy(delivery = Delivery.Pending))
            message.change is Change.Failed -> add(checkNotNull(wishes[key]) { "nobody changed $key" }.shown())
            else -> throw ChatException.NotFound()
        }
    }

    override suspend fun discard(key: MessageKey): Unit = asked("discard $key") {
        val message = find(key)
        when {
            message.isHere() -> remove(key)
            message.id == null -> throw ChatException.TooLate()
            else -> add((wishes.remove(key) ?: throw ChatException.NotFound()).before)
        }
    }

    override suspend fun markRead(key: MessageKey): Unit = asked("read $key") { find(key).id?.let(::read) }

    override suspend fun markAllRead(): Unit = asked("read all") {
        timeline.value.messages.findLast { it.id != null }?.id?.let(::read)
    }

    override suspend fun loadOlder(): Boolean {
        calls += "older"
        acting {}
        if (!timeline.value.hasOlder) return false
        answering.await()
        when (val network = job.network) {
            is Connection.Waiting -> throw ChatException.Offline(network.problem)
            is Connection.Ended -> throw ChatException.Ended(network.reason)
            else -> Unit
        }
        return synchronized(wishes) {
            val page = checkNotNull(olderPages.removeFirstOrNull()) { "no older page was prepared: see addOlderPage" }
            timeline.update { it.copy(messages = page + it.messages, hasOlder = olderPages.isNotEmpty()) }
            olderPages.isNotEmpty()
        }
    }

    internal fun hear(network: Connection) = job.hear(network)

    /** The client was closed. */
    internal fun close() = synchronized(wishes) {
        closed = true
        job.close()
    }

    private fun asked(what: String, act: () -> Unit) {
        calls += what
        acting(act)
    }

    private fun <T> acting(act: () -> T): T = synchronized(wishes) {
        if (closed) throw ChatException.Closed()
        failure?.let { throw it }
        act()
    }

    private fun sayable(text: String): String {
        val length = MessageText.length(text)
        if (length == 0) throw ChatException.TextBlank()
        if (length > MessageText.MAX_LENGTH) throw ChatException.TextTooLong(length, MessageText.MAX_LENGTH)
        if (!MessageText.isSendable(text)) throw ChatException.TextInvalid()
        return MessageText.normalized(text)
    }

    private fun wish(message: Message, text: String?) {
        val wish = Wish(wishes[message.key]?.before ?: message, text)
        wishes[message.key] = wish
        add(wish.shown())
    }

    private fun read(id: Long) = timeline.update { before ->
        if (id <= (before.readMarker ?: 0)) return@update before
        val unread = before.messages.count { !it.isOwn && !it.isDeleted && (it.id ?: 0) > id }
        before.copy(readMarker = id, unread = unread)
    }

    private fun remove(key: MessageKey) {
        wishes.remove(key)
        timeline.update { before -> before.copy(messages = before.messages.filter { it.key != key }) }
    }

    private fun find(key: MessageKey) = timeline.value.messages.find { it.key == key } ?: throw ChatException.NotFound()

    private fun own(key: MessageKey): Message {
        val message = find(key)
        if (!message.isOwn) throw ChatException.NotTheSender()
        if (message.isDeleted) throw ChatException.NotFound()
        return message
    }

    private fun message(key: MessageKey) =
        checkNotNull(timeline.value.messages.find { it.key == key }) { "there is no message $key" }

    /** Below all that were given, and all that a test has put there. */
    private fun nextKey(): MessageKey {
        lastKey = minOf(lastKey, timeline.value.messages.minOfOrNull { it.key.value } ?: 0) - 1
        return MessageKey(lastKey)
    }

    private fun nextId() = (timeline.value.messages.mapNotNull { it.id }.maxOrNull() ?: 0) + 1

    /** Whether it is certainly not on the server. */
    private fun Message.isHere() = delivery == Delivery.Pending || delivery is Delivery.Failed
}

/** What the user wants a message to say, or `null` that it were gone, over what it says. */
private class Wish(before: Message, val text: String?) {
    val before = before.copy(change = Change.None)

    fun shown() = before.copy(
        text = text.orEmpty(),
        isEdited = before.isEdited || text != null,
        isDeleted = text == null,
        change = Change.Pending
    )
}

private fun Timeline.with(message: Message): Timeline =
    copy(messages = (messages.filter { it.key != message.key } + message).sortedWith(ScreenOrder), isLoaded = true)

/** By number; what has none yet comes last, as it was written: -1, -2, … */
private val ScreenOrder = compareBy<Message>({ it.id ?: Long.MAX_VALUE }, { -it.key.value })
