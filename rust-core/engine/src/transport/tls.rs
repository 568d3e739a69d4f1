//! The one trust decision of the library: a rustls configuration of ours, for every connection.
//!
//! Bundled Mozilla roots until the phone's own trust manager is asked (a later issue); either way
//! nothing here needs initialising, so nothing can panic for want of it (ADR 0003).

use crate::EngineError;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;

/// A client configuration that trusts the bundled roots and `extra`, and offers `protocols` (RFC 7301), the first one first.
pub(super) fn client_config(extra: &[Vec<u8>], protocols: &[&[u8]]) -> Result<ClientConfig, EngineError> {
    let invalid = |e: rustls::Error| EngineError::InvalidConfig(format!("TLS: {e}"));
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for der in extra {
        roots.add(CertificateDer::from(der.clone())).map_err(invalid)?;
    }
    // The provider is passed, not installed process-wide: another library in the app may have its own.
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(invalid)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}
