//! The latest readings of one plugin, and whether they can be believed.

use std::time::Duration;

use super::sample::Reading;
use crate::drivers::DriverError;

/// A reading with the one before it, which stands in for the window's start when a session is
/// faster than the plugin and finds no newer reading.
#[derive(Clone)]
pub struct Held {
    /// The newest reading.
    pub now: Reading,
    /// Its predecessor.
    pub before: Option<Reading>,
}

/// What is known of one plugin.
#[derive(Default)]
pub struct Feed {
    held: Option<Held>,
    fault: Option<DriverError>,
}

impl Feed {
    /// Takes in the outcome of a sampling. Returns whether the news is worth a line in the journal:
    /// the first failure after a success, or the first success after a failure.
    pub fn take(&mut self, outcome: Result<Reading, DriverError>) -> bool {
        match outcome {
            Ok(now) => {
                let before = self.held.take().map(|held| held.now);
                self.held = Some(Held { now, before });
                self.fault.take().is_some()
            }
            Err(fault) => self.fault.replace(fault).is_none(),
        }
    }

    /// The newest reading with its predecessor.
    #[must_use]
    pub fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    /// Why the last sampling gave nothing.
    #[must_use]
    pub fn fault(&self) -> Option<&DriverError> {
        self.fault.as_ref()
    }

    /// Whether the newest reading is younger than `period` at the instant `now`, so that no other is due.
    /// Half a slot of grace: the grid rounds, and a reading that comes due within it is due.
    #[must_use]
    pub fn fresh(&self, now: Duration, period: Duration) -> bool {
        let due = period.saturating_sub(crate::schedule::SLOT / 2);
        self.held.as_ref().is_some_and(|held| now.saturating_sub(held.now.at()) < due)
    }

    /// Forgets the readings: nobody watches, and a rate over the gap would be nobody's window.
    pub fn clear(&mut self) {
        self.held = None;
    }
}
