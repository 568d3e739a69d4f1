//! Serving: puts the parts together, and takes them apart again at the end.

use crate::app::{self, App};
use crate::auth;
use crate::bus::Bus;
use crate::cli::{self, Serve};
use crate::hub::Hub;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::origin::Origins;
use crate::store::{Options, Store};
use crate::tls::Tls;
use crate::{logging, reload, serve, shutdown};
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Serves until a signal to stop.
///
/// # Errors
/// Says what is missing or in the way, for whoever started it.
pub fn run(options: Serve) -> Result<(), String> {
    logging::init(options.log.level, options.log.format);
    let tls = match (&options.access.tls_cert, &options.access.tls_key) {
        (Some(certificate), Some(key)) => {
            Some(Tls::open(certificate, key).map_err(|error| error.to_string())?)
        }
        // One without the other the command line refuses.
        _ => None,
    };
    let metrics = Arc::new(Metrics::new());
    let hub = Hub::new(options.streams.bounds(), options.streams.batching(), Arc::clone(&metrics));
    let bus = bus(&options.bus, &metrics)?;
    let (board, others) = (hub.clone(), bus.clone());
    let tell = move |notices: &[_]| {
        board.announce(notices);
        if let Some(others) = &others {
            others.announce(notices);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    // Before the database is made: who has forgotten the secret finds nothing that was made.
    let (tokens, jwks) = runtime.block_on(auth::open(&options.access, options.listen))?;
    let (store, threads) = runtime
        .block_on(Store::open(options.database, Options::default(), tell))
        .map_err(|error| error.to_string())?;
    let limits = Arc::new(Limits::new(options.limits.allowance()));
    let router = app::router(App {
        store,
        hub: hub.clone(),
        tokens,
        origins: Arc::new(Origins::new(options.access.allow_origin)),
        limits: Arc::clone(&limits),
        tls: tls.is_some(),
        metrics,
        poll_interval: options.poll_interval,
        max_wait: Duration::from_secs(options.streams.max_wait.into()),
        heartbeat: Duration::from_secs(options.streams.heartbeat.into()),
        web: !options.web.no_web,
    });
    let served = runtime.block_on(async {
        let listener = TcpListener::bind(options.listen)
            .await
            .map_err(|error| format!("cannot listen on {}: {error}", options.listen))?;
        // Before the first line: whoever reads it may signal at once.
        let stop = shutdown::signal().map_err(|error| format!("cannot wait for signals: {error}"))?;
        tokio::spawn(hub.clone().keep_in_sync(options.bus.resync_interval));
        if let Some(bus) = bus {
            tokio::spawn(bus.run(hub.clone()));
        }
        reload::on_hangup(tls.clone(), jwks).map_err(|error| format!("cannot wait for signals: {error}"))?;
        if let Some(tls) = tls.clone() {
            tokio::spawn(tls.watch());
        }
        announce(&listener, if tls.is_some() { "https" } else { "http" })?;
        let tls = tls.map(|tls| tls.acceptor());
        serve::serve(listener, tls, router, &limits, &hub, stop).await;
        Ok(())
    });
    // Connections cut off by the drain still hold the store; with the runtime they go, and then the
    // database closes.
    drop(runtime);
    threads.join();
    served
}

/// The way to other nodes, if there are to be any.
fn bus(options: &cli::Bus, metrics: &Arc<Metrics>) -> Result<Option<Bus>, String> {
    let Some(options) = options.options()? else { return Ok(None) };
    Bus::new(options, Arc::clone(metrics)).map(Some).map_err(|error| error.to_string())
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
