use super::*;
use crate::cache::{self, Cache};
use crate::repository::{RoomStatus, Timeline, TimelineUpdate};
use chat_protocol::{MessageText, TransactionId};
use proptest::prelude::*;

fn me() -> UserId {
    UserId::new("alice").unwrap()
}

fn room() -> RoomId {
    RoomId::new(1).unwrap()
}

fn message(id: i64, seq: i64, sender: &str, text: &str) -> Message {
    Message {
        id: MessageId::new(id).unwrap(),
        seq: Seq::new(seq).unwrap(),
        sender: UserId::new(sender).unwrap(),
        text: text.into(),
        sent_at: Timestamp::from_millis(1_000 + id),
        edited_at: None,
        deleted: false,
        transaction_id: None,
    }
}

fn page(messages: Vec<Message>, cursor: i64) -> Page {
    Page { messages, cursor: Seq::new(cursor).unwrap(), has_more: false }
}

/// As the feed tells it.
fn diff(change: Change) -> TimelineUpdate {
    let Change { upserted, removed, .. } = change;
    TimelineUpdate::Diff { upserted, removed, status: RoomStatus::default() }
}

struct Fixture {
    cache: Cache,
    _folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { cache: Cache::open(folder.path(), "c.sqlite3").unwrap(), _folder: folder }
    }

    fn first(&self, page: Page) -> Change {
        self.cache.commit(|t| apply_first_page(t, room(), &me(), page), |told| told).unwrap()
    }

    fn apply(&self, page: Page) -> Vec<TimelineItem> {
        self.cache.commit(|t| apply_page(t, room(), &me(), page, true), |told| told).unwrap().upserted
    }

    fn reach(&self) -> Reach {
        self.cache.read(|c| cache::reach(c, room())).unwrap().unwrap()
    }

    fn has_older(&self) -> bool {
        self.reach().has_older
    }

    fn write(&self, text: &str, transaction: &str) -> TimelineItem {
        let (text, transaction) = (MessageText::new(text).unwrap(), TransactionId::new(transaction).unwrap());
        let now = Timestamp::from_millis(5_000);
        self.cache.commit(|t| cache::add(t, room(), &me(), &text, &transaction, now), |told| told).unwrap()
    }

    fn sent(&self, key: ItemKey, id: i64) -> Change {
        let (number, id) = (key.outbox_key().unwrap(), MessageId::new(id).unwrap());
        self.cache.commit(|t| cache::mark_sent(t, room(), number, &me(), id), |told| told).unwrap()
    }

    fn cursor(&self) -> Option<i64> {
        self.cache.read(|c| cache::cursor(c, room())).unwrap().map(Seq::get)
    }

    fn screen(&self) -> Timeline {
        let floor = self.cache.read(|c| cache::reach(c, room())).unwrap().map_or(0, |reach| reach.floor);
        let mut items = self.cache.read(|c| newest(c, room(), &me(), floor..i64::MAX, 500)).unwrap();
        items.extend(self.cache.read(|c| cache::unsent(c, room(), &me())).unwrap());
        let mut timeline = Timeline::default();
        timeline.apply(TimelineUpdate::Snapshot { items, status: RoomStatus::default() });
        timeline
    }

    fn shown(&self) -> Vec<(i64, String)> {
        self.screen().items().iter().map(|i| (i.key.get(), i.text.clone())).collect()
    }
}

#[test]
fn a_batch_and_its_cursor_are_stored_together() {
    let fixture = Fixture::new();
    assert_eq!(fixture.cursor(), None);
    fixture.first(page(vec![message(1, 1, "bob", "one")], 1));
    fixture.apply(page(vec![message(2, 2, "bob", "two"), message(3, 3, "bob", "three")], 3));
    assert_eq!(fixture.cursor(), Some(3));
    assert_eq!(fixture.shown(), [(1, "one".into()), (2, "two".into()), (3, "three".into())]);
}

#[test]
fn an_empty_room_is_known_from_the_first_look() {
    let fixture = Fixture::new();
    fixture.first(page(vec![], 0));
    assert_eq!(fixture.cursor(), Some(0));
    assert!(!fixture.has_older());
}

#[test]
fn what_is_known_already_is_not_told_again() {
    let fixture = Fixture::new();
    fixture.first(page(vec![message(1, 1, "bob", "one")], 1));
    let again = fixture.apply(page(vec![message(1, 1, "bob", "one"), message(2, 2, "bob", "two")], 2));
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].text, "two");
}

#[test]
fn a_change_below_the_floor_is_kept_unseen_so_that_no_hole_is_shown_as_none() {
    let fixture = Fixture::new();
    let mut newest = page(vec![message(901, 901, "bob", "a"), message(902, 902, "bob", "b")], 902);
    newest.has_more = true;
    fixture.first(newest);
    assert!(fixture.has_older());
    let applied =
        fixture.apply(page(vec![message(5, 903, "bob", "edited"), message(903, 904, "bob", "c")], 904));
    assert_eq!(applied.len(), 1);
    assert_eq!(fixture.cursor(), Some(904));
    assert_eq!(fixture.screen().items().len(), 3);
}

