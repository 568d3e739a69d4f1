//! The chat page as it is served; how it works is tests/web's, in a browser.

use crate::common::{Server, send};
use chat_protocol::ErrorCode;
use reqwest::Method;

#[tokio::test]
async fn the_page_is_files_of_this_server_with_nothing_inline() {
    let server = Server::start();
    let anybody = server.with_token(None);
    let page = anybody.get("/").await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
    let html = String::from_utf8(page.body).unwrap();
    for not in ["<style", " style=", "onclick", "http:", "https:", "<script>"] {
        assert!(!html.contains(not), "{not}");
    }
    let mut files: Vec<_> =
        html.split('"').filter(|part| part.starts_with("/web/")).map(str::to_owned).collect();
    assert_eq!(files.len(), 3, "icon, style and script");
    while let Some(path) = files.pop() {
        let answer = anybody.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        // And what a script loads in turn.
        let text = String::from_utf8(answer.body).unwrap();
        files.extend(
            text.split("from \"./").skip(1).map(|rest| format!("/web/{}", rest.split('"').next().unwrap())),
        );
    }
    anybody.get("/web/other.js").await.is(ErrorCode::NotFound);
    anybody.get("/web/..%2fCargo.toml").await.is(ErrorCode::NotFound);
}

#[tokio::test]
async fn its_policy_lets_it_talk_to_this_server_alone() {
    let server = Server::start();
    let anybody = server.with_token(None);
    let page = anybody.get("/").await;
    let policy = page.header("content-security-policy");
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "trusted-types 'none'",
    ] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    let again = send(anybody.request(Method::GET, "/").header("If-None-Match", page.header("etag"))).await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
}

#[tokio::test]
async fn a_server_without_pages_has_none() {
    let server = Server::start_with(&["--no-web"]);
    for path in ["/", "/web/chat.js"] {
        server.with_token(None).get(path).await.is(ErrorCode::NotFound);
    }
}
