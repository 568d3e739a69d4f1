//! The list of rooms, as its screen holds it.

use crate::engine::Shared;
use crate::poller::Wanted;
use crate::repository::{Detach, RoomListFeed};
use std::sync::Arc;
use tokio::sync::watch;

/// The list of rooms on a screen. As with a [`crate::Room`], every method may be called from any
/// thread, in any order, any number of times, and none waits. Dropping it stops the job and detaches
/// the listener.
pub struct RoomList {
    pub(crate) shared: Arc<Shared>,
    pub(crate) feed: Arc<RoomListFeed>,
    pub(crate) wanted: watch::Sender<Wanted>,
}

impl RoomList {
    /// Wants the list kept up to date.
    pub fn start(&self) {
        self.wanted.send_if_modified(|wanted| {
            self.feed.open();
            wanted.start()
        });
    }

    /// Wants that stopped, and waits for nothing; no callback is begun until the next start.
    pub fn stop(&self) {
        self.wanted.send_if_modified(|wanted| {
            self.feed.shut();
            wanted.stop()
        });
    }

    /// Asks now, if the job runs.
    pub fn wake(&self) {
        self.shared.list.wake.notify_one();
    }

    /// Stops the job and lets go of the listener, for good.
    pub fn detach(&self) {
        self.feed.detach();
        self.shared.list.screen.release(&self.feed);
        self.wanted.send_if_modified(Wanted::close);
    }
}

impl Drop for RoomList {
    fn drop(&mut self) {
        self.detach();
    }
}
