//! What carries questions to the room, and fails on cue.

use super::room::State;
use super::streams::Way;
use super::{By, Kind, Mishap, ModelServer, Want, Wanted};
use async_trait::async_trait;
use chat_engine::Token;
use chat_engine::transport::{
    Answer, BadAnswer, Fault, Follow, Polled, TaggedRooms, Transport, TransportError, TransportKind,
};
use chat_protocol::{Message, MessageId, Page, ReadMarker, RoomId, RoomSummary, Rooms, Seq, TransactionId};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::time::{Instant, sleep};

impl ModelServer {
    /// Has one request meet its mishap. `act` gets the moment that it is answered of.
    async fn carry<T>(
        &self,
        kind: Kind,
        want: Option<Want>,
        act: impl Fn(&mut State, usize) -> Result<T, TransportError>,
    ) -> Result<T, TransportError> {
        let (mishap, life, number) = self.begin(kind, want.as_ref());
        let act = |lag: usize| {
            let mut state = self.state();
            state.arrive(&self.me);
            let moment = state.now().saturating_sub(lag);
            let answer = act(&mut state, moment);
            if want.is_some() {
                let wanted = &mut state.wanted[number];
                wanted.reached |= answer.is_ok();
                wanted.refused = answer.as_ref().err().map(|e| e.fault);
            }
            answer
        };
        tokio::task::yield_now().await;
        match (mishap, want.as_ref()) {
            (Mishap::None, _) => act(0),
            (Mishap::Lost, _) => Err(TransportError::new(Fault::Offline)),
            (Mishap::Hangs(until), _) => {
                sleep(until).await;
                Err(TransportError::new(Fault::Timeout))
            }
            (Mishap::Refused(fault, retry_after), _) => {
                if want.is_some() {
                    self.state().wanted[number].refused = Some(fault);
                }
                Err(TransportError { fault, retry_after })
            }
            (Mishap::Late(by), Some(Want::Send(key, text))) => {
                let mut state = self.state();
                state.wanted[number].reached = true;
                state.late.push((Instant::now() + by, TransactionId::new(key).unwrap(), text.clone()));
                Err(TransportError::new(Fault::Timeout))
            }
            (Mishap::AnswerLost(_) | Mishap::Late(_), _) => {
                act(0).ok();
                if want.is_some() {
                    self.state().wanted[number].refused = None; // not that anybody knows
                }
                let fault = if let Mishap::AnswerLost(fault) = mishap { fault } else { Fault::Timeout };
                Err(TransportError::new(fault))
            }
            (Mishap::Stale(lag), _) => {
                act(if matches!(kind, Kind::Changes | Kind::History) { lag } else { 0 })
            }
            (Mishap::Slow(there, back), _) => {
                if !there.is_zero() {
                    sleep(there).await;
                }
                if self.state().life != life && kind == Kind::Change {
                    return Err(TransportError::new(Fault::Interrupted)); // nobody is there to hear it
                }
                let answer = act(0);
                if !back.is_zero() {
                    sleep(back).await;
                }
                answer
            }
        }
    }

    fn begin(&self, kind: Kind, want: Option<&Want>) -> (Mishap, u64, usize) {
        let mut state = self.state();
        state.ticks += 1;
        state.polls += u64::from(kind == Kind::Changes);
        let mishap = state.plans.get_mut(&kind).and_then(VecDeque::pop_front).unwrap_or(Mishap::None);
        let number = state.wanted.len();
        if let Some(what) = want.cloned() {
            let at = state.ticks;
            state.wanted.push(Wanted { at, what, reached: false, refused: None });
        }
        (mishap, state.life, number)
    }

    /// A message as the device is told it.
    pub(super) fn told(&self, message: Message) -> Message {
        let transaction_id = message.transaction_id.filter(|_| self.tells_keys && message.sender == self.me);
        Message { transaction_id, ..message }
    }

    fn cut(&self, state: &State, moment: usize, before: i64) -> Page {
        let all: Vec<Message> = state.at(moment).into_values().filter(|m| m.id.get() < before).collect();
        let messages: Vec<_> =
            all[all.len().saturating_sub(self.page)..].iter().map(|m| self.told(m.clone())).collect();
        let has_more = messages.first().is_some_and(|m| m.id.get() > 1);
        Page { messages, cursor: Seq::new(moment as i64).unwrap(), has_more }
    }

