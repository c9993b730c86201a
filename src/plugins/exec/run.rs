//! One run of a program from its start to its end, within bounds.

use std::{
    process::{Command, ExitStatus},
    time::{Duration, Instant},
};

use super::{
    MAX_NOISE, MAX_OUTPUT,
    child::{Child, judge},
    fault::Fault,
};
use crate::plugins::orders::Orders;

/// What is kept of standard error, in bytes.
const KEPT: usize = 1024;

/// While nothing is heard of a child, its end is looked for this often: a descendant may hold its output open.
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
            self.stderr.extend_from_slice(buffer.get(..room).unwrap_or_default());
            self.noise += length;
            if self.noise > MAX_NOISE {
                return Err(Fault::Flood);
            }
        }
        while let Some(length) = child.read_stdout(&mut buffer) {
            if length == 0 {
                return Ok(true);
            }
            self.stdout.extend_from_slice(buffer.get(..length).unwrap_or_default());
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
/// When it cannot be started, fails, prints too much or takes longer than `timeout`, and when the worker is dismissed;
/// nothing of its group is left in any case.
pub fn run(command: &mut Command, timeout: Duration, orders: &Orders, output: &mut Output) -> Result<(), Fault> {
    let mut child = Child::start(command)?;
    let read = read_to_end(&mut child, timeout, orders, output);
    let status: Option<ExitStatus> = child.end();
    read.and_then(|()| judge(status))
}

fn read_to_end(child: &mut Child, timeout: Duration, orders: &Orders, output: &mut Output) -> Result<(), Fault> {
    let deadline = Instant::now() + timeout;
    let mut stdout_ended = false;
    loop {
        // Asked first: what it printed before its end is then there to be read.
        let exited = child.exited();
        stdout_ended = output.read(child)? || stdout_ended;
        if exited {
            return Ok(());
        }
        if orders.waiting() {
            return Err(Fault::Dismissed);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Fault::Timeout(timeout));
        }
        // A child that has closed its output is about to end.
        child.wait(orders, Some(left.min(if stdout_ended { Duration::from_millis(1) } else { LOOK })));
    }
}
