package chat.core.trust

import android.security.NetworkSecurityPolicy
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.ChatException
import chat.core.fixtures.ChatRule
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith

/** An open line is a thing that two have to want: the code that opens the client, and the app's manifest. */
@RunWith(AndroidJUnit4::class)
class CleartextTest {
    @get:Rule
    val chat = ChatRule()

    @After
    fun end() = permit(true)

    /** What a network security config says; hidden, because apps have a file for it. */
    private fun permit(cleartext: Boolean) {
        val policy = NetworkSecurityPolicy.getInstance()
        policy.javaClass.getMethod("setCleartextTrafficPermitted", Boolean::class.java).invoke(policy, cleartext)
    }

    @Test
    fun `both want it`() {
        chat.client()
    }

    @Test
    fun `the app's manifest alone is not enough`() {
        assertThrows(ChatException.InvalidConfig::class.java) { chat.client(chat.config { allowCleartext = false }) }
        assertEquals(0, chat.proxy.log.size)
    }

    @Test
    fun `the code alone is not enough, however it spells the address`() {
        permit(false)
        for (url in listOf(chat.proxy.url, chat.proxy.url.replace("http", "HTTP"), " " + chat.proxy.url)) {
            val refused = assertThrows(url, ChatException.InvalidConfig::class.java) { chat.client(chat.config(url)) }
            assertTrue(refused.reason, "network security config" in refused.reason)
        }
        assertEquals(0, chat.proxy.log.size)
    }

    @Test
    fun `what is encrypted needs nobody's leave`() {
        permit(false)
        chat.client(chat.config("https://chat.example.com"))
    }
}
