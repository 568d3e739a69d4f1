//! Starts the server, or does one of its other commands.

use chat_server::admin::Failure;
use chat_server::cli::{Cli, Command, Token};
use chat_server::{admin, auth, openapi, run};
use clap::Parser;
use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Some(Command::Token(options)) => token(&options).map_err(Failure::from),
        Some(Command::Openapi) => print(&openapi::json()).map_err(Failure::from),
        Some(Command::Admin(command)) => admin::run(command),
        None => run::run(cli.serve).map_err(Failure::from),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // As a shell tells the end by SIGINT.
        Err(Failure::Interrupted) => ExitCode::from(130),
        Err(Failure::Because(why)) => {
            // Nothing is left to do when stderr is closed too.
            let _ = writeln!(io::stderr(), "chat-server: {why}");
            ExitCode::FAILURE
        }
    }
}

fn token(options: &Token) -> Result<(), String> {
    let token = auth::mint(&options.user, &options.jwt_secret, options.ttl)?;
    print(&format!("{token}\n"))
}

fn print(text: &str) -> Result<(), String> {
    io::stdout().write_all(text.as_bytes()).map_err(|error| format!("cannot print: {error}"))
}
