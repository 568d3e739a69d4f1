//! The one trust decision of the library: a rustls configuration of ours, for every connection.
//!
//! Who decides is said by [`Trust`]. Either way nothing here needs initialising, so nothing can panic for want of
//! it (ADR 0003, ADR 0012).

use super::trust::{Trust, Verifier};
use crate::EngineError;
use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, Error, RootCertStore};
use std::sync::Arc;

/// A client configuration that goes by `trust`, and offers `protocols` (RFC 7301), the first one first.
pub(super) fn client_config(trust: &Trust, protocols: &[&[u8]]) -> Result<ClientConfig, EngineError> {
    let invalid = |e: Error| EngineError::InvalidConfig(format!("TLS: {e}"));
    // The provider is passed, not installed process-wide: another library in the app may have its own.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(invalid)?;
    let mut config = match trust {
        Trust::Roots(extra) => {
            let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
            for der in extra {
                roots.add(CertificateDer::from(der.as_slice())).map_err(invalid)?;
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        }
        Trust::Ask(trust) => {
            let verifier = Arc::new(Verifier { trust: trust.clone(), provider });
            let mut config =
                builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
            // A resumed session is believed by the decision of its first handshake, for days. An authority that
            // the user removes, or a pin that an update brings, has to count from the next connection on; with
            // TLS 1.3 a whole handshake takes no more round trips than a resumed one.
            config.resumption = Resumption::disabled();
            config
        }
    };
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::super::trust::Distrust;
    use super::super::trust::tests::{YES, certificate, phone};
    use super::*;
    use rcgen::KeyPair;
    use rustls::pki_types::{PrivateKeyDer, ServerName};
    use rustls::server::{ClientHello, ResolvesServerCert, ServerConnection};
    use rustls::sign::CertifiedKey;
    use rustls::{CertificateError, ClientConnection, ServerConfig, SupportedProtocolVersion};

    /// A certificate and a key, whether they belong together or not.
    #[derive(Debug)]
    struct Shows(Arc<CertifiedKey>);

    impl ResolvesServerCert for Shows {
        fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
            Some(self.0.clone())
        }
    }

    fn server(shown: &KeyPair, held: &KeyPair, version: &'static SupportedProtocolVersion) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::Pkcs8(held.serialize_der().into());
        let key = provider.key_provider.load_private_key(key).unwrap();
        let shows = CertifiedKey::new(vec![certificate(&["localhost"], shown)], key);
        ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Shows(Arc::new(shows))))
    }

    /// A whole handshake, without a network, and a word of the server's after it, which brings tickets along.
    fn handshake(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> Result<(), Error> {
        let name = ServerName::try_from("localhost").unwrap();
        let mut client = ClientConnection::new(client.clone(), name).unwrap();
        let mut server = ServerConnection::new(server.clone()).unwrap();
        while client.is_handshaking() || server.is_handshaking() || server.wants_write() {
            let mut wire = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut wire).unwrap();
            }
            server.read_tls(&mut wire.as_slice()).unwrap();
            // What it thinks of an alert is not what is asked here.
            let _ = server.process_new_packets();
            wire.clear();
            while server.wants_write() {
                server.write_tls(&mut wire).unwrap();
            }
            let mut wire = wire.as_slice();
            while !wire.is_empty() {
                client.read_tls(&mut wire).unwrap();
                client.process_new_packets()?;
            }
        }
        Ok(())
    }

    const VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

    #[test]
    fn who_shows_anothers_certificate_and_does_not_hold_its_key_is_refused() {
        let (mine, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let client = Arc::new(client_config(&Trust::Ask(phone(&[YES])), &[]).unwrap());
        for version in VERSIONS {
            assert_eq!(handshake(&client, &Arc::new(server(&mine, &mine, version))), Ok(()));
            let refused = handshake(&client, &Arc::new(server(&mine, &other, version)));
            assert_eq!(refused, Err(Error::InvalidCertificate(CertificateError::BadSignature)));
        }
    }

    #[test]
    fn each_connection_is_decided_anew_whatever_was_decided_before() {
        let key = KeyPair::generate().unwrap();
        for version in VERSIONS {
            let (phone, server) =
                (phone(&[YES, Some(Err(Distrust::Refused))]), Arc::new(server(&key, &key, version)));
            let client = Arc::new(client_config(&Trust::Ask(phone.clone()), &[]).unwrap());
            assert_eq!(handshake(&client, &server), Ok(()));
            assert_eq!(handshake(&client, &server), Err(Distrust::Refused.into()));
            assert_eq!(phone.hosts().len(), 2);
        }
    }
}
