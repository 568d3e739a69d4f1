package chat.core

import android.content.Context
import chat.core.internal.NativeClient
import kotlinx.coroutines.flow.StateFlow

/**
 * The chat of one account on one server. One per account and process: keep it in the `Application` or in a singleton
 * of the dependency graph, and share it. Opening a second one on the same account fails with
 * [ChatException.CacheInUse].
 *
 * Every function may be called on the main thread.
 */
public interface ChatClient {
    /** Whose chat this is. */
    public val userId: String

    /**
     * A room, the same object at each call. It reads the cache at once and asks the server for nothing until it is
     * started.
     *
     * @throws ChatException.InvalidRoom [id] is below 1.
     * @throws ChatException.Storage the cache could not be read.
     * @throws ChatException.Closed the client was closed.
     */
    public suspend fun room(id: RoomId): ChatRoom

    /** The account's rooms as the device knows them; kept up to date by [pollRooms], and by rooms that run. */
    public val rooms: StateFlow<RoomList>

    /** How the job of [pollRooms] stands. The list is always polled, whatever [ChatConfig.transport] is for rooms. */
    public val roomsConnection: StateFlow<Connection>

    /** Whether the server takes the account's tokens. */
    public val session: StateFlow<SessionState>

    /**
     * Keeps [rooms] up to date until cancelled. As with [ChatRoom.poll], there is one job however many are in here.
     *
     * @return why the job is over for good.
     */
    public suspend fun pollRooms(): EndReason

    /**
     * A push message tells of something new in a room: asks the server for it now. A room that does not run, or was
     * never opened, is brought up to date once, so that it is when it is shown. What is unsent is tried again too.
     *
     * Returns when the core has been told, which takes milliseconds; the messages follow by themselves as long as
     * the process lives.
     *
     * @throws ChatException.InvalidRoom [roomId] is below 1.
     * @throws ChatException.Storage the cache could not be read.
     * @throws ChatException.Closed the client was closed.
     */
    public suspend fun wake(roomId: RoomId)

    /**
     * Begins a new session after [SessionState.ENDED]: the user has logged in again and [TokenProvider] has a token
     * of today. What is unsent is sent, and rooms that were started and not stopped go on; a [ChatRoom.poll] that
     * has returned is to be called again.
     *
     * @throws ChatException.Closed the client was closed.
     */
    public suspend fun resumeSession()

    /**
     * Stops the rooms, closes the cache and ends the library's threads. What is unsent stays on the device and is
     * sent by the next client. May be called any number of times; cannot be cancelled half way.
     */
    public suspend fun close()

    /**
     * The user logs out: [close], and deletes what the device keeps of this account, the unsent too. Cannot be
     * cancelled half way.
     *
     * @throws ChatException.Storage a file could not be deleted; the client is closed all the same.
     * @throws ChatException.Closed the client was closed before. Open it again to wipe it.
     */
    public suspend fun wipe()

    public companion object {
        /**
         * Opens the cache of [config]'s account, which takes a moment, and asks the server for nothing.
         *
         * @param context Any; only its application is kept.
         * @throws ChatException.InvalidConfig [config] cannot be used.
         * @throws ChatException.CacheInUse the account is open already.
         * @throws ChatException.CacheTooNew a later version of the app wrote the cache.
         * @throws ChatException.Storage the cache could not be opened.
         * @throws ChatException.NativeLibrary the native library is missing.
         */
        public suspend fun open(context: Context, config: ChatConfig, tokenProvider: TokenProvider): ChatClient =
            NativeClient.open(context.applicationContext, config, tokenProvider)
    }
}
