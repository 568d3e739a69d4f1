package chat.core.internal

import android.content.Context
import android.net.ConnectivityManager
import android.net.Network
import android.util.Log

/**
 * Says when the device has a network again, so that nobody sits out a long rest in a tunnel that has ended. Only a
 * hint: without it, or on a device that refuses to tell, the core finds out at its next try.
 *
 * @param onAvailable Called on a thread of the system's: once at first when there is a network, and at each new one.
 */
internal class NetworkMonitor(context: Context, private val onAvailable: () -> Unit) : AutoCloseable {
    private val manager: ConnectivityManager? = context.getSystemService(ConnectivityManager::class.java)
    private val callback = object : ConnectivityManager.NetworkCallback() {
        override fun onAvailable(network: Network) = this@NetworkMonitor.onAvailable()
    }
    private val isRegistered = try {
        manager?.registerDefaultNetworkCallback(callback)
        manager != null
    } catch (e: RuntimeException) {
        // Some devices throw SecurityException in spite of the permission; an app may have too many callbacks.
        Log.w("chat-core", "no word of the network: ${e.javaClass.name}")
        false
    }

    override fun close() {
        if (isRegistered) manager?.unregisterNetworkCallback(callback)
    }
}
