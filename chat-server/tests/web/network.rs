//! When the network or the server fails: nothing is lost, and nothing is there twice.

use crate::browser::{Browser, TRANSPORTS};
use chat_protocol::RoomId;
use chat_testkit::{FaultProxy, ServerProcess, eventually};
use serde_json::json;

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn after_a_restart_of_the_server_nothing_is_lost_or_doubled() {
    for transport in TRANSPORTS {
        let mut server = ServerProcess::start();
        let room = server.room();
        let browser = Browser::start().await;
        browser.enter(&server, server.url(), "alice", room, transport).await;
        server.say(room, "bob", "before");
        browser.shows(&["before"]).await;
        server.kill();
        browser
            .eventually("noticed", |browser| async move { browser.text("#state").await == "Reconnecting…" })
            .await;
        browser.say("while it is away").await;
        assert_eq!(browser.text(".pending .text").await, "while it is away");
        server.restart();
        browser.shows(&["before", "while it is away"]).await;
        server.say(room, "bob", "after");
        browser.shows(&["before", "while it is away", "after"]).await;
        assert_eq!(server.messages(room).len(), 3, "{transport}");
        assert_eq!(browser.text("#banner").await, "");
    }
}

/// In a browser in which something is `blocked`, by a script that runs before anybody signs in.
async fn goes_on_by(transport: &str, blocked: &str) {
    let server = ServerProcess::start();
    let room = server.room();
    let browser = Browser::start().await;
    browser.page.goto(server.url()).await.unwrap();
    browser.run(blocked).await;
    browser.write("#token", &server.token("alice")).await;
    browser.click("#sign-in button").await;
    browser.open(room).await;
    browser.is_live().await;
    assert_eq!(browser.run("return document.getElementById('transport').value").await, json!(transport));
    server.say(room, "bob", "one");
    browser.shows(&["one"]).await;
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn where_no_websocket_comes_through_the_page_goes_on_by_events() {
    // What a page sees of a proxy that knows no upgrade.
    let blocked = "window.WebSocket = class {
            constructor() { setTimeout(() => this.onclose({ code: 1006 })) }
            close() {}
        }";
    goes_on_by("events", blocked).await;
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn where_events_are_held_back_too_the_page_goes_on_by_polling() {
    // What a page sees of a proxy that waits for the end of an answer before it passes anything on.
    let blocked = "const fetched = window.fetch;
        sessionStorage.setItem('transport', 'events');
        window.fetch = (path, options) => String(path).includes('/events')
            ? new Promise((_, reject) => setTimeout(() => reject(new TypeError('held back')), 50))
            : fetched(path, options)";
    goes_on_by("polling", blocked).await;
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn a_connection_that_is_dead_and_looks_alive_is_noticed_by_the_list_of_rooms() {
    for transport in TRANSPORTS {
        let server = ServerProcess::start();
        let proxy = FaultProxy::start(server.url()).await;
        let room = server.room();
        let browser = Browser::start().await;
        browser.enter(&server, proxy.url(), "alice", room, transport).await;
        proxy.strand();
        server.say(room, "bob", "do you hear me?");
        browser.shows(&["do you hear me?"]).await;
        browser.is_live().await;
    }
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn what_was_written_in_one_room_is_sent_while_another_is_open() {
    let mut server = ServerProcess::start();
    let (room, other) = (server.room(), server.room());
    let browser = Browser::start().await;
    browser.enter(&server, server.url(), "alice", room, "websocket").await;
    server.kill();
    browser.say("from where I was").await;
    browser.click(&format!("#room-list a[href='#/rooms/{other}']")).await;
    let unsent = format!("#room-list a[href='#/rooms/{room}'] .last");
    assert_eq!(browser.text(&unsent).await, "Sending…");
    server.restart();
    eventually("it is sent", || server.messages(room).len() == 1).await;
    browser
        .eventually("and shown", |browser| {
            let unsent = unsent.clone();
            async move { browser.text(&unsent).await.contains("from where I was") }
        })
        .await;
    browser.open(room).await;
    browser.shows(&["from where I was"]).await;
}

/// Says something through a network that takes it to the server and does not bring the answer.
async fn say_and_lose_the_answer(
    browser: &Browser,
    server: &ServerProcess,
    proxy: &FaultProxy,
    room: RoomId,
) {
    proxy.hold_answers();
    browser.say("once").await;
    eventually("the server has it", || server.messages(room).len() == 1).await;
    assert_eq!(browser.text(".pending .text").await, "once");
    proxy.go_down();
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn a_message_whose_answer_was_lost_is_there_once() {
    for transport in TRANSPORTS {
        let server = ServerProcess::start();
        let proxy = FaultProxy::start(server.url()).await;
        let room = server.room();
        let browser = Browser::start().await;
        browser.enter(&server, proxy.url(), "alice", room, transport).await;
        say_and_lose_the_answer(&browser, &server, &proxy, room).await;
        proxy.come_back();
        browser.shows(&["once"]).await;
        browser.say("and more").await;
        browser.shows(&["once", "and more"]).await;
        assert_eq!(server.messages(room).len(), 2, "{transport}");
    }
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn a_page_that_is_loaded_anew_asks_again_with_the_same_key() {
    let server = ServerProcess::start();
    let proxy = FaultProxy::start(server.url()).await;
    let room = server.room();
    let browser = Browser::start().await;
    browser.enter(&server, proxy.url(), "alice", room, "events").await;
    say_and_lose_the_answer(&browser, &server, &proxy, room).await;
    // Not yet sent when the page goes away: it is there still when it comes back.
    browser.say("never sent").await;
    proxy.come_back();
    browser.page.refresh().await.unwrap();
    browser.shows(&["once", "never sent"]).await;
    assert_eq!(server.messages(room).len(), 2);
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn a_token_that_runs_out_leads_to_the_door_and_a_new_one_back_with_what_was_not_sent() {
    let mut server = ServerProcess::start();
    let room = server.room();
    let browser = Browser::start().await;
    browser.enter(&server, server.url(), "alice", room, "websocket").await;
    server.kill();
    browser.say("not sent yet").await;
    server.restart_with_secret("another secret of at least thirty-two bytes");
    browser
        .eventually(
            "the door",
            |browser| async move { browser.text("#door-error").await.contains("refuses") },
        )
        .await;
    browser.write("#token", &server.token("alice")).await;
    browser.click("#sign-in button").await;
    browser.shows(&["not sent yet"]).await;
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn who_is_taken_out_of_a_room_is_told_and_can_say_no_more() {
    for transport in TRANSPORTS {
        let server = ServerProcess::start();
        let room = server.room();
        let browser = Browser::start().await;
        browser.enter(&server, server.url(), "alice", room, transport).await;
        server.expel(room, "alice");
        browser
            .eventually("told", |browser| async move {
                browser.text("#banner").await.contains("not in this room")
            })
            .await;
        let inert = browser.run("return document.getElementById('composer').inert").await;
        assert_eq!(inert, json!(true), "{transport}");
    }
}
