use super::*;
use crate::repository::Timeline;
use chat_protocol::{Message, MessageId, Page, Seq, Timestamp};
use std::sync::mpsc;

struct Screen(mpsc::Sender<TimelineUpdate>);

impl RoomListener for Screen {
    fn on_timeline(&self, update: TimelineUpdate) -> Result<(), ListenerFailed> {
        self.0.send(update).map_err(|_| ListenerFailed)
    }
    fn on_connection(&self, _: ConnectionState) -> Result<(), ListenerFailed> {
        Ok(())
    }
}

struct Fixture {
    cache: Arc<Cache>,
    feed: Arc<Feed>,
    heard: mpsc::Receiver<TimelineUpdate>,
    _folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = Arc::new(Cache::open(folder.path(), "c.sqlite3").unwrap());
        let (sender, heard) = mpsc::channel();
        let me = UserId::new("alice").unwrap();
        let feed = Feed::new(RoomId::new(1).unwrap(), me, cache.clone(), Arc::new(Screen(sender)));
        Self { cache, feed, heard, _folder: folder }
    }

    /// Stores messages and announces them, as the poller does.
    fn store(&self, ids: std::ops::RangeInclusive<i64>) {
        let room = RoomId::new(1).unwrap();
        let messages = ids.clone().map(|n| Message {
            id: MessageId::new(n).unwrap(),
            seq: Seq::new(n).unwrap(),
            sender: UserId::new("bob").unwrap(),
            text: n.to_string(),
            sent_at: Timestamp::from_millis(n),
            edited_at: None,
            deleted: false,
            transaction_id: None,
        });
        let page =
            Page { messages: messages.collect(), cursor: Seq::new(*ids.end()).unwrap(), has_more: false };
        self.cache
            .commit(
                |t| match cache::cursor(t, room)? {
                    None => cache::apply_first_page(t, room, &self.feed.me, page),
                    Some(_) => cache::apply_page(t, room, &self.feed.me, page, true),
                },
                |update| self.feed.push(update),
            )
            .unwrap();
    }

    /// Delivers everything that waits; returns what the listener was told.
    fn deliver(&self) -> Vec<TimelineUpdate> {
        while let Some(work) = self.feed.take() {
            self.feed.deliver(work).unwrap();
        }
        self.heard.try_iter().collect()
    }
}

fn ids(update: &TimelineUpdate) -> Vec<i64> {
    let (TimelineUpdate::Snapshot { items, .. } | TimelineUpdate::Diff { upserted: items, .. }) = update;
    items.iter().filter_map(|item| item.id).map(MessageId::get).collect()
}

#[test]
fn a_listener_hears_a_snapshot_and_then_only_what_changed() {
    let fixture = Fixture::new();
    fixture.store(1..=3);
    let first = fixture.deliver();
    assert!(matches!(&first[..], [TimelineUpdate::Snapshot { items, .. }] if items.len() == 3));
    fixture.store(4..=4);
    fixture.store(5..=6);
    let then = fixture.deliver();
    assert_eq!(then.iter().map(ids).collect::<Vec<_>>(), [[4, 5, 6]], "what waits is told at once, in order");
}

#[test]
fn a_listener_that_fell_far_behind_gets_a_snapshot_and_misses_nothing() {
    let fixture = Fixture::new();
    fixture.store(1..=3);
    let mut screen = Timeline::default();
    fixture.deliver().into_iter().for_each(|u| screen.apply(u));
    for batch in 0..10 {
        fixture.store(4 + batch * 400..=3 + (batch + 1) * 400);
    }
    let updates = fixture.deliver();
    assert!(
        matches!(&updates[..], [TimelineUpdate::Snapshot { .. }]),
        "4,000 waiting items became one snapshot"
    );
    updates.into_iter().for_each(|u| screen.apply(u));
    assert_eq!(
        screen.items().iter().map(|i| i.key.get()).collect::<Vec<_>>(),
        (1..=4003).collect::<Vec<_>>()
    );
}

