package chat.core.internal

import android.net.http.X509TrustManagerExtensions
import android.util.Log
import chat.core.ffi.ServerTrust
import chat.core.ffi.TrustVerdict
import java.security.KeyStore
import java.security.cert.CertPathValidatorException
import java.security.cert.CertPathValidatorException.BasicReason
import java.security.cert.CertificateException
import java.security.cert.CertificateExpiredException
import java.security.cert.CertificateFactory
import java.security.cert.CertificateNotYetValidException
import java.security.cert.X509Certificate
import javax.net.ssl.TrustManagerFactory
import javax.net.ssl.X509TrustManager

/**
 * Between the core, which asks of each server whether it is to be believed, and the phone, which knows: its own and
 * the user's certificate authorities, the app's network security config with its pins. The core itself sees to it
 * that the certificate names the host and that the server holds its key.
 *
 * @param manager Whom to ask, found anew for each handshake. On Android that is one and the same object, which
 *   follows the settings; where it is not, what the user installs or removes counts from the next connection on.
 */
internal class TrustBridge(private val manager: () -> X509TrustManager = ::platformManager) : ServerTrust {
    override fun verify(chain: List<ByteArray>, host: String): TrustVerdict = try {
        val factory = CertificateFactory.getInstance("X.509")
        val certificates = chain.map { factory.generateCertificate(it.inputStream()) as X509Certificate }
        manager().check(certificates.toTypedArray(), host)
        TrustVerdict.TRUSTED
    } catch (e: CertificateException) {
        if (e.isOfTime()) TrustVerdict.OUT_OF_DATE else TrustVerdict.REFUSED
    } catch (e: Throwable) {
        // Errors too: the bindings let those pass, and what is no answer must be a no.
        Log.w("chat-core", "the trust manager failed with ${e.javaClass.name}")
        TrustVerdict.REFUSED
    }
}

/** By what the app trusts in general, as its network security config or else the system has it. */
private fun platformManager(): X509TrustManager {
    val factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm())
    factory.init(null as KeyStore?)
    return factory.trustManagers.firstNotNullOf { it as? X509TrustManager }
}

private fun X509TrustManager.check(chain: Array<X509Certificate>, host: String) {
    val type = keyExchange(chain[0])
    val extensions = try {
        X509TrustManagerExtensions(this)
    } catch (_: IllegalArgumentException) {
        // Not the phone's own manager: a plain JVM's, or a security provider's that the app has put before Android's.
        return checkServerTrusted(chain, type)
    }
    // What a network security config says may differ from host to host.
    extensions.checkServerTrusted(chain, type, host)
}

/**
 * How the server proves itself, in JSSE's words: by a signature, since the core speaks no other key exchange. A plain
 * JVM checks by it whether the certificate's key may sign ("RSA" alone would mean that it has to encrypt); Android
 * wants any word at all. An Ed25519 key has none of its own.
 */
private fun keyExchange(certificate: X509Certificate) = when (certificate.publicKey.algorithm) {
    "RSA" -> "ECDHE_RSA"
    "EC" -> "ECDHE_ECDSA"
    else -> "UNKNOWN"
}

/** Worth a word of its own in the log: more often than the certificate's it is the phone's clock that is wrong. */
private fun CertificateException.isOfTime() = generateSequence<Throwable>(this) { it.cause }.any {
    it is CertificateExpiredException || it is CertificateNotYetValidException ||
        (it is CertPathValidatorException && it.reason in OF_TIME)
}

private val OF_TIME = setOf(BasicReason.EXPIRED, BasicReason.NOT_YET_VALID)
