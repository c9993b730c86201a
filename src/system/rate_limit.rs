//! Limits how often something may happen, so that no client makes the log grow.

use std::time::{Duration, Instant};

/// Log lines of one kind that may be written at once, and the time after which another may.
const LINE_BURST: u32 = 10;
const LINE_INTERVAL: Duration = Duration::from_secs(1);

/// A token bucket that counts what it held back. It needs no timer: who passes next is told the
/// number.
#[derive(Debug)]
pub struct RateLimiter {
    interval: Duration,
    /// The time that a full burst takes to refill.
    burst_time: Duration,
    /// When the bucket is full again.
    full_at: Option<Instant>,
    held: u64,
}

impl RateLimiter {
    /// Admits `burst` at once, and one more after each `interval`.
    pub fn new(burst: u32, interval: Duration) -> Self {
        Self {
            interval,
            burst_time: interval * burst,
            full_at: None,
            held: 0,
        }
    }

    /// For log lines of one kind.
    pub(crate) fn for_log_lines() -> Self {
        Self::new(LINE_BURST, LINE_INTERVAL)
    }

    /// How many were held back since the last one that was admitted, if one more is admitted at the
    /// instant `now`.
    pub(crate) fn admit(&mut self, now: Instant) -> Option<u64> {
        let full_at = self.full_at.map_or(now, |at| at.max(now)) + self.interval;
        if full_at.saturating_duration_since(now) > self.burst_time {
            self.held += 1;
            return None;
        }
        self.full_at = Some(full_at);
        Some(std::mem::take(&mut self.held))
    }
}

/// The end of a log line before which `held` others were not logged.
pub fn held_back(held: u64) -> String {
    if held == 0 {
        String::new()
    } else {
        format!(" ({held} more like this were not logged)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_a_few_lines_and_a_number() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut limiter = RateLimiter::new(2, Duration::from_secs(1));
        assert_eq!(limiter.admit(at(0)), Some(0));
        assert_eq!(limiter.admit(at(0)), Some(0));
        for millis in 0..37 {
            assert_eq!(limiter.admit(at(millis)), None);
        }
        assert_eq!(limiter.admit(at(999)), None);
        assert_eq!(limiter.admit(at(1000)), Some(38));
        assert_eq!(limiter.admit(at(1001)), None);
        assert_eq!(limiter.admit(at(2000)), Some(1));
        assert_eq!(limiter.admit(at(2001)), None);
        assert_eq!(limiter.admit(at(5000)), Some(1));
        assert_eq!(limiter.admit(at(5000)), Some(0));
        assert_eq!(limiter.admit(at(5000)), None);
    }

    #[test]
    fn an_instant_before_the_last_one_is_no_later() {
        let now = Instant::now();
        let mut limiter = RateLimiter::new(1, Duration::from_secs(1));
        limiter.admit(now + Duration::from_secs(9));
        assert_eq!(limiter.admit(now), None);
    }
}
