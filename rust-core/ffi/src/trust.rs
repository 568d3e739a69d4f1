//! Whether a server is believed is for Kotlin to say, which asks the phone's trust manager.

use crate::ListenerError;
use chat_engine::Distrust;
use std::fmt;
use std::sync::Arc;

/// Who says whether a server's certificates are to be believed: the phone.
#[uniffi::export(foreign)]
pub trait ServerTrust: Send + Sync {
    /// Whether `chain`, in DER and the server's own first, leads to an authority that is trusted for `host` at this
    /// moment. That the first certificate names `host` is checked beside it. Called in each handshake on
    /// a thread of the library, which waits for the answer.
    ///
    /// # Errors
    /// An exception counts as no, and so does everything else that is no answer.
    fn verify(&self, chain: Vec<Vec<u8>>, host: String) -> Result<TrustVerdict, ListenerError>;
}

/// What was decided about a server's certificates.
#[derive(Debug, Clone, Copy, uniffi::Enum)]
pub enum TrustVerdict {
    /// They are believed.
    Trusted,
    /// One's time is over, or has not come.
    OutOfDate,
    /// Anything else: an authority that is not trusted, a pin that does not match.
    Refused,
}

pub(crate) struct Adapter(pub(crate) Arc<dyn ServerTrust>);

impl fmt::Debug for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the phone's trust manager")
    }
}

impl chat_engine::ServerTrust for Adapter {
    fn verify(&self, chain: &[&[u8]], host: &str) -> Result<(), Distrust> {
        let chain = chain.iter().map(|certificate| certificate.to_vec()).collect();
        match self.0.verify(chain, host.to_owned()) {
            Ok(TrustVerdict::Trusted) => Ok(()),
            Ok(TrustVerdict::OutOfDate) => Err(Distrust::OutOfDate),
            Ok(TrustVerdict::Refused) => Err(Distrust::Refused),
            Err(ListenerError::Threw) => Err(Distrust::Unanswered),
        }
    }
}
