package chat.core.internal

import android.app.Activity
import androidx.lifecycle.LifecycleOwner
import chat.core.Connection
import chat.core.EndReason
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.transformLatest
import kotlinx.coroutines.yield

/**
 * Whether a screen of a view model is started, by the lifecycles that observe the view model. There may be several: the
 * one screen fades while the other comes, or the activity is observed as well as what is in it. A turned phone is no
 * reason to rest: the job lives on from one activity to the next. Main thread only.
 */
internal class ScreenGate {
    /** True until a lifecycle says otherwise: without one the job runs from init to clear. */
    private val started = MutableStateFlow(true)
    private val shown = MutableStateFlow(0)
    private var isKnown = false

    /** How many are started. */
    private var screens = 0
    private var hasStarted = false

    val isStarted: StateFlow<Boolean> = started.asStateFlow()

    /** How often the user has come back to the screen. */
    val timesShown: StateFlow<Int> = shown.asStateFlow()

    fun onCreate() {
        // The first screen to observe us is not started yet. A later one, after a rotation, takes over as it stands.
        if (!isKnown) started.value = false
        isKnown = true
    }

    fun onStart() {
        if (!started.value && hasStarted) shown.value++
        hasStarted = true
        screens++
        started.value = true
    }

    /** Has [poll] run whenever the screen is started, and returns why it is over for good. */
    @OptIn(ExperimentalCoroutinesApi::class)
    suspend fun whileStarted(poll: suspend () -> EndReason): EndReason {
        // One turn of the main loop: whoever made the view model is about to say whether the screen is started.
        yield()
        return started.transformLatest { if (it) emit(poll()) }.first()
    }

    fun onStop(owner: LifecycleOwner) {
        screens = (screens - 1).coerceAtLeast(0)
        if (screens == 0 && (owner as? Activity)?.isChangingConfigurations != true) started.value = false
    }
}

/** Whether the server has said nothing yet, so that an empty cache is not an empty room, nor an account without any. */
internal fun Connection.isSilent() = this is Connection.Idle || this is Connection.Connecting
