//! The engine's threads.

use crate::EngineError;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};

/// Called on each worker thread as it starts; the boundary attaches the thread to the JVM here,
/// once, instead of on every callback.
pub type ThreadHook = Arc<dyn Fn() + Send + Sync>;

/// Two: while one waits for the disk or is inside a listener, the other keeps the network going.
const WORKERS: usize = 2;

/// Runs a task to its end, and anew when it panics: what it works on is in the cache, so it
/// goes on where it was. A panic is a bug, but it must not be the end of a conversation.
pub(crate) async fn keep_up<T, F>(name: String, task: Arc<T>, run: impl Fn(Arc<T>) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    while tokio::spawn(run(task.clone())).await.is_err_and(|e| e.is_panic()) {
        log::error!("{name} panicked and is begun anew");
        tokio::time::sleep(AFTER_PANIC).await;
    }
}

/// A panic that comes again at once must not heat the phone.
const AFTER_PANIC: Duration = Duration::from_secs(1);

/// Where the engine's tasks run: on threads of its own, or, in tests, on the test's paused clock.
pub(crate) enum Tasks {
    Own(Runtime),
    Borrowed(Handle),
}

impl Tasks {
    pub(crate) fn own(hook: Option<ThreadHook>) -> Result<Self, EngineError> {
        let mut builder = Builder::new_multi_thread();
        builder
            .worker_threads(WORKERS)
            // The resolver (getaddrinfo) is the one user of blocking threads; it goes when idle.
            .max_blocking_threads(1)
            .thread_keep_alive(Duration::from_secs(1))
            .thread_name("chat-core")
            .enable_all();
        if let Some(hook) = hook {
            builder.on_thread_start(move || hook());
        }
        builder
            .build()
            .map(Tasks::Own)
            .map_err(|e| EngineError::Storage(format!("cannot start threads: {e}")))
    }

    pub(crate) fn handle(&self) -> &Handle {
        match self {
            Tasks::Own(runtime) => runtime.handle(),
            Tasks::Borrowed(handle) => handle,
        }
    }

    /// Ends the threads. Waits for at most `limit`, and not at all on a thread of a runtime, where
    /// waiting would be for oneself (a listener may close the engine that called it).
    pub(crate) fn shut_down(self, limit: Duration) {
        match self {
            Tasks::Own(runtime) if Handle::try_current().is_ok() => runtime.shutdown_background(),
            Tasks::Own(runtime) => runtime.shutdown_timeout(limit),
            Tasks::Borrowed(_) => {}
        }
    }
}
