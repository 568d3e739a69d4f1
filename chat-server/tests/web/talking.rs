//! Talking to somebody: what either says is on the other's screen, by both transports.

use crate::browser::{Browser, TRANSPORTS};
use chat_testkit::{ServerProcess, eventually};
use serde_json::json;

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn what_one_says_the_other_sees_by_either_transport() {
    let server = ServerProcess::start();
    for transport in TRANSPORTS {
        let room = server.room();
        let browser = Browser::start().await;
        browser.enter(&server, server.url(), "alice", room, transport).await;
        server.say(room, "bob", "hello from the app");
        browser.shows(&["hello from the app"]).await;
        browser.say("hello from the page").await;
        browser.shows(&["hello from the app", "hello from the page"]).await;
        let messages = server.messages(room);
        assert_eq!((messages.len(), &messages[1]["sender"]), (2, &json!("alice")), "{transport}");
    }
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn the_transport_is_changed_in_the_middle_and_nothing_is_missed() {
    let server = ServerProcess::start();
    let room = server.room();
    let browser = Browser::start().await;
    browser.enter(&server, server.url(), "alice", room, "events").await;
    let mut said = Vec::new();
    for (turn, transport) in ["websocket", "polling", "events", "websocket"].into_iter().enumerate() {
        let choose = format!(
            "const choice = document.getElementById('transport'); choice.value = '{transport}';
             choice.dispatchEvent(new Event('change'))"
        );
        let text = format!("turn {turn}");
        browser.run(&choose).await;
        server.say(room, "bob", &text);
        said.push(text);
        browser.shows(&said.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn an_edit_and_a_deletion_are_seen_and_done() {
    let server = ServerProcess::start();
    let room = server.room();
    server.say(room, "bob", "one");
    server.say(room, "bob", "two");
    let browser = Browser::start().await;
    browser.enter(&server, server.url(), "alice", room, "events").await;
    server.edit(room, "bob", 1, "one, edited");
    server.delete(room, "bob", 2);
    browser.shows(&["one, edited", "Message deleted"]).await;
    assert!(browser.text("[data-id='1'] .about").await.contains("edited"));

    browser.say("three").await;
    browser.shows(&["one, edited", "Message deleted", "three"]).await;
    browser.click("[data-id='3'] button").await;
    browser.say(" and more").await;
    browser.shows(&["one, edited", "Message deleted", "three and more"]).await;
    browser.click("[data-id='3'] button + button").await;
    browser.page.accept_alert().await.unwrap();
    browser.shows(&["one, edited", "Message deleted", "Message deleted"]).await;
    assert_eq!(server.messages(room).last().unwrap()["deleted"], json!(true));
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn a_room_is_made_and_what_is_unread_is_counted_until_it_is_read() {
    let server = ServerProcess::start();
    let browser = Browser::start().await;
    browser.sign_in(&server, server.url(), "alice").await;
    browser.click("#new-room summary").await;
    browser.write("#make [name=title]", "Lunch").await;
    browser.write("#make [name=members]", "bob, 민수").await;
    browser.click("#make button").await;
    browser.is_live().await;
    assert_eq!(browser.text("#room-title").await, "Lunch");
    let listed = server.rooms("민수");
    assert_eq!((listed.len(), &listed[0]["title"]), (1, &json!("Lunch")));

    let room = server.room();
    server.say(room, "bob", "one");
    server.say(room, "bob", "two");
    browser.eventually("two unread", |browser| async move { browser.text(".unread").await == "2" }).await;
    browser.open(room).await;
    browser.shows(&["one", "two"]).await;
    browser
        .eventually("none unread", |browser| async move { browser.text(".unread").await.is_empty() })
        .await;
    eventually("the server knows", || server.rooms("alice")[1]["unread"] == json!(0)).await;
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn older_messages_come_as_one_scrolls_up_and_leave_the_place_where_one_reads() {
    const SAID: usize = 120;
    let server = ServerProcess::start();
    let room = server.room();
    let mut bob = server.sayer(room, "bob");
    for number in 1..=SAID {
        bob.say(&format!("message {number}"));
    }
    let browser = Browser::start().await;
    browser.enter(&server, server.url(), "alice", room, "events").await;
    // The newest page, at its end.
    browser.eventually("the newest", |browser| async move { browser.messages().await.len() == 50 }).await;
    let at_end = "const box = document.getElementById('timeline');
        return box.scrollHeight - box.scrollTop - box.clientHeight < 2";
    assert_eq!(browser.run(at_end).await, json!(true));

    let top = "return document.querySelector('[data-id=\"71\"]').getBoundingClientRect().top";
    browser.run("document.getElementById('timeline').scrollTop = 40").await;
    let before = browser.run(top).await.as_f64().unwrap();
    browser.eventually("an older page", |browser| async move { browser.messages().await.len() == 100 }).await;
    let after = browser.run(top).await.as_f64().unwrap();
    assert!((before - after).abs() < 2.0, "the place was lost: {before} then {after}");
    // And what is said meanwhile moves nothing either, but is offered.
    server.say(room, "bob", "news");
    browser
        .eventually("news", |browser| async move { browser.text("#newest").await == "New messages" })
        .await;
    assert!((browser.run(top).await.as_f64().unwrap() - after).abs() < 2.0);

    browser.run("document.getElementById('timeline').scrollTop = 0").await;
    browser
        .eventually("all of it", |browser| async move { browser.messages().await.len() == SAID + 1 })
        .await;
    let ids: Vec<_> = browser.messages().await.into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, (1..=SAID as i64 + 1).collect::<Vec<_>>());
    assert_eq!(browser.text("#older").await, "");
    browser.click("#newest").await;
    assert_eq!(browser.run(at_end).await, json!(true));
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn in_a_korean_browser_the_page_is_korean() {
    let server = ServerProcess::start();
    let room = server.room();
    server.say(room, "bob", "안녕");
    let browser = Browser::start_with(&["--lang=ko", "--accept-lang=ko-KR"]).await;
    browser.sign_in(&server, server.url(), "alice").await;
    browser.open(room).await;
    browser.shows(&["안녕"]).await;
    assert_eq!(browser.run("return document.documentElement.lang").await, json!("ko"));
    assert_eq!(browser.text("#send").await, "보내기");
    browser.eventually("connected", |browser| async move { browser.text("#state").await == "연결됨" }).await;
    let time = browser.text("[data-id='1'] time").await;
    assert!(time.starts_with("오전") || time.starts_with("오후"), "{time}");
    assert!(browser.text(".day").await.contains("요일"));
}
