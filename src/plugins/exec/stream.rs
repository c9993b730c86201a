//! Mode `stream`: a child that lives while somebody watches and prints one JSON value a line. The
//! newest line counts.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    drivers::DriverError,
    plugins::{
        exec::{
            backoff::Backoff,
            child::{Child, judge},
            fault::{Fault, MAX_NOISE, MAX_OUTPUT},
            json::{Printed, compact},
            run::Runner,
        },
        sample::{Reading, Source},
    },
};

/// After a child has lived for this time, earlier failures are forgotten.
const LONG_LIFE: Duration = Duration::from_secs(60);

/// The source of one such plugin.
pub(super) struct Stream {
    runner: Arc<Runner>,
    running: Option<Running>,
    /// The newest good line.
    reading: Option<Reading>,
    /// The instant of the last request, on the server's clock and on this thread's.
    asked: (Duration, Instant),
}

/// A child and its output.
struct Running {
    child: Child,
    since: Instant,
    /// The line that has not ended.
    partial: Vec<u8>,
    /// The newest line, until it is taken.
    line: Option<(Vec<u8>, Instant)>,
    /// When the newest line came.
    heard: Instant,
    /// The beginning of the current second, and the bytes since.
    second: (Instant, usize),
}

impl Running {
    fn start(runner: &Runner) -> Result<Self, Fault> {
        let child = Child::start(&mut runner.command([]))?;
        let now = Instant::now();
        Ok(Self {
            child,
            since: now,
            partial: Vec::new(),
            line: None,
            heard: now,
            second: (now, 0),
        })
    }

    /// Reads what there is.
    fn read(&mut self, backoff: &Backoff) -> Result<(), Fault> {
        let now = Instant::now();
        let mut buffer = [0; 4096];
        while let Some(length) = self
            .child
            .read_stderr(&mut buffer)
            .filter(|length| *length > 0)
        {
            self.count(now, length)?;
            backoff.log_stderr(buffer.get(..length).unwrap_or_default());
        }
        while let Some(length) = self.child.read_stdout(&mut buffer) {
            if length == 0 {
                let status = self.child.end();
                return Err(Fault::Ended(judge(status).map_or_else(
                    |fault| fault.to_string(),
                    |()| "exit status 0".into(),
                )));
            }
            self.count(now, length)?;
            self.take(buffer.get(..length).unwrap_or_default(), now)?;
        }
        Ok(())
    }

    fn count(&mut self, now: Instant, length: usize) -> Result<(), Fault> {
        if now.saturating_duration_since(self.second.0) >= Duration::from_secs(1) {
            self.second = (now, 0);
        }
        self.second.1 += length;
        if self.second.1 > MAX_NOISE {
            Err(Fault::Flood)
        } else {
            Ok(())
        }
    }

    /// Splits lines and keeps the last complete one that is not blank.
    fn take(&mut self, bytes: &[u8], now: Instant) -> Result<(), Fault> {
        self.partial.extend_from_slice(bytes);
        if let Some(end) = self.partial.iter().rposition(|byte| *byte == b'\n') {
            let after = self.partial.split_off(end + 1);
            let complete = std::mem::replace(&mut self.partial, after);
            let newest = complete
                .split(|byte| *byte == b'\n')
                .rfind(|line| !line.iter().all(u8::is_ascii_whitespace));
            if let Some(line) = newest {
                self.line = Some((line.to_vec(), now));
                self.heard = now;
            }
        }
        if self.partial.len() > MAX_OUTPUT {
            Err(Fault::TooLong)
        } else {
            Ok(())
        }
    }
}

impl Stream {
    pub(super) fn new(runner: Arc<Runner>) -> Self {
        Self {
            runner,
            running: None,
            reading: None,
            asked: (Duration::ZERO, Instant::now()),
        }
    }

    /// Reads until `done`, or until the inbox has a request or the dismissal.
    fn listen(
        &mut self,
        done: impl Fn(&Running) -> bool,
        deadline: Option<Instant>,
    ) -> Result<(), Fault> {
        let Some(running) = &mut self.running else {
            return Ok(());
        };
        loop {
            running.read(&self.runner.backoff)?;
            if done(running) || self.runner.inbox.is_ready() {
                return Ok(());
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(Fault::Silent(self.runner.definition.timeout));
            }
            running.child.wait_for_output(&self.runner.inbox, left);
        }
    }

    fn newest(&mut self, at: Duration) -> Result<Reading, Fault> {
        if self.running.is_none() {
            self.reading = None;
            self.runner.backoff.started(at);
            self.running = Some(Running::start(&self.runner)?);
        }
        let timeout = self.runner.definition.timeout;
        let first = self.reading.is_none();
        let deadline = Instant::now() + timeout;
        self.listen(
            move |running| !first || running.line.is_some(),
            Some(deadline),
        )?;
        let Some(running) = &mut self.running else {
            return Err(Fault::Dismissed);
        };
        if let Some((line, heard)) = running.line.take() {
            let json = compact(&line)?;
            let at = at.saturating_sub(heard.elapsed());
            self.reading = Some(Arc::new(Printed {
                plugin: self.runner.definition.name.clone(),
                at,
                json,
            }));
        } else if running.heard.elapsed() > timeout {
            return Err(Fault::Silent(timeout));
        }
        self.reading.clone().ok_or(Fault::Dismissed)
    }

    /// Ends the child and records the failure.
    fn fail(&mut self, at: Duration, fault: Fault) -> DriverError {
        let long = self
            .running
            .take()
            .is_some_and(|running| running.since.elapsed() > LONG_LIFE);
        if fault == Fault::Dismissed {
            return fault.into();
        }
        if long {
            self.runner.backoff.forgive();
        }
        let fault = fault.into();
        self.runner.backoff.failed(at, &fault);
        fault
    }
}

impl Source for Stream {
    fn sample(&mut self, at: Duration) -> Result<Reading, DriverError> {
        self.asked = (at, Instant::now());
        if self.running.is_none()
            && let Some(Err(cached)) = self.runner.backoff.cached(at)
        {
            return Err(cached);
        }
        self.newest(at).map_err(|fault| self.fail(at, fault))
    }

    /// Lines are read as they come, so that the child is never blocked and its end is noticed.
    fn idle(&mut self) -> Result<(), DriverError> {
        self.listen(|_| false, None).map_err(|fault| {
            let (at, asked) = self.asked;
            self.fail(at + asked.elapsed(), fault)
        })
    }
}
