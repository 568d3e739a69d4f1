//! Notices that are lost: what they spoke of comes all the same.

use crate::line::{By, Talker, http};
use crate::{NEVER, Nodes};
use chat_testkit::services::Redis;
use chat_testkit::{DEADLINE, FaultProxy, eventually};
use std::time::{Duration, Instant};

/// A message of a node that is not there, as the first one's would have been.
fn told(number: u64) -> String {
    format!(r#"{{"v":1,"node":"6f1c2a34-0000-4000-8000-000000000001","n":{number},"rooms":[]}}"#)
}

/// Long enough for what is not to come.
async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(300)).await;
}

#[tokio::test]
async fn a_gap_in_a_nodes_numbers_makes_the_others_look_for_themselves() {
    let redis = Redis::start();
    let url = redis.url();
    // The first node is on no bus: each of its messages is one whose notice is lost.
    let nodes = Nodes::start(&[], &["--redis", &url, "--resync-interval", NEVER]);
    nodes.are_there(&redis, 1).await;
    let bob = nodes.bob_who_listens(By::Sse).await;
    nodes.say("before a new node is heard");
    assert_eq!(redis.publish("chat", &told(7)), 1);
    bob.has(&["hello", "before a new node is heard"]).await;

    // Nothing says that anything is lost. What a busy node was asked to re-read before it may re-read only now: then
    // another one is lost.
    let mut number = 7;
    loop {
        let heard = bob.texts().len();
        nodes.say(&format!("lost with {number}"));
        number += 1;
        redis.publish("chat", &told(number));
        a_moment().await;
        if bob.texts().len() == heard {
            break;
        }
        assert!(number < 20, "it always looks for itself: {:?}", bob.texts());
    }
    redis.publish("chat", &told(number + 2));
    eventually("bob hears what was lost", || {
        bob.texts().last() == Some(&format!("lost with {}", number - 1))
    })
    .await;
}

#[tokio::test]
async fn what_a_node_that_died_never_told_is_told_by_the_one_that_is_asked_again() {
    let redis = Redis::start();
    let url = redis.url();
    // The first node is on no bus, as one that dies after its commit.
    let mut nodes = Nodes::start(&[], &["--redis", &url, "--resync-interval", NEVER]);
    nodes.are_there(&redis, 1).await;
    let bob = nodes.bob_who_listens(By::Sse).await;
    let alice = Talker::new(nodes.room, "alice", http());
    alice.say_until_stored(nodes.a.url(), "the-key", "who hears me").await;
    nodes.a.kill();
    alice.say_until_stored(nodes.b.url(), "the-key", "who hears me").await;
    bob.has(&["hello", "who hears me"]).await;
}

#[tokio::test]
async fn without_any_notice_a_change_comes_by_the_slow_timer() {
    let nodes = Nodes::start(&[], &["--resync-interval", "1s"]);
    let (socket, stream, poll) = (nodes.bob(By::WebSocket), nodes.bob(By::Sse), nodes.bob(By::LongPolling));
    for said in [vec!["one"], vec!["one", "two"]] {
        nodes.say(said.last().unwrap());
        for listener in [&socket, &stream, &poll] {
            listener.has(&said).await;
        }
    }
    nodes.a.expel(nodes.room, "bob");
    for listener in [&socket, &stream, &poll] {
        listener.is_refused("not_a_member").await;
    }
}

#[tokio::test]
async fn while_redis_is_away_changes_come_by_the_timer_and_once_it_is_back_at_once() {
    let mut redis = Redis::start();
    let url = redis.url();
    let nodes = Nodes::start(&["--redis", &url], &["--redis", &url, "--resync-interval", "1s"]);
    nodes.are_there(&redis, 2).await;
    let bob = nodes.bob_who_listens(By::WebSocket).await;
    redis.kill();
    nodes.say("redis is away");
    bob.has(&["hello", "redis is away"]).await;
    redis.restart();
    nodes.are_there(&redis, 2).await;
    let log = nodes.b.log();
    assert_eq!(log.matches("redis is away").count(), 1, "one line for each change of state: {log}");
    assert_eq!(log.matches("redis is there").count(), 2, "{log}");
}

