//! From Rust into Kotlin: what a batch costs on its way over uniffi and JNA.
//!
//! `stop` and `start` make the engine tell its listener everything again, as one snapshot: read from the cache, converted,
//! written into a buffer, called into the JVM, read out of it into Kotlin objects. A Rust listener hears the same snapshot
//! without the boundary; what Kotlin's takes longer is the boundary's. Both do the same with caches of their own.

use crate::ear::Ear;
use crate::phone::Account;
use crate::proxy::Proxy;
use crate::report::child::run_child;
use crate::report::table::{Table, median};
use crate::report::{account, number};
use crate::server::Server;
use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Items in a batch.
const SIZES: [i64; 3] = [1, 100, 10_000];

/// What to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// The chat-server program
    #[arg(long)]
    server: PathBuf,
    /// The program on the JVM: a command for the shell, to which the same arguments are added as `snapshots` takes
    #[arg(long)]
    kotlin: String,
    /// Fail when an aim is missed
    #[arg(long)]
    check: bool,
}

/// A Rust listener is told everything, again and again.
#[derive(Args)]
pub(crate) struct Snapshots {
    #[command(flatten)]
    account: Account,
    /// The message that is the last
    #[arg(long)]
    until: i64,
}

impl Snapshots {
    /// Cycles of stop and start for some seconds; the median of the later ones.
    pub(crate) fn run(&self) -> Result<Value> {
        const WARM_UP: Duration = Duration::from_secs(1);
        const MEASURED: Duration = Duration::from_secs(2);
        let ear = Ear::new();
        let engine = self.account.engine()?;
        let room = engine.room(self.account.room()?, ear.clone())?;
        room.start();
        ear.until(|heard| heard.whole_to >= self.until)?;
        let again = || -> Result<(Duration, usize)> {
            let asked = Instant::now();
            room.stop();
            let before = ear.heard().snapshots;
            room.start();
            ear.until(|heard| heard.snapshots > before)?;
            let heard = ear.heard();
            Ok((heard.at.context("never")? - asked, heard.last))
        };
        let begun = Instant::now();
        let mut took = vec![];
        while begun.elapsed() < WARM_UP + MEASURED {
            let (time, items) = again()?;
            ensure!(i64::try_from(items)? == self.until, "a snapshot of {items} items");
            if begun.elapsed() > WARM_UP {
                took.push(time.as_secs_f64() * 1e6);
            }
        }
        Ok(json!({ "us": median(took) }))
    }
}

/// Both, for each size.
pub(crate) fn run(options: &Options) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut server = Server::start(&options.server, folder.path())?;
    // Idle in between: a poll that comes during a measurement would only be noise.
    let proxy = Proxy::start(server.address, None)?;
    let mut table = Table::default();
    for size in SIZES {
        let room = server.room()?;
        let arguments = |who: &str, until: i64| -> Vec<String> {
            let data = folder.path().join(format!("{who}-{size}"));
            let mut arguments = account(&server, &proxy.url, room, &data, None);
            arguments.extend(["--until".into(), until.to_string()]);
            arguments
        };
        let (rust, kotlin) = (arguments("rust", size), arguments("kotlin", size));
        for who in ["rust", "kotlin"] {
            run_child("catch-up", &arguments(who, 1))?;
        }
        server.grow(room, size)?;
        let rust = number(&run_child("snapshots", &rust)?, "us")?;
        let output = Command::new("sh")
            .args(["-c", &format!("exec {} \"$@\"", options.kotlin), "kotlin"])
            .args(&kotlin)
            .stderr(Stdio::inherit())
            .output()?;
        ensure!(output.status.success(), "the program on the JVM failed");
        let kotlin = number(&serde_json::from_slice(&output.stdout)?, "us")?;
        table.figure(&format!("start → a batch of {size} heard in Rust"), rust, "µs");
        table.figure(&format!("start → a batch of {size} heard in Kotlin"), kotlin, "µs");
        let boundary = (kotlin - rust) / size as f64;
        let what = format!("Rust → Kotlin, {size} at once, a message");
        match size {
            100 => table.aim(&what, boundary, "µs", 2.0),
            _ => table.figure(&what, boundary, "µs"),
        }
    }
    table.print();
    ensure!(!options.check || table.missed() == 0, "{} aims missed", table.missed());
    Ok(())
}
