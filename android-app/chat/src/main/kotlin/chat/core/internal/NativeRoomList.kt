package chat.core.internal

import chat.core.Connection
import chat.core.EndReason
import chat.core.RoomList
import chat.core.ffi.ConnectionState
import chat.core.ffi.RoomListCore
import chat.core.ffi.RoomListItem
import chat.core.ffi.RoomListListener
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow

/** The list of rooms of the core as the app sees it; its job is a [SharedJob]. */
internal class NativeRoomList : RoomListListener {
    private val job = SharedJob(RoomListCore::start, RoomListCore::stop)
    private val mutableRooms = MutableStateFlow(RoomList.NotLoaded)
    val rooms: StateFlow<RoomList> = mutableRooms.asStateFlow()
    val connection: StateFlow<Connection> get() = job.connection

    fun attach(core: RoomListCore) = job.attach(core)

    fun close() = job.close {
        it.detach()
        it.close()
    }

    suspend fun poll(): EndReason = job.poll()

    override fun onRooms(rooms: List<RoomListItem>) {
        val summaries = rooms.map { it.toPublic() }
        job.show { mutableRooms.value = RoomList(summaries, isLoaded = true) }
    }

    override fun onConnection(state: ConnectionState) = job.onConnection(state)
}
