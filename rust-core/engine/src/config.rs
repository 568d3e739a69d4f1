//! What an engine is told when it opens.

use crate::EngineError;
use crate::transport::{TransportChoice, TransportKind, Trust};
use chat_protocol::UserId;
use std::path::PathBuf;
use std::time::Duration;

/// Whose rooms, on which server. Each account has a cache file of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub(crate) origin: reqwest::Url,
    pub(crate) user: UserId,
}

impl Account {
    /// `server` is `https://host[:port]`, or `http://…` where `allow_cleartext` says that is wanted.
    ///
    /// # Errors
    /// [`EngineError::InvalidConfig`] for anything else: another scheme, a path, a query, credentials.
    pub fn new(server: &str, user: UserId, allow_cleartext: bool) -> Result<Self, EngineError> {
        let invalid = |why: &str| EngineError::InvalidConfig(format!("server URL: {why}"));
        let origin = reqwest::Url::parse(server).map_err(|e| invalid(&e.to_string()))?;
        match origin.scheme() {
            "https" => {}
            "http" if allow_cleartext => {}
            "http" => return Err(invalid("http is refused unless cleartext is allowed explicitly")),
            _ => return Err(invalid("must begin with https://")),
        }
        if !matches!(origin.path(), "" | "/") || origin.query().is_some() || origin.fragment().is_some() {
            return Err(invalid("must be an origin, without path, query or fragment"));
        }
        if !origin.username().is_empty() || origin.password().is_some() {
            return Err(invalid("must not hold credentials"));
        }
        Ok(Self { origin, user })
    }

    /// Where its server listens, as `host:port`.
    pub fn address(&self) -> String {
        let (host, port) = (self.origin.host_str(), self.origin.port_or_known_default());
        format!("{}:{}", host.unwrap_or_default(), port.unwrap_or_default())
    }

    /// The cache file's name: stable for an account, and free of the characters that a user id may
    /// hold but a file name may not.
    pub(crate) fn file_name(&self) -> String {
        let account = format!("{}\n{}", self.origin, self.user);
        format!(
            "chat-{}.sqlite3",
            uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, account.as_bytes()).simple()
        )
    }
}

/// Every duration of the engine, each with the reason for its default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timings {
    /// Between one answer and the next poll while a room is lively. 1 s: seed 000's own, and what people take for "live".
    pub poll_interval: Duration,
    /// How long a room counts as lively after anything happened in it. 1 minute: who is still there answers within it.
    pub lively_for: Duration,
    /// The longest interval, however long a room is silent; a second is added for each ten of silence. 30 s:
    /// a silent hour is 200 polls. At `poll_interval`, or below, the cadence is fixed.
    pub poll_ceiling: Duration,
    /// `poll_interval` of the list of rooms. 5 s: it is glanced at, not watched.
    pub rooms_interval: Duration,
    /// How long the read marker waits for a further one before it is told to the server. 1 s: who scrolls through
    /// a hundred messages tells it once.
    pub read_delay: Duration,
    /// For connecting, and for each further piece of an answer. 10 s: a radio that wakes up in a lift takes
    /// five; what is silent for longer is lost, not slow.
    pub answer_timeout: Duration,
    /// For a whole request. 2 minutes: a full page of long messages comes through at 2 KB/s, as long as it keeps coming.
    pub request_timeout: Duration,
    /// The most the first wait after an error may be. 1 s: a hiccup costs no more than a missed poll.
    pub backoff_base: Duration,
    /// The most any wait after an error may be. 30 s: a server that is back is found within a look at the phone.
    pub backoff_cap: Duration,
    /// How long a long poll asks to be held. 25 s: below the 30 s after which the strictest mobile networks forget a
    /// silent connection. The client has `answer_timeout` more patience than that.
    pub long_poll: Duration,
    /// How long a stream may be silent before it counts as dead. 60 s: two heartbeats of the server
    /// ([`chat_protocol::limits::HEARTBEAT_SECONDS`]) and the time that the slower one may take.
    pub stream_silence: Duration,
    /// How long a stream has to bring what a wake-up speaks of, before a poll looks whether it is still alive. 2 s:
    /// longer than any network that is there, short for who waits for a message that a push has announced.
    pub stream_grace: Duration,
    /// How long a stream may have nothing to tell before a poll looks whether that is so: it may carry a heartbeat, and
    /// have lost the room. 5 minutes: twelve polls an hour, where the heartbeats are a hundred and more.
    pub stream_check: Duration,
    /// A stream that ends sooner than this has died early; three in a row, and it counts as not to be had. 75 s:
    /// longer than `stream_silence`, so that a stream which never says a word is found out.
    pub stream_proof: Duration,
    /// How long a transport that cannot be had is left alone at first; it doubles with each time. 1 minute: one
    /// attempt costs a handshake.
    pub bar_base: Duration,
    /// The most it is left alone. 1 hour: who walks out of a hotel gets the socket back by the network's change anyway.
    pub bar_cap: Duration,
    /// How long the app may take for a token. 30 s: longer than an HTTP call of its own with a retry.
    pub token_timeout: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            poll_interval: Duration::from_secs(1),
            lively_for: Duration::from_secs(60),
            poll_ceiling: Duration::from_secs(30),
            rooms_interval: Duration::from_secs(5),
            read_delay: Duration::from_secs(1),
            answer_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(120),
            backoff_base: Duration::from_secs(1),
            backoff_cap: Duration::from_secs(30),
            long_poll: Duration::from_secs(25),
            stream_silence: Duration::from_secs(60),
            stream_grace: Duration::from_secs(2),
            stream_check: Duration::from_secs(300),
            stream_proof: Duration::from_secs(75),
            bar_base: Duration::from_secs(60),
            bar_cap: Duration::from_secs(3600),
            token_timeout: Duration::from_secs(30),
        }
    }
}

