//! Into the past: older messages from the cache and the server, and what was missed in between.

#![allow(clippy::unwrap_used)] // A test that cannot go on stops.

use chat_engine::poller::JobError;
use chat_engine::transport::Fault;
use chat_engine::{LoadError, Loaded, Room};
use chat_testkit::{FaultProxy, LIVE, Phone, RecordingListener, ServerProcess, eventually};
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;

async fn load(room: &Room) -> Result<Loaded, LoadError> {
    let (answer, answered) = oneshot::channel();
    room.load_older(move |result| {
        let _ = answer.send(result);
    });
    answered.await.unwrap()
}

const MORE: Result<Loaded, LoadError> = Ok(Loaded { has_older: true });
const NO_MORE: Result<Loaded, LoadError> = Ok(Loaded { has_older: false });

/// A room of `count` messages, and a phone that has shown the newest hundred.
async fn shown(count: i64) -> (ServerProcess, Phone) {
    let server = ServerProcess::start();
    let id = server.room();
    let mut bob = server.sayer(id, "bob");
    for n in 1..=count {
        bob.say(&n.to_string());
    }
    let phone = Phone::open(server.url(), &server.token("alice"), id);
    phone.room.start();
    eventually("the newest are shown", || phone.listener.ids().last() == Some(&count)).await;
    (server, phone)
}

