//! What the tests and the bench share. Nothing here waits for ever: a child, a pipe or a connection
//! that does not do its part within [`PATIENCE`] fails the test and names what was waited for.

mod child;
mod client;
mod connection;
mod rtstatd;
pub mod websocket;

use std::time::{Duration, Instant};

pub use child::{ChildInTime, CommandInTime, read_in_time};
pub use client::{Client, Got, Transport, greeting, http_head, json, tcp_from, unescaped};
pub use connection::{Lifetime, connect, connect_unix};
pub use rtstatd::{Manager, Rtstatd, Start, config_file, rtstatd};

/// What must come, comes within this time. It is far beyond what a busy machine needs, and never a
/// measure of speed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `found` gives something.
///
/// # Panics
/// When it does not within [`PATIENCE`].
pub fn eventually<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = found() {
            return value;
        }
        let waited = PATIENCE.as_secs();
        assert!(Instant::now() < deadline, "{what}: not within {waited} s");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits for what must come to be.
///
/// # Panics
/// When it does not within [`PATIENCE`].
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    eventually(what, || done().then_some(()));
}
