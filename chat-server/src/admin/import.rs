//! `import`: a file becomes a new room, which nobody sees until it is whole.
//!
//! ```text
//! thread: read, check ── batches, one waits ── the command: one transaction each ── the last lets the members in
//! ```
//! A bad line, a signal or a failing database takes away what was brought so far. A kill, or a power cut, cannot: the
//! room is left without members and shows as unfinished until `room discard`.

use super::format::Header;
use super::progress::Progress;
use super::reading::{BadLine, ReadError, Reading};
use super::{Failure, open, say, say_json, stop};
use crate::cli::{Import as Options, Place};
use crate::store::admin::{Admin, AdminError, Import};
use crate::title::title;
use chat_protocol::{Message, RoomId};
use indicatif::{HumanCount, HumanDuration};
use serde_json::json;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::thread;
use tokio::sync::mpsc;

/// Messages in one transaction: on SQLite nobody else writes while it lasts, and so many take some 50 ms.
const BATCH_MESSAGES: usize = 10_000;

/// Bytes of text in one transaction, which long messages reach first. Three batches are held at most.
const BATCH_BYTES: usize = 4 << 20;

/// Bytes read at once.
const BUFFER: usize = 256 << 10;

/// What the reading thread has to tell.
enum Read {
    Header(Header),
    Batch {
        messages: Vec<Message>,
        bytes: u64,
    },
    /// The last line has confirmed it.
    Whole,
}

/// What the reading thread tells, in the file's order; an error ends it.
type Items = mpsc::Receiver<Result<Read, ReadError>>;

/// What became of it.
struct Imported {
    room: RoomId,
    header: Header,
    seconds: f64,
}

pub(super) async fn run(options: Options) -> Result<(), Failure> {
    let other_title = options.title.as_deref().map(title).transpose()?;
    let mut desk = open(&options.target).await?;
    let stop = pin!(stop()?);
    let (size, items) = start_reading(&options.file)?;
    let mut course = Course { desk: desk.as_mut(), import: None, items, size, other_title };
    let outcome = course.run(stop).await;
    let imported = match outcome {
        Ok(imported) => imported,
        Err(failure) => return Err(course.undo(failure, &options.file).await),
    };
    let Imported { room, header, seconds } = imported;
    if options.json {
        return say_json(&json!({ "room": room, "messages": header.messages, "seconds": seconds }));
    }
    let took = std::time::Duration::from_secs_f64(seconds);
    let messages = HumanCount(header.messages.unsigned_abs());
    say(format_args!(
        "room {room}: {messages} messages, {} members, in {}",
        header.members.len(),
        HumanDuration(took)
    ))
}

/// An import under way.
struct Course<'a> {
    desk: &'a mut dyn Admin,
    /// What was begun and is to be taken away if it comes to nothing; nothing before the first line is read.
    import: Option<Import>,
    items: Items,
    size: Option<u64>,
    other_title: Option<String>,
}

impl Course<'_> {
    async fn run(&mut self, mut stop: Pin<&mut impl Future<Output = ()>>) -> Result<Imported, Failure> {
        let Read::Header(mut header) = next(&mut self.items, stop.as_mut()).await? else {
            return Err("the file has no first line".to_owned().into());
        };
        if let Some(other) = self.other_title.take() {
            header.title = other;
        }
        let mut progress = Progress::begin("import", "messages", self.size);
        let (title, created_at) = (header.title.clone(), header.created_at);
        let import = self.import.insert(Import { title, created_at, room: None, brought: 0 });
        loop {
            match next(&mut self.items, stop.as_mut()).await? {
                Read::Batch { messages, bytes } => {
                    self.desk.import(import, &messages).await.map_err(in_the_file)?;
                    progress.at(bytes, import.brought.unsigned_abs());
                }
                Read::Whole => break,
                Read::Header(_) => {}
            }
        }
        // An empty room has had no batch.
        let room = match import.room {
            Some(room) => room,
            None => self.desk.import(import, &[]).await?,
        };
        self.desk.finish_import(room, (header.messages, header.last_seq), &header.members).await?;
        Ok(Imported { room, header, seconds: progress.elapsed().as_secs_f64() })
    }

    /// Takes away what there is, and says how it failed.
    async fn undo(&mut self, failure: Failure, file: &Place) -> Failure {
        // Nothing more is read.
        self.items.close();
        if let Some(room) = self.import.as_ref().and_then(|import| import.room) {
            loop {
                match self.desk.discard_some(room).await {
                    Ok(true) => {}
                    Ok(false) | Err(AdminError::NoRoom(_)) => break,
                    Err(error) => {
                        // Not in the way of the first reason, which follows.
                        let _ = writeln!(
                            io::stderr(),
                            "chat-server: room {room} is left unfinished ({error}): \
                             take it away with `chat-server room discard {room}`"
                        );
                        break;
                    }
                }
            }
        }
        match failure {
            Failure::Because(why) => Failure::Because(format!("{file}: {why}; nothing was imported")),
            Failure::Interrupted => Failure::Interrupted,
        }
    }
}

