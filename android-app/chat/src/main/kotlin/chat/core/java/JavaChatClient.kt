package chat.core.java

import android.content.Context
import androidx.lifecycle.ViewModelProvider
import chat.core.CatchUp
import chat.core.ChatClient
import chat.core.ChatConfig
import chat.core.Connection
import chat.core.EndReason
import chat.core.RoomId
import chat.core.RoomList
import chat.core.RoomListViewModel
import chat.core.SessionState
import chat.core.TokenProvider
import chat.core.catchUp
import java.time.Duration
import java.util.concurrent.CompletableFuture
import java.util.function.Supplier
import kotlin.time.toKotlinDuration
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.future.asDeferred
import kotlinx.coroutines.runInterruptible

/**
 * [ChatClient] for Java: what suspends there returns a [CompletableFuture] here, and rooms are numbers.
 *
 * Every method may be called on the main thread, and none blocks it. Futures complete on a thread of the library's:
 * use the `…Async` methods with an executor of the main thread to touch views. They fail with the
 * [chat.core.ChatException]s that [ChatClient] names, `get()` and `join()` wrapping them as they always do. Cancelling a
 * future does not undo what was called; see [JavaChatRoom.send].
 */
public class JavaChatClient private constructor(private val client: ChatClient) {
    /** The same client for Kotlin. */
    public fun unwrap(): ChatClient = client

    /** See [ChatClient.userId]. */
    public val userId: String get() = client.userId

    /** See [ChatClient.rooms]. Its `getValue()` is what is known now; [ChatFlows.observe][observe] tells of changes. */
    public val rooms: StateFlow<RoomList> get() = client.rooms

    /** See [ChatClient.roomsConnection]. */
    public val roomsConnection: StateFlow<Connection> get() = client.roomsConnection

    /** See [ChatClient.session]. */
    public val session: StateFlow<SessionState> get() = client.session

    /** See [ChatClient.room]. */
    public fun room(id: Long): CompletableFuture<JavaChatRoom> = future { JavaChatRoom(client.room(RoomId(id))) }

    /** See [ChatClient.pollRooms]: keeps [rooms] up to date until the future is cancelled. */
    public fun pollRooms(): CompletableFuture<EndReason> = future { client.pollRooms() }

    /** See [ChatClient.wake]. */
    public fun wake(roomId: Long): CompletableFuture<Void?> = futureOfNothing { client.wake(RoomId(roomId)) }

    /** See [ChatClient.catchUp]: a minute and twenty rooms at most. Cancelling the future ends it. */
    public fun catchUp(): CompletableFuture<CatchUp> = future { client.catchUp() }

    /** See [ChatClient.catchUp]. */
    public fun catchUp(within: Duration, rooms: Int): CompletableFuture<CatchUp> =
        future { client.catchUp(within.toKotlinDuration(), rooms) }

    /** See [ChatClient.resumeSession]. */
    public fun resumeSession(): CompletableFuture<Void?> = futureOfNothing { client.resumeSession() }

    /** See [ChatClient.close]. */
    public fun close(): CompletableFuture<Void?> = futureOfNothing { client.close() }

    /** See [ChatClient.wipe]. */
    public fun wipe(): CompletableFuture<Void?> = futureOfNothing { client.wipe() }

    public companion object {
        /** See [ChatClient.open]. */
        @JvmStatic
        public fun open(
            context: Context,
            config: ChatConfig,
            tokens: BlockingTokenProvider
        ): CompletableFuture<JavaChatClient> = future {
            val provider = TokenProvider { runInterruptible(Dispatchers.IO) { tokens.token(it) } }
            JavaChatClient(ChatClient.open(context, config, provider))
        }

        /** For Java what Kotlin has opened, or a fake. */
        @JvmStatic
        public fun of(client: ChatClient): JavaChatClient = JavaChatClient(client)

        /**
         * Makes the [RoomListViewModel] of a client, as [RoomListViewModel.factory] does.
         *
         * @param openClient Asked on the main thread. Its future is left alone when the view model is cleared before.
         */
        @JvmStatic
        public fun viewModelFactory(
            openClient: Supplier<CompletableFuture<JavaChatClient>>
        ): ViewModelProvider.Factory = RoomListViewModel.factory { openClient.get().asDeferred().await().unwrap() }
    }
}

/** [TokenProvider] for Java: it may block for as long as it takes, thirty seconds at most. */
public fun interface BlockingTokenProvider {
    /**
     * See [TokenProvider.token]. On a background thread, one call at a time; interrupted when the client is closed.
     *
     * @throws Exception there is no token now, as with `null`.
     */
    @Throws(Exception::class)
    public fun token(refused: Boolean): String?
}
