//! Answers that are wrong: each a typed error, the job alive, the cache as it was.

#![allow(clippy::unwrap_used)] // A test that cannot go on stops.

use chat_engine::poller::JobError;
use chat_engine::transport::{BadAnswer, Fault};
use chat_engine::{ConnectionState, DeliveryState, Engine, StaticToken, Token};
use chat_protocol::{ErrorCode, RoomId};
use chat_testkit::{
    LIVE, Phone, RecordingListener, Reply, ScriptedServer, TOKEN, config, eventually, message, page,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn open(url: &str, folder: &tempfile::TempDir) -> Engine {
    Engine::open(config(url, folder.path()), Arc::new(StaticToken(Token::new(TOKEN))), None).unwrap()
}

/// Shows a first page, answers the next polls with `bad` until the error is seen, then well again.
async fn survives(bad: Reply) -> JobError {
    let broken = Arc::new(AtomicBool::new(true));
    let switch = broken.clone();
    let server = ScriptedServer::start(move |request| match request.path.as_str() {
        path if !path.contains("after=") => Reply::json(&page(1, 3)),
        path if path.contains("after=4") => Reply::status(204),
        _ if switch.load(Ordering::SeqCst) => bad.clone(),
        _ => Reply::json(&page(4, 4)),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(server.url(), &folder);
    let listener = RecordingListener::new();
    let room = engine.room(RoomId::new(1).unwrap(), listener.clone()).unwrap();
    room.start();
    let waiting = |c: &ConnectionState| matches!(c, ConnectionState::Waiting { attempt: 3.., .. });
    eventually("three tries failed", || listener.connections().iter().any(waiting)).await;
    assert_eq!(listener.ids(), [1, 2, 3], "the cache is as it was");
    let Some(ConnectionState::Waiting { error, .. }) = listener.connections().into_iter().find(waiting)
    else {
        unreachable!("it was just found");
    };
    broken.store(false, Ordering::SeqCst);
    eventually("the job lives", || listener.ids() == [1, 2, 3, 4]).await;
    eventually("and says so", || listener.connection() == Some(LIVE)).await;
    error
}

async fn fault_of(bad: Reply) -> Fault {
    survives(bad).await.fault().unwrap()
}

#[tokio::test]
async fn a_500_does_not_stop_the_job() {
    assert_eq!(fault_of(Reply::problem(ErrorCode::Internal)).await, Fault::Server { status: 500 });
}

#[tokio::test]
async fn a_proxys_html_error_page_is_a_server_error() {
    let page = Reply::body(502, "text/html", "<h1>Bad gateway</h1>");
    assert_eq!(fault_of(page).await, Fault::Server { status: 502 });
}

#[tokio::test]
async fn a_page_for_people_ends_neither_room_nor_session() {
    for status in [401, 403, 404] {
        let portal = Reply::body(status, "text/html; charset=utf-8", "<h1>Welcome to the hotel</h1>");
        assert_eq!(fault_of(portal).await, Fault::BadAnswer(BadAnswer::Status(status)));
    }
}

#[tokio::test]
async fn a_cursor_beyond_the_servers_is_told_and_what_is_cached_stays() {
    assert_eq!(fault_of(Reply::problem(ErrorCode::CursorAhead)).await, Fault::CursorAhead);
}

#[tokio::test]
async fn garbage_for_json() {
    let garbage = Reply::body(200, "application/json", "{\"messages\":[{\"id\":");
    assert_eq!(fault_of(garbage).await, Fault::BadAnswer(BadAnswer::Malformed));
}

#[tokio::test]
async fn json_that_is_no_page() {
    let other = Reply::body(200, "application/json", "{\"ok\":true}");
    assert_eq!(fault_of(other).await, Fault::BadAnswer(BadAnswer::Malformed));
}

#[tokio::test]
async fn a_body_that_breaks_off() {
    assert_eq!(fault_of(Reply::json(&page(4, 100)).truncated()).await, Fault::Interrupted);
}

#[tokio::test]
async fn a_wrong_content_type() {
    let html = Reply::body(200, "text/html", "<html>Log in to the hotel's network</html>");
    assert_eq!(fault_of(html).await, Fault::BadAnswer(BadAnswer::ContentType));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let portal = Reply::status(302).header("location", "http://127.0.0.1:1/login");
    assert_eq!(fault_of(portal).await, Fault::BadAnswer(BadAnswer::Status(302)));
}

#[tokio::test]
async fn an_answer_of_ten_megabytes_is_not_read_to_its_end() {
    let huge = Reply::body(200, "application/json", vec![b' '; 10_000_000]);
    assert_eq!(fault_of(huge).await, Fault::BadAnswer(BadAnswer::TooLarge));
}

#[tokio::test]
async fn a_page_that_skips_messages_is_not_believed() {
    assert_eq!(fault_of(Reply::json(&page(3, 4))).await, Fault::BadAnswer(BadAnswer::OutOfOrder));
}

#[tokio::test]
async fn too_many_requests_is_told() {
    assert_eq!(fault_of(Reply::problem(ErrorCode::RateLimited)).await, Fault::RateLimited);
}

#[tokio::test]
async fn no_server_is_offline_and_a_silent_one_a_timeout() {
    for (url, wanted) in [("http://127.0.0.1:1".to_owned(), Fault::Offline), (silent().await, Fault::Timeout)]
    {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(&url, folder.path());
        config.timings.answer_timeout = std::time::Duration::from_millis(300);
        let engine = Engine::open(config, Arc::new(StaticToken(Token::new(TOKEN))), None).unwrap();
        let listener = RecordingListener::new();
        let room = engine.room(RoomId::new(1).unwrap(), listener.clone()).unwrap();
        room.start();
        eventually("it is told", || {
            matches!(listener.connection(), Some(ConnectionState::Waiting { error, .. }) if error.fault() == Some(wanted))
        })
        .await;
    }
}

/// Takes connections and says nothing. Lives as long as the process.
async fn silent() -> String {
    let server = ScriptedServer::start(|_| Reply::silence()).await;
    let url = server.url().to_owned();
    std::mem::forget(server);
    url
}

#[tokio::test]
async fn a_message_that_the_server_fails_on_again_and_again_holds_up_the_others_for_a_while_only() {
    let server = ScriptedServer::start(|request| match request.method.as_str() {
        "POST" if request.body.contains("poison") => Reply::status(500),
        "POST" => Reply::json(&message(2, 2)).with_status(201),
        _ if request.path.contains("after=") => Reply::status(204),
        _ => Reply::json(&page(1, 1)),
    })
    .await;
    let phone = Phone::open(server.url(), TOKEN, RoomId::new(1).unwrap());
    let state = |key| phone.listener.timeline().items().iter().find(|i| i.key == key).map(|i| i.state);
    phone.room.start();
    let poison = phone.room.send("poison").unwrap();
    let tries =
        |of: &str| server.requests().iter().filter(|r| r.method == "POST" && r.body.contains(of)).count();
    eventually("alone it is tried for ever", || tries("poison") > 12).await;
    let next = phone.room.send("harmless").unwrap();
    eventually("the next is sent", || state(next) == Some(DeliveryState::Sent)).await;
    eventually("and it counts as refused", || matches!(state(poison), Some(DeliveryState::Failed(_)))).await;
    assert_eq!(tries("harmless"), 1);
    phone.room.discard(poison).unwrap();
}

#[tokio::test]
async fn a_server_that_takes_no_messages_refuses_none() {
    let server = ScriptedServer::start(|request| match request.method.as_str() {
        "POST" => Reply::status(500),
        _ if request.path.contains("after=") => Reply::status(204),
        _ => Reply::json(&page(1, 1)),
    })
    .await;
    let phone = Phone::open(server.url(), TOKEN, RoomId::new(1).unwrap());
    phone.room.start();
    for text in ["one", "two", "three"] {
        phone.room.send(text).unwrap();
    }
    let tries =
        |of: &str| server.requests().iter().filter(|r| r.method == "POST" && r.body.contains(of)).count();
    eventually("many tries later, of the first and now and then of the next", || {
        tries("one") > 25 && tries("two") > 1
    })
    .await;
    assert_eq!(tries("three"), 0);
    for item in &phone.listener.timeline().items()[1..] {
        assert!(matches!(item.state, DeliveryState::Pending | DeliveryState::Sending), "{:?}", item.state);
    }
}
