//! The phones: real engines, each with a cache and an outbox of its own, behind a balancer without a memory.

use crate::line::token;
use crate::world::{World, phone_name};
use crate::{PHONES, ROOMS};
use chat_engine::{Account, TransportChoice, TransportKind};
use chat_protocol::RoomId;
use chat_testkit::{Phone, user};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Between two things that somebody types, in milliseconds.
const TYPES: std::ops::Range<u64> = 4_000..12_000;

const KINDS: [TransportKind; 4] =
    [TransportKind::Polling, TransportKind::LongPolling, TransportKind::Sse, TransportKind::WebSocket];

pub(crate) struct Handset {
    pub(crate) name: String,
    pub(crate) room: RoomId,
    pub(crate) phone: Arc<Phone>,
    pub(crate) written: Arc<Mutex<Vec<String>>>,
    typing: JoinHandle<()>,
}

impl Handset {
    pub(crate) async fn all(world: &World) -> Vec<Self> {
        (0..PHONES).map(|n| Self::start(world, n)).collect()
    }

    fn start(world: &World, n: usize) -> Self {
        let (name, room) = (phone_name(n), world.rooms[n % ROOMS]);
        let phone = Phone::with(world.balancer.url(), &token(&name), room, |config| {
            config.account = Account::new(world.balancer.url(), user(&name), true).unwrap();
            // Of the phones in one room each has another transport.
            config.transport = TransportChoice::Only(KINDS[(n / ROOMS) % KINDS.len()]);
            let timings = &mut config.timings;
            timings.poll_interval = Duration::from_millis(600);
            timings.poll_ceiling = timings.poll_interval;
            timings.long_poll = Duration::from_secs(5);
            timings.stream_silence = Duration::from_secs(12);
            timings.backoff_base = Duration::from_millis(200);
            timings.backoff_cap = Duration::from_secs(2);
        });
        phone.room.start();
        let (phone, written) = (Arc::new(phone), Arc::new(Mutex::new(Vec::new())));
        let typing = tokio::spawn(type_away(name.clone(), phone.clone(), written.clone(), world.talking()));
        Self { name, room, phone, written, typing }
    }

    /// Whether everything typed is known to be stored, and shown with its number.
    pub(crate) fn has_sent_all(&self) -> bool {
        self.phone.listener.ids().iter().all(|id| *id > 0)
    }
}

impl Drop for Handset {
    fn drop(&mut self) {
        self.typing.abort();
    }
}

async fn type_away(
    name: String,
    phone: Arc<Phone>,
    written: Arc<Mutex<Vec<String>>>,
    mut wanted: tokio::sync::watch::Receiver<bool>,
) {
    wanted.wait_for(|talk| *talk).await.unwrap();
    for n in 1.. {
        let types = Duration::from_millis(fastrand::u64(TYPES));
        if timeout(types, wanted.wait_for(|talk| !talk)).await.is_ok() {
            return;
        }
        let text = format!("{name} types {n}");
        written.lock().unwrap().push(text.clone());
        phone.room.send(&text).unwrap();
    }
}
