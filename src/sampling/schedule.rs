//! When pushes are due: on a grid of 50 ms slots that all sessions share. Pure arithmetic, no clock.
//!
//! Times are [`Duration`]s since the server's start, on the monotonic clock.

use std::time::Duration;

/// Length of a slot. Pushes that are due in one slot share one sample of each plugin.
pub const SLOT: Duration = Duration::from_millis(50);

const SLOT_NANOS: u64 = 50_000_000;

/// A slot's number since the server's start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u64);

impl Slot {
    /// The slot that contains the instant `at`.
    #[must_use]
    pub fn of(at: Duration) -> Self {
        Self(nanos(at) / SLOT_NANOS)
    }

    /// The first slot that begins at or after `at`. Rounding up keeps pushes from being early.
    #[must_use]
    pub fn from(at: Duration) -> Self {
        Self(nanos(at).div_ceil(SLOT_NANOS))
    }

    /// The instant at which the slot begins.
    #[must_use]
    pub fn begins(self) -> Duration {
        Duration::from_nanos(self.0.saturating_mul(SLOT_NANOS))
    }
}

/// One session's due times: n × interval after its start.
#[derive(Debug, Clone, Copy)]
pub struct Cadence {
    /// Nanoseconds between two due times, at least 1.
    interval: u64,
    /// The last due time, or the start, in nanoseconds.
    last: u64,
}

impl Cadence {
    /// Due times at `interval`, `2 × interval` … after `start`.
    #[must_use]
    pub fn new(start: Duration, interval: Duration) -> Self {
        Self {
            interval: nanos(interval).max(1),
            last: nanos(start),
        }
    }

    /// The next due slot after the instant `now`. Due times that were missed are skipped.
    pub fn next_after(&mut self, now: Duration) -> Slot {
        let passed = Slot::of(now);
        self.last = self.last.saturating_add(self.interval);
        if self.slot() <= passed {
            let missed = nanos(passed.begins()).saturating_sub(self.last) / self.interval + 1;
            self.last = self
                .last
                .saturating_add(self.interval.saturating_mul(missed));
        }
        self.slot()
    }

    fn slot(&self) -> Slot {
        Slot(self.last.div_ceil(SLOT_NANOS))
    }
}

/// In nanoseconds. They overflow after 584 years.
fn nanos(duration: Duration) -> u64 {
    duration
        .as_secs()
        .saturating_mul(1_000_000_000)
        .saturating_add(u64::from(duration.subsec_nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    #[test]
    fn slots_round_as_named() {
        for (at, of, from) in [
            (0, 0, 0),
            (1, 0, 1),
            (49, 0, 1),
            (50, 1, 1),
            (51, 1, 2),
            (1000, 20, 20),
        ] {
            assert_eq!(Slot::of(ms(at)), Slot(of), "of {at}");
            assert_eq!(Slot::from(ms(at)), Slot(from), "from {at}");
        }
        assert_eq!(Slot(20).begins(), ms(1000));
    }

    #[test]
    fn due_times_never_drift_and_are_never_early() {
        for (start, interval) in [
            (0, 1000),
            (7, 1000),
            (13, 770),
            (49, 501),
            (50, 500),
            (33, 10_000),
        ] {
            let mut cadence = Cadence::new(ms(start), ms(interval));
            let mut now = ms(start);
            for n in 1..500 {
                let slot = cadence.next_after(now);
                let exact = ms(start + n * interval);
                assert!(slot.begins() >= exact, "early: {start} {interval} {n}");
                assert!(slot.begins() < exact + SLOT, "late: {start} {interval} {n}");
                now = slot.begins() + ms(3);
            }
        }
    }

    #[test]
    fn a_long_stop_is_skipped_not_made_up_for() {
        let mut cadence = Cadence::new(ms(10), ms(500));
        assert_eq!(cadence.next_after(ms(10)).begins(), ms(550));
        let slot = cadence.next_after(ms(30_555));
        assert_eq!(slot.begins(), ms(31_050));
        assert_eq!(cadence.next_after(slot.begins()).begins(), ms(31_550));
    }
}
