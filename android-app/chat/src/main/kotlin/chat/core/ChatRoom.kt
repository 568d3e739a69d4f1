package chat.core

import kotlinx.coroutines.flow.StateFlow

/**
 * A room: what was said in it, and the job that keeps that in step with the server.
 *
 * Every function may be called on any thread, the main thread included; none of them blocks it. The flows hold what
 * the device's cache holds: they are filled before the first answer of the server, and without any network.
 */
public interface ChatRoom {
    /** Which room this is. */
    public val id: RoomId

    /**
     * The messages. Changes when a message does, and not when the server had nothing new. While the room is stopped
     * it stands still, and catches up at the next start.
     */
    public val timeline: StateFlow<Timeline>

    /** How the job stands. */
    public val connection: StateFlow<Connection>

    /**
     * Asks the server for news, again and again, until cancelled: the job. Takes turns with nobody: however many
     * callers are in here, and whether or not [start] was called too, the room polls once, and it polls until the
     * last one has left.
     *
     * @return why the job is over for good; nothing but [EndReason] ends it, errors that pass are in [connection].
     */
    public suspend fun poll(): EndReason

    /** Starts the job and returns at once. Once started, a second start changes nothing. */
    public fun start()

    /**
     * Undoes [start] and returns at once. Unless someone is in [poll], a request in flight is dropped and neither
     * flow changes after this returned, until the next start.
     */
    public fun stop()

    /**
     * Writes [text] to the device's outbox, from which it is sent once and only once, whatever the network or the
     * process do. Works offline and while stopped. Returns when it is stored, which takes milliseconds.
     *
     * Messages keep the order in which this was called. A call that was made is carried out: cancelling the caller
     * does not lose the text, it only keeps the caller from hearing of it.
     *
     * @return the message's key in [timeline].
     * @throws ChatException.TextBlank see [MessageText].
     * @throws ChatException.TextTooLong see [MessageText].
     * @throws ChatException.TextInvalid see [MessageText].
     * @throws ChatException.StorageFull it could not be stored.
     * @throws ChatException.Storage it could not be stored.
     * @throws ChatException.Closed the client was closed.
     */
    public suspend fun send(text: String): MessageKey

    /**
     * What was typed in this room and not sent, for whoever shows the room next, in this process or another; empty
     * when nothing was.
     *
     * @throws ChatException.Storage the device's storage failed.
     * @throws ChatException.Closed the client was closed.
     */
    public suspend fun draft(): String

    /**
     * Keeps what stands in the text box: whatever it is, too long or blank too. An empty text keeps nothing. A text
     * that [send] has stored is no draft any more, and neither is its beginning, from the moment it is stored.
     *
     * Cancelling the caller does not undo it, as with [send].
     *
     * @throws ChatException.TextInvalid half a surrogate pair; what was kept before still is, here and below.
     * @throws ChatException.StorageFull it could not be stored.
     * @throws ChatException.Storage it could not be stored.
     * @throws ChatException.Closed the client was closed.
     */
    public suspend fun saveDraft(text: String)

    /**
     * Has the next older messages put before those in [timeline]: from the device as long as it has them, then from
     * the server. Works whether or not the job runs; without it [timeline] shows them at the next start.
     *
     * Asked again meanwhile, there is still one question, and its answer is everybody's. A caller that is cancelled
     * keeps nobody from it.
     *
     * @return whether there may be older ones still.
     * @throws ChatException.Offline the server could not be asked; nothing is changed, and one may ask again.
     * @throws ChatException.Ended the session or the room is over.
     * @throws ChatException.Storage the device's storage failed.
     * @throws ChatException.Closed the client was closed.
     */
    public suspend fun loadOlder(): Boolean

    /**
     * Has one's own message say [text] instead. It shows at once and is told to the server as [send] tells it, once
     * and whatever happens: see [Message.change]. A message that is not on the server yet, or was refused, is sent
     * with the new text.
     *
     * Cancelling the caller does not undo it, as with [send].
     *
     * @throws ChatException.TextBlank see [MessageText].
     * @throws ChatException.TextTooLong see [MessageText].
     * @throws ChatException.TextInvalid see [MessageText].
     * @throws ChatException.NotFound it is not there, or deleted.
     * @throws ChatException.NotTheSender it is somebody else's.
     * @throws ChatException.StorageFull it could not be stored.
     * @throws ChatException.Storage it could not be stored.
     * @throws ChatException.Closed the client was closed.
     */
    public suspend fun edit(key: MessageKey, text: String)

    /**
     * Deletes one's own message, for everybody. It shows at once and is told to the server as an [edit] is. One that
     * is not on the server yet is not sent.
     *
     * @throws ChatException.NotFound it is not there, or deleted.
     * @throws ChatException.NotTheSender it is somebody else's.
     * @throws ChatException.StorageFull it could not be stored.
     * @throws ChatException.Storage it could not be stored.
     * @throws ChatException.Closed the client was closed.
     */
    public suspend fun delete(key: MessageKey)

    /**
     * Tries again what the server refused: a message that [Delivery.Failed], or a change of one that
     * [Change.Failed].
     *
     * @throws ChatException.NotFound nothing of this message was refused.
     * @throws ChatException.StorageFull it could not be stored.
     * @throws ChatException.Storage it could not be stored.
     * @throws ChatException.Closed the client was closed.
     */
    public suspend fun retry(key: MessageKey)

    /**
     * Takes back what was refused or has certainly not been sent: a message, or the change of one, which then shows
     * as it was.
     *
     * @throws ChatException.TooLate it may have reached the server. It can be [delete]d.
     * @throws ChatException.NotFound there is nothing to take back.
     * @throws ChatException.StorageFull it could not be stored.
     * @throws ChatException.Storage it could not be stored.
     * @throws ChatException.Closed the client was closed.
     */
    public suspend fun discard(key: MessageKey)

    /**
     * Notes that this message, and all before it, have been read: [Timeline.readMarker] and [Timeline.unread] follow.
     * It goes forward only; on another device of the user's too, which is told soon, once for many. What is not on
     * the server cannot be noted and is passed over.
     *
     * @throws ChatException.NotFound it is not in [timeline].
     * @throws ChatException.StorageFull it could not be stored.
     * @throws ChatException.Storage it could not be stored.
     * @throws ChatException.Closed the client was closed.
     */
    public suspend fun markRead(key: MessageKey)

    /** [markRead] for the newest message in [timeline]; does nothing in an empty room. */
    public suspend fun markAllRead()

    /** Asks the server now instead of after the interval, when the job is running: pull to refresh, a push. */
    public fun wake()
}