    /// What a poll is answered.
    fn after(&self, state: &State, after: Seq) -> Result<Answer, TransportError> {
        match after.get() > state.now() as i64 {
            true => Err(TransportError::new(Fault::CursorAhead)),
            false => Ok(self.page(state, state.now(), after).map_or(Answer::Nothing, Answer::Page)),
        }
    }

    /// The first page of what has changed after `after`, at a moment, if anything had.
    pub(super) fn page(&self, state: &State, moment: usize, after: Seq) -> Option<Page> {
        let mut messages: Vec<_> = state.at(moment).into_values().filter(|m| m.seq > after).collect();
        messages.sort_by_key(|m| m.seq);
        messages.truncate(self.page);
        let cursor = messages.last()?.seq;
        let messages = messages.into_iter().map(|m| self.told(m)).collect();
        Some(Page { messages, cursor, has_more: cursor.get() < moment as i64 })
    }
}

#[async_trait]
impl Transport for ModelServer {
    async fn changes(
        &self,
        _: RoomId,
        after: Option<Seq>,
        _: u32,
        _: &Token,
    ) -> Result<Polled<Answer>, TransportError> {
        let answer = self.carry(Kind::Changes, None, |state, moment| match after {
            Some(after) => self.after(state, after),
            None => Ok(Answer::Page(self.cut(state, moment, i64::MAX))),
        });
        answer.await.map(Polled::from)
    }

    async fn older(&self, _: RoomId, before: MessageId, _: &Token) -> Result<Page, TransportError> {
        let page = self.carry(Kind::History, None, |state, moment| Ok(self.cut(state, moment, before.get())));
        let page = page.await?;
        // As every transport checks: a copy of the server that has not got that far is not believed.
        match page.messages.last().map_or(1, |m| m.id.get() + 1) == before.get() {
            true => Ok(page),
            false => Err(BadAnswer::OutOfOrder.into()),
        }
    }

    async fn rooms(
        &self,
        known: Option<&str>,
        _: &Token,
    ) -> Result<Polled<Option<TaggedRooms>>, TransportError> {
        let answer = self.carry(Kind::List, None, |state, _| {
            let tag = format!("{}-{}", state.now(), state.marker);
            if known == Some(&tag) {
                return Ok(None);
            }
            let last_message = state.at(state.now()).into_values().next_back().map(|m| self.told(m));
            let summary = RoomSummary {
                id: RoomId::new(1).unwrap(),
                title: "room".into(),
                last_message,
                unread: state.unread(&self.me),
                read_marker: MessageId::new(state.marker).ok(),
            };
            Ok(Some(TaggedRooms { rooms: Rooms { rooms: vec![summary] }, tag: Some(tag) }))
        });
        answer.await.map(Polled::from)
    }

    async fn send(
        &self,
        _: RoomId,
        key: &TransactionId,
        text: &str,
        _: &Token,
    ) -> Result<Message, TransportError> {
        let want = Want::Send(key.as_str().to_owned(), text.to_owned());
        let sent = self.carry(Kind::Send, Some(want), |state, _| state.send(By::Device, &self.me, key, text));
        sent.await.map(|m| self.told(m))
    }

    async fn edit(&self, _: RoomId, id: MessageId, text: &str, _: &Token) -> Result<Message, TransportError> {
        self.change(id, Some(text)).await
    }

    async fn delete(&self, _: RoomId, id: MessageId, _: &Token) -> Result<Message, TransportError> {
        self.change(id, None).await
    }

    async fn mark_read(&self, _: RoomId, id: MessageId, _: &Token) -> Result<ReadMarker, TransportError> {
        self.carry(Kind::Read, Some(Want::Read(id.get())), |state, _| {
            state.read(id.get())?;
            Ok(ReadMarker { id: MessageId::new(state.marker).unwrap(), unread: state.unread(&self.me) })
        })
        .await
    }

    fn follower(&self, kind: TransportKind) -> Option<Arc<dyn Follow>> {
        let server = self.this.upgrade()?;
        (kind != TransportKind::Polling).then(|| Arc::new(Way { server, kind }) as Arc<dyn Follow>)
    }
}

impl ModelServer {
    async fn change(&self, id: MessageId, text: Option<&str>) -> Result<Message, TransportError> {
        let want = Want::Change(id.get(), text.map(str::to_owned));
        let changed =
            self.carry(Kind::Change, Some(want), |state, _| state.rewrite(By::Device, &self.me, id, text));
        changed.await.map(|m| self.told(m))
    }
}
