//! `import`: a file becomes a new room, which nobody sees until it is whole.
//!
//! ```text
//! thread: read, check ── batches, one waits ── the command: one transaction each ── the last lets the members in
//! ```
//! A bad line, a signal or a failing database takes away what was brought so far. Whatever failed, what there is is looked
//! at first, by a new connection: the old one may have lost the answer to what was done all the same, the last step
//! too. Where that fails as well (the disk is full, the database is gone), or after a kill, the room is left
//! without members and shows as unfinished until `room discard`.

use super::format::Header;
use super::progress::Progress;
use super::reading::{BadLine, ReadError, Reading};
use super::{Failure, open, say, say_json, stop};
use crate::cli::{Import as Options, Place, Target};
use crate::store::admin::{self, Admin, AdminError, Import};
use crate::title::title;
use chat_protocol::{Message, RoomId};
use indicatif::{HumanCount, HumanDuration};
use serde_json::json;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::pin::{Pin, pin};
use std::thread;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Messages in one transaction: on SQLite nobody else writes while it lasts, and so many take some 50 ms.
const BATCH_MESSAGES: usize = 10_000;

/// Bytes of text in one transaction, which long messages reach first. Three batches are held at most.
const BATCH_BYTES: usize = 4 << 20;

/// How long a step of taking it away again may take: it waits for a transaction that the failed connection may still have
/// under way, and a database that does not answer must not keep the command from saying so.
const STEP: Duration = Duration::from_secs(60);

/// Bytes read at once.
const BUFFER: usize = 256 << 10;

/// What the reading thread has to tell.
enum Read {
    Header {
        header: Header,
        /// How much there is to read, if it is a file.
        size: Option<u64>,
    },
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
#[derive(Clone)]
struct Imported {
    room: RoomId,
    header: Header,
    seconds: f64,
}

pub(super) async fn run(options: Options) -> Result<(), Failure> {
    let other_title = options.title.as_deref().map(title).transpose()?;
    let desk = open(&options.target).await?;
    let stop = pin!(stop()?);
    let items = start_reading(options.file.clone())?;
    let mut course = Course { import: None, finishing: None, items, other_title };
    let imported = match course.run(desk, stop).await {
        Ok(imported) => imported,
        Err(failure) => course.settle(failure, &options).await?,
    };
    let Imported { room, header, seconds } = imported;
    if options.json {
        return say_json(&json!({ "room": room, "messages": header.messages, "seconds": seconds }));
    }
    let took = Duration::from_secs_f64(seconds);
    let messages = HumanCount(header.messages.unsigned_abs());
    say(format_args!(
        "room {room}: {messages} messages, {} members, in {}",
        header.members.len(),
        HumanDuration(took)
    ))
}

/// An import under way.
struct Course {
    /// What was begun and is to be taken away if it comes to nothing; nothing before the first line is read.
    import: Option<Import>,
    /// What it is once the last transaction is through, which has been asked for.
    finishing: Option<Imported>,
    items: Items,
    other_title: Option<String>,
}

impl Course {
    async fn run(
        &mut self,
        mut desk: Box<dyn Admin>,
        mut stop: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<Imported, Failure> {
        let Read::Header { mut header, size } = next(&mut self.items, stop.as_mut()).await? else {
            return Err("the file has no first line".to_owned().into());
        };
        if let Some(other) = self.other_title.take() {
            header.title = other;
        }
        let mut progress = Progress::begin("import", "messages", size);
        let (title, created_at) = (header.title.clone(), header.created_at);
        let import = self.import.insert(Import { title, created_at, room: None, brought: 0 });
        loop {
            match next(&mut self.items, stop.as_mut()).await? {
                Read::Batch { messages, bytes } => {
                    desk.import(import, &messages).await.map_err(in_the_file)?;
                    progress.at(bytes, import.brought.unsigned_abs());
                }
                Read::Whole => break,
                Read::Header { .. } => {}
            }
        }
        // An empty room has had no batch.
        let room = match import.room {
            Some(room) => room,
            None => desk.import(import, &[]).await?,
        };
        let newest = (header.messages, header.last_seq);
        let seconds = progress.elapsed().as_secs_f64();
        let imported = self.finishing.insert(Imported { room, header, seconds });
        desk.finish_import(room, newest, &imported.header.members).await?;
        Ok(imported.clone())
    }

    /// Takes away what there is, and says how it failed; or that it did not, if the room is whole.
    async fn settle(&mut self, failure: Failure, options: &Options) -> Result<Imported, Failure> {
        // Nothing more is read.
        self.items.close();
        let nothing = "nothing was imported".to_owned();
        let left = match self.import.as_ref().and_then(|import| import.room) {
            None => nothing,
            Some(room) => match discard(&options.target, room).await {
                Ok(Left::Nothing) => nothing,
                Ok(Left::Whole) => {
                    return self.finishing.take().ok_or_else(|| AdminError::Whole(room).into());
                }
                Err(why) => format!(
                    "what is left of it is room {room}, as it could not be taken away ({why}): \
                     `chat-server room show {room}` tells, and `chat-server room discard {room}` takes it away"
                ),
            },
        };
        Err(match failure {
            Failure::Because(why) => Failure::Because(format!("{}: {why}; {left}", options.file)),
            Failure::Interrupted => {
                if left != "nothing was imported" {
                    // Should stderr be closed, `room list` tells.
                    let _ = writeln!(io::stderr(), "chat-server: {left}");
                }
                Failure::Interrupted
            }
        })
    }
}

/// What there is after a failure.
enum Left {
    Nothing,
    Whole,
}

/// Takes away what an import has left, by a connection of its own.
async fn discard(target: &Target, room: RoomId) -> Result<Left, String> {
    let mut desk = admin::open(&target.database).await.map_err(|error| error.to_string())?;
    loop {
        match timeout(STEP, desk.discard_some(room)).await.map_err(|_| "no answer in time".to_owned())? {
            Ok(true) => {}
            Ok(false) | Err(AdminError::NoRoom(_)) => return Ok(Left::Nothing),
            Err(AdminError::Whole(_)) => return Ok(Left::Whole),
            Err(error) => return Err(error.to_string()),
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

/// Starts the reading thread. It opens the file, too: a pipe lets nobody in before somebody writes.
fn start_reading(from: Place) -> Result<Items, Failure> {
    let (sender, items) = mpsc::channel(1);
    let read = move || {
        let read =
            open_file(&from).map_err(ReadError::from).and_then(|(from, size)| read(from, size, &sender));
        if let Err(error) = read {
            // Nobody listens when the command is giving up anyway.
            let _ = sender.blocking_send(Err(error));
        }
    };
    thread::Builder::new()
        .name("import-reader".into())
        .spawn(read)
        .map_err(|error| format!("cannot start a thread: {error}"))?;
    Ok(items)
}

/// What to read, and how long it is, if it is a file.
fn open_file(from: &Place) -> io::Result<(Box<dyn BufRead>, Option<u64>)> {
    let Place::File(path) = from else {
        return Ok((Box::new(BufReader::with_capacity(BUFFER, io::stdin())), None));
    };
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let size = metadata.is_file().then_some(metadata.len());
    Ok((Box::new(BufReader::with_capacity(BUFFER, file)), size))
}

/// Tells the whole file in batches; stops when nobody listens.
fn read(
    from: impl BufRead,
    size: Option<u64>,
    to: &mpsc::Sender<Result<Read, ReadError>>,
) -> Result<(), ReadError> {
    let mut reading = Reading::begin(from)?;
    let header = reading.header().clone();
    if to.blocking_send(Ok(Read::Header { header, size })).is_err() {
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
