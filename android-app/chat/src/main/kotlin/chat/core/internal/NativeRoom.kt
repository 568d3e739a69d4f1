package chat.core.internal

import chat.core.ChatException
import chat.core.ChatRoom
import chat.core.Connection
import chat.core.EndReason
import chat.core.MessageKey
import chat.core.RoomId
import chat.core.Timeline
import chat.core.ffi.ConnectionState
import chat.core.ffi.LoadListener
import chat.core.ffi.LoadResult
import chat.core.ffi.RoomCore
import chat.core.ffi.RoomListener
import chat.core.ffi.TimelineUpdate
import kotlin.coroutines.resumeWithException
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlinx.coroutines.withContext

/** A room of the core as the app sees it; its job is a [SharedJob]. */
internal class NativeRoom(override val id: RoomId, private val io: CoroutineDispatcher) :
    ChatRoom,
    RoomListener {
    private val job = SharedJob(RoomCore::start, RoomCore::stop)
    private val mutableTimeline = MutableStateFlow(Timeline.NotLoaded)
    override val timeline: StateFlow<Timeline> = mutableTimeline.asStateFlow()
    override val connection: StateFlow<Connection> get() = job.connection

    fun attach(core: RoomCore) = job.attach(core)

    fun close() = job.close {
        it.detach()
        it.close()
    }

    override fun start() = job.start()

    override fun stop() = job.stop()

    override suspend fun poll(): EndReason = job.poll()

    override fun wake() {
        job.tell { it.wake() }
    }

    override suspend fun send(text: String): MessageKey = inLane { MessageKey(it.send(text)) }

    override suspend fun draft(): String = inLane { it.draft() }

    override suspend fun saveDraft(text: String) = inLane { it.saveDraft(text) }

    override suspend fun edit(key: MessageKey, text: String) = inLane { it.edit(key.value, text) }

    override suspend fun delete(key: MessageKey) = inLane { it.delete(key.value) }

    override suspend fun retry(key: MessageKey) = inLane { it.retry(key.value) }

    override suspend fun discard(key: MessageKey) = inLane { it.discard(key.value) }

    override suspend fun markRead(key: MessageKey) {
        val message = timeline.value.messages.findLast { it.key == key } ?: throw ChatException.NotFound()
        message.id?.let { markRead(it) }
    }

    override suspend fun markAllRead() {
        timeline.value.messages.findLast { it.id != null }?.id?.let { markRead(it) }
    }

    /** A list tells of every row it passes: what is behind the marker troubles no disk. */
    private suspend fun markRead(id: Long) {
        if (id > (timeline.value.readMarker ?: 0)) inLane { it.markRead(id) }
    }

    override suspend fun loadOlder(): Boolean {
        val core = job.core()
        return suspendCancellableCoroutine { caller ->
            val done = object : LoadListener {
                // A caller that has gone meanwhile is not resumed; nobody else minds.
                override fun onDone(result: LoadResult) = caller.resumeWith(result.toPublic())
            }
            try {
                onCore { core.loadOlder(done) }
            } catch (e: ChatException) {
                caller.resumeWithException(e)
            }
        }
    }

    /** On the client's one lane, so calls keep their order; to its end, so a cancelled caller loses nothing. */
    private suspend fun <T> inLane(call: (RoomCore) -> T): T = withContext(NonCancellable + io) {
        val core = job.core()
        onCore { call(core) }
    }

    override fun onTimeline(update: TimelineUpdate) {
        // Callbacks come one at a time, so what is merged here is what is replaced below.
        val merged = mutableTimeline.value.merged(update)
        job.show { mutableTimeline.value = merged }
    }

    override fun onConnection(state: ConnectionState) = job.onConnection(state)
}
