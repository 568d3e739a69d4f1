//! A terminal client on the chat engine.
//!
//! Sends each line of standard input, prints the timeline as it changes; with `--json` one object a
//! line for scripts. Standard output carries the timeline and nothing else.

mod args;
mod clock;
mod printer;
mod relay;
mod screen;
mod stats;

use anyhow::{Context, bail};
use args::Args;
use chat_engine::protocol::TextError;
use chat_engine::{Account, ConnectionState, Engine, EngineConfig, EngineError, StaticToken, Token};
use clap::Parser;
use relay::Relay;
use screen::{Event, Listener, Screen};
use stats::Stats;
use std::io::{BufRead, ErrorKind};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, mpsc};

fn main() -> ExitCode {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(if args.verbose {
            tracing_subscriber::filter::LevelFilter::DEBUG
        } else {
            tracing_subscriber::filter::LevelFilter::ERROR
        })
        .init();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Tells the person, where it mixes with no output.
#[allow(clippy::print_stderr)] // the one place
fn tell(what: &str) {
    eprintln!("{what}");
}

fn complain(what: &str) {
    tell(&format!("chat-cli: {what}"));
}

fn run(args: &Args) -> anyhow::Result<()> {
    // Without --data nothing is kept: the folder goes with the process.
    let mut temporary = None;
    let data = match &args.data {
        Some(folder) => folder.clone(),
        None => temporary.insert(tempfile::tempdir().context("a temporary folder")?).path().to_owned(),
    };
    // A terminal on a developer's machine: http:// is what a local server speaks.
    let account = Account::new(&args.server, args.token.user.clone(), true)?;
    let token = Arc::new(StaticToken(Token::new(args.token.secret.as_str())));
    let mut config = EngineConfig::new(account, data);
    config.transport = args.transport.into();
    let mut stats = match args.stats {
        true => Some(Stats::new(Relay::start(config.account.address())?)),
        false => None,
    };
    config.tunnel = stats.as_ref().map(|stats| stats.tunnel());
    let engine = Engine::open(config, token, None)?;

    let (events, inbox) = mpsc::channel();
    let room = engine.room(args.room, Arc::new(Listener(events.clone())))?;
    watch_signals(events.clone())?;
    room.start();
    std::thread::spawn(move || read_lines(&events));

    let mut screen = Screen::new(printer::for_args(args), args.watch);
    let mut refused = 0;
    for event in inbox {
        match event {
            Event::Line(line) => match room.send(&line) {
                Ok(key) => screen.accepted(key, &args.token.user, &line)?,
                Err(EngineError::Text(TextError::Blank)) => screen.passed_over(),
                Err(EngineError::Text(error)) => refuse(&mut screen, &mut refused, &error.to_string()),
                Err(error) => return Err(error.into()),
            },
            Event::NotText => refuse(&mut screen, &mut refused, "the line is not UTF-8"),
            Event::EndOfInput => screen.end_of_input(),
            Event::Timeline(update) => {
                stats.iter_mut().for_each(|stats| stats.timeline(&update));
                screen.update(update)?;
            }
            Event::Connection(ConnectionState::Ended(reason)) => bail!("{}", ended(reason)),
            Event::Connection(state) => {
                stats.iter_mut().for_each(|stats| stats.connection(&state));
                complain(&connection(&state));
            }
            Event::Signal => break,
        }
        if screen.is_done() {
            break;
        }
    }
    if let Some(stats) = stats {
        tell(&stats.report(engine.traffic(), args.json));
    }
    room.detach();
    engine.close();
    match refused {
        0 => Ok(()),
        1 => bail!("one line was not sent"),
        n => bail!("{n} lines were not sent"),
    }
}

fn refuse(screen: &mut Screen, refused: &mut usize, why: &str) {
    complain(&format!("not sent: {why}"));
    *refused += 1;
    screen.passed_over();
}

fn read_lines(events: &mpsc::Sender<Event>) {
    for line in std::io::stdin().lock().lines() {
        let event = match line {
            Ok(line) => Event::Line(line),
            Err(error) if error.kind() == ErrorKind::InvalidData => Event::NotText,
            // A folder, a terminal that went away: there will be no next line.
            Err(error) => {
                complain(&format!("standard input: {error}"));
                break;
            }
        };
        if events.send(event).is_err() {
            return;
        }
    }
    // The main thread may have gone already.
    let _ = events.send(Event::EndOfInput);
}

/// The first signal asks the main thread to end. The second ends it: it may be stuck in a pipe that nobody reads.
fn watch_signals(events: mpsc::Sender<Event>) -> anyhow::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: only a signal that finds the flag raised by one before it ends the process.
        signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, asked.clone())
            .context("signals")?;
        signal_hook::flag::register(signal, asked.clone()).context("signals")?;
    }
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM]).context("signals")?;
    std::thread::spawn(move || {
        for _ in signals.forever() {
            let _ = events.send(Event::Signal);
        }
    });
    Ok(())
}

fn connection(state: &ConnectionState) -> String {
    match state {
        ConnectionState::Connecting => "connecting".into(),
        ConnectionState::Live { transport } => format!("connected by {}", args::name(*transport)),
        ConnectionState::Waiting { error, retry_in, .. } => {
            format!("{error}; trying again in {:.1} s", retry_in.as_secs_f64())
        }
        ConnectionState::Ended(reason) => ended(*reason).into(),
    }
}

fn ended(reason: chat_engine::EndReason) -> &'static str {
    match reason {
        chat_engine::EndReason::SessionEnded => "the server refuses the token",
        chat_engine::EndReason::NotAMember => "not a member of the room",
        chat_engine::EndReason::RoomNotFound => "no such room",
    }
}