#[test]
fn our_message_by_polling_takes_over_the_key_of_its_echo() {
    let fixture = Fixture::new();
    fixture.first(page(vec![message(1, 1, "bob", "one")], 1));
    let echo = fixture.write("mine", "t-1");
    assert_eq!(fixture.shown(), [(1, "one".into()), (echo.key.get(), "mine".into())]);
    let mine = Message {
        transaction_id: Some(TransactionId::new("t-1").unwrap()),
        ..message(2, 2, "alice", "mine")
    };
    let applied = fixture.apply(page(vec![mine], 2));
    assert_eq!(applied[0].key, echo.key);
    assert_eq!(fixture.shown(), [(1, "one".into()), (echo.key.get(), "mine".into())]);
    assert_eq!(
        fixture.sent(echo.key, 2),
        Change::default(),
        "the answer to the POST comes too late to matter"
    );
}

#[test]
fn the_answer_first_and_polling_second_is_one_message_too() {
    let fixture = Fixture::new();
    fixture.first(page(vec![], 0));
    let echo = fixture.write("mine", "t-1");
    fixture.sent(echo.key, 1);
    assert_eq!(fixture.screen().items()[0].state, DeliveryState::Sent);
    // A server that does not tell transaction ids: the number it answered with is enough.
    fixture.apply(page(vec![message(1, 1, "alice", "mine")], 1));
    let screen = fixture.screen();
    assert_eq!(screen.items().len(), 1);
    assert_eq!((screen.items()[0].key, screen.items()[0].state), (echo.key, DeliveryState::Confirmed));
}

#[test]
fn a_server_without_transaction_ids_and_a_late_answer_end_as_one_message() {
    let fixture = Fixture::new();
    fixture.first(page(vec![], 0));
    let echo = fixture.write("mine", "t-1");
    let mut screen = fixture.screen();
    let applied = fixture.apply(page(vec![message(1, 1, "alice", "mine")], 1));
    screen.apply(diff(Change { upserted: applied, ..Change::default() }));
    screen.apply(diff(fixture.sent(echo.key, 1)));
    assert_eq!(screen.items().len(), 1);
    assert_eq!(screen.items(), fixture.screen().items());
}

#[test]
fn a_message_sent_before_the_first_look_and_older_than_that_is_let_go_as_history() {
    for answer_first in [true, false] {
        let fixture = Fixture::new();
        let echo = fixture.write("my first words", "t-1");
        let mut screen = fixture.screen();
        let newest = page(vec![message(101, 101, "bob", "a"), message(102, 102, "bob", "b")], 102);
        if answer_first {
            screen.apply(diff(fixture.sent(echo.key, 1)));
            screen.apply(diff(fixture.first(newest)));
        } else {
            screen.apply(diff(fixture.first(newest)));
            screen.apply(diff(fixture.sent(echo.key, 1)));
        }
        assert_eq!(screen.items().len(), 2);
        assert_eq!(screen.items(), fixture.screen().items());
    }
}

#[test]
fn a_first_page_of_a_room_known_after_all_moves_no_cursor_over_a_hole() {
    let fixture = Fixture::new();
    fixture.first(page(vec![message(1, 1, "bob", "one")], 1));
    fixture.first(page(vec![message(9, 9, "bob", "nine")], 9));
    assert_eq!(fixture.cursor(), Some(1));
    assert_eq!(fixture.shown(), [(1, "one".into())]);
}

