package chat.core.compose

import androidx.activity.compose.LocalActivity
import androidx.compose.runtime.Composable
import androidx.compose.runtime.DisposableEffect
import androidx.compose.runtime.key
import androidx.compose.runtime.saveable.Saver
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.lifecycle.DefaultLifecycleObserver
import androidx.lifecycle.LifecycleOwner
import androidx.lifecycle.compose.LocalLifecycleOwner

/**
 * What shows [model] and nothing but it: another model at the same place, the other room of a tablet's two panes, has
 * a list, a text box and a place in the list of its own. And [model] rests while none of it is started, whether or not
 * the app has the activity's lifecycle observed as well.
 */
@Composable
internal fun <M : DefaultLifecycleObserver> ModelScope(model: M, content: @Composable () -> Unit) {
    val turn = rememberSaveable(saver = Turn.Saver) { Turn(0) }
    // A number, for what is saved under it is to be found by the next process, where the model is another object.
    key(turn.of(model)) {
        RestWhileStopped(model)
        content()
    }
}

/** How many models have been shown at one place. */
private class Turn(private var number: Int) {
    private var model: Any? = null

    fun of(model: Any): Int {
        if (this.model != null && this.model !== model) number++
        this.model = model
        return number
    }

    companion object {
        val Saver = Saver<Turn, Int>(save = { it.number }, restore = { Turn(it) })
    }
}

@Composable
private fun RestWhileStopped(model: DefaultLifecycleObserver) {
    val owner = LocalLifecycleOwner.current
    // A fragment, or a place in a navigation graph, does not know that it is stopped for being turned. Its activity does.
    val activity = LocalActivity.current as? LifecycleOwner ?: owner
    DisposableEffect(model, owner, activity) {
        val observer = object : DefaultLifecycleObserver {
            private var isStarted = false

            override fun onCreate(owner: LifecycleOwner) = model.onCreate(owner)

            override fun onStart(owner: LifecycleOwner) {
                isStarted = true
                model.onStart(owner)
            }

            override fun onStop(owner: LifecycleOwner) {
                // Once for each start: the model may have other screens, and counts them.
                if (isStarted) model.onStop(activity)
                isStarted = false
            }
        }
        owner.lifecycle.addObserver(observer)
        onDispose {
            owner.lifecycle.removeObserver(observer)
            // What leaves the screen may do so before its lifecycle hears of it.
            observer.onStop(owner)
        }
    }
}
