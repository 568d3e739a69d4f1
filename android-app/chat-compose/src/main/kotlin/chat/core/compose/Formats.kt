package chat.core.compose

import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import android.content.IntentFilter
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.platform.LocalConfiguration
import androidx.compose.ui.platform.LocalContext
import androidx.lifecycle.compose.LifecycleStartEffect
import chat.core.ChatFormats

/** How dates and times are read here and now. Follows the language, the time zone and the 24 hour switch. */
@Composable
public fun rememberChatFormats(): ChatFormats {
    val context = LocalContext.current
    val configuration = LocalConfiguration.current
    var formats by remember(configuration) { mutableStateOf(ChatFormats.of(context)) }
    // Each configuration has a state of its own, which is to be told.
    LifecycleStartEffect(context, configuration) {
        val receiver = object : BroadcastReceiver() {
            override fun onReceive(received: Context, intent: Intent) {
                formats = ChatFormats.of(context)
            }
        }
        // TIME_CHANGED also says that the user turned the 24 hour clock on or off.
        val filter = IntentFilter(Intent.ACTION_TIMEZONE_CHANGED).apply { addAction(Intent.ACTION_TIME_CHANGED) }
        context.registerReceiver(receiver, filter)
        formats = ChatFormats.of(context)
        onStopOrDispose { context.unregisterReceiver(receiver) }
    }
    return formats
}
