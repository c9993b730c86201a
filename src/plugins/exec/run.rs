//! One run of a program from its start to its end, within limits.

use std::{
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    drivers::DriverError,
    plugins::{
        exec::{
            backoff::Backoff,
            child::{Child, command, judge},
            definition::Definition,
            fault::{Fault, MAX_NOISE, MAX_OUTPUT},
        },
        sample::{Reading, Source},
        worker::WorkerInbox,
    },
};

/// Bytes of standard error that are kept.
const MAX_KEPT: usize = 1024;

/// What a worker needs to run the program of one definition.
pub(super) struct Runner {
    pub(super) definition: Arc<Definition>,
    pub(super) backoff: Arc<Backoff>,
    pub(super) inbox: WorkerInbox,
}

impl Runner {
    /// The program's command with the variables `env`, over which the definition's take precedence.
    pub(super) fn command<'a>(
        &'a self,
        env: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Command {
        let own = self.definition.env.iter();
        let own = own.map(|(name, value)| (name.as_str(), value.as_str()));
        command(&self.definition.words, env.into_iter().chain(own))
    }

    /// Runs `command` to its end and returns its standard output.
    ///
    /// # Errors
    /// When it cannot be started, fails, prints too much or takes too long, and when the worker is
    /// dismissed. Nothing of its process group is left in any case.
    pub(super) fn run(&self, command: &mut Command) -> Result<Vec<u8>, Fault> {
        let mut child = Child::start(command)?;
        let mut output = Output::default();
        let read = output.read_to_end(&mut child, self.definition.timeout, &self.inbox);
        let status = child.end();
        self.backoff.log_stderr(&output.stderr);
        read.and_then(|()| judge(status))?;
        Ok(output.stdout)
    }
}

#[derive(Default)]
struct Output {
    stdout: Vec<u8>,
    /// The first bytes.
    stderr: Vec<u8>,
    /// Bytes on standard error.
    noise: usize,
}

impl Output {
    fn read_to_end(
        &mut self,
        child: &mut Child,
        timeout: Duration,
        inbox: &WorkerInbox,
    ) -> Result<(), Fault> {
        let deadline = Instant::now() + timeout;
        loop {
            // Checked first, because then all output is there to be read. The end of the output
            // says nothing: a descendant may hold it open, or the child go on without.
            let exited = child.exited();
            self.read(child)?;
            if exited {
                return Ok(());
            }
            if inbox.is_ready() {
                return Err(Fault::Dismissed);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Fault::Timeout(timeout));
            }
            child.wait_for_exit(inbox, left);
        }
    }

    /// Reads what there is.
    fn read(&mut self, child: &mut Child) -> Result<(), Fault> {
        let mut buffer = [0; 4096];
        while let Some(length) = child.read_stderr(&mut buffer).filter(|length| *length > 0) {
            let room = MAX_KEPT.saturating_sub(self.stderr.len()).min(length);
            self.stderr
                .extend_from_slice(buffer.get(..room).unwrap_or_default());
            self.noise += length;
            if self.noise > MAX_NOISE {
                return Err(Fault::Flood);
            }
        }
        while let Some(length) = child.read_stdout(&mut buffer).filter(|length| *length > 0) {
            self.stdout
                .extend_from_slice(buffer.get(..length).unwrap_or_default());
            if self.stdout.len() > MAX_OUTPUT {
                return Err(Fault::TooLong);
            }
        }
        Ok(())
    }
}

/// A source that runs a program for each sample, as often as its back-off allows.
pub(super) struct WithBackoff<S> {
    inner: S,
    runner: Arc<Runner>,
}

impl<S> WithBackoff<S> {
    pub(super) fn new(inner: S, runner: Arc<Runner>) -> Self {
        Self { inner, runner }
    }
}

impl<S: Source> Source for WithBackoff<S> {
    fn sample(&mut self, at: Duration) -> Result<Reading, DriverError> {
        let backoff = &self.runner.backoff;
        if let Some(cached) = backoff.cached(at) {
            return cached;
        }
        backoff.started(at);
        let outcome = self.inner.sample(at);
        match &outcome {
            Ok(reading) => backoff.succeeded(at, reading),
            // A dismissal is not the program's failure.
            Err(_) if self.runner.inbox.is_ready() => {}
            Err(fault) => backoff.failed(at, fault),
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::worker::inbox;

    /// How often this thread has gone to sleep.
    fn naps() -> u64 {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))
            .unwrap();
        line.trim().parse().unwrap()
    }

    fn start(words: &[String]) -> Child {
        Child::start(&mut command(words, [])).unwrap()
    }

    /// With a pidfd the end wakes the worker; without one it looks now and then.
    #[test]
    fn a_program_that_goes_on_without_its_output_is_waited_for() {
        let (_worker, inbox) = inbox().unwrap();
        let words = ["/bin/sh", "-c", "echo 1; exec >&- 2>&-; exec sleep 1"].map(String::from);
        for (mut child, most) in [(start(&words), 20), (start(&words).without_pidfd(), 100)] {
            let (mut output, before) = (Output::default(), naps());
            output
                .read_to_end(&mut child, Duration::from_secs(20), &inbox)
                .unwrap();
            assert_eq!(output.stdout, b"1\n");
            assert!(naps() - before < most, "woken {} times", naps() - before);
        }
    }

    #[test]
    fn a_child_that_ignores_sigterm_is_ended_with_and_without_a_pidfd() {
        let words = [
            "/bin/sh",
            "-c",
            "trap '' TERM; echo 1; while :; do sleep 9; done",
        ];
        let words = words.map(String::from);
        for has_pidfd in [true, false] {
            let mut child = start(&words);
            if !has_pidfd {
                child = child.without_pidfd();
            }
            // Its trap is set once it prints.
            while child.read_stdout(&mut [0; 8]).is_none() {
                std::thread::yield_now();
            }
            let begun = Instant::now();
            assert!(judge(child.end()).is_err());
            assert!(begun.elapsed() < Duration::from_secs(10));
            assert!(child.exited());
        }
    }
}
