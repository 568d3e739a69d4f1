//! What this server asks of others over HTTP: keys, and the taking of traces.

use reqwest::{Client, ClientBuilder, redirect};
use std::sync::Arc;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A client that trusts the authorities that browsers trust, and `authority`, and goes nowhere that an answer sends it.
pub(crate) fn client(authority: &[CertificateDer<'static>]) -> Result<ClientBuilder, String> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in authority {
        roots.add(certificate.clone()).map_err(|error| error.to_string())?;
    }
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Client::builder().tls_backend_preconfigured(tls).redirect(redirect::Policy::none()))
}
