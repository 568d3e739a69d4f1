@file:Suppress("DEPRECATION") // Bouncy Castle would like its second library to be used, which nothing else here needs.

package chat.core.trust

import java.io.File
import java.math.BigInteger
import java.security.KeyPair
import java.security.KeyPairGenerator
import java.security.KeyStore
import java.security.PublicKey
import java.security.cert.CertificateFactory
import java.security.cert.X509Certificate
import java.util.Base64
import java.util.Date
import javax.security.auth.x500.X500Principal
import kotlin.time.Duration
import kotlin.time.Duration.Companion.days
import org.bouncycastle.asn1.x509.BasicConstraints
import org.bouncycastle.asn1.x509.Extension
import org.bouncycastle.asn1.x509.GeneralName
import org.bouncycastle.asn1.x509.GeneralNames
import org.bouncycastle.x509.X509V3CertificateGenerator

/** A certificate authority of the tests. Its key is made when it is, and nobody trusts it who is not told to. */
class TestAuthority(name: String) {
    private val name = X500Principal("CN=$name")
    private val keys = rsa()

    /** What a phone installs. */
    val certificate: X509Certificate = sign(this.name, keys.public, 1.days) {
        addExtension(Extension.basicConstraints, true, BasicConstraints(true))
    }

    /** A server's certificate and its key. [ends] from now, and a day after it began. */
    fun issue(host: String, ends: Duration = 1.days, keys: KeyPair = serverKeys): Identity {
        val kind = if (host.first().isDigit()) GeneralName.iPAddress else GeneralName.dNSName
        val certificate = sign(X500Principal("CN=a server"), keys.public, ends) {
            addExtension(Extension.subjectAlternativeName, false, GeneralNames(GeneralName(kind, host)))
        }
        return Identity(certificate, keys)
    }

    private fun sign(
        subject: X500Principal,
        key: PublicKey,
        ends: Duration,
        configure: X509V3CertificateGenerator.() -> Unit
    ): X509Certificate {
        val end = System.currentTimeMillis() + ends.inWholeMilliseconds
        val generator = X509V3CertificateGenerator().apply {
            setSerialNumber(BigInteger.valueOf(System.nanoTime()))
            setIssuerDN(name)
            setSubjectDN(subject)
            setPublicKey(key)
            setNotBefore(Date(end - 2.days.inWholeMilliseconds))
            setNotAfter(Date(end))
            setSignatureAlgorithm("SHA256withRSA")
            configure()
        }
        // Parsed anew: by the platform's own code, as one that came over the wire.
        val der = generator.generate(keys.private).encoded
        return CertificateFactory.getInstance("X.509").generateCertificate(der.inputStream()) as X509Certificate
    }

    companion object {
        /** The one whose servers are good in the end; the other one is never installed. Shared: keys take time. */
        val known by lazy { TestAuthority("an authority of the tests") }
        val unknown by lazy { TestAuthority("another authority of the tests") }

        private val serverKeys by lazy { rsa() }

        private fun rsa(): KeyPair = KeyPairGenerator.getInstance("RSA").apply { initialize(2048) }.generateKeyPair()

        /** A store with these in it, as a phone's. */
        fun store(vararg authorities: TestAuthority): KeyStore = KeyStore.getInstance("PKCS12").apply {
            load(null)
            authorities.forEachIndexed { i, it -> setCertificateEntry("$i", it.certificate) }
        }
    }
}

/** A server's certificate and the key that goes with it. */
class Identity(val certificate: X509Certificate, private val keys: KeyPair) {
    /** Writes both into [folder], for `--tls-cert` and `--tls-key`. */
    fun write(folder: File): Pair<File, File> =
        pem(folder, "CERTIFICATE", certificate.encoded) to pem(folder, "PRIVATE KEY", keys.private.encoded)

    private fun pem(folder: File, what: String, der: ByteArray): File {
        val base64 = Base64.getMimeEncoder(64, "\n".toByteArray()).encodeToString(der)
        return File(folder, "$what.pem").apply { writeText("-----BEGIN $what-----\n$base64\n-----END $what-----\n") }
    }
}