/// What the reading thread tells next, unless a signal comes first.
async fn next(items: &mut Items, stop: Pin<&mut impl Future<Output = ()>>) -> Result<Read, Failure> {
    tokio::select! {
        biased;
        () = stop => Err(Failure::Interrupted),
        item = items.recv() => match item {
            Some(Ok(item)) => Ok(item),
            Some(Err(error)) => Err(error.to_string().into()),
            None => Err("the reading thread has ended".to_owned().into()),
        }
    }
}

/// Where in the file it is that the database refuses.
fn in_the_file(error: AdminError) -> Failure {
    match error {
        AdminError::Taken { id, field } => {
            // The first line is the header.
            let why = "another message of the file has the same".into();
            Failure::Because(BadLine { line: id.get() + 1, field: Some(field), why }.to_string())
        }
        other => other.into(),
    }
}

/// Starts the reading thread, and says how much there is to read, if it is a file.
fn start_reading(from: &Place) -> Result<(Option<u64>, Items), Failure> {
    let (sender, items) = mpsc::channel(1);
    let (size, reader): (_, Box<dyn BufRead + Send>) = match from {
        Place::Standard => (None, Box::new(BufReader::with_capacity(BUFFER, io::stdin()))),
        Place::File(path) => {
            let file = open_file(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            let size = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
            (size, Box::new(BufReader::with_capacity(BUFFER, file)))
        }
    };
    let read = move || {
        if let Err(error) = read(reader, &sender) {
            // Nobody listens when the command is giving up anyway.
            let _ = sender.blocking_send(Err(error));
        }
    };
    thread::Builder::new()
        .name("import-reader".into())
        .spawn(read)
        .map_err(|error| format!("cannot start a thread: {error}"))?;
    Ok((size, items))
}

fn open_file(path: &PathBuf) -> io::Result<File> {
    let file = File::open(path)?;
    match file.metadata()?.is_dir() {
        true => Err(io::Error::from(io::ErrorKind::IsADirectory)),
        false => Ok(file),
    }
}

/// Tells the whole file in batches; stops when nobody listens.
fn read(from: impl BufRead, to: &mpsc::Sender<Result<Read, ReadError>>) -> Result<(), ReadError> {
    let mut reading = Reading::begin(from)?;
    if to.blocking_send(Ok(Read::Header(reading.header().clone()))).is_err() {
        return Ok(());
    }
    let (mut messages, mut size) = (Vec::new(), 0);
    loop {
        let next = reading.message()?;
        let whole = next.is_none();
        if let Some(message) = next {
            size += message.text.len();
            messages.push(message);
        }
        if messages.len() == BATCH_MESSAGES || size >= BATCH_BYTES || (whole && !messages.is_empty()) {
            let batch = Read::Batch { messages: std::mem::take(&mut messages), bytes: reading.bytes() };
            size = 0;
            if to.blocking_send(Ok(batch)).is_err() {
                return Ok(());
            }
        }
        if whole {
            // Should nobody listen any more, nobody misses it.
            let _ = to.blocking_send(Ok(Read::Whole));
            return Ok(());
        }
    }
}
