//! `vacuum` and `migrate`.

use super::{Failure, open, place, say, say_json};
use crate::cli::{Migrate, Vacuum};
use crate::store::admin::{self, Vacuumed};
use indicatif::BinaryBytes;

pub(super) async fn vacuum(options: Vacuum) -> Result<(), Failure> {
    let gained = open(&options.target).await?.vacuum().await?;
    if options.json {
        return say_json(&gained);
    }
    let Vacuumed { bytes_before, bytes_after, note } = gained;
    say(format_args!("{} before, {} now", BinaryBytes(bytes_before), BinaryBytes(bytes_after)))?;
    note.map_or(Ok(()), say)
}

pub(super) async fn migrate(options: Migrate) -> Result<(), Failure> {
    let (before, now) = admin::migrate(&options.target.database).await?;
    let place = place(&options.target.database);
    match before {
        0 => say(format_args!("{place}: a new database, schema version {now}")),
        before if before == now => say(format_args!("{place}: schema version {now}, as it should be")),
        before => say(format_args!("{place}: schema version {before} became {now}")),
    }
}
