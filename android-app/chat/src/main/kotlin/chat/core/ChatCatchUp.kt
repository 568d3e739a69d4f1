package chat.core

import android.content.Context
import androidx.work.BackoffPolicy
import androidx.work.Constraints
import androidx.work.ExistingPeriodicWorkPolicy
import androidx.work.NetworkType
import androidx.work.PeriodicWorkRequest
import androidx.work.WorkManager
import java.time.Duration as JavaDuration
import kotlin.time.Duration
import kotlin.time.Duration.Companion.hours
import kotlin.time.toJavaDuration

/**
 * Switches the periodic catch-up on and off; it is off until an app switches it on. The system decides when it really
 * runs: with a network and a battery that is not low, seldom in Doze, not at all while the user saves data.
 *
 * ```
 * ChatCatchUp.schedule<CatchUpWorker>(context, every = 1.hours) // at login, or at each start of the app
 * ChatCatchUp.cancel(context)                                   // at logout
 * ```
 */
public object ChatCatchUp {
    private const val NAME = "chat.core.catch-up"

    /** The shortest that Android allows. */
    private val SHORTEST = JavaDuration.ofMillis(PeriodicWorkRequest.MIN_PERIODIC_INTERVAL_MILLIS)

    /** Before the second try; twice as long before the third. */
    private val FIRST_BACKOFF = JavaDuration.ofMinutes(1)

    /**
     * Has the system run [W] every so often, the first time after one period. Called again it changes the period and
     * nothing else, so an app may call it whenever it starts.
     *
     * @throws IllegalArgumentException [every] is less than 15 minutes.
     */
    public inline fun <reified W : ChatCatchUpWorker> schedule(context: Context, every: Duration = 1.hours): Unit =
        schedule(context, W::class.java, every.toJavaDuration())

    /** The same for Java. */
    @JvmStatic
    public fun schedule(context: Context, worker: Class<out ChatCatchUpWorker>, every: JavaDuration) {
        require(every >= SHORTEST) { "Android runs no work more often than every $SHORTEST" }
        val constraints = Constraints.Builder()
            .setRequiredNetworkType(NetworkType.CONNECTED)
            .setRequiresBatteryNotLow(true)
            .build()
        val request = PeriodicWorkRequest.Builder(worker, every)
            .setConstraints(constraints)
            .setInitialDelay(every)
            .setBackoffCriteria(BackoffPolicy.EXPONENTIAL, FIRST_BACKOFF)
            .build()
        WorkManager.getInstance(context)
            .enqueueUniquePeriodicWork(NAME, ExistingPeriodicWorkPolicy.UPDATE, request)
    }

    /** Ends it. */
    @JvmStatic
    public fun cancel(context: Context) {
        WorkManager.getInstance(context).cancelUniqueWork(NAME)
    }
}
