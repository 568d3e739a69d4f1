//! Tells systemd how far the server is (`Type=notify`); whoever else started it is told nothing.

/// The doors are open.
pub(crate) fn ready() {
    #[cfg(unix)]
    tell(sd_notify::NotifyState::Ready);
}

/// The signal to stop has come.
pub(crate) fn stopping() {
    #[cfg(unix)]
    tell(sd_notify::NotifyState::Stopping);
}

#[cfg(unix)]
fn tell(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "systemd cannot be told");
    }
}
