//! What must be so once everything is well again and all has settled.

use crate::book::{Book, Own, Subject};
use crate::world::World;
use chat_engine::transport::Fault;
use chat_engine::{ChangeState, DeliveryState, RoomListItem, RoomStatus, TimelineItem};
use chat_protocol::{ErrorCode, Message, MessageId};
use chat_testkit::{By, ModelServer, Want, Wanted};
use std::collections::HashSet;

type Verdict = Result<(), String>;

/// All that is known in the end.
struct End<'a> {
    server: &'a ModelServer,
    book: Book,
    truth: Vec<Message>,
    wanted: Vec<Wanted>,
    items: Vec<TimelineItem>,
    tells_keys: bool,
    /// Whether what was refused has been tried again: then nothing may be left.
    all: bool,
}

impl World {
    /// The screen is the server's truth and what is unsent. With `all`, nothing is left refused either.
    pub(crate) fn verdict(&self, all: bool) -> Verdict {
        let timeline = self.screen.timeline();
        let truth = self.server.truth();
        let end = End {
            server: &self.server,
            book: self.book.lock().unwrap().clone(),
            truth,
            wanted: self.server.wanted(),
            items: timeline.items().to_vec(),
            tells_keys: self.case.tells_keys,
            all,
        };
        if (0..end.items.len()).any(|at| timeline.missing_before(at) != 0) {
            return Err("messages are missing in between".into());
        }
        end.is_truth()?;
        end.unsent()?;
        for own in &end.book.own {
            end.once(own)?;
        }
        end.in_turn()?;
        let own = (0..end.book.own.len()).map(Subject::Own);
        for subject in own.chain(end.book.twin.keys().map(|id| Subject::Twin(*id))) {
            end.done(subject)?;
        }
        end.read(timeline.status(), &self.lists.rooms())
    }
}

