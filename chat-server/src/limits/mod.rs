//! How much one user, one address and one connection may ask for.
//!
//! ```text
//! accept ─▶ connections of the address ─▶ requests of the address ─▶ token ─▶ requests of the user ─▶ route
//!           closed                        429                        │        429
//!                                                                    └─ refused too often: 429
//! ```
//! # Invariants
//! - Whoever is turned away by a rate is told when to come back, and is let in then, unless others of the same user or
//!   address were there before.
//! - An address is what the network says it is. A header counts only if a proxy wrote it that `--trust-proxy`
//!   names, and only as far to the right as such proxies go.
//! - This machine and the proxies named are no client: they are not limited as an address, unless a proxy names as its
//!   client what is no address. Then it counts as one.
//! - Every node counts for itself, and forgets when it ends.

mod address;
mod places;
mod rate;
mod refusals;

pub(crate) use address::{Client, Network};
pub use address::{Proxies, ProxyHeader};
pub(crate) use places::Entry;

use crate::error::ApiError;
use crate::metrics::{Access, Limit};
use crate::serve::Place;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chat_protocol::{ErrorCode, UserId};
use ipnet::IpNet;
use places::Places;
use rate::Rate;
use refusals::Refusals;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What is allowed. For rates and connections of an address 0 is no limit.
#[derive(Debug, Clone)]
pub struct Allowance {
    /// Requests a second of one user, messages said over a socket included; ten times as many at once.
    pub user_rate: u32,
    /// Requests a second from one address; ten times as many at once.
    pub address_rate: u32,
    /// Refused tokens a second from one address; ten times as many at once.
    pub refused_rate: u32,
    /// Open connections in all.
    pub connections: u32,
    /// Open connections from one address.
    pub address_connections: u32,
    /// Proxies whose word on the client's address counts.
    pub trusted: Vec<IpNet>,
    /// Where they say it.
    pub header: ProxyHeader,
}

impl Default for Allowance {
    /// What nobody meets who uses an app of ours.
    ///
    /// A user: 30 rooms polled each second from each of three devices are 90 requests a second; a device that
    /// comes out of a tunnel with an outbox sends some hundreds a second while it lasts.
    ///
    /// An address: behind a carrier's NAT are some dozens to some hundreds of phones with one or two rooms on
    /// the screen each. An address may be a tenth of all connections.
    ///
    /// Refused tokens: an app whose token is refused asks for another and stops when that is refused, too. One
    /// that has expired is not a refused one.
    fn default() -> Self {
        Self {
            user_rate: 200,
            address_rate: 2_000,
            refused_rate: 10,
            connections: 20_000,
            address_connections: 2_000,
            trusted: vec![],
            header: ProxyHeader::default(),
        }
    }
}

/// What a balancer asks: to be told that it asks too often it would take for a node that is not well, and go on to
/// the next until none is left. They cost next to nothing.
const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// Requests from one address that wait for keys at once. Strangers with keys that they have made up wait like everybody
/// whose issuer has a new one, of whom there are a thousand at most ([`crate::auth`]): no address shall take all places.
const WAITING_OF_ONE: u32 = 20;

/// Answers without a bound, such as a list of a thousand rooms, that wait at once to be taken by one user: two devices
/// that ask for it at the same moment. Whoever takes none of them would otherwise have the server keep as many as there
/// are streams, on as many connections.
const LONG_ANSWERS: u32 = 2;

/// When to come back after them: on a slow network one takes seconds.
const LONG_ANSWERS_PAUSE: Duration = Duration::from_secs(2);

/// Who has asked for how much.
pub struct Limits {
    users: Rate<UserId>,
    addresses: Rate<Network>,
    refusals: Refusals,
    most_connections: u32,
    connections: Places<Network>,
    /// Who waits for keys.
    waiting: Places<Network>,
    /// Whose long answers are not written yet.
    answers: Places<UserId>,
    proxies: Proxies,
    metrics: Access,
    /// That a proxy seems not to be named was said.
    hinted: AtomicBool,
}

