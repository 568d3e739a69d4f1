package chat.core.sample.guide

import android.content.Context
import chat.core.CatchUp
import chat.core.RoomId
import chat.core.RoomSummary
import chat.core.catchUp
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.runBlocking

private fun Context.notifyOf(rooms: List<RoomSummary>) = check(rooms.all { it.unread > 0 } && packageName.isNotEmpty())

// DOC
// From FirebaseMessagingService.onMessageReceived, which may block for some twenty seconds; the process may be gone after that.
fun onPush(app: ChatApp): Unit = runBlocking {
    val client = app.chat()
    if (client.catchUp(within = 15.seconds) is CatchUp.Done) {
        app.notifyOf(client.rooms.value.rooms.filter { it.unread > 0 })
    }
}

// The same while a screen is open: there is nothing to notify of, the room only asks now instead of at its next turn.
fun onPushWhileOpen(app: ChatApp, room: Long): Unit = runBlocking { app.chat().wake(RoomId(room)) }
// END DOC
