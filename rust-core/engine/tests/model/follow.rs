//! How the room is followed: by one stream at most, by the best there is in the end, and never so that a
//! message waits long.

use crate::ops::Op;
use crate::world::World;
use chat_engine::{Timings, TransportKind};
use chat_protocol::MessageId;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// For what was under way when all became well: a request that is slow both ways.
const SLOW: Duration = Duration::from_secs(18 + 2);

/// The same, and then the longest wait after an error, or a `Retry-After`.
const UNDER_WAY: Duration = Duration::from_secs(18 + 30 + 2);

/// Longer than the longest bar, which is an hour and a quarter.
const BARS: u32 = 80;

impl World {
    /// Who is stopped holds no stream, who runs one at most, and that on the network of now.
    pub(crate) fn streams(&self) -> Result<(), String> {
        match self.server.streams()[..] {
            [] => Ok(()),
            [stream] if self.running && stream > self.lost => Ok(()),
            [_] if self.running => Err("a stream on a network that is no more".into()),
            [_] => Err("a stream for a room that is stopped".into()),
            ref several => Err(format!("{} streams for one room", several.len())),
        }
    }

    /// Somebody says something.
    pub(crate) fn say(&mut self) -> MessageId {
        let text = self.text("bob");
        self.server.say(&self.bob, &text)
    }

    pub(crate) async fn shown_within(&self, id: MessageId, most: Duration) -> Result<(), String> {
        let said = Instant::now();
        while !self.screen.shows(id) {
            self.wrong().map_or(Ok(()), Err)?;
            if said.elapsed() > most {
                return Err(format!("message {id} is not shown after {:?}", said.elapsed()));
            }
            // Whoever looks starts it again, should the last words of what went wrong have ended it.
            self.room().start();
            sleep(Duration::from_millis(500)).await;
        }
        Ok(())
    }

    /// A message is shown in bounded time, however silent its stream is; soon, if there is a push for it.
    pub(crate) async fn look(&mut self, pushed: bool) -> Result<(), String> {
        self.heal();
        let Timings { stream_silence, stream_grace, .. } = self.case.timings();
        let soon = pushed && self.screen.live().is_some();
        let id = self.say();
        if pushed {
            self.job(&Op::Push);
        }
        let bound = if soon { stream_grace + SLOW } else { stream_silence + UNDER_WAY };
        self.shown_within(id, bound).await
    }

    /// Whatever was found out about the network runs out: the room is followed by the best there is, which
    /// brings what is said by itself; and by nothing once it is stopped.
    pub(crate) async fn climbs_back(&mut self) -> Result<(), String> {
        let best = self.case.best();
        sleep(self.case.timings().stream_silence + UNDER_WAY).await; // what was silent is given up
        for _ in 0..BARS {
            if self.screen.live() == Some(best) {
                break;
            }
            sleep(Duration::from_secs(60)).await;
        }
        if self.screen.live() != Some(best) {
            return Err(format!("followed by {:?}, not {best:?}", self.screen.live()));
        }
        let streamed = best != TransportKind::Polling;
        if self.server.streams().len() != usize::from(streamed) {
            return Err(format!("{} streams are open", self.server.streams().len()));
        }
        let id = self.say();
        self.shown_within(id, if streamed { Duration::from_millis(500) } else { Duration::from_secs(31) })
            .await?;
        let polls = self.server.polls();
        sleep(Duration::from_secs(30)).await;
        if streamed && self.server.polls() != polls {
            return Err(format!("{best:?} is polled beside"));
        }
        self.job(&Op::Stop);
        sleep(Duration::from_millis(1)).await;
        self.streams()?;
        self.job(&Op::Start);
        sleep(Duration::from_secs(2)).await;
        self.streams()
    }
}
