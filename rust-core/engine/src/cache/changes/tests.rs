//! What may be wished for an own message in each state it may be in.

use super::*;
use crate::DeliveryState;
use crate::cache::{self, Cache};
use chat_protocol::{Page, Seq, Timestamp, TransactionId};
use rusqlite::Transaction;

struct Fixture {
    cache: Cache,
    _folder: tempfile::TempDir,
}

fn me() -> UserId {
    UserId::new("alice").unwrap()
}

fn room() -> RoomId {
    RoomId::new(1).unwrap()
}

fn text(text: &str) -> MessageText {
    MessageText::new(text).unwrap()
}

impl Fixture {
    /// An empty room, and a message in its outbox that is on its way.
    fn sending() -> (Self, ItemKey) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), "c.sqlite3").unwrap();
        let fixture = Self { cache, _folder: folder };
        let empty = Page { messages: Vec::new(), cursor: Seq::new(0).unwrap(), has_more: false };
        fixture.commit(|t| cache::apply_first_page(t, room(), &me(), empty));
        let key = TransactionId::new("t-1").unwrap();
        let now = Timestamp::from_millis(0);
        let item = fixture.commit(|t| cache::add(t, room(), &me(), &text("first"), &key, now));
        fixture.commit(|t| cache::mark_sending(t, 1, &me()));
        (fixture, item.key)
    }

    fn commit<T>(&self, change: impl FnOnce(&Transaction<'_>) -> Result<T, EngineError>) -> T {
        self.cache.commit(change, |told| told).unwrap()
    }

    /// The try of the message that is on its way comes to nothing.
    fn fail(&self, may_have_arrived: bool) -> Change {
        self.commit(|t| cache::mark_pending(t, 1, &me(), may_have_arrived, Schedule::default()))
    }

    fn next(&self) -> Option<String> {
        self.cache.read(|c| cache::next(c, room(), 0)).unwrap().map(|outgoing| outgoing.text)
    }

    fn next_change(&self) -> Option<Option<String>> {
        self.cache.read(|c| next(c, room())).unwrap().map(|change| change.text)
    }

    fn wishes(&self) -> i64 {
        self.cache.read(|c| Ok(c.query_row("SELECT count(*) FROM change", [], |r| r.get(0))?)).unwrap()
    }

    /// Polling brings the message, under its transaction id.
    fn polled(&self, says: &str) -> Change {
        let message = Message {
            id: MessageId::new(1).unwrap(),
            seq: Seq::new(1).unwrap(),
            sender: me(),
            text: says.into(),
            sent_at: Timestamp::from_millis(0),
            edited_at: None,
            deleted: false,
            transaction_id: Some(TransactionId::new("t-1").unwrap()),
        };
        let page = Page { messages: vec![message], cursor: Seq::new(1).unwrap(), has_more: false };
        self.commit(|t| cache::apply_page(t, room(), &me(), page, true))
    }
}

#[test]
fn an_edit_on_the_way_is_done_in_place_once_it_is_certain_that_nothing_arrived() {
    let (f, key) = Fixture::sending();
    f.commit(|t| edit(t, room(), &me(), key, &text("second")));
    assert_eq!(f.next_change(), None, "it cannot be sent before the message has its number");
    f.fail(false);
    assert_eq!((f.next(), f.wishes()), (Some("second".into()), 0));
    f.commit(|t| edit(t, room(), &me(), key, &text("third")));
    assert_eq!((f.next(), f.wishes()), (Some("third".into()), 0));
}

#[test]
fn a_deletion_on_the_way_needs_no_server_once_it_is_certain_that_nothing_arrived() {
    let (f, key) = Fixture::sending();
    f.commit(|t| delete(t, room(), &me(), key));
    assert_eq!(f.fail(false).removed, [key]);
    assert_eq!((f.next(), f.wishes()), (None, 0));
}

