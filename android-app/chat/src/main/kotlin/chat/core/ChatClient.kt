package chat.core

import android.content.Context
import chat.core.internal.NativeClient

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

    /**
     * Forgets that the server refused the session ([EndReason.SESSION_ENDED]): the user has logged in again and
     * [TokenProvider] has a token of today. Rooms that ended are to be started again.
     *
     * @throws ChatException.Closed the client was closed.
     */
    public suspend fun resumeSession()

    /**
     * Stops the rooms, closes the cache and ends the library's threads. What is unsent stays on the device and is
     * sent by the next client. May be called any number of times; cannot be cancelled half way.
     */
    public suspend fun close()

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
