//! Nodes that hear of each other by Redis.

use crate::line::By;
use crate::{NEVER, Nodes};
use chat_protocol::CloseCode;
use chat_testkit::services::Redis;

/// Those that wait for what the server has to say; a poll asks by itself.
const HELD: [By; 3] = [By::LongPolling, By::Sse, By::WebSocket];

#[tokio::test]
async fn what_is_said_on_one_node_is_heard_on_the_other_whatever_the_transport() {
    let redis = Redis::start();
    let nodes = Nodes::on(&redis).await;
    nodes.say("before anybody listens");
    let listeners = HELD.map(|by| nodes.bob(by));
    for listener in &listeners {
        listener.has(&["before anybody listens"]).await;
    }
    nodes.say("while they do");
    for listener in &listeners {
        listener.has(&["before anybody listens", "while they do"]).await;
    }
    let edited = nodes.a.say(nodes.room, "alice", "wrong")["id"].as_i64().unwrap();
    nodes.a.edit(nodes.room, "alice", edited, "right");
    nodes.b.delete(nodes.room, "alice", edited);
    for listener in &listeners {
        chat_testkit::eventually("deleted", || listener.texts().last().is_some_and(String::is_empty)).await;
    }
}

#[tokio::test]
async fn who_is_taken_out_on_one_node_is_out_on_the_other() {
    let redis = Redis::start();
    let nodes = Nodes::on(&redis).await;
    let listeners = HELD.map(|by| nodes.bob(by));
    nodes.say("hello");
    for listener in &listeners {
        listener.has(&["hello"]).await;
    }
    nodes.a.expel(nodes.room, "bob");
    nodes.say("now that bob has gone");
    for listener in &listeners {
        listener.is_refused(CloseCode::NotAMember.code().as_str()).await;
        assert_eq!(listener.texts(), ["hello"]);
    }
}

#[tokio::test]
async fn the_channel_says_where_something_changed_and_neither_what_nor_by_whom() {
    let redis = Redis::start();
    let url = redis.url();
    let options = ["--redis", url.as_str(), "--resync-interval", NEVER, "--redis-channel", "chat of ours"];
    let mut heard = redis.listen("chat of ours");
    let nodes = Nodes::start(&options, &options);
    nodes.say("a secret of alice's");
    let told = heard.find(|payload| payload.contains(r#""room":1,"#)).unwrap();
    assert!(told.contains(r#""changes":1,"urgent":false"#), "{told}");
    assert!(!told.contains("secret") && !told.contains("alice"), "{told}");
    assert_eq!(redis.listeners("chat"), 0, "this deployment has a channel of its own");
}

#[tokio::test]
async fn strange_things_on_the_channel_are_left_alone() {
    let redis = Redis::start();
    let nodes = Nodes::on(&redis).await;
    let bob = nodes.bob(By::Sse);
    let huge = "x".repeat(300_000);
    for strange in ["", "hello", "{}", r#"{"v":9,"node":"x","n":1,"rooms":[]}"#, "\u{0}", &huge] {
        assert_eq!(redis.publish("chat", strange), 2);
    }
    nodes.say("all is well");
    bob.has(&["all is well"]).await;
    assert!(!nodes.b.log().contains("panic"), "{}", nodes.b.log());
}
