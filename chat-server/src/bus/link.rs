//! The connection to Redis: made, lost, made again.

use super::address::AddressError;
use super::{Inner, Options};
use crate::hub::Hub;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, IntoConnectionInfo, ProtocolVersion, PushInfo,
    PushKind, RedisError, RedisResult, TlsCertificates, Value,
};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// Of silence, after which a node says that it has nothing to say. A lost message, and a connection that is half-open,
/// show after that; a message of 70 bytes a node costs nobody anything.
const BEAT: Duration = Duration::from_secs(5);

/// For an answer of Redis's. A healthy one takes less than a millisecond, one that forks or fails over a second.
const PATIENCE: Duration = Duration::from_secs(3);

/// Before the first attempt after a loss, at most.
const BACKOFF_BASE: Duration = Duration::from_millis(100);

/// Before any attempt, at most: a Redis that is back is found within it.
const BACKOFF_CAP: Duration = Duration::from_secs(3);

/// A connection that lasted for so long was one; what ends sooner is another failure, and waited after for longer.
const STEADY: Duration = Duration::from_secs(10);

/// How to connect.
pub(super) struct Link {
    client: Client,
    channel: String,
    /// For the log.
    address: String,
}

impl Link {
    pub(super) fn new(options: Options) -> Result<Self, AddressError> {
        if options.channel.is_empty() {
            return Err(AddressError::NoChannel);
        }
        let wrong = |error: RedisError| AddressError::Url(error.category().to_owned());
        let info = options.url.reveal().into_connection_info().map_err(wrong)?;
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let info = info.set_redis_settings(settings);
        let client = match options.authorities {
            None => Client::open(info).map_err(wrong)?,
            Some(_) if !matches!(info.addr(), ConnectionAddr::TcpTls { .. }) => {
                return Err(AddressError::NoTls);
            }
            Some(pem) => {
                let certificates = TlsCertificates { client_tls: None, root_cert: Some(pem) };
                Client::build_with_tls(info, certificates).map_err(|_| AddressError::NoCertificate)?
            }
        };
        Ok(Self { client, channel: options.channel, address: options.url.to_string() })
    }

    pub(super) fn channel(&self) -> &str {
        &self.channel
    }

    /// A connection that hears the channel. `on_push` gets what comes, and the end.
    async fn connect(
        &self,
        on_push: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_push_sender(move |push| {
                on_push(push);
                Ok::<(), redis::aio::SendError>(())
            });
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        connection.subscribe(&self.channel).await?;
        Ok(connection)
    }
}

/// Keeps a connection for as long as it is polled.
pub(super) async fn run(bus: &Arc<Inner>, hub: &Hub) {
    let (mut failures, mut up) = (0, None);
    loop {
        let begun = Instant::now();
        let Err(error) = session(bus, hub, &mut up).await;
        bus.metrics.bus.set_up(&bus.link.channel, false);
        // One line for each change of state. The error's own words name neither user nor password.
        if up != Some(false) {
            tracing::warn!(address = bus.link.address, %error, "redis is away; messages of other nodes come late");
        }
        up = Some(false);
        failures = if begun.elapsed() > STEADY { 0 } else { failures };
        sleep(backoff(failures)).await;
        failures += 1;
    }
}

/// Full jitter: the nodes that lost it together do not come back together.
fn backoff(failures: u32) -> Duration {
    BACKOFF_BASE.saturating_mul(1 << failures.min(16)).min(BACKOFF_CAP).mul_f64(fastrand::f64())
}

/// Never ends well.
async fn session(bus: &Arc<Inner>, hub: &Hub, up: &mut Option<bool>) -> RedisResult<Infallible> {
    let over = Arc::new(Notify::new());
    let (ears, there, end) = (Arc::clone(bus), hub.clone(), Arc::clone(&over));
    let on_push = move |push: PushInfo| match (push.kind, push.data.as_slice()) {
        (PushKind::Message, [_, Value::BulkString(payload)]) => ears.hear(payload, &there),
        (PushKind::Disconnection, _) => end.notify_one(),
        _ => {}
    };
    let mut connection = bus.link.connect(on_push).await?;
    // The others shall know at once that there is a new node, or what they have missed of an old one.
    let mut message = bus.next_beat();
    loop {
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(&bus.link.channel).arg(message);
        tokio::select! {
            told = publish.exec_async(&mut connection) => told?,
            () = over.notified() => return Err(lost()),
        }
        bus.metrics.bus.told.inc();
        // Only now does it serve both ways: a user may be let in who may not publish.
        if *up != Some(true) {
            *up = Some(true);
            bus.metrics.bus.set_up(&bus.link.channel, true);
            tracing::info!(address = bus.link.address, "redis is there");
            // What was told while nobody here could hear it.
            hub.resync();
        }
        message = loop {
            if let Some(message) = bus.next_message() {
                break message;
            }
            tokio::select! {
                waited = timeout(BEAT, bus.waiting.notified()) => if waited.is_err() {
                    break bus.next_beat();
                },
                () = over.notified() => return Err(lost()),
            }
        };
    }
}

fn lost() -> RedisError {
    (ErrorKind::Io, "the connection was lost").into()
}
