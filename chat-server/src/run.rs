//! Serving: puts the parts together, and takes them apart again at the end.

use crate::app::{self, App};
use crate::auth;
use crate::bus::Bus;
use crate::cli::{self, Serve};
use crate::hub::Hub;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::origin::Origins;
use crate::shutdown::Stage;
use crate::store::{Changed, Store};
use crate::tls::Tls;
use crate::trace::Exporting;
use crate::{files, logging, reload, serve, shutdown, systemd};
use std::env;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// Serves until a signal to stop.
///
/// # Errors
/// Says what is missing or in the way, for whoever started it.
pub fn run(options: Serve) -> Result<(), String> {
    logging::init(options.log.level, options.log.format);
    for (name, meant) in cli::misspelt::<cli::Cli>(env::vars_os()) {
        tracing::warn!("{name} is not a setting and changes nothing; did you mean {meant}?");
    }
    let tls = tls(&options.access)?;
    let metrics = Arc::new(Metrics::new());
    let limits = Arc::new(Limits::new(options.limits.allowance(), metrics.access.clone()));
    files::raise_limit(limits.most_connections());
    let hub = Hub::new(options.streams.bounds(), options.streams.batching(), Arc::clone(&metrics));
    let bus = bus(&options.bus, &metrics)?;
    let tell = telling(hub.clone(), bus.clone());
    let runtime = Runtime::new().map_err(|error| format!("cannot start: {error}"))?;
    // Before the database is made: who has forgotten the secret finds nothing that was made.
    let (tokens, jwks) = runtime.block_on(auth::open(&options.access, options.listen, &metrics.access))?;
    let exporting = runtime.block_on(async { exporting(&options.operations, &metrics) })?;
    let (store, threads) = runtime
        .block_on(Store::open(options.storage.database.clone(), options.storage.options(&metrics), tell))
        .map_err(|error| error.to_string())?;
    let app = App {
        store,
        hub: hub.clone(),
        tokens,
        origins: Arc::new(Origins::new(options.access.allow_origin)),
        limits,
        tls: tls.is_some(),
        metrics,
        traces: exporting.as_ref().map(Exporting::traces).unwrap_or_default(),
        metrics_token: options.operations.metrics_token.clone(),
        readiness: Arc::default(),
        poll_interval: options.poll_interval,
        max_wait: Duration::from_secs(options.streams.max_wait.into()),
        heartbeat: Duration::from_secs(options.streams.heartbeat.into()),
        web: !options.web.no_web,
    };
    let served = runtime.block_on(async {
        let doors = Doors::open(options.listen, options.operations.metrics_listen).await?;
        // Before the first line: whoever reads it may signal at once.
        let unheard = |error| format!("cannot wait for signals: {error}");
        let stop = shutdown::watch(options.operations.drain(), &app).map_err(unheard)?;
        reload::on_hangup(tls.clone(), jwks).map_err(unheard)?;
        tokio::spawn(hub.clone().keep_in_sync(options.bus.resync_interval));
        if let Some(bus) = bus {
            tokio::spawn(bus.run(hub));
        }
        if let Some(tls) = tls.clone() {
            tokio::spawn(tls.watch());
        }
        let served = doors.serve(app, tls, stop).await;
        if let Some(exporting) = exporting {
            exporting.end().await;
        }
        served
    });
    // Connections cut off by the drain still hold the store; with the runtime they go, and then the
    // database closes.
    drop(runtime);
    threads.join();
    served
}

/// Whoever listens hears of what is stored, here and on other nodes.
fn telling(hub: Hub, bus: Option<Bus>) -> impl Fn(&[Changed]) + Send + Sync {
    move |notices| {
        hub.announce(notices);
        if let Some(bus) = &bus {
            bus.announce(notices);
        }
    }
}

fn exporting(options: &cli::Operations, metrics: &Metrics) -> Result<Option<Exporting>, String> {
    options.otlp_endpoint.as_ref().map(|endpoint| Exporting::to(endpoint, metrics)).transpose()
}

fn tls(options: &cli::Access) -> Result<Option<Arc<Tls>>, String> {
    match (&options.tls_cert, &options.tls_key) {
        (Some(certificate), Some(key)) => {
            Tls::open(certificate, key).map(Some).map_err(|error| error.to_string())
        }
        // One without the other the command line refuses.
        _ => Ok(None),
    }
}

/// The way to other nodes, if there are to be any.
fn bus(options: &cli::Bus, metrics: &Arc<Metrics>) -> Result<Option<Bus>, String> {
    let Some(options) = options.options()? else { return Ok(None) };
    Bus::new(options, Arc::clone(metrics)).map(Some).map_err(|error| error.to_string())
}

/// Where people come in, and those who watch.
struct Doors {
    public: TcpListener,
    watchers: Option<TcpListener>,
}

impl Doors {
    async fn open(public: SocketAddr, watchers: Option<SocketAddr>) -> Result<Self, String> {
        let public = bind(public).await?;
        let watchers = match watchers {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        Ok(Self { public, watchers })
    }

    async fn serve(
        self,
        app: App,
        tls: Option<Arc<Tls>>,
        stop: watch::Receiver<Stage>,
    ) -> Result<(), String> {
        announce("listening on", if tls.is_some() { "https" } else { "http" }, &self.public)?;
        if let Some(watchers) = self.watchers {
            announce("metrics on", "http", &watchers)?;
            let router = app::own_router(app.clone());
            // Until the process ends: who watches sees all of the drain.
            tokio::spawn(serve::serve_watchers(watchers, router));
        }
        systemd::ready();
        let (hub, limits) = (app.hub.clone(), Arc::clone(&app.limits));
        let draining = shutdown::reached(Stage::Draining, stop.clone());
        let tls = tls.map(|tls| tls.acceptor());
        tokio::select! {
            () = serve::serve(self.public, tls, app::router(app), &limits, &hub, draining) => {}
            () = shutdown::reached(Stage::Now, stop) => {}
        }
        Ok(())
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {address}: {error}"))
}

/// The first line on stdout, and another one for who watches: the socket is bound and the kernel takes connections from
/// here on.
fn announce(what: &str, scheme: &str, listener: &TcpListener) -> Result<(), String> {
    let address = listener.local_addr().map_err(|error| format!("cannot listen: {error}"))?;
    let mut stdout = io::stdout().lock();
    // Nobody may be reading; the server serves all the same.
    if writeln!(stdout, "{what} {scheme}://{address}").and_then(|()| stdout.flush()).is_err() {
        tracing::warn!(%address, "listening; stdout is closed");
    }
    Ok(())
}
