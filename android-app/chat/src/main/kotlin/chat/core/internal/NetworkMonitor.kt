package chat.core.internal

import android.content.Context
import android.net.ConnectivityManager
import android.net.Network
import android.net.NetworkCapabilities
import android.util.Log

/**
 * Says when the device has a network again, or another one, so that nobody sits out a long rest in a tunnel that has
 * ended, or waits for words on a connection that went with the Wi-Fi. Only a hint: without it, or on a device that
 * refuses to tell, the core finds out at its next try.
 *
 * What counts is the default network. From one to the other the system says `onAvailable` of the new one and nothing
 * of the old. The rest of what it says of a network, a stronger signal or a measured bandwidth, is no news, but for
 * one thing: a hotel's portal that lets us through is as good as another network.
 *
 * @param onNetwork Called on a thread of the system's: once at first when there is a network, and at each change.
 */
internal class NetworkMonitor(context: Context, private val onNetwork: () -> Unit) : AutoCloseable {
    private val manager: ConnectivityManager? = context.getSystemService(ConnectivityManager::class.java)

    /** Called on one thread. */
    private val callback = object : ConnectivityManager.NetworkCallback() {
        private var current: Network? = null
        private var behindPortal = false

        override fun onAvailable(network: Network) {
            if (network == current) return
            current = network
            behindPortal = false
            onNetwork()
        }

        override fun onCapabilitiesChanged(network: Network, capabilities: NetworkCapabilities) {
            val wasBehind = behindPortal
            behindPortal = capabilities.hasCapability(NetworkCapabilities.NET_CAPABILITY_CAPTIVE_PORTAL)
            if (wasBehind && !behindPortal) onNetwork()
        }

        override fun onLost(network: Network) {
            if (network == current) current = null
        }
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
