//! One run of a program from its start to its end, within bounds.

use std::{
    process::{Command, ExitStatus},
    time::{Duration, Instant},
};

use crate::plugins::{
    exec::{
        MAX_NOISE, MAX_OUTPUT,
        child::{Child, judge},
        fault::Fault,
    },
    worker::WorkerInbox,
};

/// What is kept of standard error, in bytes.
const KEPT: usize = 1024;

/// While nothing is heard of a child, its end is looked for this often: a descendant may hold its
/// output open.
const LOOK: Duration = Duration::from_millis(100);

/// What a run printed.
#[derive(Debug, Default)]
pub struct Output {
    /// Standard output, at most [`MAX_OUTPUT`] bytes.
    pub stdout: Vec<u8>,
    /// The first bytes of standard error.
    pub stderr: Vec<u8>,
    noise: usize,
}

impl Output {
    /// Takes in what there is, and returns whether standard output has ended.
    fn read(&mut self, child: &mut Child) -> Result<bool, Fault> {
        let mut buffer = [0; 4096];
        while let Some(length) = child.read_stderr(&mut buffer).filter(|length| *length > 0) {
            let room = KEPT.saturating_sub(self.stderr.len()).min(length);
            self.stderr
                .extend_from_slice(buffer.get(..room).unwrap_or_default());
            self.noise += length;
            if self.noise > MAX_NOISE {
                return Err(Fault::Flood);
            }
        }
        while let Some(length) = child.read_stdout(&mut buffer) {
            if length == 0 {
                return Ok(true);
            }
            self.stdout
                .extend_from_slice(buffer.get(..length).unwrap_or_default());
            if self.stdout.len() > MAX_OUTPUT {
                return Err(Fault::TooLong);
            }
        }
        Ok(false)
    }
}

/// Runs `command` to its end. What it printed is in `output` even when it failed.
///
/// # Errors
/// When it cannot be started, fails, prints too much or takes longer than `timeout`, and when the
/// worker is dismissed; nothing of its group is left in any case.
pub fn run(
    command: &mut Command,
    timeout: Duration,
    inbox: &WorkerInbox,
    output: &mut Output,
) -> Result<(), Fault> {
    let mut child = Child::start(command)?;
    let read = read_to_end(&mut child, timeout, inbox, output);
    let status: Option<ExitStatus> = child.end();
    read.and_then(|()| judge(status))
}

fn read_to_end(
    child: &mut Child,
    timeout: Duration,
    inbox: &WorkerInbox,
    output: &mut Output,
) -> Result<(), Fault> {
    let deadline = Instant::now() + timeout;
    let mut stdout_ended = false;
    let mut pause = Duration::from_millis(1);
    loop {
        // Asked first: what it printed before its end is then there to be read.
        let exited = child.exited();
        stdout_ended = output.read(child)? || stdout_ended;
        if exited {
            return Ok(());
        }
        if inbox.waiting() {
            return Err(Fault::Dismissed);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Fault::Timeout(timeout));
        }
        // A child that has closed its output is about to end, or means to go on without.
        child.wait(
            inbox,
            Some(left.min(if stdout_ended { pause } else { LOOK })),
        );
        if stdout_ended {
            pause = (pause * 2).min(LOOK);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::{exec::child::command, worker::inbox};

    /// How often this thread has gone to sleep.
    fn naps() -> u64 {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))
            .unwrap();
        line.trim().parse().unwrap()
    }

    #[test]
    fn a_program_that_goes_on_without_its_output_is_looked_at_now_and_then() {
        let (_foreman, inbox) = inbox().unwrap();
        let words = ["/bin/sh", "-c", "echo 1; exec >&- 2>&-; exec sleep 1"].map(String::from);
        let (mut output, before) = (Output::default(), naps());
        run(
            &mut command(&words, []),
            Duration::from_secs(20),
            &inbox,
            &mut output,
        )
        .unwrap();
        assert_eq!(output.stdout, b"1\n");
        assert!(naps() - before < 100, "woken {} times", naps() - before);
    }
}
