//! The latest readings of one plugin, and whether they can be believed.

use std::time::Duration;

use crate::{drivers::DriverError, plugins::sample::Reading};

/// A reading with the one before it, which stands in for the window's start when a session is
/// faster than the plugin and finds no newer reading.
#[derive(Clone)]
pub struct ReadingPair {
    /// The newest reading.
    pub now: Reading,
    /// Its predecessor.
    pub before: Option<Reading>,
}

/// A plugin that has given figures for this long after a failure is well again.
const SETTLED: Duration = Duration::from_secs(60);

/// What is known of one plugin.
#[derive(Default)]
pub struct LatestReading {
    /// Whether a failure takes the readings away; otherwise the last one stands until it is too
    /// old.
    forgets: bool,
    held: Option<ReadingPair>,
    fault: Option<DriverError>,
    /// The last failure of a run of failures that the journal was told of.
    failed: Option<Duration>,
}

impl LatestReading {
    /// A feed whose readings a failure takes away, or not.
    #[must_use]
    pub fn new(forgets: bool) -> Self {
        Self {
            forgets,
            ..Self::default()
        }
    }

    /// Takes in the outcome of a sampling at the instant `now`. Returns whether the news is worth a
    /// line in the journal: the first failure, or the first success after a failure when
    /// [`SETTLED`] has passed since. So a plugin that fails every other time is told of once, too,
    /// and no plugin's failure more than once in that time.
    pub fn take(&mut self, outcome: Result<Reading, DriverError>, now: Duration) -> bool {
        match outcome {
            Ok(reading) => {
                let before = self.held.take().map(|held| held.now);
                self.held = Some(ReadingPair {
                    now: reading,
                    before,
                });
                self.fault = None;
                let settled = self
                    .failed
                    .is_some_and(|failed| now.saturating_sub(failed) >= SETTLED);
                settled && self.failed.take().is_some()
            }
            Err(fault) => {
                self.held.take_if(|_| self.forgets);
                self.fault = Some(fault);
                self.failed.replace(now).is_none()
            }
        }
    }

    /// The newest reading with its predecessor.
    #[must_use]
    pub fn held(&self) -> Option<&ReadingPair> {
        self.held.as_ref()
    }

    /// Why the last sampling gave nothing.
    #[must_use]
    pub fn fault(&self) -> Option<&DriverError> {
        self.fault.as_ref()
    }

    /// Forgets the readings and why there was none: nobody watches, a rate over the gap would be
    /// nobody's window, and what failed then may be well when somebody watches again.
    pub fn clear(&mut self) {
        self.held = None;
        self.fault = None;
    }
}