/// What [`crate::Engine::open`] needs.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Whose rooms, on which server.
    pub account: Account,
    /// Folder of the cache file; made if missing.
    pub data_dir: PathBuf,
    /// Durations.
    pub timings: Timings,
    /// How many messages of a room are kept on the device; up to a tenth more before the oldest go. What is not
    /// kept is still there as history, from the server. 100,000: some 20 MB, and years of most rooms.
    pub retention: i64,
    /// How many requests for messages are under way at once; further rooms wait their turn, first come, first
    /// served. 4: enough to fill a slow network's round trips, few enough for a server with many phones. What
    /// the user sends waits for none of them.
    pub concurrency: usize,
    /// How a room's changes are waited for. Plain polling, the mission's own, unless something richer is wished for.
    pub transport: TransportChoice,
    /// `User-Agent` of every request; empty for the library's own.
    pub user_agent: String,
    /// By whose word the server is believed to be the server, over whichever transport. Bundled roots, unless the phone
    /// is to be asked.
    pub trust: Trust,
    /// A Unix socket to carry every connection, in the place of the network: whoever listens there counts the
    /// bytes, or loses them. For measuring; ignored where there are no such sockets.
    pub tunnel: Option<PathBuf>,
}

impl EngineConfig {
    /// Defaults for an account.
    pub fn new(account: Account, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            account,
            data_dir: data_dir.into(),
            timings: Timings::default(),
            retention: 100_000,
            concurrency: 4,
            transport: TransportChoice::Only(TransportKind::Polling),
            user_agent: String::new(),
            trust: Trust::default(),
            tunnel: None,
        }
    }

    pub(crate) fn validate(&self) -> Result<(), EngineError> {
        let t = &self.timings;
        let zero = [
            t.poll_interval,
            t.rooms_interval,
            t.answer_timeout,
            t.request_timeout,
            t.backoff_base,
            t.backoff_cap,
            t.long_poll,
            t.stream_silence,
            t.stream_grace,
            t.stream_check,
            t.bar_base,
            t.bar_cap,
            t.token_timeout,
        ];
        if zero.iter().any(Duration::is_zero) {
            return Err(EngineError::InvalidConfig("a duration is zero".into()));
        }
        if self.retention < 1 || self.concurrency < 1 {
            return Err(EngineError::InvalidConfig("retention and concurrency begin at 1".into()));
        }
        if t.backoff_base > t.backoff_cap {
            return Err(EngineError::InvalidConfig("backoff_base is above backoff_cap".into()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(url: &str, cleartext: bool) -> Result<Account, EngineError> {
        Account::new(url, UserId::new("alice").unwrap(), cleartext)
    }

    #[test]
    fn cleartext_is_refused_unless_asked_for() {
        assert!(account("https://chat.example.com", false).is_ok());
        assert!(account("http://10.0.2.2:8080", true).is_ok());
        assert!(account("http://10.0.2.2:8080", false).is_err());
    }

    #[test]
    fn anything_but_an_origin_is_refused() {
        for url in
            ["", "chat.example.com", "ftp://x", "https://x/path", "https://x/?q", "https://u:p@x", "https://"]
        {
            assert!(matches!(account(url, true), Err(EngineError::InvalidConfig(_))), "{url}");
        }
    }

    #[test]
    fn two_accounts_never_share_a_file() {
        let name = |url, user: &str| Account::new(url, UserId::new(user).unwrap(), true).unwrap().file_name();
        assert_eq!(name("https://a", "alice"), name("https://a/", "alice"));
        assert_ne!(name("https://a", "alice"), name("https://a", "bob"));
        assert_ne!(name("https://a", "alice"), name("https://b", "alice"));
        assert_ne!(name("https://a", "alice"), name("http://a", "alice"));
    }
}
