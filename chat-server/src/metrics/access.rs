//! Who is turned away, and the keys that tell who is who.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The door.
#[derive(Debug, Clone, Default)]
pub struct Access {
    limited: Family<Met, Counter>,
    /// Readings of the JWKS that brought no keys.
    pub key_failures: Counter,
    /// Keys at hand; 0 without a JWKS.
    pub keys: Gauge,
}

/// A limit that somebody met.
#[derive(Debug, Clone, Copy)]
pub enum Limit {
    /// Requests of a user.
    User,
    /// Requests from an address.
    Address,
    /// Refused tokens from an address.
    RefusedTokens,
    /// Connections from an address.
    Connections,
    /// Long answers that a user has not taken.
    Answers,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Met {
    limit: &'static str,
}

impl Access {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let access = Self::default();
        registry.register(
            "limited",
            "Requests, sends and connections turned away, by the limit that they met",
            access.limited.clone(),
        );
        registry.register(
            "jwks_failures",
            "Readings of the JWKS that brought no keys",
            access.key_failures.clone(),
        );
        registry.register("jwks_keys", "Keys at hand; 0 without --jwks", access.keys.clone());
        access
    }

    /// Somebody was turned away.
    pub(crate) fn limited(&self, limit: Limit) {
        let limit = match limit {
            Limit::User => "user",
            Limit::Address => "address",
            Limit::RefusedTokens => "refused_tokens",
            Limit::Connections => "connections",
            Limit::Answers => "answers",
        };
        self.limited.get_or_create(&Met { limit }).inc();
    }
}
