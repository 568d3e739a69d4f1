//! Starts the server, or prints a token.

use chat_server::app::{self, App};
use chat_server::auth::{self, Secret, Tokens};
use chat_server::cli::{Cli, Command, Serve, Token};
use chat_server::hub::Hub;
use chat_server::origin::Origins;
use chat_server::store::{Options, Store};
use chat_server::{logging, serve, shutdown, tls};
use clap::Parser;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Some(Command::Token(options)) => token(&options),
        None => run(cli.serve),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // Nothing is left to do when stderr is closed too.
            let _ = writeln!(io::stderr(), "chat-server: {why}");
            ExitCode::FAILURE
        }
    }
}

fn token(options: &Token) -> Result<(), String> {
    let token = auth::mint(&options.user, &options.jwt_secret, options.ttl)?;
    writeln!(io::stdout(), "{token}").map_err(|error| format!("cannot print the token: {error}"))
}

fn run(options: Serve) -> Result<(), String> {
    logging::init(options.log, options.log_format);
    let secret = secret(options.jwt_secret, options.listen)?;
    let tls = match (&options.tls_cert, &options.tls_key) {
        (Some(certificate), Some(key)) => {
            Some(tls::acceptor(certificate, key).map_err(|error| error.to_string())?)
        }
        // One without the other the command line refuses.
        _ => None,
    };
    let hub = Hub::new(options.streams.bounds(), options.streams.batching());
    let board = hub.clone();
    let tell = move |notices: &[_]| board.announce(notices);
    let (store, threads) =
        Store::open(&options.database, Options::default(), tell).map_err(|error| error.to_string())?;
    let tokens = Arc::new(Tokens::new(&secret));
    let router = app::router(App {
        store,
        hub: hub.clone(),
        tokens,
        origins: Arc::new(Origins::new(options.allow_origin)),
        poll_interval: options.poll_interval,
        max_wait: Duration::from_secs(options.streams.max_wait.into()),
        heartbeat: Duration::from_secs(options.streams.heartbeat.into()),
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    let served = runtime.block_on(async {
        let listener = TcpListener::bind(options.listen)
            .await
            .map_err(|error| format!("cannot listen on {}: {error}", options.listen))?;
        // Before the first line: whoever reads it may signal at once.
        let stop = shutdown::signal().map_err(|error| format!("cannot wait for signals: {error}"))?;
        announce(&listener, if tls.is_some() { "https" } else { "http" })?;
        serve::serve(listener, tls, router, &hub, stop).await;
        Ok(())
    });
    // Connections cut off by the drain still hold the store; with the runtime they go, and then the
    // database closes.
    drop(runtime);
    threads.join();
    served
}

/// The first line on stdout: the socket is bound and the kernel takes connections from here on.
fn announce(listener: &TcpListener, scheme: &str) -> Result<(), String> {
    let address = listener.local_addr().map_err(|error| format!("cannot listen: {error}"))?;
    let mut stdout = io::stdout().lock();
    // Nobody may be reading; the server serves all the same.
    if writeln!(stdout, "listening on {scheme}://{address}").and_then(|()| stdout.flush()).is_err() {
        tracing::warn!(%address, "listening; stdout is closed");
    }
    Ok(())
}

/// The secret given, or a random one for a first try on one's own machine: it is shown once, and only
/// where nobody but this machine can reach the server.
fn secret(given: Option<Secret>, listen: SocketAddr) -> Result<Secret, String> {
    if let Some(secret) = given {
        if !secret.is_strong() {
            tracing::warn!(
                "the JWT secret is shorter than 32 bytes: fine for a try, not for the open network"
            );
        }
        return Ok(secret);
    }
    if !listen.ip().is_loopback() {
        return Err(format!(
            "listening on {listen} needs a secret of your own: pass --jwt-secret or set CHAT_JWT_SECRET"
        ));
    }
    let secret = Secret::random();
    tracing::warn!(
        "no JWT secret given, so a random one serves until the server stops. To mint a token:\n    \
         CHAT_JWT_SECRET={} chat-server token --user alice",
        secret.reveal()
    );
    Ok(secret)
}
