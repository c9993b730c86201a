//! How often a program may run: no sooner than its interval, and after failures later and later.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tracing::info;

use crate::{
    drivers::DriverError,
    plugins::{
        exec::{definition::Definition, fault::Fault},
        sample::{Reading, Source},
        worker::WorkerInbox,
    },
    sampling::schedule::SLOT,
};

/// The longest pause that failures bring, unless the interval is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Two starts of one program are at least this far apart.
const MOMENT: Duration = Duration::from_millis(500);

/// What programs write on standard error is told no more often than this, the first line of it.
const QUIET: Duration = Duration::from_secs(60);

/// The longest line of standard error that is told, in characters.
const LONGEST_LINE: usize = 200;

/// What one plugin's workers share, one after the other.
pub struct Pace {
    name: String,
    interval: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    not_before: Duration,
    /// In a row.
    failures: u32,
    /// Until `not_before`, this is the answer.
    last: Option<Result<Reading, DriverError>>,
    told: Option<Instant>,
    untold: u64,
    remarked: bool,
}

impl Pace {
    /// The pace of a plugin that has not run yet.
    #[must_use]
    pub fn new(definition: &Definition) -> Self {
        Self {
            name: definition.name.clone(),
            interval: definition.interval,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What holds at the instant `at` without a run, if it is too early for one.
    #[must_use]
    pub fn early(&self, at: Duration) -> Option<Result<Reading, DriverError>> {
        let state = self.state();
        state.last.clone().filter(|_| at < state.not_before)
    }

    /// A run begins at `at`. Should it be dismissed, the next one waits for a moment: who changes a
    /// choice back and forth starts no flood of programs.
    pub fn started(&self, at: Duration) {
        let mut state = self.state();
        state.not_before = at + MOMENT;
        state.last = Some(Err(Fault::Dismissed.into()));
    }

    /// A run that began at `at` succeeded.
    pub fn succeeded(&self, at: Duration, reading: &Reading) {
        let mut state = self.state();
        state.failures = 0;
        // Half a slot of grace: the grid of pushes rounds.
        state.not_before = at + self.interval.saturating_sub(SLOT / 2);
        state.last = Some(Ok(Reading::clone(reading)));
    }

    /// A run failed at `at`: the next one is allowed a second or an interval later, then after
    /// twice that time, and so on.
    pub fn failed(&self, at: Duration, fault: &DriverError) {
        let mut state = self.state();
        let first = self.interval.max(Duration::from_secs(1));
        let pause = first
            .saturating_mul(1 << state.failures.min(16))
            .min(LONGEST_PAUSE.max(self.interval));
        state.failures = state.failures.saturating_add(1);
        state.not_before = at + pause;
        state.last = Some(Err(fault.clone()));
    }

    /// Failures so far are forgotten: it ran well for long.
    pub fn forgive(&self) {
        self.state().failures = 0;
    }

    /// Tells the journal of something that has no effect here, and how many like it; once in the
    /// life of this program.
    pub fn remark(&self, what: &str, more: usize) {
        if !std::mem::replace(&mut self.state().remarked, true) {
            let plugin = self.name.as_str();
            info!(plugin, more, "plugin {plugin}: {what}");
        }
    }

    /// Tells the journal what a program wrote on standard error: one line in a minute.
    pub fn tell(&self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let Some(line) = text.lines().map(str::trim).find(|line| !line.is_empty()) else {
            return;
        };
        let mut state = self.state();
        let now = Instant::now();
        if state
            .told
            .is_some_and(|told| now.saturating_duration_since(told) < QUIET)
        {
            state.untold += 1;
            return;
        }
        state.told = Some(now);
        let more = std::mem::take(&mut state.untold);
        drop(state);
        let line: String = line.chars().take(LONGEST_LINE).collect();
        let plugin = self.name.as_str();
        info!(
            plugin,
            more, "plugin {plugin} writes on standard error: {line}"
        );
    }
}

/// A source that keeps its pace.
pub struct Paced<S> {
    inner: S,
    pace: Arc<Pace>,
    inbox: WorkerInbox,
}

impl<S> Paced<S> {
    /// `inner`, run as `pace` allows, for whoever gives the `orders`.
    pub fn new(inner: S, pace: Arc<Pace>, inbox: WorkerInbox) -> Self {
        Self { inner, pace, inbox }
    }
}

impl<S: Source> Source for Paced<S> {
    fn sample(&mut self, at: Duration) -> Result<Reading, DriverError> {
        if let Some(early) = self.pace.early(at) {
            return early;
        }
        self.pace.started(at);
        let outcome = self.inner.sample(at);
        match &outcome {
            Ok(reading) => self.pace.succeeded(at, reading),
            // A dismissal is nobody's failure.
            Err(_) if self.inbox.waiting() => {}
            Err(fault) => self.pace.failed(at, fault),
        }
        outcome
    }
}

impl Pace {
    /// As [`Self::failed`], from a fault.
    pub fn fault(&self, at: Duration, fault: Fault) -> DriverError {
        let fault = DriverError::from(fault);
        self.failed(at, &fault);
        fault
    }
}
