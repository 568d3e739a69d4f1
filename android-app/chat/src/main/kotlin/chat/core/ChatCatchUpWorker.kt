package chat.core

import android.content.Context
import android.net.ConnectivityManager
import android.net.ConnectivityManager.RESTRICT_BACKGROUND_STATUS_ENABLED
import androidx.work.CoroutineWorker
import androidx.work.WorkerParameters

/**
 * A [catchUp] as periodic work, for an app that has no push messages: see [ChatCatchUp.schedule]. For apps that have
 * `androidx.work:work-runtime` among their dependencies; the library works without.
 *
 * ```
 * class CatchUpWorker(context: Context, parameters: WorkerParameters) : ChatCatchUpWorker(context, parameters) {
 *     override suspend fun client() = (applicationContext as ExampleApp).chat.await()
 * }
 * ```
 *
 * It polls for a minute at most, closes nothing and opens nothing but what [client] does. When the server could not be
 * asked it is tried again soon, twice, and then with the next period.
 */
public abstract class ChatCatchUpWorker(context: Context, parameters: WorkerParameters) :
    CoroutineWorker(context, parameters) {
    /** The app's client: the one that its screens use, opened if need be. `null` when nobody is logged in. */
    protected abstract suspend fun client(): ChatClient?

    /** [client] has been brought up to date, as far as [result] says: the time for notifications. */
    protected open suspend fun onCaughtUp(client: ChatClient, result: CatchUp) {}

    final override suspend fun doWork(): Result {
        // The user saves data: the system holds work like this back by itself, but not on every device.
        if (applicationContext.isToSaveData()) return Result.success()
        val result = try {
            val client = client() ?: return Result.success()
            client.catchUp().also { onCaughtUp(client, it) }
        } catch (_: ChatException) {
            return Result.failure()
        }
        return when (result) {
            is CatchUp.Done -> Result.success()
            is CatchUp.Later -> if (runAttemptCount < TRIES - 1) Result.retry() else Result.failure()
            is CatchUp.Ended -> Result.failure()
        }
    }

    private fun Context.isToSaveData(): Boolean {
        val manager = getSystemService(ConnectivityManager::class.java) ?: return false
        return manager.isActiveNetworkMetered && manager.restrictBackgroundStatus == RESTRICT_BACKGROUND_STATUS_ENABLED
    }

    private companion object {
        /** In one period. A server that is down for longer has enough to do when it comes back. */
        const val TRIES = 3
    }
}
