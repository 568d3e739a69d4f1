//! How often a silent room is polled in an hour, at the default cadence: counted on a paused clock.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // A count that cannot be made stops; it is what is printed.

use chat_engine::transport::Answer;
use chat_engine::{Engine, StaticToken, Token};
use chat_testkit::{FakeTransport, RecordingListener, TOKEN, config, page};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config("http://nowhere", folder.path());
    config.timings = Default::default();
    let transport = FakeTransport::then_quiet([Ok(Answer::Page(page(1, 1)))]);
    let token = Arc::new(StaticToken(Token::new(TOKEN)));
    let engine = Engine::open_with(config, token, transport.clone(), Handle::current()).unwrap();
    let room = engine.room(chat_engine::protocol::RoomId::new(1).unwrap(), RecordingListener::new()).unwrap();
    room.start();
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    println!("{}", transport.asked().len());
}