#[test]
fn anothers_message_with_our_transaction_id_settles_nothing() {
    let fixture = Fixture::new();
    fixture.first(page(vec![], 0));
    fixture.write("mine", "t-1");
    let theirs =
        Message { transaction_id: Some(TransactionId::new("t-1").unwrap()), ..message(1, 1, "mallory", "x") };
    fixture.apply(page(vec![theirs], 1));
    assert_eq!(fixture.screen().items().len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Versions of five messages, delivered in any order and any number of times.
    #[test]
    fn the_highest_seq_wins_in_whatever_order_versions_come(order in prop::collection::vec(0usize..20, 1..60)) {
        let fixture = Fixture::new();
        fixture.first(page(vec![], 0));
        let versions: Vec<_> =
            (0..20i64).map(|n| message(n % 5 + 1, n + 1, "bob", &format!("version {n}"))).collect();
        let mut expected = std::collections::BTreeMap::new();
        for at in order {
            let version = versions[at].clone();
            let best = expected.entry(version.id).or_insert_with(|| version.clone());
            if version.seq > best.seq { *best = version.clone(); }
            fixture.apply(page(vec![version], at as i64 + 1));
        }
        let expected: Vec<_> = expected.into_values().map(|m| (m.id.get(), m.text)).collect();
        prop_assert_eq!(fixture.shown(), expected);
    }
}

/// What may happen to a room's count of unread messages.
#[derive(Debug, Clone)]
enum Step {
    Said(bool),
    Edited(usize),
    Deleted(usize),
    Polled(usize),
    Older,
    Read(i64),
    ReadElsewhere(i64),
    Trimmed(i64),
    /// The list of rooms is told, by a server that may be ahead of the room here.
    Listed,
}

/// As the server counts.
fn unread(messages: &[Message], marker: i64) -> i64 {
    messages.iter().filter(|m| m.id.get() > marker && m.sender != me() && !m.deleted).count() as i64
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<bool>().prop_map(Step::Said),
        1 => (0usize..40).prop_map(Step::Edited),
        2 => (0usize..40).prop_map(Step::Deleted),
        4 => (1usize..6).prop_map(Step::Polled),
        1 => Just(Step::Older),
        2 => (1i64..45).prop_map(Step::Read),
        1 => (1i64..45).prop_map(Step::ReadElsewhere),
        1 => (1i64..30).prop_map(Step::Trimmed),
        2 => Just(Step::Listed),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// The count that is kept batch by batch is the one that counting every row gives.
    #[test]
    fn unread_is_what_counting_all_over_again_gives(begin in 0i64..8, steps in prop::collection::vec(step(), 1..60)) {
        let fixture = Fixture::new();
        let mut server: Vec<Message> = (1..=begin).map(|n| message(n, n, "bob", "before")).collect();
        let (mut seq, mut listed) = (begin, None);
        let newest: Vec<_> = server.iter().rev().take(3).rev().cloned().collect();
        let has_more = newest.first().is_some_and(|m| m.id.get() > 1);
        fixture.first(Page { has_more, ..page(newest, begin) });
        for step in steps {
            match step {
                Step::Said(own) => {
                    seq += 1;
                    let id = server.len() as i64 + 1;
                    server.push(message(id, seq, if own { "alice" } else { "bob" }, "said"));
                }
                Step::Edited(at) if at < server.len() && !server[at].deleted => {
                    seq += 1;
                    server[at].seq = Seq::new(seq).unwrap();
                    server[at].edited_at = Some(Timestamp::from_millis(seq));
                }
                Step::Deleted(at) if at < server.len() && !server[at].deleted => {
                    seq += 1;
                    server[at] = Message { deleted: true, seq: Seq::new(seq).unwrap(), ..server[at].clone() };
                }
                Step::Edited(_) | Step::Deleted(_) => {}
                Step::Polled(limit) => {
                    let after = fixture.cursor().unwrap();
                    let mut changes: Vec<_> = server.iter().filter(|m| m.seq.get() > after).cloned().collect();
                    changes.sort_by_key(|m| m.seq);
                    changes.truncate(limit);
                    let cursor = changes.last().map_or(after, |m| m.seq.get());
                    fixture.apply(page(changes, cursor));
                }
                Step::Older => {
                    let reach = fixture.reach();
                    if reach.has_older {
                        let older: Vec<_> =
                            server.iter().filter(|m| (reach.floor - 2..reach.floor).contains(&m.id.get())).cloned().collect();
                        let has_more = older[0].id.get() > 1;
                        let before = MessageId::new(reach.floor).unwrap();
                        let page = Page { has_more, ..page(older, seq) };
                        fixture.cache.commit(|t| apply_history(t, room(), &me(), before, page), |_| ()).unwrap();
                    }
                }
                Step::Read(id) => {
                    let id = MessageId::new(id).unwrap();
                    fixture.cache.commit(|t| cache::mark_read(t, room(), &me(), id), |_| ()).unwrap();
                }
                Step::ReadElsewhere(id) => {
                    let id = id.min(server.len() as i64);
                    fixture.cache.commit(|t| cache::marker_on_server(t, room(), &me(), id), |()| ()).unwrap();
                }
                Step::Trimmed(keep) => {
                    fixture.cache.commit(|t| trim(t, room(), &me(), keep), |_| ()).unwrap();
                }
                Step::Listed => {
                    let marker = fixture.reach().read_marker;
                    let summary = chat_protocol::RoomSummary {
                        id: room(),
                        title: "t".into(),
                        last_message: server.last().cloned(),
                        unread: unread(&server, marker),
                        read_marker: MessageId::new(marker).ok(),
                    };
                    fixture.cache.commit(|t| cache::replace(t, &me(), &[summary]), |_| ()).unwrap();
                    listed = Some((seq, marker));
                }
            }
            // All of it is here, and nothing has happened since the server counted: then its count is ours.
            let reach = fixture.reach();
            if reach.cursor.get() == seq && listed == Some((seq, reach.read_marker)) {
                prop_assert_eq!(reach.unread, unread(&server, reach.read_marker));
            }
            let (kept, counted): (i64, i64) = fixture.cache.read(|c| {
                let kept = c.query_row("SELECT unread FROM room", [], |r| r.get(0))?;
                let counted = c.query_row(
                    "SELECT count(*) FROM message m, room r WHERE m.id >= r.floor AND m.id > r.read_marker
                     AND m.sender <> 'alice' AND NOT m.deleted",
                    [],
                    |r| r.get(0),
                )?;
                Ok((kept, counted))
            }).unwrap();
            prop_assert_eq!(kept, counted);
        }
    }
}
