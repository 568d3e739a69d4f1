package chat.core.trust

import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.ffi.TrustVerdict
import chat.core.internal.TrustBridge
import java.security.KeyPair
import java.security.KeyPairGenerator
import java.security.KeyStore
import java.security.cert.CertificateException
import java.security.cert.X509Certificate
import javax.net.ssl.TrustManagerFactory
import javax.net.ssl.X509TrustManager
import kotlin.time.Duration.Companion.days
import org.junit.Assert.assertEquals
import org.junit.Test
import org.junit.runner.RunWith

/** What is asked of the phone, and what is made of its answer. */
@RunWith(AndroidJUnit4::class)
class TrustBridgeTest {
    private val authority = TestAuthority.known

    private fun managerOf(store: KeyStore): X509TrustManager =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm()).apply { init(store) }
            .trustManagers.firstNotNullOf { it as? X509TrustManager }

    private val bridge = TrustBridge { managerOf(TestAuthority.store(authority)) }

    private fun TrustBridge.asked(identity: Identity) = verify(listOf(identity.certificate.encoded), "localhost")

    @Test
    fun `a clock that is wrong is told from an authority that is unknown`() {
        assertEquals(TrustVerdict.TRUSTED, bridge.asked(authority.issue("localhost")))
        assertEquals(TrustVerdict.OUT_OF_DATE, bridge.asked(authority.issue("localhost", ends = (-1).days)))
        assertEquals(TrustVerdict.OUT_OF_DATE, bridge.asked(authority.issue("localhost", ends = 30.days)))
        assertEquals(TrustVerdict.REFUSED, bridge.asked(TestAuthority.unknown.issue("localhost")))
    }

    @Test
    fun `what is no certificate is refused, and so is nothing`() {
        assertEquals(TrustVerdict.REFUSED, bridge.verify(listOf("a page for people".toByteArray()), "localhost"))
        assertEquals(TrustVerdict.REFUSED, bridge.verify(emptyList(), "localhost"))
    }

    @Test
    fun `the whole chain is handed over, the server's own first`() {
        val chain = listOf(authority.issue("localhost").certificate, authority.certificate)
        var seen = emptyList<X509Certificate>()
        val bridge = TrustBridge { Recording { certificates, _ -> seen = certificates } }
        assertEquals(TrustVerdict.TRUSTED, bridge.verify(chain.map { it.encoded }, "localhost"))
        assertEquals(chain, seen)
    }

    private fun keys(algorithm: String, size: Int? = null): KeyPair =
        KeyPairGenerator.getInstance(algorithm).apply { size?.let(::initialize) }.generateKeyPair()

    @Test
    fun `a server's key signs, whichever kind it is, and a plain JVM's manager takes it`() {
        val identities = listOf(keys("RSA", 2048), keys("EC", 256), keys("Ed25519"))
            .map { authority.issue("localhost", keys = it) }
        // The JVM's own manager is no judge of the last one among the security providers of these tests.
        for (identity in identities.take(2)) assertEquals(TrustVerdict.TRUSTED, bridge.asked(identity))
        val types = mutableListOf<String>()
        for (identity in identities) TrustBridge { Recording { _, type -> types += type } }.asked(identity)
        assertEquals(listOf("ECDHE_RSA", "ECDHE_ECDSA", "UNKNOWN"), types)
    }

    /** A manager that knows nothing of hosts, as a plain JVM's. */
    private class Recording(private val hear: (List<X509Certificate>, String) -> Unit) : X509TrustManager {
        override fun checkServerTrusted(chain: Array<X509Certificate>, type: String) = hear(chain.toList(), type)

        override fun checkClientTrusted(chain: Array<X509Certificate>, type: String) =
            throw CertificateException("no client")

        override fun getAcceptedIssuers(): Array<X509Certificate> = emptyArray()
    }
}
