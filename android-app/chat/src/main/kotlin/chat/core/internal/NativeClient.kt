package chat.core.internal

import android.content.Context
import chat.core.ChatClient
import chat.core.ChatConfig
import chat.core.ChatException
import chat.core.ChatRoom
import chat.core.Connection
import chat.core.EndReason
import chat.core.RoomId
import chat.core.RoomList
import chat.core.SessionState
import chat.core.TokenProvider
import chat.core.ffi.ChatCore
import chat.core.ffi.ServerTrust
import chat.core.ffi.SessionListener
import chat.core.ffi.SessionState as CoreSessionState
import java.io.File
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext

/** The client on the native core. All that may block runs on [io], one call after the other. */
internal class NativeClient private constructor(
    context: Context,
    override val userId: String,
    private val core: ChatCore,
    private val tokens: TokenBridge,
    private val list: NativeRoomList,
    private val standing: StateFlow<SessionState>,
    private val io: CoroutineDispatcher
) : ChatClient {
    /** Touched on [io] only. */
    private val openRooms = HashMap<RoomId, NativeRoom>()
    private var closed = false
    private val scope = CoroutineScope(SupervisorJob() + io)

    override val rooms: StateFlow<RoomList> get() = list.rooms
    override val roomsConnection: StateFlow<Connection> get() = list.connection
    override val session: StateFlow<SessionState> get() = standing

    override suspend fun room(id: RoomId): ChatRoom = inLane {
        openRooms.getOrPut(id) { NativeRoom(id, io).also { room -> room.attach(core.room(id.value, room)) } }
    }

    override suspend fun pollRooms(): EndReason = list.poll()

    override suspend fun wake(roomId: RoomId) = inLane { core.wake(roomId.value) }

    override suspend fun resumeSession() = inLane { core.resumeSession() }

    /** Runs on a thread of the system's. */
    private val network = NetworkMonitor(context) { scope.launch { core.networkBack() } }

    override suspend fun close() = end { core.shutdown() }

    override suspend fun wipe() {
        var isMine = false
        end {
            isMine = true
            core.wipe()
        }
        if (!isMine) throw ChatException.Closed()
    }

    private suspend fun <T> inLane(call: () -> T): T = withContext(io) {
        if (closed) throw ChatException.Closed()
        onCore(call)
    }

    /** Ends everything of ours and then, by [endCore], the core; once. */
    private suspend fun end(endCore: () -> Unit) = withContext(NonCancellable + io) {
        if (closed) return@withContext
        closed = true
        // Whatever fails on the way: a core left open would keep the account from ever being opened again.
        try {
            network.close()
            scope.cancel()
            tokens.close()
            openRooms.values.forEach { it.close() }
            openRooms.clear()
            list.close()
        } finally {
            core.use { onCore(endCore) }
        }
    }

    companion object {
        /** [trust] is the phone's; tests have others. */
        suspend fun open(
            context: Context,
            config: ChatConfig,
            provider: TokenProvider,
            trust: ServerTrust = TrustBridge()
        ): ChatClient {
            // One lane: what is called first is done first, and the core's short locks never meet each other.
            val io = Dispatchers.IO.limitedParallelism(1)
            var opened: NativeClient? = null
            try {
                return withContext(NonCancellable + io) {
                    openHere(context, config, provider, trust, io).also { opened = it }
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
            trust: ServerTrust,
            io: CoroutineDispatcher
        ): NativeClient {
            config.checkCleartext()
            NativeLibrary.load()
            val tokens = TokenBridge(provider)
            var opened = false
            try {
                val defaultDir = File(context.noBackupFilesDir, "chat-core")
                val core = onCore { ChatCore(config.toCore(defaultDir), tokens, trust) }
                try {
                    tokens.attach(core)
                    val list = NativeRoomList().also { it.attach(onCore { core.rooms(it) }) }
                    val session = MutableStateFlow(SessionState.ACTIVE)
                    onCore { core.watchSession(SessionWatch(session)) }
                    return NativeClient(context, config.userId, core, tokens, list, session, io).also { opened = true }
                } finally {
                    // Left open, it would keep the account from ever being opened again.
                    if (!opened) core.use { it.shutdown() }
                }
            } catch (e: LinkageError) {
                throw ChatException.NativeLibrary(e)
            } finally {
                if (!opened) tokens.close()
            }
        }
    }
}

/** What the core says of the session. */
private class SessionWatch(private val session: MutableStateFlow<SessionState>) : SessionListener {
    override fun onSession(state: CoreSessionState) {
        session.value = state.toPublic()
    }
}
