//! Back-off: how often a program may run. Not before its interval has passed, and later and later
//! after failures.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tracing::info;

use crate::{
    drivers::DriverError,
    plugins::{
        exec::{definition::Definition, fault::Fault},
        sample::Reading,
    },
};

/// The longest pause after failures, unless the interval is longer.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// Minimum time between two starts of one program, whatever became of the first.
const MIN_PAUSE: Duration = Duration::from_millis(500);

/// Minimum time between two journal lines about standard error.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// Characters of a line of standard error that are logged.
const MAX_LOGGED: usize = 200;

/// The back-off of one program. It outlives the workers: a session that comes and goes must not
/// make the program run more often.
pub(super) struct Backoff {
    name: String,
    interval: Duration,
    /// A request that comes by this much too early is not early: pushes are due on a grid.
    tolerance: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    not_before: Duration,
    /// Failures in a row.
    failures: u32,
    /// The result until `not_before`.
    last: Option<Result<Reading, DriverError>>,
    logged_at: Option<Instant>,
    /// Lines since then that were not logged.
    suppressed: u64,
    has_noted: bool,
}

impl Backoff {
    pub(super) fn new(definition: &Definition, slot: Duration) -> Self {
        Self {
            name: definition.name.clone(),
            interval: definition.interval,
            tolerance: slot / 2,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cached result, if the program may not run again yet.
    pub(super) fn cached(&self, at: Duration) -> Option<Result<Reading, DriverError>> {
        let state = self.state();
        state.last.clone().filter(|_| at < state.not_before)
    }

    /// Records that a run begins at `at`. Should it be dismissed, the next one still has to wait:
    /// a session that changes its choice back and forth must not start program after program.
    pub(super) fn started(&self, at: Duration) {
        let mut state = self.state();
        state.not_before = at + MIN_PAUSE;
        state.last = Some(Err(Fault::Dismissed.into()));
    }

    pub(super) fn succeeded(&self, at: Duration, reading: &Reading) {
        let mut state = self.state();
        state.failures = 0;
        state.not_before = at + self.interval.saturating_sub(self.tolerance);
        state.last = Some(Ok(Reading::clone(reading)));
    }

    /// Records a failure at `at`. The next run is allowed a second or an interval later, then after
    /// twice that time, and so on.
    pub(super) fn failed(&self, at: Duration, fault: &DriverError) {
        let mut state = self.state();
        let first = self.interval.max(Duration::from_secs(1));
        let pause = first
            .saturating_mul(1 << state.failures.min(16))
            .min(MAX_PAUSE.max(self.interval));
        state.failures = state.failures.saturating_add(1);
        state.not_before = at + pause;
        state.last = Some(Err(fault.clone()));
    }

    /// Forgets the failures so far, because the program ran well for long.
    pub(super) fn forgive(&self) {
        self.state().failures = 0;
    }

    /// Logs something in the program's output that has no effect here, and how much more of it
    /// there is; only the first time.
    pub(super) fn log_once(&self, what: &str, more: usize) {
        if !std::mem::replace(&mut self.state().has_noted, true) {
            let plugin = self.name.as_str();
            info!(plugin, more, "plugin {plugin}: {what}");
        }
    }

    /// Logs the first line of what the program wrote on standard error, at most one a minute.
    pub(super) fn log_stderr(&self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let Some(line) = text.lines().map(str::trim).find(|line| !line.is_empty()) else {
            return;
        };
        let mut state = self.state();
        let now = Instant::now();
        let is_recent = |logged| now.saturating_duration_since(logged) < LOG_INTERVAL;
        if state.logged_at.is_some_and(is_recent) {
            state.suppressed += 1;
            return;
        }
        state.logged_at = Some(now);
        let more = std::mem::take(&mut state.suppressed);
        drop(state);
        let line: String = line.chars().take(MAX_LOGGED).collect();
        let plugin = self.name.as_str();
        info!(plugin, more, "plugin {plugin}: standard error: {line}");
    }
}
