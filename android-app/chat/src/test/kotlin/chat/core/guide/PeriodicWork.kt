// What docs/android.md shows of periodic work: it stands here because the sample app has no WorkManager.
package chat.core.guide

import android.app.Application
import android.content.Context
import androidx.work.WorkerParameters
import chat.core.CatchUp
import chat.core.ChatCatchUp
import chat.core.ChatCatchUpWorker
import chat.core.ChatClient
import chat.core.RoomSummary
import kotlin.time.Duration.Companion.hours

private abstract class ChatApp : Application() {
    abstract suspend fun chat(): ChatClient
}

private fun Context.notifyOf(rooms: List<RoomSummary>) = check(rooms.all { it.unread > 0 } && packageName.isNotEmpty())

// DOC
class CatchUpWorker(context: Context, parameters: WorkerParameters) : ChatCatchUpWorker(context, parameters) {
    override suspend fun client() = (applicationContext as ChatApp).chat() // null when nobody is logged in

    override suspend fun onCaughtUp(client: ChatClient, result: CatchUp) =
        applicationContext.notifyOf(client.rooms.value.rooms.filter { it.unread > 0 })
}

fun onLogin(context: Context) = ChatCatchUp.schedule<CatchUpWorker>(context, every = 1.hours)

fun onLogout(context: Context) = ChatCatchUp.cancel(context)
// END DOC
