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
     * @throws ChatException.Storage it could not be stored.
     * @throws ChatException.Closed the client was closed.
     */
    public suspend fun send(text: String): MessageKey

    /**
     * Tries a message that [Delivery.Failed] again.
     *
     * @throws ChatException.NotFound there is no such failed message.
     */
    public suspend fun retry(key: MessageKey)

    /**
     * Drops a message that [Delivery.Failed].
     *
     * @throws ChatException.NotFound there is no such failed message.
     */
    public suspend fun discard(key: MessageKey)

    /** Asks the server now instead of after the interval, when the job is running: pull to refresh, a push. */
    public fun wake()
}