#[test]
fn what_may_have_arrived_is_sent_as_it_was_and_changed_after() {
    for (wish, says) in [(Some("second"), "second"), (None, "")] {
        let (f, key) = Fixture::sending();
        match wish {
            Some(wish) => f.commit(|t| edit(t, room(), &me(), key, &text(wish))),
            None => f.commit(|t| delete(t, room(), &me(), key)),
        };
        let shown = f.fail(true);
        assert_eq!((f.next(), shown.upserted[0].text.as_str()), (Some("first".into()), says));
        let shown = f.polled("first");
        assert_eq!((shown.upserted[0].key, shown.upserted[0].text.as_str()), (key, says));
        assert!(shown.wished);
        assert_eq!((f.next(), f.next_change()), (None, Some(wish.map(str::to_owned))));
    }
}

#[test]
fn what_was_refused_is_sent_again_with_the_text_of_since() {
    let (f, key) = Fixture::sending();
    f.commit(|t| edit(t, room(), &me(), key, &text("second")));
    let told = f.commit(|t| cache::mark_failed(t, 1, &me(), false, FailureReason::Refused));
    assert_eq!(told.upserted[0].state, DeliveryState::Pending);
    assert_eq!((f.next(), f.wishes()), (Some("second".into()), 0));
}

#[test]
fn an_edit_of_a_refused_message_that_had_arrived_after_all_becomes_a_change_of_it() {
    let (f, key) = Fixture::sending();
    f.fail(true);
    f.commit(|t| cache::mark_sending(t, 1, &me()));
    f.commit(|t| cache::mark_failed(t, 1, &me(), true, FailureReason::NotAMember));
    f.commit(|t| edit(t, room(), &me(), key, &text("second")));
    assert_eq!(f.next(), Some("second".into()));
    let shown = f.polled("first");
    assert_eq!(shown.upserted[0].text, "second", "what the user wrote last is what shows");
    assert_eq!((f.next(), f.next_change()), (None, Some(Some("second".into()))));
}

#[test]
fn an_answer_to_an_older_wish_settles_nothing_of_a_newer_one() {
    let (f, key) = Fixture::sending();
    f.polled("first");
    f.commit(|t| edit(t, room(), &me(), key, &text("second")));
    let outgoing = f.cache.read(|c| next(c, room())).unwrap().unwrap();
    f.commit(|t| mark_sending(t, &outgoing));
    f.commit(|t| edit(t, room(), &me(), key, &text("third")));
    let answer = Message {
        id: MessageId::new(1).unwrap(),
        seq: Seq::new(2).unwrap(),
        sender: me(),
        text: "second".into(),
        sent_at: Timestamp::from_millis(0),
        edited_at: Some(Timestamp::from_millis(1)),
        deleted: false,
        transaction_id: None,
    };
    let shown = f.commit(|t| confirm(t, room(), &me(), &outgoing, answer));
    assert_eq!((shown.upserted[0].text.as_str(), shown.upserted[0].change), ("third", ChangeState::Pending));
    assert_eq!(f.next_change(), Some(Some("third".into())));
    let refused = f.commit(|t| refuse(t, room(), &me(), &outgoing, Some(FailureReason::Refused)));
    assert_eq!(refused.upserted[0].change, ChangeState::Pending, "nor does a refusal");
}

#[test]
fn discarding_a_change_shows_the_message_as_it_is_and_one_on_its_way_is_not_discarded() {
    let (f, key) = Fixture::sending();
    f.polled("first");
    f.commit(|t| delete(t, room(), &me(), key));
    let back = f.commit(|t| discard(t, room(), &me(), key));
    assert_eq!((back.upserted[0].text.as_str(), back.upserted[0].deleted), ("first", false));
    f.commit(|t| edit(t, room(), &me(), key, &text("second")));
    let outgoing = f.cache.read(|c| next(c, room())).unwrap().unwrap();
    f.commit(|t| mark_sending(t, &outgoing));
    assert_eq!(f.cache.commit(|t| discard(t, room(), &me(), key), |_| ()), Err(EngineError::TooLate));
}
