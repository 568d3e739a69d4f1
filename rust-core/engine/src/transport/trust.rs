//! By whose word a server is believed: the types, and the verifier that asks.
//!
//! What is never left to anybody else: that the certificate names the host, and that the server holds its key.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// By whose word a server is believed to be the one it says it is.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Mozilla's roots, bundled, and these certificates beside them, in DER: for a server with a private CA, and for tests.
    Roots(Vec<Vec<u8>>),
    /// The phone's.
    Ask(Arc<dyn ServerTrust>),
}

impl Default for Trust {
    fn default() -> Self {
        Self::Roots(Vec::new())
    }
}

/// Says whether a server's certificates are to be believed: on a phone, the phone.
pub trait ServerTrust: fmt::Debug + Send + Sync {
    /// Whether `chain`, in DER and the server's own first, leads to an authority that is trusted for `host` at this
    /// moment. That the certificate names `host` is checked beside it.
    ///
    /// Called in each handshake, on an engine thread, which waits for the answer: milliseconds, please.
    ///
    /// # Errors
    /// [`Distrust`]; the connection ends then. So it does when this panics.
    fn verify(&self, chain: &[&[u8]], host: &str) -> Result<(), Distrust>;
}

/// Why a server is not believed. What a log may say, and what the server is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// A certificate's time is over, or has not come.
    #[error("a certificate is out of date")]
    OutOfDate,
    /// Anything else: an authority that is not trusted, a pin that does not match.
    #[error("the certificate is not trusted")]
    Refused,
    /// Whoever was asked failed to answer.
    #[error("the certificate could not be checked")]
    Unanswered,
}

