package chat.core

import android.app.AlarmManager
import android.net.ConnectivityManager
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.fixtures.ChatRule
import chat.core.fixtures.holdsFor
import chat.core.fixtures.waitUntil
import java.io.File
import javax.xml.parsers.DocumentBuilderFactory
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Shadows.shadowOf
import org.robolectric.shadows.ShadowNetwork
import org.robolectric.shadows.ShadowPowerManager

/** What the library does to a phone whose user is elsewhere: nothing. */
@RunWith(AndroidJUnit4::class)
class BackgroundTest {
    @get:Rule
    val chat = ChatRule()

    @Test
    fun `it keeps no phone awake, sets no alarm and starts no service`() {
        val client = chat.client(chat.config(url = chat.server.url, transport = TransportChoice.AUTO))
        val room = chat.aliceRoom(client)
        room.start()
        waitUntil("it is live") { room.connection.value is Connection.Live }
        runBlocking {
            room.send("hello")
            client.wake(RoomId(chat.room))
            client.catchUp()
        }
        room.stop()
        runBlocking { client.close() }
        assertNull(ShadowPowerManager.getLatestWakeLock())
        val alarms = chat.context.getSystemService(AlarmManager::class.java)
        assertEquals(emptyList<Any>(), shadowOf(alarms).scheduledAlarms)
        assertNull(shadowOf(chat.context).nextStartedService)
    }

    @Test
    fun `it asks the user's leave for nothing, and the system's for the network only`() {
        val manifests = listOf("chat", "chat-compose", "chat-testing").map {
            File("../$it/src/main/AndroidManifest.xml")
        }
        val parsed = manifests.map { DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(it) }
        val elements = parsed.flatMap { manifest ->
            manifest.getElementsByTagName("*").run {
                List(length) { item(it) }
            }.filter { it != manifest.documentElement }
        }
        val asked = elements.map { it.nodeName to it.attributes.getNamedItem("android:name")?.nodeValue }
        val leave = setOf("INTERNET", "ACCESS_NETWORK_STATE").map { "uses-permission" to "android.permission.$it" }
        assertEquals(leave.toSet(), asked.toSet())
    }

    @Test
    fun `a network that comes and goes is no reason to ask while nobody looks`() {
        val client = chat.client()
        val room = chat.aliceRoom(client)
        room.start()
        waitUntil("it is live") { room.connection.value is Connection.Live }
        room.stop()
        val asked = chat.proxy.log.size
        val manager = checkNotNull(chat.context.getSystemService(ConnectivityManager::class.java))
        repeat(3) { turn ->
            val network = ShadowNetwork.newInstance(100 + turn)
            shadowOf(manager).networkCallbacks.forEach {
                it.onAvailable(network)
                it.onLost(network)
            }
        }
        // The one that was in flight may have gone through.
        holdsFor(500.milliseconds, "nothing was asked") { chat.proxy.log.size <= asked + 1 }
    }
}
