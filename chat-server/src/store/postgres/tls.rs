//! Encryption on the way to PostgreSQL, with libpq's meaning of `sslmode`: `verify-full` looks at who
//! answers; `require` and `prefer` encrypt, which keeps out who listens, not who stands in between.

use std::path::PathBuf;
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{self, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

/// Makes encrypted connections.
pub(in crate::store) type Connector = MakeRustlsConnect;

/// Whom to believe.
pub(super) enum Trust {
    /// Whoever answers.
    Anybody,
    /// Whoever shows a certificate that one in this file (PEM) has signed.
    Root(PathBuf),
    /// Whoever shows one that browsers would take.
    Public,
}

/// A way to make them.
pub(super) fn connector(trust: &Trust) -> Result<Connector, String> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be used: {error}"))?;
    let config = match roots(trust)? {
        Some(roots) => config.with_root_certificates(roots).with_no_client_auth(),
        None => config
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(TakesAnybody(provider)))
            .with_no_client_auth(),
    };
    Ok(MakeRustlsConnect::new(config))
}

fn roots(trust: &Trust) -> Result<Option<RootCertStore>, String> {
    match trust {
        Trust::Anybody => Ok(None),
        Trust::Public => Ok(Some(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })),
        Trust::Root(path) => {
            let unreadable = |why: &dyn std::fmt::Display| format!("cannot read {}: {why}", path.display());
            let certificates = CertificateDer::pem_file_iter(path).map_err(|error| unreadable(&error))?;
            let mut roots = RootCertStore::empty();
            for certificate in certificates {
                let certificate = certificate.map_err(|error| unreadable(&error))?;
                roots.add(certificate).map_err(|error| unreadable(&error))?;
            }
            match roots.is_empty() {
                true => Err(format!("{} holds no certificate", path.display())),
                false => Ok(Some(roots)),
            }
        }
    }
}

/// Believes any certificate, but wants its holder to have signed: what `require` promises.
#[derive(Debug)]
struct TakesAnybody(Arc<CryptoProvider>);

impl ServerCertVerifier for TakesAnybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
