//! When to stop: at the first signal with a drain, at the second without.
//!
//! ```text
//! signal ─▶ /readyz says no ─ --drain-delay ─▶ no new connections, streams told to move, requests finished ─▶ end
//!                  └──────────── another signal ────────────┴── --drain-timeout, or another signal ──▶ end
//! ```

use crate::app::App;
use crate::systemd;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How far the end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Nobody has asked for it.
    Serving,
    /// Whoever is served is sent away.
    Draining,
    /// Whatever is left is cut off.
    Now,
}

/// How long the stages take.
#[derive(Debug, Clone, Copy)]
pub struct Drain {
    /// From the signal until streams are told to move.
    pub delay: Duration,
    /// From there until what is under way is cut off.
    pub timeout: Duration,
}

/// Follows the stages from here on. The handlers are in place once this returns. From within the runtime.
///
/// # Errors
/// When the system refuses a handler.
pub fn watch(drain: Drain, app: &App) -> io::Result<watch::Receiver<Stage>> {
    let (readiness, metrics) = (Arc::clone(&app.readiness), Arc::clone(&app.metrics));
    let mut signals = signals::Signals::new()?;
    let (tell, stage) = watch::channel(Stage::Serving);
    tokio::spawn(async move {
        signals.next().await;
        readiness.drain();
        metrics.draining.set(1);
        systemd::stopping();
        tracing::info!(delay = ?drain.delay, timeout = ?drain.timeout, "asked to stop");
        tokio::select! {
            () = tokio::time::sleep(drain.delay) => {
                tell.send_replace(Stage::Draining);
                tokio::select! {
                    () = tokio::time::sleep(drain.timeout) => {
                        tracing::warn!("requests were still under way and are cut off");
                    }
                    () = signals.next() => tracing::warn!("asked again: ending at once"),
                }
            }
            () = signals.next() => tracing::warn!("asked again: ending at once"),
        }
        tell.send_replace(Stage::Now);
    });
    Ok(stage)
}

/// Completes on the next signal: for what has nothing to drain.
///
/// # Errors
/// When the system refuses a handler.
pub fn signal() -> io::Result<impl Future<Output = ()>> {
    let mut signals = signals::Signals::new()?;
    Ok(async move { signals.next().await })
}

/// Returns once `stage` has come.
pub async fn reached(stage: Stage, mut at: watch::Receiver<Stage>) {
    if at.wait_for(|now| *now >= stage).await.is_err() {
        // Whoever would say so is gone: no signal will come any more.
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
mod signals {
    use std::io;
    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// SIGTERM and SIGINT.
    pub(super) struct Signals {
        terminate: Signal,
        interrupt: Signal,
    }

    impl Signals {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
            })
        }

        pub(super) async fn next(&mut self) {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
            }
        }
    }
}

#[cfg(not(unix))]
mod signals {
    use std::io;

    /// Ctrl-C.
    pub(super) struct Signals;

    impl Signals {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self)
        }

        pub(super) async fn next(&mut self) {
            // Without a handler there is no signal to wait for.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
