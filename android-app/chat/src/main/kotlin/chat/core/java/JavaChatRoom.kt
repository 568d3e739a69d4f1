package chat.core.java

import androidx.lifecycle.ViewModelProvider
import chat.core.ChatRoom
import chat.core.ChatViewModel
import chat.core.Connection
import chat.core.MessageKey
import chat.core.Timeline
import java.util.concurrent.CompletableFuture
import java.util.function.Supplier
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.future.asDeferred

/** [ChatRoom] for Java: see [JavaChatClient] for threads and errors. Messages are named by the number of their key. */
public class JavaChatRoom internal constructor(private val room: ChatRoom) {
    /** The same room for Kotlin. */
    public fun unwrap(): ChatRoom = room

    /** Which room this is. */
    public val id: Long get() = room.id.value

    /** See [ChatRoom.timeline]. Its `getValue()` is what is known now; [ChatFlows.observe][observe] tells of changes. */
    public val timeline: StateFlow<Timeline> get() = room.timeline

    /** See [ChatRoom.connection]. */
    public val connection: StateFlow<Connection> get() = room.connection

    /** See [ChatRoom.start]. */
    public fun start(): Unit = room.start()

    /** See [ChatRoom.stop]. */
    public fun stop(): Unit = room.stop()

    /** See [ChatRoom.wake]. */
    public fun wake(): Unit = room.wake()

    /**
     * See [ChatRoom.send]. Cancelling the future does not lose the text: it is sent all the same. Messages keep the
     * order of the calls.
     *
     * @return the message's key, as [chat.core.Message.key] has it.
     */
    public fun send(text: String): CompletableFuture<Long> = future { room.send(text).value }

    /** See [ChatRoom.draft]. */
    public fun draft(): CompletableFuture<String> = future { room.draft() }

    /** See [ChatRoom.saveDraft]. */
    public fun saveDraft(text: String): CompletableFuture<Void?> = futureOfNothing { room.saveDraft(text) }

    /** See [ChatRoom.edit]. */
    public fun edit(key: Long, text: String): CompletableFuture<Void?> =
        futureOfNothing { room.edit(MessageKey(key), text) }

    /** See [ChatRoom.delete]. */
    public fun delete(key: Long): CompletableFuture<Void?> = futureOfNothing { room.delete(MessageKey(key)) }

    /** See [ChatRoom.retry]. */
    public fun retry(key: Long): CompletableFuture<Void?> = futureOfNothing { room.retry(MessageKey(key)) }

    /** See [ChatRoom.discard]. */
    public fun discard(key: Long): CompletableFuture<Void?> = futureOfNothing { room.discard(MessageKey(key)) }

    /** See [ChatRoom.markRead]. */
    public fun markRead(key: Long): CompletableFuture<Void?> = futureOfNothing { room.markRead(MessageKey(key)) }

    /** See [ChatRoom.markAllRead]. */
    public fun markAllRead(): CompletableFuture<Void?> = futureOfNothing { room.markAllRead() }

    /** See [ChatRoom.loadOlder]. */
    public fun loadOlder(): CompletableFuture<Boolean> = future { room.loadOlder() }

    public companion object {
        /**
         * Makes the [ChatViewModel] of a room, as [ChatViewModel.factory] does.
         *
         * @param openRoom Asked on the main thread. Its future is left alone when the view model is cleared before.
         */
        @JvmStatic
        public fun viewModelFactory(openRoom: Supplier<CompletableFuture<JavaChatRoom>>): ViewModelProvider.Factory =
            ChatViewModel.factory { openRoom.get().asDeferred().await().unwrap() }
    }
}