/// Asks [`ServerTrust`] about the chain, and sees to the rest itself.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) trust: Arc<dyn ServerTrust>,
    pub(super) provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn ask(&self, chain: &[&[u8]], host: &str) -> Result<(), Distrust> {
        // What answers may be anybody's code, behind a boundary: no panic of it is ours.
        let answer = catch_unwind(AssertUnwindSafe(|| self.trust.verify(chain, host)));
        answer.unwrap_or(Err(Distrust::Unanswered)).inspect_err(|why| log::warn!("TLS: {why}"))
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8], // Android takes none before API 36 (ADR 0012).
        _now: UnixTime,        // Who is asked has the same clock.
    ) -> Result<ServerCertVerified, Error> {
        verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)
            .inspect_err(|_| log::warn!("TLS: the certificate is not for this host"))?;
        let chain: Vec<&[u8]> = std::iter::once(end_entity).chain(intermediates).map(AsRef::as_ref).collect();
        self.ask(&chain, &server_name.to_str())?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl From<Distrust> for Error {
    /// What decides which alert the server gets.
    fn from(why: Distrust) -> Self {
        Error::InvalidCertificate(match why {
            Distrust::OutOfDate => CertificateError::Expired,
            Distrust::Refused | Distrust::Unanswered => CertificateError::ApplicationVerificationFailure,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use std::sync::Mutex;

    /// Answers one thing after the other, the last one for ever, and remembers what it was asked about.
    #[derive(Debug)]
    pub(crate) struct Phone {
        answers: Mutex<Vec<Option<Result<(), Distrust>>>>,
        asked: Mutex<Vec<(Vec<Vec<u8>>, String)>>,
    }

    /// `None` panics.
    pub(crate) fn phone(answers: &[Option<Result<(), Distrust>>]) -> Arc<Phone> {
        Arc::new(Phone { answers: Mutex::new(answers.to_vec()), asked: Mutex::default() })
    }

    pub(crate) const YES: Option<Result<(), Distrust>> = Some(Ok(()));

    impl ServerTrust for Phone {
        fn verify(&self, chain: &[&[u8]], host: &str) -> Result<(), Distrust> {
            let chain = chain.iter().map(|certificate| certificate.to_vec()).collect();
            self.asked.lock().unwrap().push((chain, host.to_owned()));
            let mut answers = self.answers.lock().unwrap();
            let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0] };
            drop(answers);
            answer.unwrap_or_else(|| panic!("the trust manager is out of order"))
        }
    }

    impl Phone {
        pub(crate) fn hosts(&self) -> Vec<String> {
            self.asked.lock().unwrap().iter().map(|(_, host)| host.clone()).collect()
        }
    }

    pub(crate) fn certificate(names: &[&str], key: &KeyPair) -> CertificateDer<'static> {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        CertificateParams::new(names).unwrap().self_signed(key).unwrap().der().clone()
    }

    fn verify(phone: &Arc<Phone>, chain: &[CertificateDer<'_>], host: &str) -> Result<(), Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Verifier { trust: phone.clone(), provider };
        let host = ServerName::try_from(host).unwrap();
        verifier.verify_server_cert(&chain[0], &chain[1..], &host, &[], UnixTime::now()).map(|_| ())
    }

    #[test]
    fn the_whole_chain_is_asked_about_and_the_host() {
        let key = KeyPair::generate().unwrap();
        let chain = [certificate(&["chat.example.com"], &key), certificate(&["the issuer"], &key)];
        let phone = phone(&[YES]);
        assert_eq!(verify(&phone, &chain, "chat.example.com"), Ok(()));
        let asked = phone.asked.lock().unwrap();
        let chain = chain.iter().map(|certificate| certificate.to_vec()).collect();
        assert_eq!(*asked, [(chain, "chat.example.com".to_owned())]);
    }

    #[test]
    fn whatever_is_not_yes_is_no() {
        let chain = [certificate(&["localhost"], &KeyPair::generate().unwrap())];
        for why in [Distrust::OutOfDate, Distrust::Refused, Distrust::Unanswered] {
            assert_eq!(verify(&phone(&[Some(Err(why))]), &chain, "localhost"), Err(why.into()));
        }
    }

    #[test]
    fn a_panic_of_who_is_asked_is_a_no_and_the_next_answer_counts() {
        let chain = [certificate(&["localhost"], &KeyPair::generate().unwrap())];
        let phone = phone(&[None, YES]);
        assert_eq!(verify(&phone, &chain, "localhost"), Err(Distrust::Unanswered.into()));
        assert_eq!(verify(&phone, &chain, "localhost"), Ok(()));
    }

    #[test]
    fn a_yes_does_not_make_a_certificate_good_for_another_host() {
        let chain = [certificate(&["chat.example.com", "127.0.0.1"], &KeyPair::generate().unwrap())];
        let phone = phone(&[YES]);
        for host in ["example.com", "evil.chat.example.com", "chat.example.org", "10.0.2.2", "::1"] {
            let refused = verify(&phone, &chain, host);
            let Err(Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. })) = refused
            else {
                panic!("{host}: {refused:?}");
            };
        }
        assert!(phone.hosts().is_empty(), "nobody is troubled with it");
    }

    #[test]
    fn an_address_is_a_host_as_well() {
        let chain = [certificate(&["10.0.2.2", "::1"], &KeyPair::generate().unwrap())];
        let phone = phone(&[YES]);
        for host in ["10.0.2.2", "::1"] {
            assert_eq!(verify(&phone, &chain, host), Ok(()));
        }
        assert_eq!(phone.hosts(), ["10.0.2.2", "::1"]);
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let phone = phone(&[YES]);
        let refused = verify(&phone, &[CertificateDer::from(&b"a page for people"[..])], "localhost");
        assert!(matches!(refused, Err(Error::InvalidCertificate(_))), "{refused:?}");
        assert!(phone.hosts().is_empty());
    }

    #[test]
    fn the_time_of_a_certificate_is_for_the_phone_to_read() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_after = date_time_ymd(2001, 1, 1);
        let old = [params.self_signed(&key).unwrap().der().clone()];
        assert_eq!(verify(&phone(&[YES]), &old, "localhost"), Ok(()));
    }
}
