package chat.core.internal

import android.app.Activity
import androidx.lifecycle.LifecycleOwner
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow

/**
 * Whether the screen of a view model is started, by the lifecycle that observes the view model. A turned phone is no
 * reason to rest: the job lives on from one activity to the next. Main thread only.
 */
internal class ScreenGate {
    /** True until a lifecycle says otherwise: without one the job runs from init to clear. */
    private val started = MutableStateFlow(true)
    private val shown = MutableStateFlow(0)
    private var isKnown = false
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
        started.value = true
    }

    fun onStop(owner: LifecycleOwner) {
        if ((owner as? Activity)?.isChangingConfigurations != true) started.value = false
    }
}
