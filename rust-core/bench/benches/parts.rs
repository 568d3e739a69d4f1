//! The parts of a catch-up and of a screen, one by one: where the time of the whole figures goes.
//!
//! `wire` is a page out of its JSON; `cache` is pages through poller, cache and listener, beside the same rows by rusqlite
//! alone; `timeline` is a diff into a list of ten thousand, what an app without Kotlin does with it.

#![allow(clippy::unwrap_used, missing_docs)] // A benchmark that cannot go on stops; criterion's macros document nothing.

#[path = "../src/data.rs"]
#[allow(dead_code)]
mod data;
#[path = "../src/ear.rs"]
#[allow(dead_code)]
mod ear;

use chat_engine::protocol::{Message, MessageId, Page, RoomId, Seq, Timestamp, UserId};
use chat_engine::repository::Timeline;
use chat_engine::transport::Answer;
use chat_engine::{Engine, Room, RoomListener, StaticToken, TimelineUpdate, Token};
use chat_testkit::{FakeTransport, RecordingListener, TOKEN, config, wait};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ear::Ear;
use rusqlite::{Connection, params};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// A full page.
const PAGE: i64 = 500;

/// Pages of one catch-up here.
const PAGES: i64 = 20;

fn message(id: i64) -> Message {
    let said = data::said(id);
    Message {
        id: MessageId::new(id).unwrap(),
        seq: Seq::new(id).unwrap(),
        sender: UserId::new(said.sender).unwrap(),
        text: said.text,
        sent_at: Timestamp::from_millis(said.sent_at),
        edited_at: None,
        deleted: false,
        transaction_id: None,
    }
}

fn page(first: i64, last: i64, has_more: bool) -> Page {
    Page { messages: (first..=last).map(message).collect(), cursor: Seq::new(last).unwrap(), has_more }
}

/// Two workers, as the engine's own.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn wire(c: &mut Criterion) {
    let json = serde_json::to_vec(&page(1, PAGE, true)).unwrap();
    let mut group = c.benchmark_group("wire");
    group.throughput(Throughput::Elements(PAGE as u64));
    group.bench_function("a page out of JSON", |b| {
        b.iter(|| serde_json::from_slice::<Page>(black_box(&json)).unwrap());
    });
    group.finish();
}

/// A room of one message that grows by twenty pages, as the engine asks for them: when the first has more behind it,
/// the newest messages come before the rest.
fn pages() -> impl Iterator<Item = Page> {
    let last = 1 + PAGES * PAGE;
    let mut pages: Vec<_> =
        (0..PAGES).map(|n| page(2 + n * PAGE, 1 + (n + 1) * PAGE, n + 1 < PAGES)).collect();
    pages.insert(0, page(1, 1, false));
    pages.insert(2, page(last - 99, last, true));
    pages.into_iter()
}

fn catch_up<L: RoomListener>(
    runtime: &Runtime,
    folder: &Path,
    pages: impl Iterator<Item = Page>,
    listener: Arc<L>,
) -> (Arc<L>, Engine, Room) {
    let token = Arc::new(StaticToken(Token::new(TOKEN)));
    let transport =
        runtime.block_on(async { FakeTransport::then_quiet(pages.map(|page| Ok(Answer::Page(page)))) });
    let mut config = config("http://nowhere", folder);
    config.timings.poll_interval = Duration::from_millis(1);
    let engine = Engine::open_with(config, token, transport, runtime.handle().clone()).unwrap();
    let room = engine.room(RoomId::new(1).unwrap(), listener.clone()).unwrap();
    room.start();
    (listener, engine, room)
}

fn cache(c: &mut Criterion) {
    let runtime = runtime();
    let last = 1 + PAGES * PAGE;
    let mut group = c.benchmark_group("cache");
    group.sample_size(20).throughput(Throughput::Elements((PAGES * PAGE) as u64));
    group.bench_function("pages → poller → cache → listener", |b| {
        b.iter_batched(
            || (tempfile::tempdir().unwrap(), pages().collect::<Vec<_>>()),
            |(folder, pages)| {
                let (ear, engine, room) = catch_up(&runtime, folder.path(), pages.into_iter(), Ear::new());
                ear.until(|heard| heard.whole_to >= last).unwrap();
                drop(room);
                engine.close();
                folder
            },
            BatchSize::PerIteration,
        );
    });
    let rows: Vec<_> = (2..=last).map(message).collect();
    group.bench_function("the same rows by rusqlite alone", |b| {
        b.iter_batched(
            || tempfile::tempdir().unwrap(),
            |folder| {
                rusqlite_alone(folder.path(), &rows).unwrap();
                folder
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn rusqlite_alone(folder: &Path, rows: &[Message]) -> rusqlite::Result<()> {
    let mut connection = Connection::open(folder.join("raw.sqlite3"))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.execute_batch(data::TABLE)?;
    let transaction = connection.transaction()?;
    {
        let mut insert = transaction.prepare(data::INSERT)?;
        for m in rows {
            let (id, seq, sent_at) = (m.id.get(), m.seq.get(), m.sent_at.as_millis());
            insert.execute(params![
                1,
                id,
                seq,
                m.sender.as_str(),
                m.text,
                sent_at,
                None::<i64>,
                m.deleted
            ])?;
        }
    }
    transaction.commit()
}

fn timeline(c: &mut Criterion) {
    let runtime = runtime();
    let edited = Message { seq: Seq::new(10_502).unwrap(), ..message(5_000) };
    let edited = Page { messages: vec![edited], cursor: Seq::new(10_502).unwrap(), has_more: false };
    let another = Message { seq: Seq::new(10_503).unwrap(), ..message(10_502) };
    let another = Page { messages: vec![another], cursor: Seq::new(10_503).unwrap(), has_more: false };
    // Never more than a page behind, so that every message is told.
    let steps = (0..PAGES).map(|n| page(2 + n * PAGE, 1 + (n + 1) * PAGE, false));
    let answers =
        [page(1, 1, false)].into_iter().chain(steps).chain([page(10_002, 10_501, false), edited, another]);
    let folder = tempfile::tempdir().unwrap();
    let (listener, engine, room) = catch_up(&runtime, folder.path(), answers, RecordingListener::new());
    wait("the last of it is heard", || listener.ids().last() == Some(&10_502));
    drop(room);
    engine.close();
    let size = |update: &TimelineUpdate| match update {
        TimelineUpdate::Snapshot { items, .. } => items.len(),
        TimelineUpdate::Diff { upserted, .. } => upserted.len(),
    };
    let mut updates = listener.updates();
    updates.retain(|update| size(update) > 0); // what was read is told apart
    // The poller waits before each of the last three, so each is heard by itself.
    let (mut whole, last) = (Timeline::default(), updates.split_off(updates.len() - 3));
    assert_eq!(last.iter().map(size).collect::<Vec<_>>(), [500, 1, 1]);
    updates.into_iter().for_each(|update| whole.apply(update));
    assert_eq!(whole.items().len(), 10_001);

    let mut group = c.benchmark_group("timeline of 10,000");
    for (what, diff) in ["a page", "one edited", "one new"].into_iter().zip(last) {
        group.bench_function(what, |b| {
            b.iter_batched(
                || (whole.clone(), diff.clone()),
                |(mut timeline, diff)| {
                    timeline.apply(diff);
                    timeline // dropped outside the measurement
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(parts, wire, cache, timeline);
criterion_main!(parts);
