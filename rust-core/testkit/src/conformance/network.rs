//! The real server, over a network that fails.

use super::{by, live, phone, shows};
use crate::{DEADLINE, FaultProxy, Phone, ServerProcess, count_of_own, eventually};
use chat_engine::{Account, DeliveryState, TransportKind, Trust};
use chat_protocol::RoomId;
use std::time::Duration;

struct Fixture {
    server: ServerProcess,
    proxy: FaultProxy,
    phone: Phone,
    id: RoomId,
}

impl Fixture {
    async fn new(kind: TransportKind, messages: i64) -> Self {
        let server = ServerProcess::start();
        let id = server.room();
        for n in 1..=messages {
            server.say(id, "bob", &n.to_string());
        }
        let proxy = FaultProxy::start(server.url()).await;
        let phone = phone(kind, proxy.url(), &server.token("alice"), id);
        phone.room.start();
        live(&phone, kind).await;
        shows(&phone, messages).await;
        Self { server, proxy, phone, id }
    }

    /// Bob says so many things, on no account of this runtime's time.
    async fn say(&self, times: usize) -> i64 {
        tokio::task::block_in_place(|| {
            let mut bob = self.server.sayer(self.id, "bob");
            let said = (0..times).map(|_| bob.say("more")["id"].as_i64().unwrap());
            said.max().unwrap_or(0)
        })
    }
}

/// Messages of others and one's own, edits and deletions: all of a conversation.
pub async fn a_conversation_comes_and_goes(kind: TransportKind) {
    let f = Fixture::new(kind, 3).await;
    let key = f.phone.room.send("mine").unwrap();
    let item = || f.phone.listener.timeline().items().iter().find(|i| i.key == key).cloned();
    eventually("confirmed", || item().is_some_and(|i| i.state == DeliveryState::Confirmed)).await;
    tokio::task::block_in_place(|| {
        f.server.edit(f.id, "bob", 1, "said better");
        f.server.delete(f.id, "bob", 2);
    });
    let is = |at: usize, text: &str| f.phone.listener.texts().get(at).is_some_and(|t| t == text);
    eventually("edited", || is(0, "said better") && is(1, "")).await;
    shows(&f.phone, 4).await;
    let said = tokio::task::block_in_place(|| f.server.messages(f.id));
    assert_eq!(said.len(), 4, "and is there once");
    f.phone.room.edit(key, "mine, better").unwrap();
    eventually("one's own too", || is(3, "mine, better")).await;
}

/// `https` and `wss`, by the server's own TLS: two phones, since who shares no code with the engine speaks none.
pub async fn a_conversation_over_tls_is_the_same(kind: TransportKind) {
    let mut server = ServerProcess::start();
    let (id, alice, bob) = (server.room(), server.token("alice"), server.token("bob"));
    let root = tokio::task::block_in_place(|| server.restart_with_tls());
    let open = |user: &str, token: &str| {
        Phone::with(server.url(), token, id, |config| {
            by(kind, config);
            config.account = Account::new(server.url(), crate::user(user), false).unwrap();
            config.trust = Trust::Roots(vec![root.clone()]);
        })
    };
    let phones = [open("alice", &alice), open("bob", &bob)];
    for phone in &phones {
        phone.room.start();
        live(phone, kind).await;
    }
    for turn in 1..=6 {
        phones[turn % 2].room.send("and you?").unwrap();
        for phone in &phones {
            shows(phone, turn as i64).await;
        }
    }
}

/// More is missed than a page holds.
pub async fn who_comes_back_late_catches_up(kind: TransportKind) {
    let f = Fixture::new(kind, 1).await;
    f.phone.room.stop();
    let last = f.say(450).await;
    f.phone.room.start();
    shows(&f.phone, last).await;
    live(&f.phone, kind).await;
    shows(&f.phone, f.say(1).await).await;
}

/// A cut after every few bytes of what comes down: heads, batches, answers to polls.
pub async fn a_cut_at_any_byte_loses_and_doubles_nothing(kind: TransportKind) {
    let f = Fixture::new(kind, 1).await;
    for bytes in (0..900).step_by(17) {
        f.proxy.cut_after(bytes);
        let last = f.say(2).await;
        shows(&f.phone, last).await;
    }
    f.proxy.cut_after(usize::MAX >> 1);
    live(&f.phone, kind).await;
}