impl End<'_> {
    fn is_truth(&self) -> Verdict {
        let shown: Vec<_> = self.items.iter().filter(|item| item.id.is_some()).collect();
        for (item, message) in shown.iter().zip(&self.truth) {
            let same = item.id == Some(message.id)
                && item.seq == Some(message.seq)
                && item.text == message.text
                && item.deleted == message.deleted;
            if !same {
                return Err(format!("{item:?} “{}” is not {message:?} “{}”", item.text, message.text));
            }
            if item.change == ChangeState::Pending || (self.all && item.change != ChangeState::None) {
                return Err(format!("a change of {item:?} is left: {:?}", item.change));
            }
        }
        match shown.len() == self.truth.len() {
            true => Ok(()),
            false => Err(format!("{} there, shown {shown:?}", self.truth.len())),
        }
    }

    fn unsent(&self) -> Verdict {
        for item in self.items.iter().filter(|item| item.id.is_none()) {
            let own = self.book.by_key(item.key.get()).map(|at| &self.book.own[at]);
            let refusal = own.and_then(|own| self.refusal(own));
            match item.state {
                DeliveryState::Failed(_) if self.is_two(refusal) => {}
                DeliveryState::Failed(_) if !self.all && refusal.is_some() => {}
                _ => return Err(format!("{item:?} “{}” is unsent after {refusal:?}", item.text)),
            }
        }
        Ok(())
    }

    /// What was sent is there once, or on screen as refused.
    fn once(&self, own: &Own) -> Verdict {
        let times: usize = own.texts().map(|text| self.server.count(text)).sum();
        let shown = self.items.iter().any(|item| item.key.get() == own.key && item.id.is_none());
        if times > 1 || (times == 0 && !shown && !own.unwanted()) {
            return Err(format!("{} was stored {times} times", own.key));
        }
        let keys: HashSet<_> = self.sends(own).map(|(key, _)| key).collect();
        if keys.len() > 1 {
            return Err(format!("{} was sent under {} transaction ids", own.key, keys.len()));
        }
        if let Some(gone) = own.gone
            && let Some((_, late)) = self.sends(own).find(|(_, w)| w.at > gone)
        {
            return Err(format!("{} was sent after it was taken back: {late:?}", own.key));
        }
        let deleted = own.wish().filter(|wish| wish.text.is_none());
        // Of what was salvaged it is not known that it was not tried.
        if let Some(deleted) = deleted.filter(|_| !self.book.corrupted)
            && self.sends(own).next().is_some_and(|(_, first)| first.at > deleted.at)
        {
            return Err(format!("{} was sent first after it was deleted", own.key));
        }
        Ok(())
    }

    /// What was written first stands first, unless it was refused first.
    fn in_turn(&self) -> Verdict {
        let mut last = None;
        for own in &self.book.own {
            if self.sends(own).any(|(_, w)| w.refused.is_some_and(is_final)) {
                continue;
            }
            let Some(id) = own.on(self.server) else { continue };
            if last.is_some_and(|last| id < last) {
                return Err(format!("{} is message {id}, after one that was written later", own.key));
            }
            last = Some(id);
        }
        Ok(())
    }

    /// The newest wish for a message is the last that the server has had of this device about it.
    fn done(&self, subject: Subject) -> Verdict {
        let id = match subject {
            Subject::Own(own) => self.book.own[own].on(self.server),
            Subject::Twin(id) => MessageId::new(id).ok(),
        };
        let Some(id) = id.filter(|_| !self.book.is_doubled(subject)) else { return Ok(()) };
        let wishes = self.book.wishes(subject);
        let about = |w: &&Wanted| matches!(w.what, Want::Change(of, _) if of == id.get());
        for w in self.wanted.iter().filter(about) {
            let holds = wishes.iter().any(|wish| {
                w.what == Want::Change(id.get(), wish.text.clone())
                    && wish.at < w.at
                    && wish.ended.is_none_or(|ended| ended > w.at)
            });
            if !holds {
                return Err(format!("message {id}: {w:?} is not what was wished then, {wishes:?}"));
            }
        }
        let Some(wish) = self.book.wish(subject) else { return Ok(()) };
        let history = self.server.history(id);
        if history.last().is_some_and(|(message, _)| message.deleted) {
            return Ok(());
        }
        let ours = history.iter().rev().find(|(_, by)| *by == By::Device).map(|(message, _)| message);
        let item = self.items.iter().find(|item| item.id == Some(id));
        let failed = item.is_some_and(|item| matches!(item.change, ChangeState::Failed(_)));
        let refused = self.wanted.iter().rev().find(about).is_some_and(|w| w.refused.is_some_and(is_final));
        if ours.is_some_and(|m| Some(&m.text) == wish.text.as_ref()) || (failed && refused && !self.all) {
            return Ok(());
        }
        if let Subject::Own(own) = subject
            && let Some(refusal) = self.refusal(&self.book.own[own])
            && (self.is_two(Some(refusal)) || !self.tells_keys && !self.all || wish.text.is_none())
        {
            return Ok(()); // it was the refused row that was edited or deleted, and the phone knows of no message
        }
        Err(format!("message {id}: {wish:?} was not done, but {:?}", ours.map(|m| &m.text)))
    }

    fn read(&self, status: RoomStatus, rooms: &[RoomListItem]) -> Verdict {
        let marker = self.server.marker();
        let refused =
            self.wanted.iter().any(|w| matches!(w.what, Want::Read(_)) && w.refused.is_some_and(is_final));
        if marker < self.book.marked && !refused && !self.book.corrupted {
            return Err(format!("read up to {}, the server knows of {marker}", self.book.marked));
        }
        let shown = status.read_marker.map_or(0, MessageId::get);
        if shown != marker && !refused {
            return Err(format!("the marker is shown at {shown}, it is at {marker}"));
        }
        let beyond = |m: &&Message| m.id.get() > shown && m.sender.as_str() != "alice" && !m.deleted;
        let unread = self.truth.iter().filter(beyond).count() as u64;
        if status.unread != unread || status.has_older {
            return Err(format!("{unread} are unread, {status:?}"));
        }
        let [room] = rooms else { return Err(format!("the list is {rooms:?}")) };
        let last = self.truth.last().map(|m| (m.id, &m.text, m.deleted));
        if room.last_message.as_ref().map(|m| (m.id, &m.text, m.deleted)) != last {
            return Err(format!("the list says {room:?}, the last is {last:?}"));
        }
        match room.unread == unread {
            true => Ok(()),
            false => Err(format!("the list says {room:?}, {unread} are unread")),
        }
    }

    fn sends<'a>(&'a self, own: &'a Own) -> impl Iterator<Item = (&'a str, &'a Wanted)> {
        self.wanted.iter().filter_map(|w| match &w.what {
            Want::Send(key, text) if own.has(text) => Some((key.as_str(), w)),
            _ => None,
        })
    }

    /// What the server has said against a message, the last time it was sent.
    fn refusal(&self, own: &Own) -> Option<Fault> {
        self.sends(own).last().and_then(|(_, w)| w.refused).filter(|fault| is_final(*fault))
    }

    /// A key that had stored another text: where a server tells nobody its keys, the message and what
    /// it was to say instead are two to the phone.
    fn is_two(&self, refusal: Option<Fault>) -> bool {
        let reused = Fault::Refused { status: 422, code: ErrorCode::IdempotencyKeyReused };
        !self.tells_keys && refusal == Some(reused)
    }
}

/// Whether it is not tried again by itself.
fn is_final(fault: Fault) -> bool {
    matches!(fault, Fault::Refused { .. } | Fault::NotAMember | Fault::RoomNotFound)
}
