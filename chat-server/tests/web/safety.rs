//! What somebody says cannot become more than text, and other pages get nowhere.

use crate::browser::Browser;
use chat_testkit::ServerProcess;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const MARKUP: &str = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn markup_in_a_text_is_shown_as_text() {
    let server = ServerProcess::start();
    let room = server.room();
    server.say(room, "bob", MARKUP);
    let browser = Browser::start().await;
    browser.enter(&server, server.url(), "alice", room, "events").await;
    browser.shows(&[MARKUP]).await;
    assert!(browser.text("#room-list .last").await.contains(MARKUP));
    assert_eq!(
        browser.run("return document.querySelectorAll('#house img, #house script').length").await,
        json!(0)
    );
    assert_eq!(browser.page.title().await.unwrap(), "test · chat");
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn the_page_runs_no_script_but_its_own_and_makes_no_markup_of_a_string() {
    let server = ServerProcess::start();
    let browser = Browser::start().await;
    browser.page.goto(server.url()).await.unwrap();
    let inline = "const script = document.createElement('script');
        try { script.textContent = 'window.owned = true'; document.body.append(script) } catch {}
        return window.owned ?? false";
    assert_eq!(browser.run(inline).await, json!(false));
    let markup =
        "try { document.body.innerHTML = '<b>x</b>'; return 'taken' } catch (error) { return error.name }";
    assert_eq!(browser.run(markup).await, json!("TypeError"));
    let outside = "const done = arguments[0];
        fetch('https://chat.example/').then(() => done('fetched'), () => done('refused'))";
    let outside: Value = browser.page.execute_async(outside, vec![]).await.unwrap();
    assert_eq!(outside, json!("refused"));
}

/// A page of another server, with nothing on it.
async fn foreign_page() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = socket.read(&mut [0; 4096]).await;
                let page = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 4\r\nconnection: close\r\n\r\nhere";
                let _ = socket.write_all(page.as_bytes()).await;
            });
        }
    });
    url
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn a_foreign_page_opens_no_socket_and_reads_no_answer_even_with_a_token_and_ours_does() {
    let server = ServerProcess::start();
    let room = server.room();
    let browser = Browser::start().await;
    let (url, token) = (server.url(), server.token("alice"));
    let open = format!(
        "const done = arguments[0];
         const socket = new WebSocket('{url}/v1/rooms/{room}/socket?after=0'.replace('http', 'ws'), ['chat.v1', 'bearer.{token}']);
         socket.onopen = () => done('open');
         socket.onerror = () => done('refused')"
    );
    let read = format!(
        "const done = arguments[0];
         fetch('{url}/v1/rooms', {{ headers: {{ Authorization: 'Bearer {token}' }} }}).then(() => done('read'), () => done('refused'))"
    );
    for (page, fate) in [(server.url(), ["open", "read"]), (&foreign_page().await, ["refused", "refused"])] {
        browser.page.goto(page).await.unwrap();
        assert_eq!(browser.page.execute_async(&open, vec![]).await.unwrap(), json!(fate[0]), "{page}");
        assert_eq!(browser.page.execute_async(&read, vec![]).await.unwrap(), json!(fate[1]), "{page}");
    }
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn a_token_behind_the_hash_signs_in_and_is_gone_from_the_address() {
    let server = ServerProcess::start();
    let browser = Browser::start().await;
    browser.page.goto(&format!("{}/#token={}", server.url(), server.token("alice"))).await.unwrap();
    browser.eventually("signed in", |browser| async move { browser.text("#me").await == "alice" }).await;
    assert_eq!(browser.page.current_url().await.unwrap().as_str(), format!("{}/", server.url()));
    // Nobody is signed in over who is here.
    let other = format!("location.hash = '#token={}'; location.reload()", server.token("mallory"));
    browser.run(&other).await;
    browser.eventually("loaded", |browser| async move { !browser.text("#me").await.is_empty() }).await;
    assert_eq!(browser.text("#me").await, "alice");
    browser.click("#sign-out").await;
    assert_eq!(browser.run("return sessionStorage.length").await, json!(0), "nothing of alice's stays");
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn the_documentation_shows_every_operation_under_its_policy() {
    let server = ServerProcess::start();
    let browser = Browser::start().await;
    browser.page.goto(&format!("{}/docs", server.url())).await.unwrap();
    let paths = serde_json::from_str::<Value>(&chat_server::openapi::json()).unwrap()["paths"].clone();
    let operations: usize =
        paths.as_object().unwrap().values().map(|item| item.as_object().unwrap().len()).sum();
    let shown = "return document.querySelectorAll('.opblock').length";
    browser
        .eventually("all operations", |browser| async move { browser.run(shown).await == json!(operations) })
        .await;
    crate::pictures::take(&browser, "docs").await;
}
