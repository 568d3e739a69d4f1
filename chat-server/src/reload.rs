//! What is read anew while the server runs: the certificate and the keys that sign tokens.

use crate::auth::Jwks;
use crate::tls::Tls;
use std::io;
use std::sync::Arc;

/// Reads both anew on each SIGHUP. The handler is in place once this returns: from then on the signal, which ends
/// a process that knows nothing of it, ends nothing.
///
/// # Errors
/// When the system refuses a handler.
#[cfg(unix)]
pub fn on_hangup(tls: Option<Arc<Tls>>, jwks: Option<Arc<Jwks>>) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            tracing::info!("reading anew what may have changed");
            if let Some(tls) = &tls {
                tls.reload();
            }
            if let Some(jwks) = &jwks {
                jwks.refresh();
            }
        }
    });
    Ok(())
}

/// There is no such signal here.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn on_hangup(_: Option<Arc<Tls>>, _: Option<Arc<Jwks>>) -> io::Result<()> {
    Ok(())
}
