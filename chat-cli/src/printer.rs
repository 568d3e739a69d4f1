//! How a message looks on standard output.

use crate::args::Args;
use crate::clock::Clock;
use chat_engine::{DeliveryState, FailureReason, TimelineItem};
use jiff::civil::Date;
use serde_json::json;
use std::io::{self, Write};

/// Prints a message that is new or has changed.
pub(crate) trait Printer {
    /// Prints it; `known` says that it stood there before, in another state or version.
    fn print(&mut self, item: &TimelineItem, known: bool) -> io::Result<()>;
}

/// The printer that the command line asks for.
pub(crate) fn for_args(args: &Args) -> Box<dyn Printer> {
    if args.json { Box::new(Json) } else { Box::new(Text { clock: Clock::local(), day: None }) }
}

/// One object a line.
struct Json;

impl Printer for Json {
    fn print(&mut self, item: &TimelineItem, _known: bool) -> io::Result<()> {
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
    fn print(&mut self, item: &TimelineItem, known: bool) -> io::Result<()> {
        // A line once printed stays; only what its reader should know is worth another.
        let note = match (known, item.state) {
            (true, DeliveryState::Failed(_)) => {
                format!("  ✗ not sent: {}", state(item.state).1.unwrap_or("refused"))
            }
            (true, DeliveryState::Confirmed) if item.edited || item.deleted => String::new(),
            (true, _) => return Ok(()),
            (false, DeliveryState::Failed(_)) => "  ✗ not sent".to_owned(),
            (false, _) => String::new(),
        };
        let day = self.clock.day(item.sent_at);
        if self.day.replace(day) != Some(day) {
            say(&format!("──────── {} ────────", self.clock.write_day(day)))?;
        }
        let who = if item.own { "me" } else { item.sender.as_str() };
        let text = if item.deleted { "(deleted)".to_owned() } else { visible(&item.text) };
        say(&format!("{}  {who}: {text}{note}", self.clock.write_time(item.sent_at)))
    }
}

/// What somebody else wrote must not steer this terminal.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
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
