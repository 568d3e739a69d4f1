//! Reading: the place where one reads, what the server hears of it, and what a small screen has room for.

use crate::browser::Browser;
use chat_testkit::{ServerProcess, eventually};
use serde_json::json;

const AT_END: &str = "const box = document.getElementById('timeline');
    return box.scrollHeight - box.scrollTop - box.clientHeight < 2";

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn a_deletion_that_overtakes_the_older_page_on_its_way_is_not_undone_by_it() {
    let server = ServerProcess::start();
    let room = server.room();
    let mut bob = server.sayer(room, "bob");
    for number in 1..=60 {
        bob.say(&format!("message {number}"));
    }
    let browser = Browser::start().await;
    browser.enter(&server, server.url(), "alice", room, "events").await;
    // The page is asked for, and kept back until the deletion has come.
    let hold = "const fetched = window.fetch;
        window.fetch = async (path, options) => {
            const response = await fetched(path, options);
            if (String(path).includes('before=')) {
                window.held = true;
                await new Promise((resolve) => (window.release = resolve));
            }
            return response;
        };
        document.getElementById('timeline').scrollTop = 0";
    browser.run(hold).await;
    browser
        .eventually("held", |browser| async move { browser.run("return window.held").await == json!(true) })
        .await;
    server.delete(room, "bob", 5);
    server.say(room, "bob", "and on");
    browser
        .eventually("heard", |browser| async move {
            browser.messages().await.last().is_some_and(|(_, text)| text == "and on")
        })
        .await;
    browser.run("window.release()").await;
    browser.eventually("the page", |browser| async move { browser.messages().await.len() == 61 }).await;
    assert_eq!(browser.messages().await[4], (5, "Message deleted".to_owned()));
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn the_server_hears_now_and_then_and_at_last_of_what_was_read() {
    let server = ServerProcess::start();
    let room = server.room();
    let browser = Browser::start().await;
    browser.enter(&server, server.url(), "alice", room, "websocket").await;
    let count = "window.marks = 0;
        const fetched = window.fetch;
        window.fetch = (path, options) => {
            if (options?.method === 'PUT') window.marks++;
            return fetched(path, options);
        }";
    browser.run(count).await;
    let mut bob = server.sayer(room, "bob");
    for number in 1..=100 {
        bob.say(&format!("message {number}"));
    }
    eventually("all is read", || server.rooms("alice")[0]["unread"] == json!(0)).await;
    let marks = browser.run("return window.marks").await.as_u64().unwrap();
    assert!(marks < 50, "{marks}");
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn who_is_at_the_end_stays_there_when_the_screen_gets_smaller() {
    let server = ServerProcess::start();
    let room = server.room();
    let mut bob = server.sayer(room, "bob");
    for number in 1..=40 {
        bob.say(&format!("message {number}"));
    }
    let browser = Browser::start().await;
    browser.enter(&server, server.url(), "alice", room, "events").await;
    browser.eventually("at the end", |browser| async move { browser.run(AT_END).await == json!(true) }).await;
    browser.page.set_window_size(1100, 450).await.unwrap();
    browser
        .eventually("still there", |browser| async move { browser.run(AT_END).await == json!(true) })
        .await;
    // The same for what is written, when it takes many lines.
    browser.write("#text", &"line\u{e008}\u{e007}\u{e000}".repeat(6)).await; // Shift+Enter
    browser.eventually("and here", |browser| async move { browser.run(AT_END).await == json!(true) }).await;
    server.say(room, "bob", "news");
    browser
        .eventually("news in view", |browser| async move {
            browser.messages().await.len() == 41 && browser.run(AT_END).await == json!(true)
        })
        .await;
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn on_a_narrow_phone_the_title_is_read_and_nothing_hangs_over() {
    let server = ServerProcess::start();
    let room = server.room();
    server.say(room, "bob", "hello");
    for width in [320, 360] {
        let browser = Browser::start_phone(width).await;
        browser.enter(&server, server.url(), "alice", room, "websocket").await;
        browser.shows(&["hello"]).await;
        crate::pictures::take(&browser, &format!("phone-{width}")).await;
        for state in ["Connected", "Reconnecting…"] {
            browser.run(&format!("document.getElementById('state').textContent = '{state}'")).await;
            let title = "return document.getElementById('room-title').clientWidth";
            let title = browser.run(title).await.as_u64().unwrap();
            assert!(title >= 120, "{width}, {state}: the title has {title} px");
        }
        let over = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert_eq!(browser.run(over).await, json!(0), "{width}");
        browser.click("#back").await;
        let focused = "return document.activeElement.hash";
        let back = json!(format!("#/rooms/{room}"));
        let back = &back;
        browser
            .eventually("back where one was", |browser| async move { browser.run(focused).await == *back })
            .await;
    }
}
