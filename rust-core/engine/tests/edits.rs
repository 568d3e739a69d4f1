//! Edits and deletions: of others as they come, of one's own at once, and back again when refused.

#![allow(clippy::unwrap_used)] // A test that cannot go on stops.

use chat_engine::{ChangeState, ConnectionState, DeliveryState, EngineError, ItemKey, Room, TimelineItem};
use chat_protocol::ErrorCode;
use chat_testkit::{
    FaultProxy, Phone, RecordingListener, Reply, ScriptedServer, ServerProcess, TOKEN, eventually, page, user,
};
use serde_json::json;

struct Fixture {
    server: ServerProcess,
    proxy: FaultProxy,
    phone: Phone,
}

impl Fixture {
    /// A room in which bob has said two things and alice one.
    async fn new() -> Self {
        let server = ServerProcess::start();
        let proxy = FaultProxy::start(server.url()).await;
        let id = server.room();
        server.say(id, "bob", "bob's one");
        server.say(id, "bob", "bob's two");
        let phone = Phone::open(proxy.url(), &server.token("alice"), id);
        phone.room.start();
        phone.room.send("mine").unwrap();
        eventually("shown", || phone.listener.ids() == [1, 2, 3]).await;
        Self { server, proxy, phone }
    }

    fn room(&self) -> &Room {
        &self.phone.room
    }

    fn listener(&self) -> &RecordingListener {
        &self.phone.listener
    }

    fn item(&self, at: usize) -> TimelineItem {
        self.listener().timeline().items()[at].clone()
    }

    fn on_server(&self, id: i64) -> (String, bool) {
        let messages = self.server.messages(self.room().id());
        let message = messages.iter().find(|m| m["id"] == id).unwrap();
        (message["text"].as_str().unwrap().to_owned(), message["deleted"].as_bool().unwrap())
    }
}

#[tokio::test]
async fn what_others_change_shows_in_its_place_whatever_came_between() {
    let f = Fixture::new().await;
    f.server.edit(f.room().id(), "bob", 1, "bob's one, better");
    f.server.say(f.room().id(), "bob", "bob's three");
    f.server.delete(f.room().id(), "bob", 2);
    eventually("shown", || f.listener().texts() == ["bob's one, better", "", "mine", "bob's three"]).await;
    assert!(f.item(0).edited && f.item(1).deleted && !f.item(0).deleted);
    assert_eq!(f.listener().ids(), [1, 2, 3, 4]);
}

#[tokio::test]
async fn ones_own_edit_and_deletion_show_at_once_and_are_on_the_server_soon() {
    let f = Fixture::new().await;
    let key = f.item(2).key;
    f.room().edit(key, "  mine, better ").unwrap();
    eventually("shown", || f.item(2).text == "mine, better" && f.item(2).edited).await;
    eventually("confirmed", || f.item(2).change == ChangeState::None).await;
    assert_eq!(f.on_server(3), ("mine, better".into(), false));
    f.room().delete(key).unwrap();
    eventually("gone, and confirmed", || f.item(2).deleted && f.item(2).change == ChangeState::None).await;
    assert_eq!(f.on_server(3), (String::new(), true));
    assert_eq!(f.item(2).key, key, "under the same key all the while");
    assert_eq!(f.room().edit(key, "too late"), Err(EngineError::NotFound), "a tombstone is not edited");
}

#[tokio::test]
async fn offline_it_shows_and_waits_and_only_the_last_wish_is_sent() {
    let f = Fixture::new().await;
    f.proxy.go_down();
    let key = f.item(2).key;
    for text in ["one", "two", "three"] {
        f.room().edit(key, text).unwrap();
    }
    eventually("shown", || f.item(2).text == "three" && f.item(2).change == ChangeState::Pending).await;
    f.proxy.come_back();
    eventually("confirmed", || f.item(2).change == ChangeState::None).await;
    let seqs: Vec<_> = f.server.messages(f.room().id()).iter().map(|m| m["seq"].as_i64().unwrap()).collect();
    assert_eq!(f.on_server(3).0, "three");
    assert_eq!(seqs, [1, 2, 4], "one change of it, not three");
}

#[tokio::test]
async fn a_lost_answer_to_an_edit_changes_nothing_twice() {
    let f = Fixture::new().await;
    let key = f.item(2).key;
    f.proxy.hold_answers();
    f.room().edit(key, "once").unwrap();
    eventually("the server has it", || f.on_server(3).0 == "once").await;
    f.proxy.go_down();
    f.proxy.come_back();
    eventually("confirmed", || f.item(2).change == ChangeState::None).await;
    let newest = f.server.messages(f.room().id()).iter().map(|m| m["seq"].as_i64().unwrap()).max();
    assert_eq!(newest, Some(4));
}

#[tokio::test]
async fn nobody_changes_what_somebody_else_said() {
    let f = Fixture::new().await;
    let key = f.item(0).key;
    assert_eq!(f.room().edit(key, "not mine"), Err(EngineError::NotTheSender));
    assert_eq!(f.room().delete(key), Err(EngineError::NotTheSender));
    assert_eq!(f.room().edit(ItemKey::from_number(99), "not there"), Err(EngineError::NotFound));
    assert!(matches!(f.room().edit(f.item(2).key, " \u{3000} "), Err(EngineError::Text(_))));
    assert_eq!(f.room().discard(f.item(2).key), Err(EngineError::NotFound), "there is nothing to take back");
}

