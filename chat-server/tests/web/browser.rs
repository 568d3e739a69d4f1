//! A browser that is driven over WebDriver, and what one looks for on the chat page.

use chat_protocol::RoomId;
use chat_testkit::{DEADLINE, ServerProcess};
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The transports as the page's switch names them.
pub(crate) const TRANSPORTS: [&str; 3] = ["websocket", "events", "polling"];

/// A Chromium of the test's own, gone with it.
pub(crate) struct Browser {
    pub(crate) page: Client,
    driver: Child,
}

impl Browser {
    pub(crate) async fn start() -> Self {
        Self::start_with(&["--lang=en-US", "--accept-lang=en-US"]).await
    }

    pub(crate) async fn start_with(arguments: &[&str]) -> Self {
        Self::launch(arguments, None).await
    }

    /// A phone so many pixels wide.
    pub(crate) async fn start_phone(width: u32) -> Self {
        let screen = json!({ "width": width, "height": 640, "pixelRatio": 1.0, "touch": true });
        Self::launch(&["--lang=en-US", "--accept-lang=en-US"], Some(json!({ "deviceMetrics": screen }))).await
    }

    async fn launch(arguments: &[&str], emulation: Option<Value>) -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .process_group(0)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is missing: install it (Debian package: chromium-driver)");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            Some(line.ok()?.split_once("started successfully on port ")?.1.trim_end_matches('.').to_owned())
        });
        // Whoever runs the tests as root, as containers do, has no sandbox to give.
        let mut all =
            vec!["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1100,750"];
        all.extend(arguments);
        let mut options = json!({ "args": all });
        if let Some(emulation) = emulation {
            options["mobileEmulation"] = emulation;
        }
        let options = json!({ "goog:chromeOptions": options });
        let page = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(options.as_object().unwrap().clone())
            .connect(&format!("http://127.0.0.1:{}", port.expect("chromedriver says its port")))
            .await
            .unwrap();
        Self { page, driver }
    }

    /// Opens the page and signs in as a user would.
    pub(crate) async fn sign_in(&self, server: &ServerProcess, url: &str, user: &str) {
        self.page.goto(url).await.unwrap();
        self.write("#token", &server.token(user)).await;
        self.click("#sign-in button").await;
        self.eventually("signed in", |browser| async move { browser.text("#me").await == user }).await;
    }

    /// The same, in a room, by a transport of [`TRANSPORTS`]; returns when what is new is told.
    pub(crate) async fn enter(
        &self,
        server: &ServerProcess,
        url: &str,
        user: &str,
        room: RoomId,
        transport: &str,
    ) {
        self.page.goto(url).await.unwrap();
        self.run(&format!("sessionStorage.setItem('transport', '{transport}')")).await;
        self.sign_in(server, url, user).await;
        self.open(room).await;
        self.is_live().await;
    }

    pub(crate) async fn open(&self, room: RoomId) {
        self.page.wait().at_most(DEADLINE).for_element(Locator::Css("#room-list a")).await.unwrap();
        self.click(&format!("#room-list a[href='#/rooms/{room}']")).await;
    }

    pub(crate) async fn is_live(&self) {
        self.eventually("connected", |browser| async move { browser.text("#state").await == "Connected" })
            .await;
    }

    pub(crate) async fn click(&self, css: &str) {
        self.page
            .find(Locator::Css(css))
            .await
            .unwrap_or_else(|error| panic!("{css}: {error}"))
            .click()
            .await
            .unwrap();
    }

    /// Types, as by the keyboard.
    pub(crate) async fn write(&self, css: &str, keys: &str) {
        self.page.find(Locator::Css(css)).await.unwrap().send_keys(keys).await.unwrap();
    }

    /// Says something in the open room.
    pub(crate) async fn say(&self, text: &str) {
        self.write("#text", &format!("{text}\u{e007}")).await; // Enter
    }

    pub(crate) async fn run(&self, script: &str) -> Value {
        self.page.execute(script, vec![]).await.unwrap()
    }

    /// What one reads in an element; empty when there is none, or it is hidden.
    pub(crate) async fn text(&self, css: &str) -> String {
        let script = "const element = document.querySelector(arguments[0]);
            return element?.checkVisibility() ? element.innerText : ''";
        self.page.execute(script, vec![css.into()]).await.unwrap().as_str().unwrap().to_owned()
    }

    /// The confirmed messages on the screen: id and text, from top to bottom.
    pub(crate) async fn messages(&self) -> Vec<(i64, String)> {
        let script = "return [...document.querySelectorAll('#messages [data-id]')]
            .map((row) => [Number(row.dataset.id), row.querySelector('.text').innerText])";
        serde_json::from_value(self.run(script).await).unwrap()
    }

    /// Waits until the confirmed messages on the screen are these, and nothing else is there.
    pub(crate) async fn shows(&self, texts: &[&str]) {
        let expected: Vec<_> = (1..).zip(texts.iter().map(|text| (*text).to_owned())).collect();
        let expected = &expected;
        let shown = self.until(|browser| async move {
            let unconfirmed =
                browser.run("return document.querySelectorAll('.pending, .failed').length").await;
            browser.messages().await == *expected && unconfirmed == json!(0)
        });
        assert!(shown.await, "{:?} rather than {expected:?}", self.messages().await);
    }

    /// Waits for a condition, and fails the test when it does not come to be.
    pub(crate) async fn eventually<'a, F: Future<Output = bool>>(
        &'a self,
        what: &str,
        holds: impl Fn(&'a Self) -> F,
    ) {
        assert!(self.until(holds).await, "never happened: {what}; {}", self.text("body").await);
    }

    async fn until<'a, F: Future<Output = bool>>(&'a self, holds: impl Fn(&'a Self) -> F) -> bool {
        let start = Instant::now();
        while start.elapsed() < DEADLINE {
            if holds(self).await {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }
}

impl Drop for Browser {
    /// The driver and the browser that it has started.
    fn drop(&mut self) {
        let group = format!("-{}", self.driver.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.driver.wait();
    }
}
