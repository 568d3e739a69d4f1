//! Which pages may open a WebSocket.

use crate::common::{Server, token};
use crate::process::run;
use crate::socket::handshake::{HEADERS, shake};
use chat_protocol::ErrorCode;

const TARGET: &str = "/v1/rooms/1/socket?after=0";

/// How a page of `origins` fares; none are an app.
async fn open(server: &Server, authorization: &str, origins: &[&str]) -> u16 {
    let mut headers = HEADERS.to_vec();
    headers.push(("authorization", authorization));
    headers.extend(origins.iter().map(|origin| ("origin", *origin)));
    let answer = shake(server, TARGET, &headers).await;
    if answer.status == 403 {
        answer.is(ErrorCode::OriginRefused);
    }
    answer.status.as_u16()
}

#[tokio::test]
async fn only_pages_of_the_origins_named_are_let_in() {
    let server = Server::start_with(&[
        "--allow-origin",
        "https://chat.example",
        "--allow-origin",
        "http://localhost:3000",
    ]);
    server.user("alice").make_room(&[]).await;
    let good = format!("Bearer {}", token("alice"));
    for listed in ["https://chat.example", "https://CHAT.example:443", "http://localhost:3000"] {
        assert_eq!(open(&server, &good, &[listed]).await, 101, "{listed}");
    }
    for other in ["https://evil.example", "http://chat.example", "http://localhost", "null", ""] {
        assert_eq!(open(&server, &good, &[other]).await, 403, "{other}");
    }
    assert_eq!(open(&server, &good, &["https://chat.example", "https://chat.example"]).await, 403, "twice");
    assert_eq!(open(&server, &good, &[]).await, 101, "an app");
}

#[tokio::test]
async fn with_no_origin_named_only_apps_are_let_in_and_the_servers_own_page() {
    let server = Server::start();
    server.user("alice").make_room(&[]).await;
    let good = format!("Bearer {}", token("alice"));
    for origin in ["https://chat.example", "http://x:81", "http://y.x", "chat://x", "null"] {
        assert_eq!(open(&server, &good, &[origin]).await, 403, "{origin}");
    }
    // What the handshakes here have for a `Host`; behind a proxy that ends TLS the page is of https.
    for own in ["http://x", "https://x"] {
        assert_eq!(open(&server, &good, &[own]).await, 101, "{own}");
    }
    assert_eq!(open(&server, &good, &[]).await, 101);
}

#[tokio::test]
async fn without_a_page_of_its_own_only_apps_are_let_in() {
    let server = Server::start_with(&["--no-web"]);
    server.user("alice").make_room(&[]).await;
    let good = format!("Bearer {}", token("alice"));
    for origin in ["https://chat.example", "http://127.0.0.1", &server.url, "null"] {
        assert_eq!(open(&server, &good, &[origin]).await, 403, "{origin}");
    }
    assert_eq!(open(&server, &good, &[]).await, 101);
}

#[tokio::test]
async fn null_is_let_in_where_it_is_named() {
    let server = Server::start_with(&["--allow-origin", "null"]);
    server.user("alice").make_room(&[]).await;
    assert_eq!(open(&server, &format!("Bearer {}", token("alice")), &["null"]).await, 101);
}

#[tokio::test]
async fn a_page_that_may_not_be_here_learns_nothing_about_a_token() {
    let server = Server::start();
    for authorization in ["Bearer nonsense", &format!("Bearer {}", token("alice"))] {
        assert_eq!(open(&server, authorization, &["https://evil.example"]).await, 403);
    }
}

#[test]
fn what_is_no_origin_is_refused_at_the_start() {
    for not in ["*", "chat.example", "https://chat.example/", "https://*.example"] {
        let (code, stdout, stderr) = run(&["--allow-origin", not]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{not}");
        assert!(stderr.contains("--allow-origin") && stderr.contains("https://chat.example"), "{stderr}");
    }
}