#[tokio::test]
async fn an_unsent_message_is_edited_in_place_taken_back_or_deleted_and_nobody_ever_hears_of_it() {
    let f = Fixture::new().await;
    f.proxy.go_down();
    eventually("offline", || matches!(f.listener().connection(), Some(ConnectionState::Waiting { .. })))
        .await;
    let keys: Vec<_> = ["a", "b", "c", "d"].iter().map(|t| f.room().send(t).unwrap()).collect();
    f.room().edit(keys[1], "b, better").unwrap();
    f.room().discard(keys[2]).unwrap();
    f.room().delete(keys[3]).unwrap();
    eventually("shown", || f.listener().texts()[3..] == ["a", "b, better"]).await;
    f.proxy.come_back();
    eventually("sent", || f.listener().ids() == [1, 2, 3, 4, 5]).await;
    let messages = f.server.messages(f.room().id());
    let said: Vec<_> = messages[3..].iter().map(|m| (m["text"].clone(), m["seq"].clone())).collect();
    assert_eq!(said, [(json!("a"), json!(4)), (json!("b, better"), json!(5))], "no edit, no tombstone");
}

#[tokio::test]
async fn what_may_have_arrived_is_not_taken_back_but_edited_and_deleted_after_it() {
    let f = Fixture::new().await;
    f.proxy.hold_answers();
    let edited = f.room().send("first").unwrap();
    eventually("the server has it", || f.server.messages(f.room().id()).len() == 4).await;
    let deleted = f.room().send("second").unwrap();
    f.room().edit(edited, "first, better").unwrap();
    assert_eq!(f.room().discard(edited), Err(EngineError::TooLate));
    eventually("shown", || f.item(3).text == "first, better").await;
    f.proxy.go_down();
    f.proxy.come_back();
    eventually("the second is confirmed", || f.listener().ids() == [1, 2, 3, 4, 5]).await;
    f.room().delete(deleted).unwrap();
    let settled =
        |at: usize| f.item(at).state == DeliveryState::Confirmed && f.item(at).change == ChangeState::None;
    eventually("both are settled", || settled(3) && settled(4) && f.item(4).deleted).await;
    assert_eq!((f.on_server(4), f.on_server(5)), (("first, better".into(), false), (String::new(), true)));
    assert_eq!((f.item(3).key, f.item(4).key), (edited, deleted));
}

#[tokio::test]
async fn a_refused_edit_is_taken_off_the_message_kept_and_can_be_retried_or_discarded() {
    let mut mine = page(1, 1);
    mine.messages[0].sender = user("alice");
    mine.messages[0].text = "mine".into();
    let server = ScriptedServer::start(move |request| match request.method.as_str() {
        "PATCH" => {
            // Long enough for the edit to be seen before it is refused.
            std::thread::sleep(std::time::Duration::from_millis(100));
            Reply::problem(ErrorCode::TextInvalid)
        }
        _ if request.path.contains("after") => Reply::status(204),
        _ => Reply::json(&mine),
    })
    .await;
    let phone = Phone::open(server.url(), TOKEN, chat_protocol::RoomId::new(1).unwrap());
    let (room, listener) = (&phone.room, &phone.listener);
    room.start();
    eventually("shown", || listener.ids() == [1]).await;
    let key = listener.timeline().items()[0].key;
    let item = || listener.timeline().items()[0].clone();
    room.edit(key, "refused").unwrap();
    eventually("rolled back", || item().text == "mine" && matches!(item().change, ChangeState::Failed(_)))
        .await;
    let shown: Vec<_> = listener.updates().iter().flat_map(texts).collect();
    assert!(shown.contains(&"refused".to_owned()), "it had been shown");
    room.retry(key).unwrap();
    let tries = || server.requests().iter().filter(|r| r.method == "PATCH").count();
    eventually("refused again", || tries() == 2 && matches!(item().change, ChangeState::Failed(_))).await;
    room.discard(key).unwrap();
    eventually("as if nothing had been", || item().change == ChangeState::None && item().text == "mine")
        .await;
    assert_eq!(room.discard(key), Err(EngineError::NotFound));
}

fn texts(update: &chat_engine::TimelineUpdate) -> Vec<String> {
    use chat_engine::TimelineUpdate::{Diff, Snapshot};
    let (Snapshot { items, .. } | Diff { upserted: items, .. }) = update;
    items.iter().map(|i| i.text.clone()).collect()
}

#[tokio::test]
async fn an_edit_waits_over_a_restart_and_is_shown_all_the_while() {
    let f = Fixture::new().await;
    f.proxy.go_down();
    f.room().edit(f.item(2).key, "remember me").unwrap();
    let Fixture { server, proxy, phone } = f;
    let Phone { folder, room, engine, .. } = phone;
    drop((room, engine));
    let config = chat_testkit::config(proxy.url(), folder.path());
    let token = std::sync::Arc::new(chat_engine::StaticToken(chat_engine::Token::new(server.token("alice"))));
    let engine = chat_engine::Engine::open(config, token, None).unwrap();
    let listener = RecordingListener::new();
    let id = chat_protocol::RoomId::new(1).unwrap();
    let _room = engine.room(id, listener.clone()).unwrap();
    eventually("shown", || listener.texts() == ["bob's one", "bob's two", "remember me"]).await;
    proxy.come_back();
    eventually("sent, without anybody polling", || server.messages(id)[2]["text"] == "remember me").await;
    eventually("confirmed", || listener.timeline().items()[2].change == ChangeState::None).await;
}

#[tokio::test]
async fn a_deletion_that_crosses_an_edit_from_another_device_ends_as_the_server_has_it() {
    let f = Fixture::new().await;
    f.proxy.go_down();
    f.room().edit(f.item(2).key, "from this phone").unwrap();
    f.server.delete(f.room().id(), "alice", 3);
    f.proxy.come_back();
    eventually("deleted, and nothing waits", || f.item(2).deleted && f.item(2).change == ChangeState::None)
        .await;
    assert_eq!(f.item(2).text, "");
}
