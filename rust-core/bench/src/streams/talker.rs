//! Who writes: so many messages a second, from several people, so that a slow answer holds up nobody else's.

use super::audience::now;
use super::line::Line;
use super::mark::Mark;
use super::subject::{Subject, created, post, token};
use anyhow::Result;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// People who write in turn.
const TALKERS: usize = 32;

/// The text of a message, as the rest of the bench has it (data.rs).
pub(crate) const TEXT_BYTES: usize = 92;

/// Who talks in a room, to be among its members.
pub(crate) fn talkers() -> Vec<String> {
    (1..=TALKERS).map(|number| format!("talker-{number}")).collect()
}

/// A conversation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Talk {
    /// Messages a second.
    pub(crate) rate: f64,
    pub(crate) messages: usize,
    pub(crate) text_bytes: usize,
}

impl Talk {
    /// Says messages `first`, `first` + 1 … in `room`, each at its time unless all who talk still wait for an
    /// answer. Returns how long it took, to the last answer.
    pub(crate) async fn hold(self, subject: &Subject, room: i64, first: usize) -> Result<Duration> {
        let (begun, next) = (Instant::now(), Rc::new(Cell::new(0)));
        let mut tasks = JoinSet::new();
        // No more than have something to say within a second: the server hangs up on who connects and is silent.
        let busy = (self.rate.ceil() as usize).clamp(1, TALKERS);
        for talker in talkers().into_iter().take(busy) {
            let (mut line, token) = (Line::connect(subject.address).await?, token(&talker)?);
            let next = next.clone();
            tasks.spawn_local(async move {
                loop {
                    let turn = next.get();
                    next.set(turn + 1);
                    if turn >= self.messages {
                        return anyhow::Ok(());
                    }
                    tokio::time::sleep_until(begun + Duration::from_secs_f64(turn as f64 / self.rate)).await;
                    let mark = Mark { number: first + turn, at: now() };
                    let body = serde_json::json!({ "text": mark.text(self.text_bytes) }).to_string();
                    let path = format!("/v1/rooms/{room}/messages");
                    let key = mark.number.to_string();
                    created(&line.ask(&post(&path, &token, &key, &body)).await?)?;
                }
            });
        }
        while let Some(outcome) = tasks.join_next().await {
            outcome??;
        }
        Ok(begun.elapsed())
    }
}