#[test]
fn no_call_passes_a_shut_gate_and_opening_it_begins_with_a_snapshot() {
    let fixture = Fixture::new();
    fixture.store(1..=1);
    fixture.deliver();
    fixture.store(2..=2);
    fixture.feed.set_connection(ConnectionState::Live { transport: crate::TransportKind::Polling });
    fixture.feed.shut();
    assert!(fixture.deliver().is_empty());
    fixture.store(3..=3);
    assert!(fixture.deliver().is_empty());
    fixture.feed.open();
    let updates = fixture.deliver();
    assert!(matches!(&updates[..], [TimelineUpdate::Snapshot { items, .. }] if items.len() == 3));
}

#[test]
fn a_gate_that_was_never_shut_opens_without_a_second_snapshot() {
    let fixture = Fixture::new();
    fixture.deliver();
    fixture.feed.open();
    assert!(fixture.deliver().is_empty());
}

#[test]
fn a_list_that_began_empty_never_shrinks_under_its_reader() {
    let fixture = Fixture::new();
    assert!(matches!(&fixture.deliver()[..], [TimelineUpdate::Snapshot { items, .. }] if items.is_empty()));
    for batch in 0..3 {
        fixture.store(1 + batch * 500..=(batch + 1) * 500);
        fixture.deliver();
    }
    fixture.feed.shut();
    fixture.feed.open();
    let updates = fixture.deliver();
    assert!(matches!(&updates[..], [TimelineUpdate::Snapshot { items, .. }] if items.len() == 1_500));
}

#[test]
fn what_was_sent_and_has_become_one_of_those_before_the_list_is_no_longer_shown_as_sent() {
    let fixture = Fixture::new();
    fixture.store(1..=600);
    let mut screen = Timeline::default();
    let (room, me) = (RoomId::new(1).unwrap(), UserId::new("alice").unwrap());
    let text = chat_protocol::MessageText::new("mine").unwrap();
    let transaction = chat_protocol::TransactionId::new("t").unwrap();
    let now = Timestamp::from_millis(0);
    let add = |t: &rusqlite::Transaction<'_>| cache::add(t, room, &me, &text, &transaction, now);
    let item = fixture.cache.commit(add, |item| item).unwrap();
    fixture.feed.push(item.clone().into());
    fixture.deliver().into_iter().for_each(|update| screen.apply(update));
    assert_eq!((screen.items().len(), screen.items().last()), (501, Some(&item)));
    let confirmed = TimelineItem { id: MessageId::new(50).ok(), seq: Seq::new(50).ok(), ..item };
    fixture.feed.push(confirmed.into());
    fixture.deliver().into_iter().for_each(|update| screen.apply(update));
    assert_eq!(screen.items().len(), 500);
}

#[test]
fn a_detached_feed_stays_silent_for_ever() {
    let fixture = Fixture::new();
    fixture.feed.detach();
    fixture.feed.open();
    fixture.store(1..=1);
    assert!(fixture.deliver().is_empty());
}

#[test]
fn batches_that_land_while_a_snapshot_is_read_are_in_it_or_follow_it() {
    let fixture = Fixture::new();
    let writer = {
        let (cache, feed) = (fixture.cache.clone(), fixture.feed.clone());
        let other = Fixture { cache, feed, heard: mpsc::channel().1, _folder: tempfile::tempdir().unwrap() };
        std::thread::spawn(move || (1..=300).for_each(|n| other.store(n..=n)))
    };
    let mut screen = Timeline::default();
    let mut shut = 0;
    let begun = std::time::Instant::now();
    while screen.items().len() < 300 {
        assert!(begun.elapsed().as_secs() < 30, "{} of 300 are shown", screen.items().len());
        for update in fixture.deliver() {
            screen.apply(update);
        }
        if shut < 100 {
            fixture.feed.shut();
            fixture.feed.open();
            shut += 1;
        }
    }
    writer.join().unwrap();
    assert_eq!(screen.items().iter().map(|i| i.key.get()).collect::<Vec<_>>(), (1..=300).collect::<Vec<_>>());
}