/// A connection that is half-open from one moment on, and nobody is told.
pub async fn a_half_open_connection_is_found_out(kind: TransportKind) {
    let server = ServerProcess::start();
    let id = server.room();
    let proxy = FaultProxy::start(server.url()).await;
    let phone = Phone::with(proxy.url(), &server.token("alice"), id, |config| {
        by(kind, config);
        config.timings.answer_timeout = Duration::from_millis(500);
        config.timings.stream_silence = Duration::from_millis(500);
        config.timings.long_poll = Duration::from_secs(1);
    });
    phone.room.start();
    live(&phone, kind).await;
    proxy.strand();
    let f = Fixture { server, proxy, phone, id };
    let last = f.say(1).await;
    shows(&f.phone, last).await;
}

/// The same over HTTP/2, whose one connection carries everything: it has to be let go of, not asked again.
pub async fn a_half_open_connection_over_tls_is_let_go_of(kind: TransportKind) {
    let mut server = ServerProcess::start();
    let (id, alice, bob) = (server.room(), server.token("alice"), server.token("bob"));
    let root = tokio::task::block_in_place(|| server.restart_with_tls());
    let proxy = FaultProxy::start(server.url()).await;
    let open = |url: &str, user: &str, token: &str| {
        Phone::with(url, token, id, |config| {
            by(kind, config);
            config.account = Account::new(url, crate::user(user), false).unwrap();
            config.trust = Trust::Roots(vec![root.clone()]);
            config.timings.answer_timeout = Duration::from_secs(1);
            config.timings.stream_silence = Duration::from_secs(2);
            config.timings.long_poll = Duration::from_secs(2);
        })
    };
    let phone = open(&proxy.url().replace("http://127.0.0.1", "https://localhost"), "alice", &alice);
    let other = open(server.url(), "bob", &bob);
    phone.room.start();
    live(&phone, kind).await;
    for turn in 1..=2 {
        proxy.strand();
        other.room.send("are you there?").unwrap();
        shows(&phone, turn).await;
        live(&phone, kind).await;
    }
}

/// The server is killed, and comes back on its port.
pub async fn a_server_that_is_restarted_is_gone_on_with(kind: TransportKind) {
    let mut f = Fixture::new(kind, 2).await;
    tokio::task::block_in_place(|| {
        f.server.kill();
        f.server.restart();
    });
    let last = f.say(3).await;
    shows(&f.phone, last).await;
    live(&f.phone, kind).await;
}

/// A network that takes from a tenth of a second to five seconds for everything.
pub async fn a_slow_network_only_takes_longer(kind: TransportKind) {
    let slow = [100, 1_000, 5_000].map(|delay| async move {
        let f = Fixture::new(kind, 1).await;
        f.proxy.delay(Duration::from_millis(delay / 2)); // on each way
        let key = f.phone.room.send("mine").unwrap();
        let last = f.say(1).await;
        let confirmed = || {
            let timeline = f.phone.listener.timeline();
            timeline.items().iter().any(|i| i.key == key && i.state == DeliveryState::Confirmed)
        };
        let patient = tokio::time::timeout(DEADLINE * 3, async {
            while f.phone.listener.ids() != (1..=last.max(3)).collect::<Vec<_>>() || !confirmed() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        patient.await.unwrap_or_else(|_| panic!("{delay} ms: {:?}", f.phone.listener.ids()));
    });
    futures_util::future::join_all(slow).await;
}

/// Ten thousand starts and stops leave one job, one connection, and nothing else.
pub async fn ten_thousand_starts_and_stops_leave_nothing_behind(kind: TransportKind) {
    let f = Fixture::new(kind, 1).await;
    let before = count_of_own("fd");
    for turn in 0..10_000 {
        f.phone.room.stop();
        f.phone.room.start();
        if turn % 500 == 0 {
            live(&f.phone, kind).await;
        }
    }
    live(&f.phone, kind).await;
    shows(&f.phone, f.say(1).await).await;
    f.phone.room.stop();
    // Other tests run in this process and hold some of their own.
    eventually("given back", || count_of_own("fd") < before + 60).await;
    f.phone.room.start();
    shows(&f.phone, f.say(1).await).await;
}
