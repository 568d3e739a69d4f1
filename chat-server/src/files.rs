//! How many files may be open: a connection is one.
//!
//! The soft limit, often 1,024, is a courtesy to programs that use `select`; this one does not, and takes all that the
//! hard limit gives.

/// What is open beside connections: the database's files and connections, the log, the runtime's own.
#[cfg(unix)]
const OTHERS: u64 = 200;

/// Raises the limit as far as it goes, and warns when that is less than there may be connections.
#[cfg(unix)]
pub(crate) fn raise_limit(connections: u32) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!(%error, "the limit of open files stays");
    }
    let wanted = u64::from(connections) + OTHERS;
    if let Some(files) = getrlimit(Resource::Nofile).current.filter(|files| *files < wanted) {
        tracing::warn!(
            files,
            wanted,
            "too few files may be open for all connections; newcomers will wait: raise the hard limit (LimitNOFILE=, ulimit -Hn)"
        );
    }
}

#[cfg(not(unix))]
pub(crate) fn raise_limit(_: u32) {}
