//! The server's time: monotonic since its start, so that setting the wall clock moves no push.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};
use tokio::time::{Instant, sleep_until};

/// The server's clock. Under tokio's paused time it stands still with it.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    epoch: Instant,
}

impl Clock {
    /// A clock that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            epoch: Instant::now(),
        }
    }

    /// Time since the start. Suspended time does not count (CLOCK_MONOTONIC).
    #[must_use]
    pub fn now(self) -> Duration {
        self.epoch.elapsed()
    }

    /// Returns at or after the instant `at`.
    pub(crate) async fn sleep_until(self, at: Duration) {
        sleep_until(self.epoch + at).await;
    }
}

/// Where the times in `_meta` come from. No due time depends on them.
#[derive(Debug, Clone, Copy)]
pub struct Clocks {
    /// See [`wall_secs`].
    pub wall: fn() -> f64,
    /// See [`boot_secs`].
    pub boot: fn() -> f64,
}

impl Default for Clocks {
    fn default() -> Self {
        Self {
            wall: wall_secs,
            boot: boot_secs,
        }
    }
}

/// Seconds since the epoch by the wall clock, which may jump.
#[must_use]
pub(crate) fn wall_secs() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

/// Seconds since boot, suspended time included (CLOCK_BOOTTIME, since Linux 2.6.39).
#[must_use]
pub(crate) fn boot_secs() -> f64 {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(0.0, |time| Duration::from(time).as_secs_f64())
}
