//! Mode `stream`: a child that lives while somebody watches and prints one JSON value a line; the
//! newest counts.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    drivers::DriverError,
    plugins::{
        exec::{
            MAX_NOISE, MAX_OUTPUT, Printed,
            child::{self, Child, judge},
            definition::Definition,
            fault::Fault,
            json::compact,
            pace::Pace,
        },
        sample::{Reading, Source},
        worker::WorkerInbox,
    },
};

/// A child that lived for so long does not pay for earlier failures.
const LONG: Duration = Duration::from_secs(60);

/// The source of one such plugin.
pub struct Stream {
    words: Vec<String>,
    definition: Arc<Definition>,
    pace: Arc<Pace>,
    inbox: WorkerInbox,
    running: Option<Running>,
    /// The newest good line.
    reading: Option<Reading>,
    /// The last order's instant on the server's clock and on ours.
    now: (Duration, Instant),
}

/// A child and what it printed.
struct Running {
    child: Child,
    since: Instant,
    /// What came after the last line end.
    rest: Vec<u8>,
    /// The newest line, unless it was taken.
    line: Option<(Vec<u8>, Instant)>,
    heard: Instant,
    /// A second, and the bytes that came in it.
    second: (Instant, usize),
}

impl Running {
    fn start(words: &[String], definition: &Definition) -> Result<Self, Fault> {
        let env = definition
            .env
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let child = Child::start(&mut child::command(words, env))?;
        let now = Instant::now();
        Ok(Self {
            child,
            since: now,
            rest: Vec::new(),
            line: None,
            heard: now,
            second: (now, 0),
        })
    }

    /// Takes in what there is.
    fn read(&mut self, pace: &Pace) -> Result<(), Fault> {
        let now = Instant::now();
        let mut buffer = [0; 4096];
        while let Some(length) = self
            .child
            .read_stderr(&mut buffer)
            .filter(|length| *length > 0)
        {
            self.count(now, length)?;
            pace.tell(buffer.get(..length).unwrap_or_default());
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

    /// Cuts lines. Only the last complete one is kept, and blank ones are none.
    fn take(&mut self, bytes: &[u8], now: Instant) -> Result<(), Fault> {
        self.rest.extend_from_slice(bytes);
        if let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') {
            let after = self.rest.split_off(end + 1);
            let complete = std::mem::replace(&mut self.rest, after);
            let newest = complete
                .split(|byte| *byte == b'\n')
                .rfind(|line| !line.iter().all(u8::is_ascii_whitespace));
            if let Some(line) = newest {
                self.line = Some((line.to_vec(), now));
                self.heard = now;
            }
        }
        if self.rest.len() > MAX_OUTPUT {
            Err(Fault::TooLong)
        } else {
            Ok(())
        }
    }
}

impl Stream {
    /// A source whose child is not started yet.
    #[must_use]
    pub fn new(
        words: Vec<String>,
        definition: Arc<Definition>,
        pace: Arc<Pace>,
        inbox: WorkerInbox,
    ) -> Self {
        let now = (Duration::ZERO, Instant::now());
        Self {
            words,
            definition,
            pace,
            inbox,
            running: None,
            reading: None,
            now,
        }
    }

    /// Reads until `done`, the dismissal or an order.
    fn listen(
        &mut self,
        done: impl Fn(&Running) -> bool,
        deadline: Option<Instant>,
    ) -> Result<(), Fault> {
        let Some(running) = &mut self.running else {
            return Ok(());
        };
        loop {
            running.read(&self.pace)?;
            if done(running) || self.inbox.waiting() {
                return Ok(());
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(Fault::Silent(self.definition.timeout));
            }
            running.child.wait(&self.inbox, left);
        }
    }

    fn newest(&mut self, at: Duration) -> Result<Reading, Fault> {
        if self.running.is_none() {
            self.reading = None;
            self.pace.started(at);
            self.running = Some(Running::start(&self.words, &self.definition)?);
        }
        let timeout = self.definition.timeout;
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
                definition: Arc::clone(&self.definition),
                at,
                json,
            }));
        } else if running.heard.elapsed() > timeout {
            return Err(Fault::Silent(timeout));
        }
        self.reading.clone().ok_or(Fault::Dismissed)
    }

    /// The child is ended, and the next one has to wait.
    fn fail(&mut self, at: Duration, fault: Fault) -> DriverError {
        let long = self
            .running
            .take()
            .is_some_and(|running| running.since.elapsed() > LONG);
        if fault == Fault::Dismissed {
            return fault.into();
        }
        if long {
            self.pace.forgive();
        }
        self.pace.fault(at, fault)
    }
}

impl Source for Stream {
    fn sample(&mut self, at: Duration) -> Result<Reading, DriverError> {
        self.now = (at, Instant::now());
        if self.running.is_none()
            && let Some(Err(early)) = self.pace.early(at)
        {
            return Err(early);
        }
        self.newest(at).map_err(|fault| self.fail(at, fault))
    }

    /// Lines are taken as they come, so that the child never waits and the newest is at hand.
    fn idle(&mut self) -> Result<(), DriverError> {
        self.listen(|_| false, None).map_err(|fault| {
            let (at, heard) = self.now;
            self.fail(at + heard.elapsed(), fault)
        })
    }
}
