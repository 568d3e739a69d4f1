//! Pictures of the page, in `target/web`, for whoever changes it to look at.

use crate::browser::Browser;
use chat_testkit::ServerProcess;
use std::path::PathBuf;

pub(crate) async fn take(browser: &Browser, name: &str) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../web");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.png")), browser.page.screenshot().await.unwrap()).unwrap();
}

#[tokio::test]
#[ignore = "needs Chromium: scripts/test web"]
async fn the_page_in_its_states_has_a_picture_of_each_and_nothing_hangs_over() {
    let mut server = ServerProcess::start();
    let room = server.room();
    for text in [
        "오늘 점심은 뭐가 좋을까요? 김치찌개도 좋고 비빔밥도 좋아요.",
        "<b>bold?</b> https://chat.example/".repeat(9).as_str(),
    ] {
        server.say(room, "bob", text);
        server.say(room, "alice", text);
    }
    server.say(room, "alice", "line one\n\nline three");
    server.edit(room, "alice", 5, "edited\n\nline three");
    server.say(room, "bob", "gone");
    server.delete(room, "bob", 6);
    for (name, arguments) in [
        ("desktop", ["--window-size=1100,750", "--lang=en-US", "--accept-lang=en-US"]),
        ("narrow", ["--window-size=500,800", "--lang=ko", "--accept-lang=ko-KR"]),
        ("dark", ["--window-size=1100,750", "--lang=en-US", "--blink-settings=preferredColorScheme=0"]),
    ] {
        let browser = Browser::start_with(&arguments).await;
        browser.page.goto(server.url()).await.unwrap();
        take(&browser, &format!("{name}-door")).await;
        browser.sign_in(&server, server.url(), "alice").await;
        browser.page.wait().for_element(fantoccini::Locator::Css("#room-list a")).await.unwrap();
        take(&browser, &format!("{name}-rooms")).await;
        browser.open(room).await;
        browser.eventually("the room", |browser| async move { browser.messages().await.len() >= 6 }).await;
        let over = "const root = document.documentElement;
            return [root.scrollWidth - root.clientWidth, root.scrollHeight - root.clientHeight]";
        assert_eq!(browser.run(over).await, serde_json::json!([0, 0]), "{name}");
        take(&browser, &format!("{name}-room")).await;
        if name == "dark" {
            server.kill();
            browser
                .eventually("noticed", |browser| async move { !browser.text("#banner").await.is_empty() })
                .await;
            browser.say("while it is away").await;
            take(&browser, "dark-away").await;
            server.restart();
        }
    }
}