#[tokio::test]
async fn page_by_page_back_to_the_first_message_and_then_there_is_no_more() {
    let (_server, phone) = shown(350).await;
    let (room, listener) = (&phone.room, &phone.listener);
    assert_eq!(listener.ids(), (251..=350).collect::<Vec<_>>());
    assert!(listener.timeline().status().has_older);
    for first in [151, 51] {
        assert_eq!(load(room).await, MORE);
        assert_eq!(listener.ids(), (first..=350).collect::<Vec<_>>(), "told before the answer came");
    }
    assert_eq!(load(room).await, NO_MORE);
    assert_eq!(listener.ids(), (1..=350).collect::<Vec<_>>());
    assert!(!listener.timeline().status().has_older);
    assert_eq!(load(room).await, NO_MORE, "asking again does no harm");
    assert_eq!(listener.texts(), (1..=350).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_cached_comes_without_the_server() {
    let (server, phone) = shown(350).await;
    while load(&phone.room).await == MORE {}
    let Phone { folder, room, engine, .. } = phone;
    drop((room, engine));
    let proxy = FaultProxy::start(server.url()).await;
    proxy.go_down();
    let token = Arc::new(chat_engine::StaticToken(chat_engine::Token::new("t")));
    let engine = chat_engine::Engine::open(chat_testkit::config(server.url(), folder.path()), token, None);
    let engine = engine.unwrap();
    let listener = RecordingListener::new();
    let room = engine.room(chat_protocol::RoomId::new(1).unwrap(), listener.clone()).unwrap();
    eventually("the cache is shown", || listener.ids().len() == 350).await;
    assert_eq!(load(&room).await, NO_MORE);
}

#[tokio::test]
async fn it_works_while_new_messages_land_and_many_ask_at_once() {
    let (server, phone) = shown(400).await;
    let id = phone.room.id();
    let (room, listener) = (&phone.room, &phone.listener);
    let talker = {
        let mut bob = server.sayer(id, "bob");
        std::thread::spawn(move || (401..=500).for_each(|n| drop(bob.say(&n.to_string()))))
    };
    let answers = Arc::new(Mutex::new(Vec::new()));
    for n in 0..40 {
        let answers = answers.clone();
        room.load_older(move |result| answers.lock().unwrap().push((n, result)));
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    eventually("everybody is answered", || answers.lock().unwrap().len() == 40).await;
    while load(room).await == MORE {}
    talker.join().unwrap();
    eventually("all is shown", || listener.ids().len() == 500).await;
    assert_eq!(listener.ids(), (1..=500).collect::<Vec<_>>());
    // Never was there a row twice, or an order broken, on the way.
    let mut screen = chat_engine::repository::Timeline::default();
    for update in listener.updates() {
        screen.apply(update);
        let ids: Vec<_> = screen.items().iter().map(|i| i.id).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }
}

#[tokio::test]
async fn one_flight_answers_all_who_ask_meanwhile() {
    let (server, phone) = shown(350).await;
    let proxy = FaultProxy::start(server.url()).await;
    let (room, listener) = (&phone.room, &phone.listener);
    room.stop();
    drop(proxy);
    let answers = Arc::new(Mutex::new(Vec::new()));
    server.freeze();
    for n in 0..10 {
        let answers = answers.clone();
        room.load_older(move |result| answers.lock().unwrap().push((n, result)));
    }
    server.thaw();
    eventually("all are answered", || answers.lock().unwrap().len() == 10).await;
    assert!(answers.lock().unwrap().iter().all(|(_, result)| *result == MORE));
    room.start();
    eventually("one page has come", || listener.ids() == (151..=350).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn a_server_that_cannot_be_asked_is_told_of_and_asking_again_goes_on() {
    let server = ServerProcess::start();
    let proxy = FaultProxy::start(server.url()).await;
    let id = server.room();
    let mut bob = server.sayer(id, "bob");
    (1..=250).for_each(|n| drop(bob.say(&n.to_string())));
    let phone = Phone::open(proxy.url(), &server.token("alice"), id);
    let (room, listener) = (&phone.room, &phone.listener);
    room.start();
    eventually("shown", || listener.ids().len() == 100).await;
    proxy.go_down();
    let failed = load(room).await;
    assert!(
        matches!(&failed, Err(LoadError::Failed(JobError::Transport(e))) if matches!(e.fault, Fault::Offline | Fault::Interrupted)),
        "{failed:?}"
    );
    proxy.come_back();
    eventually("live again", || listener.connection() == Some(LIVE)).await;
    assert_eq!(load(room).await, MORE);
    assert_eq!(load(room).await, NO_MORE);
    assert_eq!(listener.ids(), (1..=250).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_waits_when_the_engine_closes_is_answered() {
    let (server, phone) = shown(250).await;
    server.freeze();
    let (answer, answered) = oneshot::channel();
    phone.room.load_older(move |result| drop(answer.send(result)));
    phone.engine.close();
    assert_eq!(answered.await.unwrap(), Err(LoadError::Closed));
    let (answer, answered) = oneshot::channel();
    phone.room.load_older(move |result| drop(answer.send(result)));
    assert_eq!(answered.await.unwrap(), Err(LoadError::Closed));
}

#[tokio::test]
async fn an_edit_that_overtakes_its_page_of_history_is_not_undone_by_it() {
    let (server, phone) = shown(250).await;
    let proxy = FaultProxy::start(server.url()).await;
    let phone = {
        drop(phone);
        Phone::open(proxy.url(), &server.token("alice"), chat_protocol::RoomId::new(1).unwrap())
    };
    let (room, listener) = (&phone.room, &phone.listener);
    room.start();
    eventually("shown", || listener.ids().len() == 100).await;
    // The page is cut, and held; the message on it changes; polling brings that first.
    proxy.hold_answers();
    let (answer, answered) = oneshot::channel();
    room.load_older(move |result| drop(answer.send(result)));
    eventually("the page is on its way", || proxy.held() > 0).await;
    server.edit(room.id(), "bob", 120, "edited meanwhile");
    proxy.come_back();
    let _ = answered.await.unwrap();
    while load(room).await == MORE {}
    eventually("the edit is what is shown", || listener.texts().contains(&"edited meanwhile".to_owned()))
        .await;
    assert_eq!(listener.ids(), (1..=250).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_phone_far_behind_shows_the_newest_first_and_the_hole_as_a_hole_until_it_is_filled() {
    let (server, phone) = shown(5).await;
    let (room, listener) = (&phone.room, &phone.listener);
    room.stop();
    let mut bob = server.sayer(room.id(), "bob");
    (6..=2_000).for_each(|n| drop(bob.say(&n.to_string())));
    server.edit(room.id(), "bob", 3, "three, edited");
    let before = listener.updates().len();
    room.start();
    eventually("all is shown", || listener.ids().len() == 2_000 && listener.is_whole()).await;
    assert_eq!(listener.texts()[2], "three, edited");
    let mut screen = chat_engine::repository::Timeline::default();
    let mut first_new = None;
    for (n, update) in listener.updates().into_iter().enumerate() {
        screen.apply(update);
        let ids: Vec<_> = screen.items().iter().filter_map(|i| i.id).map(|id| id.get()).collect();
        if n >= before && first_new.is_none() && ids.len() > 5 {
            first_new = Some(ids);
        }
    }
    let first_new = first_new.unwrap();
    assert_eq!(first_new, [1, 2, 3, 4, 5].into_iter().chain(1_901..=2_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_phone_further_behind_than_is_kept_begins_the_room_anew_and_finds_the_rest_as_history() {
    let server = ServerProcess::start();
    let id = server.room();
    let mut bob = server.sayer(id, "bob");
    (1..=5).for_each(|n| drop(bob.say(&n.to_string())));
    let phone = Phone::with(server.url(), &server.token("alice"), id, |c| c.retention = 300);
    let (room, listener) = (&phone.room, &phone.listener);
    room.start();
    eventually("shown", || listener.ids().len() == 5).await;
    room.stop();
    (6..=1_200).for_each(|n| drop(bob.say(&n.to_string())));
    room.send("mine, kept").unwrap();
    room.start();
    let newest = || listener.ids().last() == Some(&1_201) && listener.is_whole();
    eventually("the newest are shown, without a hole", newest).await;
    assert!(listener.timeline().status().has_older);
    while load(room).await == MORE {}
    assert_eq!(listener.ids(), (1..=1_201).collect::<Vec<_>>());
    // What is over the bound goes at the next opening, the newest stay.
    let Phone { folder, room, engine, .. } = phone;
    drop((room, engine));
    let mut config = chat_testkit::config(server.url(), folder.path());
    config.retention = 300;
    let token = Arc::new(chat_engine::StaticToken(chat_engine::Token::new(server.token("alice"))));
    let engine = chat_engine::Engine::open(config, token, None).unwrap();
    let listener = RecordingListener::new();
    let room = engine.room(id, listener.clone()).unwrap();
    room.start();
    let trimmed = || listener.ids() == (902..=1_201).collect::<Vec<_>>();
    eventually("three hundred are kept", trimmed).await;
    assert_eq!(load(&room).await, MORE, "and the rest is history again");
    assert_eq!(listener.ids(), (802..=1_201).collect::<Vec<_>>());
}
