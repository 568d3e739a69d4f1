//! `text/event-stream`: what it looks like on the wire, and when and why it ends.

use crate::common::{Api, DEADLINE, LONG_DRAIN, Server, client, key, token_for};
use chat_protocol::{CloseCode, ErrorCode, Message, Problem, RoomId};
use reqwest::{Method, Response};
use std::time::{Duration, Instant};

/// An open stream, read block by block.
pub(crate) struct Events {
    pub(crate) response: Response,
    buffer: String,
}

impl Events {
    pub(crate) async fn open(api: &Api, room: RoomId, after: i64) -> Self {
        let mut events = Self::begin(api, room, &format!("?after={after}"), None).await;
        let opening = events.block().await.unwrap();
        assert!(opening.starts_with(": "), "{opening:?}");
        events
    }

    /// With the opening comment still to come.
    async fn begin(api: &Api, room: RoomId, query: &str, last: Option<&str>) -> Self {
        let request = api.request(Method::GET, &format!("/v1/rooms/{room}/events{query}"));
        let request = last.into_iter().fold(request, |request, last| request.header("Last-Event-ID", last));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        Self { response, buffer: String::new() }
    }

    /// What stands before the next empty line; `None` at the end.
    pub(crate) async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.buffer = rest;
                return Some(block);
            }
            let chunk = tokio::time::timeout(DEADLINE, self.response.chunk()).await.expect("nothing comes");
            let Some(chunk) = chunk.unwrap() else {
                assert_eq!(self.buffer, "", "a block is cut off");
                return None;
            };
            self.buffer.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next message, heartbeats passed over, checked line by line.
    pub(crate) async fn message(&mut self) -> Message {
        loop {
            let block = self.block().await.expect("the stream has ended");
            if block == ":" {
                continue;
            }
            let lines: Vec<&str> = block.lines().collect();
            let [event, id, data] = lines[..] else { panic!("{block:?}") };
            assert_eq!(event, "event: message");
            let message: Message = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(id, format!("id: {}", message.seq));
            return message;
        }
    }

    /// Why it ends, which is the last thing it says.
    pub(crate) async fn end(&mut self) -> Problem {
        let block = self.block().await.expect("ended without a word");
        let problem = block.strip_prefix("event: end\ndata: ").unwrap_or_else(|| panic!("{block:?}"));
        let problem = serde_json::from_str(problem).unwrap();
        assert_eq!(self.block().await, None);
        problem
    }
}

#[tokio::test]
async fn a_stream_begins_at_once_and_nobody_on_the_way_may_keep_it() {
    let server = Server::start();
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    // This client asks for gzip.
    let mut events = Events::begin(&alice, room, "?after=0", None).await;
    let header =
        |name: &str| events.response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header("content-type").as_deref(), Some("text/event-stream"));
    assert_eq!(header("cache-control").as_deref(), Some("no-store"));
    assert_eq!(header("x-accel-buffering").as_deref(), Some("no"));
    assert_eq!((header("content-encoding"), header("content-length")), (None, None));
    let opening = events.block().await.unwrap();
    let (comment, retry) = opening.split_once('\n').unwrap();
    assert!(comment.starts_with(": "), "{opening:?}");
    let retry: u32 = retry.strip_prefix("retry: ").unwrap().parse().unwrap();
    assert!((1_000..3_000).contains(&retry));
}

#[tokio::test]
async fn what_was_missed_comes_first_then_what_is_said_edited_and_deleted() {
    let server = Server::start();
    let (alice, bob) = (server.user("alice"), server.user("bob"));
    let room = alice.make_room(&["bob"]).await;
    for text in ["one", "two", "three\r\n\r\nevent: end"] {
        alice.say(room, text).await;
    }
    let mut events = Events::open(&bob, room, 1).await;
    assert_eq!(events.message().await.text, "two");
    let tricky = events.message().await;
    assert!(tricky.text.starts_with("three") && tricky.text.ends_with("event: end"));
    alice.say_as(room, &key(), "four").await;
    let four = events.message().await;
    assert_eq!((four.seq.get(), four.text.as_str(), four.transaction_id), (4, "four", None));
    alice.edit(room, 4, "4").await;
    let edited = events.message().await;
    assert_eq!((edited.id.get(), edited.seq.get(), edited.text.as_str()), (4, 5, "4"));
    alice.erase(room, 4).await;
    let erased = events.message().await;
    assert_eq!((erased.id.get(), erased.seq.get(), erased.deleted), (4, 6, true));
}

#[tokio::test]
async fn the_sender_is_told_the_key_on_a_stream_too() {
    let server = Server::start();
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    let mut events = Events::open(&alice, room, 0).await;
    alice.say_as(room, "the-key", "hi").await;
    assert_eq!(events.message().await.transaction_id.unwrap().as_str(), "the-key");
}

#[tokio::test]
async fn a_browser_comes_back_where_it_was_whatever_the_address_says() {
    let server = Server::start();
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    for _ in 0..3 {
        alice.say(room, "hi").await;
    }
    for query in ["?after=0", ""] {
        let mut events = Events::begin(&alice, room, query, Some("2")).await;
        events.block().await.unwrap();
        assert_eq!(events.message().await.seq.get(), 3);
    }
}

