//! A listener that holds every update against what must be so at any moment.

use crate::book::Book;
use chat_engine::repository::Timeline;
use chat_engine::{
    ChangeState, ConnectionState, ListenerFailed, RoomListItem, RoomListListener, RoomListener, TimelineItem,
    TimelineUpdate, TransportKind,
};
use chat_protocol::MessageId;
use chat_testkit::ModelServer;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

/// A room's screen.
pub(crate) struct Screen {
    pub(crate) server: Arc<ModelServer>,
    pub(crate) book: Arc<Mutex<Book>>,
    pub(crate) tells_keys: bool,
    /// Whether keys last: nothing that was confirmed here is ever let go of.
    pub(crate) keeps_keys: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    timeline: Timeline,
    shut: bool,
    seen: HashMap<MessageId, i64>,
    marker: i64,
    told: bool,
    connection: Option<ConnectionState>,
    wrong: Option<String>,
}

impl Screen {
    pub(crate) fn new(
        server: Arc<ModelServer>,
        book: Arc<Mutex<Book>>,
        tells_keys: bool,
        keeps_keys: bool,
    ) -> Arc<Self> {
        Arc::new(Self { server, book, tells_keys, keeps_keys, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn timeline(&self) -> Timeline {
        self.state().timeline.clone()
    }

    /// How the job was last said to stand.
    pub(crate) fn connection(&self) -> Option<ConnectionState> {
        self.state().connection.clone()
    }

    /// What the room is followed by, if the server answers.
    pub(crate) fn live(&self) -> Option<TransportKind> {
        match self.connection() {
            Some(ConnectionState::Live { transport }) => Some(transport),
            _ => None,
        }
    }

    /// Whether a message is on screen, or is history by now: more has come since than is kept.
    pub(crate) fn shows(&self, id: MessageId) -> bool {
        let timeline = self.timeline();
        let mut ids = timeline.items().iter().filter_map(|item| item.id).peekable();
        ids.peek().is_some_and(|first| *first > id) || ids.any(|shown| shown == id)
    }

    /// From now on nothing may be told, or may be again.
    pub(crate) fn shut(&self, shut: bool) {
        self.state().shut = shut;
    }

    /// What was wrong first, if anything was.
    pub(crate) fn wrong(&self) -> Option<String> {
        self.state().wrong.clone()
    }

    fn check(&self, state: &mut State, update: TimelineUpdate) -> Result<(), String> {
        let what = format!("{update:?}");
        if state.shut {
            return Err(format!("told while it is stopped: {what}"));
        }
        let whole = matches!(update, TimelineUpdate::Snapshot { .. });
        if let TimelineUpdate::Snapshot { items, .. } = &update {
            in_order(items).map_err(|e| format!("{e}: {what}"))?;
        }
        state.timeline.apply(update);
        state.told = true;
        let items = state.timeline.items();
        in_order(items)?;
        self.own(items, whole).map_err(|e| format!("{e} after {what}"))?;
        let corrupted = self.book.lock().unwrap().corrupted;
        for item in items {
            self.row(item)?;
            if let (Some(id), Some(seq)) = (item.id, item.seq) {
                let before = state.seen.insert(id, seq.get()).unwrap_or(0);
                if seq.get() < before && !corrupted {
                    return Err(format!("message {id} goes back from change {before} to {seq}"));
                }
            }
        }
        let status = state.timeline.status();
        let first = items.iter().find_map(|item| item.id).map_or(1, MessageId::get);
        if !status.has_older && first != 1 {
            return Err(format!("nothing is older than {first}, it says"));
        }
        let marker = status.read_marker.map_or(0, MessageId::get);
        if marker < state.marker && !corrupted {
            return Err(format!("the marker goes back from {} to {marker}", state.marker));
        }
        state.marker = marker;
        Ok(())
    }

    /// A row says what the server has, or what the user wishes.
    fn row(&self, item: &TimelineItem) -> Result<(), String> {
        let book = self.book.lock().unwrap();
        let wrong = |why: &str| Err(format!("{why}: {item:?} {:?} “{}”", item.change, item.text));
        let Some(id) = item.id else {
            let Some(own) = book.by_key(item.key.get()).map(|at| &book.own[at]) else {
                return wrong("a row that nobody wrote");
            };
            if own.gone.is_some() {
                return wrong("a row that was taken back");
            }
            let deleted_there = own
                .on(&self.server)
                .and_then(|id| self.server.history(id).pop())
                .is_some_and(|(m, _)| m.deleted);
            let fits = match (own.wish().map(|wish| &wish.text), item.change) {
                (Some(None), ChangeState::Pending) => item.deleted,
                (Some(Some(text)), ChangeState::Pending | ChangeState::None) => item.text == *text,
                _ => own.has(&item.text),
            };
            return if fits || deleted_there || book.doubled.contains(&own.key) {
                Ok(())
            } else {
                wrong("not what was written last")
            };
        };
        let Some(version) = item.seq.and_then(|seq| self.server.version(id, seq)) else {
            return wrong("a version that the server never had");
        };
        if version.sender != item.sender || item.own != (version.sender.as_str() == "alice") {
            return wrong("somebody else's");
        }
        if item.change == ChangeState::Pending {
            let subject = book.subject(&self.server, id);
            if subject.is_some_and(|subject| book.is_doubled(subject)) {
                return Ok(());
            }
            let wish = subject.and_then(|subject| book.wish(subject).cloned());
            return match wish.map(|wish| wish.text) {
                Some(Some(text)) if text == item.text && !item.deleted => Ok(()),
                Some(None) if item.deleted => Ok(()),
                other => wrong(&format!("not what was wished for last, {other:?}")),
            };
        }
        let same = version.text == item.text
            && version.deleted == item.deleted
            && version.edited_at.is_some() == item.edited;
        if same { Ok(()) } else { wrong(&format!("the server had “{}”", version.text)) }
    }

    /// Nothing that was written is lost, and nothing is there twice.
    fn own(&self, items: &[TimelineItem], whole: bool) -> Result<(), String> {
        let mut book = self.book.lock().unwrap();
        let Book { own, corrupted, vanished, confirmed, doubled, .. } = &mut *book;
        let corrupted = *corrupted;
        let first = items.iter().find_map(|item| item.id);
        for own in own {
            let id = own.on(&self.server);
            let by_key = items.iter().find(|item| item.key.get() == own.key);
            let by_id = id.and_then(|id| items.iter().find(|item| item.id == Some(id)));
            let unconfirmed = by_key.is_some_and(|item| item.id.is_none());
            if by_key.is_some() && !unconfirmed {
                confirmed.insert(own.key);
            }
            if whole && !confirmed.contains(&own.key) {
                vanished.insert(own.key); // it may have become history while nobody was told
            }
            if unconfirmed && by_id.is_some() {
                if self.tells_keys {
                    return Err(format!("{} is there twice", own.key));
                }
                doubled.insert(own.key);
            }
            if own.unwanted() {
                if by_key.is_none() {
                    vanished.insert(own.key);
                }
                continue;
            }
            match id {
                None if by_key.is_none() => return Err(format!("{} is unsent and lost", own.key)),
                Some(id) if by_key.is_none() && by_id.is_none() && !corrupted => {
                    vanished.insert(own.key);
                    if first.is_some_and(|first| first <= id) {
                        return Err(format!("{} is message {id} and not to be seen", own.key));
                    }
                }
                _ => {}
            }
            if let Some(item) = by_id
                && item.key.get() != own.key
                && self.keeps_keys
                && !corrupted
                && !unconfirmed
                && !vanished.contains(&own.key)
            {
                return Err(format!("{} has become {}", own.key, item.key.get()));
            }
        }
        Ok(())
    }
}

fn in_order(items: &[TimelineItem]) -> Result<(), String> {
    let place = |item: &TimelineItem| match item.id {
        Some(id) => (0, id.get()),
        None => (1, -item.key.get()),
    };
    let keys: HashSet<_> = items.iter().map(|item| item.key).collect();
    if keys.len() != items.len() {
        return Err(format!("one key twice: {items:?}"));
    }
    match items.windows(2).all(|pair| place(&pair[0]) < place(&pair[1])) {
        true => Ok(()),
        false => Err(format!("out of order, or one id twice: {items:?}")),
    }
}

impl RoomListener for Screen {
    fn on_timeline(&self, update: TimelineUpdate) -> Result<(), ListenerFailed> {
        let mut state = self.state();
        let checked = self.check(&mut state, update);
        if let Err(wrong) = checked {
            state.wrong.get_or_insert(wrong);
        }
        Ok(())
    }

    fn on_connection(&self, connection: ConnectionState) -> Result<(), ListenerFailed> {
        let mut state = self.state();
        if state.shut {
            state.wrong.get_or_insert(format!("told while it is stopped: {connection:?}"));
        }
        state.connection = Some(connection);
        Ok(())
    }
}

/// The screen of the list of rooms.
#[derive(Default)]
pub(crate) struct ListScreen {
    state: Mutex<(Vec<RoomListItem>, bool, bool)>,
}

impl ListScreen {
    pub(crate) fn shut(&self, shut: bool) {
        self.state.lock().unwrap().1 = shut;
    }

    pub(crate) fn rooms(&self) -> Vec<RoomListItem> {
        self.state.lock().unwrap().0.clone()
    }

    pub(crate) fn wrong(&self) -> Option<String> {
        self.state.lock().unwrap().2.then(|| "the list was told while it is stopped".to_owned())
    }
}

impl RoomListListener for ListScreen {
    fn on_rooms(&self, rooms: Vec<RoomListItem>) -> Result<(), ListenerFailed> {
        let mut state = self.state.lock().unwrap();
        state.2 |= state.1;
        state.0 = rooms;
        Ok(())
    }

    fn on_connection(&self, _: ConnectionState) -> Result<(), ListenerFailed> {
        let mut state = self.state.lock().unwrap();
        state.2 |= state.1;
        Ok(())
    }
}
