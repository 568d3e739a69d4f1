//! How a message looks on standard output.

use crate::args::Args;
use crate::clock::Clock;
use chat_engine::{DeliveryState, FailureReason, TimelineItem};
use jiff::civil::Date;
use serde_json::json;
use std::io::{self, Write};

/// Prints a message that is new or has changed.
pub(crate) trait Printer {
    /// Prints a line that has just been typed and is safe on disk.
    fn typed(&mut self, item: &TimelineItem) -> io::Result<()>;
    /// Prints a message; `before` is the state in which it was known already.
    fn print(&mut self, item: &TimelineItem, before: Option<DeliveryState>) -> io::Result<()>;
}

/// The printer that the command line asks for.
pub(crate) fn for_args(args: &Args) -> Box<dyn Printer> {
    if args.json { Box::new(Json) } else { Box::new(Text { clock: Clock::local(), day: None }) }
}

/// One object a line.
struct Json;

impl Printer for Json {
    fn typed(&mut self, item: &TimelineItem) -> io::Result<()> {
        self.print(item, None)
    }

    fn print(&mut self, item: &TimelineItem, _before: Option<DeliveryState>) -> io::Result<()> {
        let (state, reason) = state(item.state);
        let mut line = json!({
            "key": item.key.get(),
            "id": item.id,
            "seq": item.seq,
            "sender": item.sender,
            "own": item.own,
            "text": item.text,
            "sent_at": item.sent_at,
            "edited": item.edited,
            "deleted": item.deleted,
            "state": state,
        });
        if let Some(reason) = reason {
            line["reason"] = reason.into();
        }
        say(&line.to_string())
    }
}

/// For people: a line a message, a line a day.
struct Text {
    clock: Clock,
    day: Option<Date>,
}

impl Printer for Text {
    /// Whoever typed it has it before their eyes; it is printed when it stands in the room.
    fn typed(&mut self, _item: &TimelineItem) -> io::Result<()> {
        Ok(())
    }

    fn print(&mut self, item: &TimelineItem, before: Option<DeliveryState>) -> io::Result<()> {
        use DeliveryState::{Confirmed, Failed};
        // A line once printed stays; only what its reader should know is worth another.
        let note = match (before, item.state) {
            (Some(Confirmed), Confirmed) if !item.edited && !item.deleted => return Ok(()),
            (_, Confirmed) => String::new(),
            (_, Failed(_)) => format!("  ✗ not sent: {}", state(item.state).1.unwrap_or("refused")),
            (None, _) => "  … waiting to be sent".to_owned(),
            (Some(_), _) => return Ok(()),
        };
        let day = self.clock.day(item.sent_at);
        if self.day.replace(day) != Some(day) {
            say(&format!("──────── {} ────────", self.clock.write_day(day)))?;
        }
        let who = if item.own { "me" } else { item.sender.as_str() };
        let text = if item.deleted { "(deleted)".to_owned() } else { tame(&item.text) };
        say(&format!("{}  {}: {text}{note}", self.clock.write_time(item.sent_at), tame(who)))
    }
}

/// What somebody else wrote must not steer this terminal, turn its lines around, or pass for a line
/// of its own: no control characters, no bidirectional overrides, further lines indented.
fn tame(text: &str) -> String {
    let steers = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut tamed = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => tamed.push_str("\n        "),
            '\t' => tamed.push(c),
            c if steers(c) => tamed.push('\u{fffd}'),
            c => tamed.push(c),
        }
    }
    tamed
}

fn state(state: DeliveryState) -> (&'static str, Option<&'static str>) {
    match state {
        DeliveryState::Pending => ("pending", None),
        DeliveryState::Sending => ("sending", None),
        DeliveryState::Sent => ("sent", None),
        DeliveryState::Confirmed => ("confirmed", None),
        DeliveryState::Failed(FailureReason::Refused) => ("failed", Some("refused")),
        DeliveryState::Failed(FailureReason::NotAMember) => ("failed", Some("not_a_member")),
        DeliveryState::Failed(FailureReason::RoomNotFound) => ("failed", Some("room_not_found")),
    }
}

/// A whole line at once, so that whoever reads the pipe never sees half of one.
fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes())?;
    out.flush()
}
