//! `backup`.

use super::output::Output;
use super::progress::Progress;
use super::{Failure, say, say_json};
use crate::cli::Backup as Options;
use crate::store::Database;
use crate::store::admin::{BackupError, Stage, backup};
use indicatif::{BinaryBytes, HumanCount};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let from = match &options.target.database {
        Database::File(from) => from,
        Database::Postgres(url) => {
            let why =
                format!("{url} is backed up by PostgreSQL's own tools, such as: pg_dump --format=custom");
            return Err(why.into());
        }
    };
    let output = Output::beside(&options.file, options.force)?;
    let (stop, stopped) = (super::stop()?, Arc::new(AtomicBool::new(false)));
    // The runtime's other thread hears the signal while this one is at work.
    let told = Arc::clone(&stopped);
    tokio::spawn(async move {
        stop.await;
        told.store(true, Ordering::Relaxed);
    });
    let mut progress: Option<Progress> = None;
    let copied = backup(from, output.partial(), &stopped, |stage| match stage {
        Stage::Copying(done, whole) => {
            progress.get_or_insert_with(|| Progress::begin("backup", "MiB", Some(whole))).at(done, done >> 20)
        }
        Stage::Checking => progress.iter().for_each(|progress| progress.note("checking the copy")),
    });
    drop(progress);
    let copied = copied.map_err(|error| match error {
        BackupError::Interrupted => Failure::Interrupted,
        other => Failure::Because(other.to_string()),
    })?;
    let bytes = output.partial().metadata().map_or(0, |metadata| metadata.len());
    output.finish()?;
    if options.json {
        return say_json(&json!({
            "file": options.file,
            "bytes": bytes,
            "schema_version": copied.version,
            "rooms": copied.rooms,
            "messages": copied.messages,
        }));
    }
    say(format_args!(
        "{}: {}, {} rooms, {} messages, checked",
        options.file.display(),
        BinaryBytes(bytes),
        copied.rooms,
        HumanCount(copied.messages.unsigned_abs())
    ))
}
