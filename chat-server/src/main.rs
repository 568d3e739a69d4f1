//! Starts the server, or does one of its other commands.

use chat_server::admin::{Failure, INTERRUPTED};
use chat_server::cli::{self, Cli, Command, ConfigError, Token};
use chat_server::{admin, auth, health, openapi, run};
use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

/// How a wrong command line ends, by custom and by clap.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let parsed = match cli::parse::<Cli>(env::args_os().collect(), &|name| env::var_os(name)) {
        Ok(parsed) => parsed,
        Err(ConfigError::Usage(error)) => error.exit(),
        Err(ConfigError::Setting(why)) => {
            complain(&why);
            return ExitCode::from(USAGE);
        }
    };
    let cli = parsed.cli;
    let outcome = match cli.command {
        Some(Command::Token(options)) => token(&options).map_err(Failure::from),
        Some(Command::Openapi) => print(&openapi::json()).map_err(Failure::from),
        Some(Command::Health(options)) => health::ask(&options).map_err(Failure::from),
        Some(Command::Admin(command)) => admin::run(command),
        None if cli.config.print_config => print(&parsed.printed).map_err(Failure::from),
        None => run::run(cli.serve).map_err(Failure::from),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Interrupted) => ExitCode::from(INTERRUPTED),
        Err(Failure::Because(why)) => {
            complain(&why);
            ExitCode::FAILURE
        }
    }
}

fn complain(why: &str) {
    // Nothing is left to do when stderr is closed too.
    let _ = writeln!(io::stderr(), "chat-server: {why}");
}

fn token(options: &Token) -> Result<(), String> {
    let token = auth::mint_by(&options.claims.rules(), &options.user, options.secret()?, options.ttl)?;
    print(&format!("{token}\n"))
}

fn print(text: &str) -> Result<(), String> {
    io::stdout().write_all(text.as_bytes()).map_err(|error| format!("cannot print: {error}"))
}
