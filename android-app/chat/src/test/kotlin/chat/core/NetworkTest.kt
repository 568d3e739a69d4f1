package chat.core

import android.net.ConnectivityManager
import android.net.ConnectivityManager.NetworkCallback
import android.net.NetworkCapabilities
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.fixtures.ChatRule
import chat.core.fixtures.waitUntil
import chat.core.internal.NetworkMonitor
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Shadows.shadowOf
import org.robolectric.shadows.ShadowNetwork
import org.robolectric.shadows.ShadowNetworkCapabilities

/** What the system says of the device's networks, and what the core does about it. */
@RunWith(AndroidJUnit4::class)
class NetworkTest {
    @get:Rule
    val chat = ChatRule()

    private val wifi = ShadowNetwork.newInstance(101)
    private val cellular = ShadowNetwork.newInstance(102)
    private val manager get() = shadowOf(chat.context.getSystemService(ConnectivityManager::class.java))

    /** The system's turn to speak. */
    private fun system(say: NetworkCallback.() -> Unit) = manager.networkCallbacks.forEach(say)

    private fun capabilities(vararg capabilities: Int): NetworkCapabilities =
        ShadowNetworkCapabilities.newInstance().also { shadowOf(it).apply { capabilities.forEach(::addCapability) } }

    private var told = 0

    private fun isNews(why: String, say: NetworkCallback.() -> Unit) {
        val before = told
        system(say)
        assertEquals(why, before + 1, told)
    }

    private fun isNoNews(why: String, say: NetworkCallback.() -> Unit) {
        val before = told
        system(say)
        assertEquals(why, before, told)
    }

    @Test
    fun `another network is news, a stronger signal is none`() = NetworkMonitor(chat.context) { told++ }.use {
        isNews("there is Wi-Fi") { onAvailable(wifi) }
        isNews("the Wi-Fi gives way to the cellular network") {
            onAvailable(cellular)
            onCapabilitiesChanged(cellular, capabilities())
        }
        isNoNews("the system talks on about the same network") {
            repeat(20) {
                onCapabilitiesChanged(cellular, capabilities(NetworkCapabilities.NET_CAPABILITY_VALIDATED))
                onCapabilitiesChanged(cellular, capabilities(NetworkCapabilities.NET_CAPABILITY_NOT_METERED))
                onBlockedStatusChanged(cellular, false)
                onAvailable(cellular)
            }
        }
        isNoNews("the one of before is gone for good") { onLost(wifi) }
        isNoNews("there is none") { onLost(cellular) }
        isNews("the same one is back") { onAvailable(cellular) }
    }

    @Test
    fun `a portal that lets the user through is news`() = NetworkMonitor(chat.context) { told++ }.use {
        isNews("there is a hotel's Wi-Fi") {
            onAvailable(wifi)
            onCapabilitiesChanged(wifi, capabilities(NetworkCapabilities.NET_CAPABILITY_CAPTIVE_PORTAL))
        }
        isNews("the user has logged in there") {
            onCapabilitiesChanged(wifi, capabilities(NetworkCapabilities.NET_CAPABILITY_VALIDATED))
        }
    }

    @Test
    fun `when the network is back it is asked at once`() {
        chat.proxy.failAll(503, "unavailable")
        val client = chat.client()
        val room = chat.aliceRoom(client)
        room.start()
        waitUntil("the rest is long", 20.seconds) {
            ((room.connection.value as? Connection.Waiting)?.retryIn ?: Duration.ZERO) > 2.seconds
        }
        chat.proxy.heal()
        val polls = chat.proxy.polls
        system { onAvailable(wifi) }
        waitUntil("it is asked", 1.seconds) { chat.proxy.polls > polls }
        waitUntil("it is live") { room.connection.value is Connection.Live }
        runBlocking { client.close() }
        assertEquals(0, manager.networkCallbacks.size)
    }

    @Test
    fun `when the network is back, what a room that was never opened has unsent is sent`() {
        chat.proxy.failAll(503, "unavailable")
        val first = chat.client()
        runBlocking {
            chat.aliceRoom(first).send("from the tunnel")
            first.close()
        }
        chat.client()
        waitUntil("it was tried in vain, more than once", 20.seconds) { chat.proxy.posts >= 4 }
        chat.proxy.heal()
        val posts = chat.proxy.posts
        system { onAvailable(wifi) }
        waitUntil("it is tried at once", 1.seconds) { chat.proxy.posts > posts }
        waitUntil("it is there") { chat.server.texts(chat.room) == listOf("from the tunnel") }
    }
}
