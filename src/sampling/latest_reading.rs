//! The newest reading of one plugin, or why it has none, and what the journal says about that.

use std::time::Duration;

use tracing::{debug, info, warn};

use crate::{drivers::DriverError, plugins::sample::Reading};

/// A reading and the one before it. The latter starts the window of a session that pushes more
/// often than the plugin is read and so has no newer reading of its own.
#[derive(Clone)]
pub struct ReadingPair {
    /// The newest reading.
    pub now: Reading,
    /// Its predecessor.
    pub before: Option<Reading>,
}

/// A plugin has recovered once this time has passed without a failure.
const RECOVERY_TIME: Duration = Duration::from_secs(60);

/// What is known of one plugin, shared by its handle and its Sampler.
pub(crate) struct LatestReading {
    name: String,
    /// Whether a failure removes the reading at once. Otherwise pushes show it until it is stale.
    forgets: bool,
    pair: Option<ReadingPair>,
    fault: Option<DriverError>,
    /// Time of the last failure, from the one that was logged until the recovery is.
    failed_at: Option<Duration>,
    /// Readings since the start, failures included.
    taken: u64,
}

impl LatestReading {
    pub(crate) fn new(name: String, forgets: bool) -> Self {
        Self {
            name,
            forgets,
            pair: None,
            fault: None,
            failed_at: None,
            taken: 0,
        }
    }

    /// Records the outcome of a reading that was asked for at the instant `now`, and logs the first
    /// failure and the recovery.
    pub(crate) fn record(&mut self, outcome: Result<Reading, DriverError>, now: Duration) {
        self.taken += 1;
        if !self.update(outcome, now) {
            return;
        }
        let plugin = self.name.as_str();
        match &self.fault {
            None => info!(plugin, "plugin {plugin}: recovered"),
            Some(DriverError::Missing(what)) => {
                debug!(plugin, "plugin {plugin}: {what}: not available");
            }
            Some(fault) => warn!(plugin, "plugin {plugin}: failed: {fault}"),
        }
    }

    /// Returns whether the journal needs a line. A plugin that fails every other time gets one, not
    /// one for each failure.
    fn update(&mut self, outcome: Result<Reading, DriverError>, now: Duration) -> bool {
        match outcome {
            Ok(reading) => {
                let before = self.pair.take().map(|pair| pair.now);
                self.pair = Some(ReadingPair {
                    now: reading,
                    before,
                });
                self.fault = None;
                let recovered =
                    |failed: &mut Duration| now.saturating_sub(*failed) >= RECOVERY_TIME;
                self.failed_at.take_if(recovered).is_some()
            }
            Err(fault) => {
                self.pair.take_if(|_| self.forgets);
                self.fault = Some(fault);
                self.failed_at.replace(now).is_none()
            }
        }
    }

    pub(crate) fn pair(&self) -> Option<&ReadingPair> {
        self.pair.as_ref()
    }

    /// Why the last reading failed.
    pub(crate) fn fault(&self) -> Option<&DriverError> {
        self.fault.as_ref()
    }

    #[cfg(test)]
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// Forgets the reading and the fault while nobody watches. The next session's first window
    /// must not begin at this old reading, and the plugin may work again by then.
    pub(crate) fn clear(&mut self) {
        self.pair = None;
        self.fault = None;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::plugins::sample::Sample;

    struct Empty;

    impl Sample for Empty {
        fn at(&self) -> Duration {
            Duration::ZERO
        }
        fn write_json(&self, _: Option<&dyn Sample>, _: &mut Vec<u8>) -> serde_json::Result<()> {
            Ok(())
        }
    }

    /// The seconds at which the journal gets a line. `fails` says of each second whether the
    /// reading fails.
    fn logged(fails: impl Fn(u64) -> bool) -> Vec<u64> {
        let mut latest = LatestReading::new("a".into(), false);
        let mut update = |second: &u64| {
            let outcome = if fails(*second) {
                Err(DriverError::Panicked)
            } else {
                Ok(Arc::new(Empty) as Reading)
            };
            latest.update(outcome, Duration::from_secs(*second))
        };
        (0..200).filter(&mut update).collect()
    }

    #[test]
    fn the_first_failure_and_the_recovery_are_logged() {
        assert!(logged(|_| false).is_empty());
        assert_eq!(logged(|second| (10..20).contains(&second)), [10, 79]);
        assert_eq!(
            logged(|second| [10, 50, 150].contains(&second)),
            [10, 110, 150]
        );
    }

    #[test]
    fn a_plugin_that_fails_every_other_time_is_logged_once() {
        assert_eq!(logged(|second| second % 2 == 0), [0]);
    }
}
