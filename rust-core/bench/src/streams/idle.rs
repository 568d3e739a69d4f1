//! What a connection costs the server's memory while nothing is said.

use super::audience::Audience;
use super::carrier::Carrier;
use super::subject::{Programs, Subject};
use super::{Options, users};
use crate::report::table::{Table, median};
use anyhow::{Context as _, Result};
use std::time::Duration;

/// Listeners of a room: as many as a room is made with.
const ROOM: usize = 1_000;

/// How long a server has to put away what connecting took.
const SETTLE: Duration = Duration::from_secs(2);

const CARRIERS: [Carrier; 5] =
    [Carrier::SocketIo, Carrier::WebSocket, Carrier::Sse, Carrier::LongPoll, Carrier::Polling];

/// KiB of the server's memory to a connection, by carrier.
pub(crate) type Memory = Vec<(Carrier, f64)>;

/// Measures each carrier and tells the table.
pub(crate) async fn measure(options: &Options, programs: &Programs, table: &mut Table) -> Result<Memory> {
    let mut memory = vec![];
    for carrier in CARRIERS {
        if carrier == Carrier::SocketIo && programs.socket_io.is_none() {
            continue;
        }
        super::progress(&format!("{} idle connections: {}", options.connections, carrier.name()));
        let mut runs = vec![];
        for _ in 0..options.rounds {
            runs.push(of_one(carrier, options.connections, programs).await.with_context(|| carrier.name())?);
        }
        let (kib, what) = (median(runs), format!("memory of an idle connection, {}", carrier.name()));
        match carrier {
            Carrier::SocketIo | Carrier::Polling => table.figure(&what, kib, "KiB"),
            Carrier::WebSocket => table.aim(&what, kib, "KiB", 6.0),
            Carrier::Sse | Carrier::LongPoll => table.aim(&what, kib, "KiB", 8.0),
        }
        memory.push((carrier, kib));
    }
    Ok(memory)
}

/// Between a twentieth of the connections and all of them, so that what the first ones make a server load is not
/// counted.
pub(super) async fn of_one(carrier: Carrier, connections: usize, programs: &Programs) -> Result<f64> {
    let subject = match (carrier, &programs.socket_io) {
        (Carrier::SocketIo, Some(folder)) => Subject::socket_io(folder)?,
        _ => {
            let (most, room) = (connections.to_string(), ROOM.to_string());
            let bounds = ["--max-listeners", &most, "--max-room-listeners", &room];
            Subject::chat_server(&programs.chat_server, &bounds)?
        }
    };
    let mut audience = Audience::new(&subject, carrier);
    let mut before = None;
    let all = users(0..connections);
    let (first, others) = all.split_at(connections / 20);
    for seats in std::iter::once(first).chain(others.chunks(ROOM)) {
        let room = if carrier == Carrier::SocketIo { 1 } else { subject.room(seats).await? };
        audience.seat(room, seats).await?;
        if before.is_none() {
            before = Some(settled(&subject, carrier).await?);
        }
    }
    let after = settled(&subject, carrier).await?;
    audience.heard(0).await?;
    Ok((after - before.unwrap_or(after)) / others.len() as f64)
}

/// Memory, once what was needed in passing is given back.
async fn settled(subject: &Subject, carrier: Carrier) -> Result<f64> {
    tokio::time::sleep(SETTLE).await;
    if carrier == Carrier::SocketIo {
        subject.collect_garbage().await?;
    }
    subject.rss_kib()
}
