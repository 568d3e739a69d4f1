//! The log: to stderr, because stdout belongs to whoever started the server.
//!
//! `--log` is about this server's own lines. Libraries speak from `warn` up at most: what they print
//! below that is not ours to vouch for, and no message text may be in it.

use crate::cli::{LogFormat, LogLevel};
use std::io;
use std::panic::PanicHookInfo;
use tracing_subscriber::EnvFilter;

/// Starts logging and sees to it that panics are logged without their words.
pub fn init(level: LogLevel, format: LogFormat) {
    let builder =
        tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter(level))).with_writer(io::stderr);
    // Fails only when a log is there already, and then that one will do.
    let _ = match format {
        LogFormat::Text => builder.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_span_list(false).try_init(),
    };
    std::panic::set_hook(Box::new(panicked));
}

/// Each lets through what the one before does. The pool says itself, at each attempt, what the store says once.
fn filter(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Off => "off",
        LogLevel::Error => "error",
        LogLevel::Warn => "warn,deadpool=error,deadpool_postgres=error",
        LogLevel::Info => "warn,deadpool=error,deadpool_postgres=error,chat_server=info",
        LogLevel::Debug => "warn,deadpool=error,deadpool_postgres=error,chat_server=debug",
        LogLevel::Trace => "warn,deadpool=error,deadpool_postgres=error,chat_server=trace",
    }
}

/// Where, not what: slicing a string in the middle of a character panics with the string.
fn panicked(info: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    match info.location() {
        Some(place) => {
            tracing::error!(%place, thread = thread.name().unwrap_or("unnamed"), "panic");
        }
        None => tracing::error!("panic"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;
    use tracing::Level;
    use tracing_subscriber::filter::Targets;

    #[test]
    fn who_asks_for_less_is_told_nothing_that_who_asks_for_more_is_not() {
        let filters =
            LogLevel::value_variants().iter().map(|level| filter(*level).parse::<Targets>().unwrap());
        let filters: Vec<_> = filters.collect();
        for target in ["chat_server::run", "deadpool_postgres", "deadpool::managed", "h2::proto"] {
            for level in [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE] {
                let told: Vec<_> = filters.iter().map(|filter| filter.would_enable(target, &level)).collect();
                assert!(told.is_sorted(), "{target} {level}: {told:?}");
            }
        }
    }
}