impl Limits {
    /// Nobody has asked for anything yet.
    pub fn new(allowance: Allowance, metrics: Access) -> Self {
        Self {
            users: Rate::new(allowance.user_rate),
            addresses: Rate::new(allowance.address_rate),
            refusals: Refusals::new(allowance.refused_rate),
            most_connections: allowance.connections,
            connections: Places::new(allowance.address_connections),
            waiting: Places::new(WAITING_OF_ONE),
            answers: Places::new(LONG_ANSWERS),
            proxies: Proxies::new(allowance.trusted, allowance.header),
            metrics,
            hinted: AtomicBool::new(false),
        }
    }

    /// Open connections at the most.
    pub(crate) fn most_connections(&self) -> u32 {
        self.most_connections
    }

    /// A place for a connection from `peer`, unless it has too many.
    pub(crate) fn connect(&self, peer: IpAddr) -> Option<Entry<Network>> {
        let entry = self.connections.enter(self.proxies.limited(peer));
        if entry.is_none() {
            self.metrics.limited(Limit::Connections);
        }
        entry
    }

    /// A user asks for something.
    pub(crate) fn ask(&self, user: &UserId) -> Result<(), ApiError> {
        self.users.take(user).map_err(|wait| self.turn_away(Limit::User, wait))
    }

    /// A place for an answer to `user` that has no bound of its own, until it is written.
    pub(crate) fn answer_at_length(&self, user: UserId) -> Result<Entry<UserId>, ApiError> {
        self.answers.enter(Some(user)).ok_or_else(|| self.turn_away(Limit::Answers, LONG_ANSWERS_PAUSE))
    }

    /// Whether a token that nobody has seen before may be looked at: not while refused ones come from there
    /// faster than they may. Otherwise whoever tries tokens would have each of them tried.
    pub(crate) fn may_try(&self, client: Client) -> Result<(), ApiError> {
        let may = client.network().map_or(Ok(()), |network| self.refusals.may_try(network));
        may.map_err(|wait| self.turn_away(Limit::RefusedTokens, wait))
    }

    /// A place to wait for keys in, until it is dropped, unless `client` has its share of them.
    pub(crate) fn wait_for_keys(&self, client: Client) -> Option<Entry<Network>> {
        self.waiting.enter(client.network())
    }

    /// A token of `client` was refused with `code`: what to say.
    pub(crate) fn refused(&self, client: Client, code: ErrorCode) -> ApiError {
        let counts = (code == ErrorCode::TokenRefused).then(|| client.network()).flatten();
        match counts.map_or(Ok(()), |network| self.refusals.count(network)) {
            Ok(()) => ApiError::new(code),
            Err(wait) => self.turn_away(Limit::RefusedTokens, wait),
        }
    }

    fn ask_from(&self, client: Client) -> Result<(), ApiError> {
        let Some(network) = client.network() else { return Ok(()) };
        self.addresses.take(&network).map_err(|wait| self.turn_away(Limit::Address, wait))
    }

    fn turn_away(&self, limit: Limit, wait: Duration) -> ApiError {
        self.metrics.limited(limit);
        ApiError::rate_limited(wait)
    }

    /// Says once that a proxy seems to be in front, which nobody has named: on this machine, so that nobody is
    /// limited by address, or on another, so that everybody is by its own.
    fn hint(&self, peer: IpAddr, headers: &HeaderMap) {
        if !self.hinted.load(Ordering::Relaxed)
            && self.proxies.is_unnamed(peer, headers)
            && !self.hinted.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                "requests name their client in X-Forwarded-For or Forwarded, and come from nobody whom --trust-proxy \
                 names: if a proxy of yours is in front, name it, and its clients are limited each by itself"
            );
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(Allowance::default(), Access::default())
    }
}

/// Around every route: finds out whom the request is from, and counts it.
pub(crate) async fn by_address(
    State(limits): State<Arc<Limits>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<Place>().map(|place| place.peer);
    if let Some(peer) = peer {
        limits.hint(peer, request.headers());
    }
    let client = limits.proxies.client(peer, request.headers());
    if !PROBES.contains(&request.uri().path())
        && let Err(error) = limits.ask_from(client)
    {
        return error.into_response();
    }
    request.extensions_mut().insert(client);
    next.run(request).await
}