#[tokio::test]
async fn what_is_no_stream_is_refused_before_it_begins() {
    let server = Server::start();
    let (alice, carol) = (server.user("alice"), server.user("carol"));
    let room = alice.make_room(&[]).await;
    let path = format!("/v1/rooms/{room}/events");
    for query in ["", "?after=", "?after=-1", "?after=x", "?after=0&after=0", "?before=1"] {
        alice.get(&format!("{path}{query}")).await.is(ErrorCode::BadRequest);
    }
    for last in ["", "x", "-1", "1.5"] {
        let request = alice.request(Method::GET, &format!("{path}?after=0")).header("Last-Event-ID", last);
        crate::common::send(request).await.is(ErrorCode::BadRequest);
    }
    alice.get(&format!("{path}?after=1")).await.is(ErrorCode::CursorAhead);
    carol.get(&format!("{path}?after=0")).await.is(ErrorCode::NotAMember);
    alice.get("/v1/rooms/99/events?after=0").await.is(ErrorCode::RoomNotFound);
    server.with_token(None).get(&format!("{path}?after=0")).await.is(ErrorCode::TokenMissing);
}

#[tokio::test]
async fn silence_is_broken_by_heartbeats_and_only_silence() {
    let server = Server::start_with(&["--heartbeat", "1"]);
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    let began = Instant::now();
    let mut events = Events::open(&alice, room, 0).await;
    for _ in 0..2 {
        assert_eq!(events.block().await.unwrap(), ":");
    }
    let took = began.elapsed();
    assert!(took > Duration::from_millis(1_700) && took < DEADLINE, "{took:?}");
}

#[tokio::test]
async fn who_is_taken_out_is_told_so_and_nobody_else() {
    let server = Server::start();
    let (alice, bob) = (server.user("alice"), server.user("bob"));
    let room = alice.make_room(&["bob"]).await;
    let mut of_bob = Events::open(&bob, room, 0).await;
    let mut of_alice = Events::open(&alice, room, 0).await;
    assert_eq!(alice.delete(&format!("/v1/rooms/{room}/members/bob")).await.status, 204);
    let problem = of_bob.end().await;
    assert_eq!((problem.code, problem.status), (ErrorCode::NotAMember, 403));
    alice.say(room, "alone at last").await;
    assert_eq!(of_alice.message().await.text, "alone at last");
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let server = Server::start();
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    // Before the first heartbeat, and long enough to be let in with.
    let short = server.with_token(Some(token_for("alice", Duration::from_secs(6))));
    let mut events = Events::open(&short, room, 0).await;
    assert_eq!(events.end().await.code, ErrorCode::TokenExpired);
}

#[tokio::test]
async fn a_server_that_stops_says_so_on_every_stream() {
    let server = Server::start_with(&LONG_DRAIN);
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    let mut streams = Vec::new();
    for _ in 0..5 {
        streams.push(Events::open(&alice, room, 0).await);
    }
    server.signal("-TERM");
    for events in &mut streams {
        assert_eq!(events.end().await.code, CloseCode::GoingAway.code());
    }
    let ended = server.ended();
    assert_eq!(ended.status.code(), Some(0), "the drain waited for nobody");
    let line = "path=\"/v1/rooms/{room}/events\" status=200";
    let lines: Vec<_> = ended.stderr.lines().filter(|log| log.contains(line)).collect();
    assert_eq!(lines.len(), 5, "each once: {}", ended.stderr);
    assert!(lines.iter().all(|log| log.contains("end=\"unavailable\"")), "{lines:?}");
}

#[tokio::test]
async fn streams_that_clients_leave_are_logged_with_how_long_they_lasted_and_give_back_their_places() {
    let server = Server::start_with(&["--max-user-listeners", "1"]);
    let alice = server.user("alice");
    let room = alice.make_room(&[]).await;
    let path = format!("/v1/rooms/{room}/events?after=0");
    let events = Events::open(&alice, room, 0).await;
    let began = Instant::now();
    alice.get(&path).await.is(ErrorCode::RateLimited);
    let lasted = began.elapsed();
    drop(events);
    let gone = Instant::now();
    while alice.ask(room, "?after=99&wait=1").await.status == 429 {
        assert!(gone.elapsed() < DEADLINE, "the place is still taken");
    }
    let log = server.stop().stderr;
    let line =
        log.lines().find(|line| line.contains("end=\"client_gone\"")).unwrap_or_else(|| panic!("{log}"));
    let latency = line.split("latency_us=").nth(1).unwrap().split(' ').next().unwrap();
    assert!(Duration::from_micros(latency.parse().unwrap()) >= lasted, "{line}");
}

#[tokio::test]
async fn many_streams_share_one_http2_connection() {
    let server = Server::start_with(&LONG_DRAIN);
    let alice = server.user("alice");
    let http2 = Api { http: client(|builder| builder.http2_prior_knowledge()), ..server.user("bob") };
    let mut rooms = Vec::new();
    for _ in 0..5 {
        let room = alice.make_room(&["bob"]).await;
        rooms.push((room, Events::open(&http2, room, 0).await));
    }
    for (room, events) in &mut rooms {
        assert_eq!(events.response.version(), reqwest::Version::HTTP_2);
        alice.say(*room, &format!("in room {room}")).await;
        assert_eq!(events.message().await.text, format!("in room {room}"));
    }
    server.signal("-TERM");
    for (_, events) in &mut rooms {
        assert_eq!(events.end().await.code, ErrorCode::Unavailable);
    }
    assert_eq!(server.ended().status.code(), Some(0), "the drain waited for nobody");
}
