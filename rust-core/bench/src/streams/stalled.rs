//! A thousand listeners who never read, in a room that talks: the server's memory over time.

use super::audience::Audience;
use super::carrier::Carrier;
use super::line::Line;
use super::subject::{Programs, Subject, token};
use super::talker::{Talk, talkers};
use super::{Options, users};
use crate::report::table::{Table, grid};
use anyhow::{Context as _, Result, ensure};
use chat_engine::protocol::CloseCode;
use memchr::memmem;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// As small as the kernel lets them be, so that what is not read piles up in the server rather than in sockets.
const RECEIVE_BUFFER: u32 = 4 << 10;

/// Segments of a slow network; the loopback's 64 KiB would make the server's send buffers megabytes.
const SEGMENT: u32 = 536;

/// A message that fills buffers.
const TALK: Talk = Talk { rate: 40.0, messages: 0, text_bytes: 1_000 };

/// How long a reader that has woken up waits for the end.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where in what was read the end is looked for.
const TAIL: usize = 512;

/// Memory is looked at this often in a run.
const LOOKS: usize = 10;

/// Measures sockets and event streams, tells the table, returns the curves.
pub(crate) async fn measure(options: &Options, programs: &Programs, table: &mut Table) -> Result<String> {
    let mut rows = vec![];
    for carrier in [Carrier::WebSocket, Carrier::Sse] {
        super::progress(&format!("{} stalled readers: {}", options.stalled, carrier.name()));
        let (curve, ends) = of_one(carrier, options, programs).await.with_context(|| carrier.name())?;
        let mib: Vec<f64> = curve.iter().map(|kib| kib / 1024.0).collect();
        // The queues fill in the first half; a leak would go on in the second.
        let (half, end) = (mib[LOOKS / 2], mib[LOOKS]);
        let what = format!("{} stalled readers, {}: ", options.stalled, carrier.name());
        table.aim(&(what.clone() + "memory at the end against half-time"), end / half, "×", 1.1);
        let share = |of: &dyn Fn(End) -> bool| {
            ends.iter().filter(|end| of(**end)).count() as f64 / options.stalled as f64
        };
        table.at_least(&(what.clone() + "sent away"), share(&|end| end != End::None), "×", 1.0);
        table.figure(&(what + "of these told why"), share(&|end| end == End::Told), "×");
        let cells = mib.iter().map(|mib| format!("{mib:.1}"));
        rows.push(std::iter::once(carrier.name().to_owned()).chain(cells).collect());
    }
    let step = options.stalled_seconds / LOOKS as f64;
    let headings: Vec<String> = std::iter::once("server's memory in MiB after".to_owned())
        .chain((0..=LOOKS).map(|look| format!("{:.0} s", look as f64 * step)))
        .collect();
    Ok(grid(&headings.iter().map(String::as_str).collect::<Vec<_>>(), &rows))
}

/// The server's memory, look by look, and what became of the readers.
async fn of_one(carrier: Carrier, options: &Options, programs: &Programs) -> Result<(Vec<f64>, Vec<End>)> {
    let bound = (options.stalled + 1).to_string();
    let bounds = ["--max-listeners", &bound, "--max-room-listeners", &bound];
    let subject = Subject::chat_server(&programs.chat_server, &bounds)?;
    let (stalled, awake) = (users(0..options.stalled), users(options.stalled..options.stalled + 1));
    let room = subject.room(&[talkers(), awake.clone(), stalled.clone()].concat()).await?;
    let mut audience = Audience::new(&subject, carrier);
    audience.seat(room, &awake).await?;
    let mut streams = vec![];
    for user in &stalled {
        let line = Line::narrow(subject.address, RECEIVE_BUFFER, SEGMENT).await?;
        let request = carrier.request(room, &token(user)?, 0);
        let (head, _, stream) = line.into_stream(request.as_bytes()).await?;
        ensure!(head.starts_with("HTTP/1.1 101") || head.starts_with("HTTP/1.1 200"), "refused: {head}");
        streams.push(stream);
    }

    let mut curve = vec![subject.rss_kib()?];
    let step = options.stalled_seconds / LOOKS as f64;
    let talk = Talk { messages: (TALK.rate * step) as usize, ..TALK };
    for look in 0..LOOKS {
        talk.hold(&subject, room, 1 + look * talk.messages).await?;
        curve.push(subject.rss_kib()?);
    }
    // Who reads has missed nothing.
    audience.heard(LOOKS * talk.messages).await?;
    Ok((curve, ends(streams, carrier).await))
}

/// What became of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It was told why.
    Told,
    /// The connection is gone without a word: it slept for too long.
    Cut,
    /// It is still there.
    None,
}

/// Reads the streams at last.
async fn ends(streams: Vec<TcpStream>, carrier: Carrier) -> Vec<End> {
    // A close frame's code, or the last event; what follows is a few words.
    let word: &[u8] = match carrier {
        Carrier::WebSocket => &CloseCode::SlowReader.number().to_be_bytes(),
        _ => b"event: end",
    };
    let mut tasks = JoinSet::new();
    for mut stream in streams {
        let word = word.to_owned();
        tasks.spawn_local(async move {
            let reading = async {
                let mut bytes = vec![];
                while stream.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
                    if memmem::find(&bytes[bytes.len().saturating_sub(TAIL)..], &word).is_some() {
                        return End::Told;
                    }
                }
                End::Cut
            };
            tokio::time::timeout(PATIENCE, reading).await.unwrap_or(End::None)
        });
    }
    tasks.join_all().await
}
