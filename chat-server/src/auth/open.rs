//! What checks tokens, as the options have it.

use super::{Jwks, Secret, Tokens};
use crate::cli::Access;
use crate::metrics;
use std::net::SocketAddr;
use std::sync::Arc;

/// Who may sign tokens: the secrets and the keys given, or else a random secret for a first try on one's own
/// machine. Returns the keys, too, for whoever has them read anew.
///
/// # Errors
/// Says what is missing, or why there are no keys.
pub async fn open(
    access: &Access,
    listen: SocketAddr,
    metrics: &metrics::Access,
) -> Result<(Arc<Tokens>, Option<Arc<Jwks>>), String> {
    let mut secrets = vec![];
    if access.jwt_secret.is_some() || access.jwks.is_none() {
        secrets.push(secret(access.jwt_secret.clone(), listen)?);
        secrets.extend(access.jwt_secret_previous.iter().cloned());
    }
    let jwks = match access.jwks.clone() {
        Some(source) => {
            let (authority, refresh) = (access.jwks_ca.as_deref(), access.jwks_refresh);
            Some(Jwks::open(source, authority, refresh, metrics.clone()).await?)
        }
        None => None,
    };
    let tokens = Tokens::with(&secrets, jwks.clone(), access.claims.rules());
    Ok((Arc::new(tokens), jwks))
}

/// The secret given, or a random one: it is shown once, and only where nobody but this machine can reach the
/// server.
fn secret(given: Option<Secret>, listen: SocketAddr) -> Result<Secret, String> {
    if let Some(secret) = given {
        if !secret.is_strong() {
            tracing::warn!(
                "the JWT secret is shorter than 32 bytes: fine for a try, not for the open network"
            );
        }
        return Ok(secret);
    }
    if !listen.ip().is_loopback() {
        return Err(format!(
            "listening on {listen} needs a secret of your own, or keys: pass --jwt-secret, set \
             CHAT_JWT_SECRET, or pass --jwks"
        ));
    }
    let secret = Secret::random();
    tracing::warn!(
        "no JWT secret given, so a random one serves until the server stops. To mint a token:\n    \
         CHAT_JWT_SECRET={} chat-server token --user alice",
        secret.reveal()
    );
    Ok(secret)
}
