//! No session sticks to a node: a client of which each request goes to another one misses nothing and gets nothing
//! twice.

use crate::Nodes;
use crate::line::{By, Line, Talker, http};
use chat_engine::{TransportChoice, TransportKind};
use chat_testkit::services::Redis;
use chat_testkit::{Balancer, DEADLINE, Phone, eventually};
use std::time::Duration;
use tokio::time::timeout;

/// Messages said, by turns on either node.
const LAST: i64 = 60;

#[tokio::test]
async fn a_light_client_that_alternates_between_the_nodes_hears_everything_once_in_order() {
    let redis = Redis::start();
    let nodes = Nodes::on(&redis).await;
    let urls = [nodes.a.url().to_owned(), nodes.b.url().to_owned()];
    let mut clients = tokio::task::JoinSet::new();
    for by in By::ALL {
        let (mut line, urls) = (Line::new(by, nodes.room, "bob", http()), urls.clone());
        clients.spawn(async move {
            let (mut seqs, mut visits) = (Vec::new(), [0, 0]);
            while seqs.last() != Some(&LAST) {
                let turn = visits[0] + visits[1];
                visits[turn % 2] += 1;
                let mut heard = |message: chat_protocol::Message| seqs.push(message.seq.get());
                // A stream is left after a while, wherever it is; the others end by themselves.
                let stay = Duration::from_millis(fastrand::u64(20..200));
                let following = line.follow(&urls[turn % 2], &mut heard);
                match by {
                    By::Sse | By::WebSocket => drop(timeout(stay, following).await),
                    By::Polling | By::LongPolling => drop(following.await),
                }
            }
            assert_eq!(seqs, (1..=LAST).collect::<Vec<_>>(), "{by:?}");
            assert!(visits[0] > 1 && visits[1] > 1, "{by:?} alternated: {visits:?}");
        });
    }
    let alice = Talker::new(nodes.room, "alice", http());
    for n in 1..=LAST {
        // Twice with one key, once to each node, as after a lost answer.
        for url in [&urls[n as usize % 2], &urls[(n as usize + 1) % 2]] {
            let message = alice.say_until_stored(url, &format!("key-{n}"), &format!("text {n}")).await;
            assert_eq!(message.id.get(), n);
        }
        tokio::time::sleep(Duration::from_millis(10)).await; // people do not talk faster
    }
    // Well before a poll that nothing is brought to comes to its end.
    timeout(DEADLINE, clients.join_all()).await.expect("everybody has heard everything");
}

#[tokio::test]
async fn an_engine_behind_a_balancer_without_a_memory_misses_nothing_on_any_transport() {
    let redis = Redis::start();
    let nodes = Nodes::on(&redis).await;
    let balancer = Balancer::start(&[nodes.a.url(), nodes.b.url()]).await;
    let token = nodes.a.token("alice");
    let kinds =
        [TransportKind::Polling, TransportKind::LongPolling, TransportKind::Sse, TransportKind::WebSocket];
    let phones = kinds.map(|kind| {
        let choose = |config: &mut chat_engine::EngineConfig| config.transport = TransportChoice::Only(kind);
        Phone::with(balancer.url(), &token, nodes.room, choose)
    });
    for phone in &phones {
        phone.room.start();
    }
    let mut bob = [nodes.a.sayer(nodes.room, "bob"), nodes.b.sayer(nodes.room, "bob")];
    for n in 0..LAST as usize {
        bob[n % 2].say(&format!("bob {n}"));
        phones[n % phones.len()].room.send(&format!("alice {n}")).unwrap();
    }
    let said = 2 * LAST;
    for (phone, kind) in phones.iter().zip(kinds) {
        let ids = || phone.listener.ids();
        eventually(&format!("{kind:?} has everything"), || ids() == (1..=said).collect::<Vec<_>>()).await;
        let mut texts = phone.listener.texts();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len() as i64, said, "{kind:?}: nothing was said twice");
    }
    let stored: Vec<String> =
        nodes.b.messages(nodes.room).iter().map(|m| m["text"].as_str().unwrap().to_owned()).collect();
    for (phone, kind) in phones.iter().zip(kinds) {
        assert_eq!(phone.listener.texts(), stored, "{kind:?}");
    }
    let served = balancer.served();
    assert!(served.iter().all(|count| *count as i64 > LAST / 2), "both nodes were asked: {served:?}");
}
