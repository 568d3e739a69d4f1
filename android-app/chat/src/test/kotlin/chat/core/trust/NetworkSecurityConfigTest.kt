package chat.core.trust

import android.util.Pair
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.ffi.TrustVerdict
import chat.core.internal.TrustBridge
import java.lang.reflect.Proxy
import java.security.MessageDigest
import java.security.PublicKey
import java.security.cert.X509Certificate
import javax.net.ssl.X509TrustManager
import org.junit.Assert.assertEquals
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.annotation.Config
import org.robolectric.annotation.Implementation
import org.robolectric.annotation.Implements

/**
 * Android's own code for an app's network security config, which answers on a phone, with what an app may write in one.
 * Its classes are hidden, so they are made by their names; what a phone makes of the XML file is left out.
 */
@RunWith(AndroidJUnit4::class)
@Config(shadows = [NoNativeKeys::class])
class NetworkSecurityConfigTest {
    private val good = TestAuthority.known.issue("localhost")
    private val unknown = TestAuthority.unknown.issue("localhost")

    private fun make(name: String, vararg arguments: Any): Any =
        type(name).declaredConstructors.first { it.parameterCount == arguments.size }
            .apply { isAccessible = true }
            .newInstance(*arguments)

    private fun type(name: String) = Class.forName("android.security.net.config.$name")

    private fun Any.call(name: String, vararg arguments: Any): Any =
        javaClass.methods.first { it.name == name && it.parameterCount == arguments.size }.invoke(this, *arguments)

    /** `<trust-anchors>` and `<pin-set>`. */
    private fun config(authority: TestAuthority, pin: X509Certificate? = null): Any {
        val source = make("KeyStoreCertificateSource", TestAuthority.store(authority))
        val builder = make("NetworkSecurityConfig\$Builder")
            .call("addCertificatesEntryRef", make("CertificatesEntryRef", source, false))
        if (pin != null) {
            val digest = MessageDigest.getInstance("SHA-256").digest(pin.publicKey.encoded)
            builder.call("setPinSet", make("PinSet", setOf(make("Pin", "SHA-256", digest)), Long.MAX_VALUE))
        }
        return builder.call("build")
    }

    /** `<base-config>`, and `<domain-config>` for `localhost`. */
    private fun phone(base: Any, localhost: Any? = null): TrustBridge {
        val domains = setOfNotNull(localhost).map { Pair(make("Domain", "localhost", false), it) }.toSet()
        val source = Proxy.newProxyInstance(javaClass.classLoader, arrayOf(type("ConfigSource"))) { _, method, _ ->
            if (method.name == "getDefaultConfig") base else domains
        }
        val manager = make("ApplicationConfig", source).call("getTrustManager") as X509TrustManager
        return TrustBridge { manager }
    }

    private fun TrustBridge.asked(identity: Identity, host: String = "localhost") =
        verify(listOf(identity.certificate.encoded), host)

    @Test
    fun `what the app trusts in general counts`() {
        val phone = phone(config(TestAuthority.known))
        assertEquals(TrustVerdict.TRUSTED, phone.asked(good))
        assertEquals(TrustVerdict.REFUSED, phone.asked(unknown))
    }

    @Test
    fun `what it trusts for a host counts for that host only`() {
        val phone = phone(config(TestAuthority.unknown), localhost = config(TestAuthority.known))
        assertEquals(TrustVerdict.TRUSTED, phone.asked(good))
        assertEquals(TrustVerdict.REFUSED, phone.asked(good, host = "chat.example.com"))
        assertEquals(TrustVerdict.REFUSED, phone.asked(unknown))
    }

    @Test
    fun `a pin counts`() {
        fun pinned(to: X509Certificate) =
            phone(config(TestAuthority.unknown), localhost = config(TestAuthority.known, pin = to))
        assertEquals(TrustVerdict.TRUSTED, pinned(good.certificate).asked(good))
        assertEquals(TrustVerdict.TRUSTED, pinned(TestAuthority.known.certificate).asked(good))
        assertEquals(TrustVerdict.REFUSED, pinned(TestAuthority.unknown.certificate).asked(good))
    }
}

/** The one thing on the way that is native code: reading the keys of transparency logs, which nobody asks for here. */
@Implements(className = "com.android.org.conscrypt.InternalUtil", isInAndroidSdk = false)
class NoNativeKeys {
    companion object {
        @Implementation
        @JvmStatic
        @Suppress("UNUSED_PARAMETER")
        fun logKeyToPublicKey(der: ByteArray): PublicKey = TestAuthority.known.certificate.publicKey
    }
}
