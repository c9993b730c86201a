//! Tokens, and the delay after wrong ones. The rules are pure: times are passed in.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use subtle::ConstantTimeEq;

use crate::net::peer::Source;

/// Wrong tokens from one source within [`WINDOW`] after which each further answer there waits for
/// [`PENALTY`].
const FREE_FAILURES: usize = 20;
const WINDOW: Duration = Duration::from_secs(60);
const PENALTY: Duration = Duration::from_secs(1);

/// Maximum number of sources with failures. Beyond it the source with the oldest failure is
/// forgotten.
const SOURCES: usize = 1024;

/// A token that opens sessions.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// Its name in the journal and in `info`.
    pub name: String,
    /// Its exact bytes.
    pub value: Vec<u8>,
}

/// All tokens. Without any, no session needs one.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tokens(Vec<Token>);

impl Tokens {
    /// Any of these opens a session.
    #[must_use]
    pub fn new(tokens: Vec<Token>) -> Self {
        Self(tokens)
    }

    /// Whether sessions need a token.
    #[must_use]
    pub fn needed(&self) -> bool {
        !self.0.is_empty()
    }

    /// The name of the token with exactly these bytes. Takes the same time for every wrong token of
    /// a length.
    #[must_use]
    pub fn name_of(&self, value: &[u8]) -> Option<&str> {
        // All tokens are compared, so that the time does not depend on which one matches.
        self.0.iter().fold(None, |found, token| {
            let equal: bool = token.value.ct_eq(value).into();
            if equal {
                Some(token.name.as_str())
            } else {
                found
            }
        })
    }
}

/// Remembers wrong tokens by source.
#[derive(Default)]
pub struct Failures {
    by_source: HashMap<Source, VecDeque<Duration>>,
}

impl Failures {
    /// Counts a wrong token from `source` at the instant `now`. Returns how many it sent within the
    /// last minute.
    pub fn count(&mut self, source: Source, now: Duration) -> usize {
        if self.by_source.len() >= SOURCES && !self.by_source.contains_key(&source) {
            let oldest = self
                .by_source
                .iter()
                .min_by_key(|(_, times)| times.back().copied());
            if let Some(oldest) = oldest.map(|(source, _)| *source) {
                self.by_source.remove(&oldest);
            }
        }
        let times = self.by_source.entry(source).or_default();
        times.push_back(now);
        forget_old(times, now);
        times.len()
    }

    /// How long the answer to an `auth` from `source` waits at the instant `now`.
    pub fn delay(&mut self, source: Source, now: Duration) -> Duration {
        let Some(times) = self.by_source.get_mut(&source) else {
            return Duration::ZERO;
        };
        forget_old(times, now);
        let failures = times.len();
        if failures == 0 {
            self.by_source.remove(&source);
        }
        if failures >= FREE_FAILURES {
            PENALTY
        } else {
            Duration::ZERO
        }
    }
}

fn forget_old(times: &mut VecDeque<Duration>, now: Duration) {
    while times.len() > 2 * FREE_FAILURES
        || times
            .front()
            .is_some_and(|time| now.saturating_sub(*time) > WINDOW)
    {
        times.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(value: u64) -> Duration {
        Duration::from_secs(value)
    }

    #[test]
    fn tokens_are_exact_bytes() {
        let token = |name: &str, value: &str| Token {
            name: name.into(),
            value: value.into(),
        };
        let tokens = Tokens::new(vec![token("wall", "1000"), token("phone", "a::b\\c")]);
        for (value, name) in [
            ("1000", Some("wall")),
            ("a::b\\c", Some("phone")),
            ("1e3", None),
            ("100", None),
            ("10000", None),
            ("", None),
        ] {
            assert_eq!(tokens.name_of(value.as_bytes()), name, "{value}");
        }
        assert!(tokens.needed());
        assert!(!Tokens::default().needed());
    }

    #[test]
    fn twenty_failures_in_a_minute_cost_a_second_each_and_only_there() {
        let mut failures = Failures::default();
        let (guesser, other) = (Source::User(1), Source::User(2));
        for n in 0..20 {
            assert_eq!(failures.delay(guesser, secs(n)), Duration::ZERO, "{n}");
            failures.count(guesser, secs(n));
        }
        assert_eq!(failures.delay(guesser, secs(20)), PENALTY);
        assert_eq!(failures.delay(other, secs(20)), Duration::ZERO);
        assert_eq!(
            failures.delay(guesser, secs(61)),
            Duration::ZERO,
            "the first one is a minute old"
        );
    }

    #[test]
    fn memory_is_bounded() {
        let mut failures = Failures::default();
        for n in 0..10_000 {
            failures.count(Source::User(n), secs(1));
            failures.count(Source::User(0), secs(1));
        }
        assert!(failures.by_source.len() <= SOURCES);
        assert!(
            failures
                .by_source
                .values()
                .all(|times| times.len() <= 2 * FREE_FAILURES)
        );
    }
}
