//! The chat page in a real browser, Chromium without a window, against the real binary. `scripts/test web` runs these:
//! they need Debian's `chromium` and `chromium-driver`, so `cargo test` alone leaves them out.

// clippy.toml excuses test functions; their helpers fail tests the same way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod browser;

mod network;
mod pictures;
mod reading;
mod safety;
mod talking;
mod writing;
