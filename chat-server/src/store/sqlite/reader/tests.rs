//! Questions that take long, and those that do not.

use super::super::connection;
use super::Readers;
use crate::store::Options;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;

#[tokio::test]
async fn however_many_count_half_of_the_readers_answer_everybody_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.db");
    let _writer = connection::open_writer(&path).unwrap();
    let options = Options::default();
    let connections = (0..4).map(|_| connection::open_reader(&path).unwrap()).collect();
    let mut threads = Vec::new();
    let readers = Readers::start(connections, &options, &mut threads).unwrap();
    let (release, held) = mpsc::channel::<()>();
    let (held, mut counting) = (Arc::new(Mutex::new(held)), JoinSet::new());
    for _ in 0..10 {
        let (readers, held) = (readers.clone(), Arc::clone(&held));
        counting.spawn(async move {
            readers
                .count(move |_| {
                    let _ = held.lock().unwrap().recv();
                    Ok(())
                })
                .await
                .unwrap();
        });
    }
    chat_testkit::eventually("as many count as may", || options.metrics.connections_used.get() == 2).await;
    for n in 0..100 {
        let answer = tokio::time::timeout(Duration::from_secs(10), readers.read(move |_| Ok(n))).await;
        assert_eq!(answer.expect("it waits for those who count").unwrap(), n);
    }
    assert_eq!(options.metrics.waiting_reads.get(), 8, "the others who count are waiting");
    assert!(counting.try_join_next().is_none());
    drop(release);
    counting.join_all().await;
    assert_eq!(options.metrics.waiting_reads.get(), 0);
    drop(readers);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}
