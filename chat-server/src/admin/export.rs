//! `export`: a room at one moment, page by page.

use super::format::{FORMAT, Header, VERSION};
use super::output::Output;
use super::progress::Progress;
use super::writing::Writing;
use super::{Failure, end_by_signal, open, stop};
use crate::cli::{Export as Options, Place};
use crate::store::admin::{Admin, AdminError};
use chat_protocol::RoomId;
use chat_protocol::limits::MAX_PAGE;
use indicatif::{BinaryBytes, HumanCount};
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::pin::pin;

/// Bytes that are written at once: a page of the database and more, so that the system is not asked for each line.
const BUFFER: usize = 256 << 10;

pub(super) async fn run(options: Options) -> Result<(), Failure> {
    let mut desk = open(&options.target).await?;
    desk.hold_snapshot().await?;
    match options.file {
        Place::Standard => {
            let stdout = BufWriter::with_capacity(BUFFER, io::stdout());
            let cannot = |error: io::Error| format!("cannot write: {error}");
            end_by_signal(async { copy(desk.as_mut(), options.room, stdout, &cannot).await.map(drop) }).await
        }
        Place::File(path) => {
            let stop = pin!(stop()?);
            let output = Output::beside(&path, options.force)?;
            let cannot = |error: io::Error| output.cannot(&error);
            let file = OpenOptions::new().write(true).open(output.partial()).map_err(cannot)?;
            let file = BufWriter::with_capacity(BUFFER, file);
            let (messages, bytes) = tokio::select! {
                biased;
                () = stop => return Err(Failure::Interrupted),
                copied = copy(desk.as_mut(), options.room, file, &cannot) => copied?,
            };
            output.finish()?;
            let words = (path.display(), HumanCount(messages), BinaryBytes(bytes));
            super::say(format_args!("{}: {} messages, {}", words.0, words.1, words.2))
        }
    }
}

/// Writes the whole room and says how many messages and bytes that was.
async fn copy(
    desk: &mut dyn Admin,
    room: RoomId,
    to: impl Write,
    cannot: &(dyn Fn(io::Error) -> String + Sync),
) -> Result<(u64, u64), Failure> {
    let (info, members) = desk.room(room).await?;
    if info.unfinished_import.is_some() {
        return Err(AdminError::Unfinished(room).into());
    }
    let whole = info.messages.unsigned_abs();
    let header = Header {
        format: FORMAT.into(),
        version: VERSION,
        title: info.title,
        created_at: info.created_at,
        messages: info.messages,
        last_seq: info.last_seq,
        members,
    };
    let mut writing = Writing::begin(to, &header).map_err(cannot)?;
    let mut progress = Progress::begin("export", "messages", Some(whole));
    let mut after = 0;
    while after < info.messages {
        let page = desk.messages(room, after, MAX_PAGE).await?;
        let Some(last) = page.last() else {
            let why =
                format!("room {room} has no message {}, though it should: check the database", after + 1);
            return Err(why.into());
        };
        after = last.id.get();
        for message in page {
            writing.message(message).map_err(cannot)?;
        }
        progress.at(after.unsigned_abs(), after.unsigned_abs());
        // Lets a signal be heard.
        tokio::task::yield_now().await;
    }
    let (_, bytes) = writing.end().map_err(cannot)?;
    Ok((whole, bytes))
}
