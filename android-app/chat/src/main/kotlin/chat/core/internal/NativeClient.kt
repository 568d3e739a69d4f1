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
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext

/** The client on the native core. All that may block runs on [io], one call after the other. */
internal class NativeClient private constructor(
    context: Context,
    override val userId: String,
    private val core: ChatCore,
    private val tokens: TokenBridge,
    private val io: CoroutineDispatcher
) : ChatClient {
    /** Touched on [io] only. */
    private val rooms = HashMap<RoomId, NativeRoom>()
    private var closed = false
    private val scope = CoroutineScope(SupervisorJob() + io)

    override suspend fun room(id: RoomId): ChatRoom = withContext(io) {
        if (closed) throw ChatException.Closed()
        rooms.getOrPut(id) { NativeRoom(id, io).also { room -> room.attach(onCore { core.room(id.value, room) }) } }
    }

    override suspend fun resumeSession() = withContext(io) {
        if (closed) throw ChatException.Closed()
        onCore { core.resumeSession() }
    }

    /** Runs on a thread of the system's. */
    private val network = NetworkMonitor(context) { scope.launch { rooms.values.forEach { it.wake() } } }

    override suspend fun close() = withContext(NonCancellable + io) {
        if (closed) return@withContext
        closed = true
        network.close()
        scope.cancel()
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
            var opened: NativeClient? = null
            try {
                return withContext(NonCancellable + io) {
                    openHere(context, config, provider, io).also { opened = it }
                }
            } catch (e: CancellationException) {
                // Nobody would ever close it, and the account could not be opened again.
                opened?.close()
                throw e
            }
        }

        private fun openHere(
            context: Context,
            config: ChatConfig,
            provider: TokenProvider,
            io: CoroutineDispatcher
        ): NativeClient {
            NativeLibrary.load(context)
            val tokens = TokenBridge(provider)
            var opened = false
            try {
                val core = onCore { ChatCore(config.toCore(File(context.noBackupFilesDir, "chat-core")), tokens) }
                tokens.attach(core)
                return NativeClient(context, config.userId, core, tokens, io).also { opened = true }
            } catch (e: LinkageError) {
                throw ChatException.NativeLibrary(e)
            } finally {
                if (!opened) tokens.close()
            }
        }
    }
}
