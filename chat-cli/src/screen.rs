//! What has been printed, what has changed since, and when there is nothing left to wait for.

use crate::printer::Printer;
use chat_engine::protocol::{MessageText, Seq, Timestamp, UserId};
use chat_engine::{
    ChangeState, ConnectionState, DeliveryState, ItemKey, ListenerFailed, RoomListener, TimelineItem,
    TimelineUpdate,
};
use std::collections::HashMap;
use std::io;
use std::sync::mpsc;

/// Everything that happens, in one queue.
pub(crate) enum Event {
    /// A line was typed.
    Line(String),
    /// A line was given that is not UTF-8.
    NotText,
    /// Nothing more will be typed.
    EndOfInput,
    /// The timeline changed.
    Timeline(TimelineUpdate),
    /// The job's state changed.
    Connection(ConnectionState),
    /// Somebody wants this to end.
    Signal,
}

/// Passes the engine's calls on to the queue.
pub(crate) struct Listener(pub(crate) mpsc::Sender<Event>);

impl RoomListener for Listener {
    fn on_timeline(&self, update: TimelineUpdate) -> Result<(), ListenerFailed> {
        self.0.send(Event::Timeline(update)).map_err(|_| ListenerFailed)
    }

    fn on_connection(&self, state: ConnectionState) -> Result<(), ListenerFailed> {
        self.0.send(Event::Connection(state)).map_err(|_| ListenerFailed)
    }
}

/// The timeline as it stands on standard output.
pub(crate) struct Screen {
    printer: Box<dyn Printer>,
    printed: HashMap<ItemKey, (Option<Seq>, DeliveryState)>,
    /// Own messages of this run that are neither confirmed nor failed.
    unsettled: usize,
    /// A line has come, whatever became of it.
    heard: bool,
    shown: bool,
    input_ended: bool,
    watch: bool,
}

impl Screen {
    pub(crate) fn new(printer: Box<dyn Printer>, watch: bool) -> Self {
        let printed = HashMap::new();
        Self { printer, printed, unsettled: 0, heard: false, shown: false, input_ended: false, watch }
    }

    /// A line has come of which nothing was sent.
    pub(crate) fn passed_over(&mut self) {
        self.heard = true;
    }

    /// A line is safe on disk. Printed here, and not when the engine tells of it, which may be
    /// after the server has confirmed it.
    pub(crate) fn accepted(&mut self, key: ItemKey, me: &UserId, line: &str) -> io::Result<()> {
        self.heard = true;
        let Ok(text) = MessageText::new(line) else { return Ok(()) };
        let item = TimelineItem {
            key,
            id: None,
            seq: None,
            sender: me.clone(),
            own: true,
            text: text.into_string(),
            sent_at: Timestamp::now(),
            edited: false,
            deleted: false,
            state: DeliveryState::Pending,
            change: ChangeState::None,
        };
        self.show(&item, true)
    }

    pub(crate) fn update(&mut self, update: TimelineUpdate) -> io::Result<()> {
        self.shown = true;
        let items = match update {
            TimelineUpdate::Snapshot { items, .. } => items,
            TimelineUpdate::Diff { upserted, removed, .. } => {
                // Sent, and history by the time it could be shown.
                for key in removed {
                    if self.printed.remove(&key).is_some_and(|(_, state)| !settled(state)) {
                        self.unsettled -= 1;
                    }
                }
                upserted
            }
        };
        items.iter().try_for_each(|item| self.show(item, false))
    }

    pub(crate) fn end_of_input(&mut self) {
        self.input_ended = true;
    }

    /// Whether the input has ended and all of it has been dealt with.
    pub(crate) fn is_done(&self) -> bool {
        self.input_ended && self.heard && self.shown && self.unsettled == 0 && !self.watch
    }

    fn show(&mut self, item: &TimelineItem, typed: bool) -> io::Result<()> {
        let before = self.printed.get(&item.key).copied();
        if before
            .is_some_and(|(seq, state)| seq > item.seq || (seq, rank(state)) == (item.seq, rank(item.state)))
        {
            return Ok(()); // a snapshot tells again what is known, and may be older than what was accepted
        }
        self.printed.insert(item.key, (item.seq, item.state));
        if item.own {
            match (before.is_some_and(|(_, state)| !settled(state)), settled(item.state)) {
                (false, false) => self.unsettled += 1,
                (true, true) => self.unsettled -= 1,
                _ => {}
            }
        }
        let before = before.map(|(_, state)| state);
        if typed { self.printer.typed(item) } else { self.printer.print(item, before) }
    }
}

fn settled(state: DeliveryState) -> bool {
    matches!(state, DeliveryState::Confirmed | DeliveryState::Failed(_))
}

fn rank(state: DeliveryState) -> u8 {
    match state {
        DeliveryState::Pending => 0,
        DeliveryState::Sending => 1,
        DeliveryState::Sent => 2,
        DeliveryState::Confirmed => 3,
        DeliveryState::Failed(_) => 4,
    }
}
