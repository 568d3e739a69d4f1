package chat.core.internal

import android.content.Context
import chat.core.ChatClient
import chat.core.ChatConfig
import chat.core.ChatException
import chat.core.ChatRoom
import chat.core.RoomId
import chat.core.TokenProvider
import chat.core.ffi.ChatCore
import java.io.File
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.withContext

/** The client on the native core. All that may block runs on [io], one call after the other. */
internal class NativeClient private constructor(
    override val userId: String,
    private val core: ChatCore,
    private val tokens: TokenBridge,
    private val io: CoroutineDispatcher
) : ChatClient {
    /** Touched on [io] only. */
    private val rooms = HashMap<RoomId, NativeRoom>()
    private var closed = false

    override suspend fun room(id: RoomId): ChatRoom = withContext(io) {
        if (closed) throw ChatException.Closed()
        rooms.getOrPut(id) { NativeRoom(id, io).also { room -> room.attach(onCore { core.room(id.value, room) }) } }
    }

    override suspend fun resumeSession() = withContext(io) {
        if (closed) throw ChatException.Closed()
        onCore { core.resumeSession() }
    }

    override suspend fun close() = withContext(NonCancellable + io) {
        if (closed) return@withContext
        closed = true
        tokens.close()
        rooms.values.forEach { it.close() }
        rooms.clear()
        onCore { core.shutdown() }
        core.close()
    }

    companion object {
        suspend fun open(context: Context, config: ChatConfig, provider: TokenProvider): ChatClient {
            // One lane: what is called first is done first, and the core's short locks never meet each other.
            val io = Dispatchers.IO.limitedParallelism(1)
            return withContext(NonCancellable + io) {
                NativeLibrary.load(context)
                val tokens = TokenBridge(provider)
                try {
                    val core = onCore { ChatCore(config.toCore(File(context.noBackupFilesDir, "chat-core")), tokens) }
                    tokens.attach(core)
                    NativeClient(config.userId, core, tokens, io)
                } catch (e: LinkageError) {
                    throw ChatException.NativeLibrary(e)
                }
            }
        }
    }
}