#[tokio::test]
async fn what_was_said_while_the_connection_to_redis_was_lost_comes_with_the_next_one() {
    let mut redis = Redis::start();
    let nodes = Nodes::on(&redis).await;
    let bob = nodes.bob_who_listens(By::Sse).await;
    redis.kill();
    nodes.say("into the void");
    a_moment().await;
    assert_eq!(bob.texts(), ["hello"]);
    redis.restart();
    bob.has(&["hello", "into the void"]).await;
    nodes.are_there(&redis, 2).await;
    redis.cut_listeners();
    nodes.say("cut");
    bob.has(&["hello", "into the void", "cut"]).await;
    nodes.are_there(&redis, 2).await;
    // By notices. What is said right after a beat would come with the next one, seconds later; so of three that are said
    // one after the other all come sooner, unless the machine is busy, and then the next three do.
    let (mut quick, said) = (0, Instant::now());
    while quick < 3 {
        let (text, before) = (format!("as ever {:?}", said.elapsed()), Instant::now());
        nodes.say(&text);
        eventually("bob hears it", || bob.texts().last() == Some(&text)).await;
        quick = if before.elapsed() < Duration::from_secs(2) { quick + 1 } else { 0 };
        assert!(said.elapsed() < 2 * DEADLINE, "by beats, not by notices");
    }
}

#[tokio::test]
async fn a_connection_to_redis_that_carries_nothing_any_more_is_found_out() {
    let redis = Redis::start();
    let proxy = FaultProxy::start(&format!("http://{}", redis.address())).await;
    let (direct, by_proxy) = (redis.url(), redis.url_by(proxy.url()));
    let nodes = Nodes::start(
        &["--redis", &direct, "--resync-interval", NEVER],
        &["--redis", &by_proxy, "--resync-interval", NEVER],
    );
    nodes.are_there(&redis, 2).await;
    let bob = nodes.bob_who_listens(By::Sse).await;
    proxy.strand();
    nodes.say("lost on the way");
    bob.has(&["hello", "lost on the way"]).await;
    assert!(proxy.connections() >= 2, "by a new connection");
    eventually("the new one carries", || {
        nodes.say("and on");
        bob.texts().last().is_some_and(|last| last == "and on")
    })
    .await;
}

/// How many other nodes one hears.
async fn peers_of(node: &str) -> String {
    let answer = http().get(format!("{node}/metrics")).bearer_auth("of the scraper").send().await.unwrap();
    let figures = answer.text().await.unwrap();
    let peers = figures.lines().find_map(|line| line.strip_prefix("chat_bus_peers{channel=\"chat\"} "));
    peers.unwrap_or_else(|| panic!("{figures}")).to_owned()
}

#[tokio::test]
async fn a_node_that_is_heard_no_more_is_counted_no_more_and_what_it_never_told_is_looked_for() {
    let redis = Redis::start();
    let proxy = FaultProxy::start(&format!("http://{}", redis.address())).await;
    let (direct, by_proxy) = (redis.url(), redis.url_by(proxy.url()));
    let nodes = Nodes::start(
        &["--redis", &by_proxy, "--resync-interval", NEVER],
        &["--redis", &direct, "--resync-interval", NEVER, "--metrics-token", "of the scraper"],
    );
    nodes.are_there(&redis, 2).await;
    let bob = nodes.bob_who_listens(By::Sse).await;
    let begun = Instant::now();
    while peers_of(nodes.b.url()).await != "1" {
        assert!(begun.elapsed() < DEADLINE, "nobody is counted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    proxy.go_down();
    nodes.say("by a node that is on no bus any more");
    bob.has(&["hello", "by a node that is on no bus any more"]).await;
    assert_eq!(peers_of(nodes.b.url()).await, "0");
}

#[tokio::test]
async fn a_node_that_was_killed_before_it_could_tell_is_asked_after_when_it_is_back() {
    let redis = Redis::start();
    let proxy = FaultProxy::start(&format!("http://{}", redis.address())).await;
    let (direct, by_proxy) = (redis.url(), redis.url_by(proxy.url()));
    let mut nodes = Nodes::start(
        &["--redis", &by_proxy, "--resync-interval", NEVER],
        &["--redis", &direct, "--resync-interval", NEVER],
    );
    nodes.are_there(&redis, 2).await;
    let bob = nodes.bob_who_listens(By::WebSocket).await;
    proxy.go_down();
    nodes.say("confirmed and never told");
    nodes.a.kill();
    a_moment().await;
    assert_eq!(bob.texts(), ["hello"]);
    proxy.come_back();
    nodes.a.restart();
    bob.has(&["hello", "confirmed and never told"]).await;
}
