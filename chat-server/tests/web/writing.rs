//! Writing: what was typed is kept, and sent when it is meant to be.

use crate::browser::Browser;
use chat_testkit::{ServerProcess, eventually};
use serde_json::json;

/// What stands where one writes.
async fn typed(browser: &Browser) -> String {
    browser.run("return document.getElementById('text').value").await.as_str().unwrap().to_owned()
}

/// Has requests of a method refused by what stands before the server, so many times.
async fn refuse(browser: &Browser, method: &str, times: u32) {
    let script = format!(
        "const fetched = window.fetch;
         let left = {times};
         window.fetch = (path, options) => options?.method === '{method}' && left-- > 0
            ? Promise.resolve(new Response('busy', {{ status: 503 }}))
            : fetched(path, options)"
    );
    browser.run(&script).await;
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn an_edit_that_fails_stays_an_edit_and_one_that_is_given_up_brings_the_draft_back() {
    let server = ServerProcess::start();
    let room = server.room();
    let browser = Browser::start().await;
    browser.enter(&server, server.url(), "alice", room, "websocket").await;
    browser.say("one").await;
    browser.shows(&["one"]).await;
    browser.write("#text", "a draft").await;

    browser.run("document.querySelector('[data-id=\"1\"] .acts button').click()").await;
    assert_eq!(typed(&browser).await, "one");
    browser.write("#text", "\u{e00c}").await; // Escape
    assert_eq!(typed(&browser).await, "a draft");

    refuse(&browser, "PATCH", 1).await;
    browser.run("document.querySelector('[data-id=\"1\"] .acts button').click()").await;
    browser.say(" and two").await;
    browser.eventually("told", |browser| async move { !browser.text("#banner").await.is_empty() }).await;
    assert_eq!(typed(&browser).await, "one and two");
    browser.say("").await;
    browser.shows(&["one and two"]).await;
    assert_eq!(server.messages(room).len(), 1, "an edit and no other message");
    assert_eq!(typed(&browser).await, "a draft");
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn the_key_that_ends_a_syllable_sends_nothing() {
    let server = ServerProcess::start();
    let room = server.room();
    let browser = Browser::start().await;
    browser.enter(&server, server.url(), "alice", room, "websocket").await;
    browser.write("#text", "안녕").await;
    // As Chromium tells it, and as Safari does, which has ended the composition by then.
    let press = "for (const how of [{ isComposing: true }, { keyCode: 229 }]) {
            const key = new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true, ...how });
            document.getElementById('text').dispatchEvent(key);
        }";
    browser.run(press).await;
    assert_eq!(typed(&browser).await, "안녕");
    browser.say("").await;
    browser.shows(&["안녕"]).await;
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn after_sending_one_writes_on_whether_by_key_or_by_button() {
    let server = ServerProcess::start();
    let room = server.room();
    let browser = Browser::start().await;
    browser.enter(&server, server.url(), "alice", room, "events").await;
    browser.write("#text", "one").await;
    browser.click("#send").await;
    browser.shows(&["one"]).await;
    assert_eq!(browser.run("return document.activeElement.id").await, json!("text"));
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn a_room_is_made_once_however_often_one_clicks() {
    let server = ServerProcess::start();
    let browser = Browser::start().await;
    browser.sign_in(&server, server.url(), "alice").await;
    browser.click("#new-room summary").await;
    browser.write("#make [name=title]", "Lunch").await;
    browser.run("for (const _ of '12') document.querySelector('#make button').click()").await;
    browser.is_live().await;
    assert_eq!(server.rooms("alice").len(), 1);
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn a_token_is_taken_with_the_line_breaks_of_a_terminal_and_by_enter() {
    let server = ServerProcess::start();
    let browser = Browser::start().await;
    browser.page.goto(server.url()).await.unwrap();
    let token = server.token("alice");
    let (one, other) = token.split_at(40);
    let paste = format!("document.getElementById('token').value = '{one}\\n  {other}\\n'");
    browser.run(&paste).await;
    browser.write("#token", "\u{e007}").await; // Enter
    browser.eventually("signed in", |browser| async move { browser.text("#me").await == "alice" }).await;
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn who_leaves_with_something_unsent_is_asked() {
    let mut server = ServerProcess::start();
    let room = server.room();
    let browser = Browser::start().await;
    browser.enter(&server, server.url(), "alice", room, "websocket").await;
    server.kill();
    browser.say("not sent").await;
    browser.click("#sign-out").await;
    assert!(browser.page.get_alert_text().await.unwrap().contains("have not been sent"));
    browser.page.dismiss_alert().await.unwrap();
    server.restart();
    eventually("sent after all", || server.messages(room).len() == 1).await;
}
