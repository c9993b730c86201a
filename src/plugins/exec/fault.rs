//! Why an operator's program has no reading, and the limits that it must keep. Every client may read
//! these texts, so nothing that the program itself wrote is in them.

use std::time::Duration;

use crate::drivers::DriverError;

/// The longest output of a reading, in bytes.
pub(super) const MAX_OUTPUT: usize = 64 * 1024;

/// The deepest JSON.
pub(super) const MAX_DEPTH: usize = 32;

/// The most bytes of a run on standard error, and of a stream in a second.
pub(super) const MAX_NOISE: usize = 1 << 20;

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The system could not start it.
    #[error("it cannot be started: {0}")]
    Start(String),
    /// Its exit status or the signal that killed it.
    #[error("{0}")]
    Exit(String),
    /// A stream ended.
    #[error("it ended: {0}")]
    Ended(String),
    /// It did not end in time.
    #[error("it did not end within {} s", .0.as_secs_f64())]
    Timeout(Duration),
    /// A stream printed nothing.
    #[error("it printed no line for {} s", .0.as_secs_f64())]
    Silent(Duration),
    /// It printed nothing at all.
    #[error("it printed nothing")]
    Empty,
    /// Its output is longer than [`MAX_OUTPUT`].
    #[error("its output is longer than {MAX_OUTPUT} bytes")]
    TooLong,
    /// It wrote more than [`MAX_NOISE`].
    #[error("it floods its output")]
    Flood,
    /// Its JSON is deeper than [`MAX_DEPTH`].
    #[error("its JSON is nested deeper than {MAX_DEPTH}")]
    TooDeep,
    /// The parser's message. It names a place in the output, never the output itself.
    #[error("its output is not JSON: {0}")]
    NotJson(String),
    /// Its output is not that of a Munin plugin.
    #[error("not a Munin plugin's output: {0}")]
    NotMunin(String),
    /// Nobody watches any more.
    #[error("it was stopped")]
    Dismissed,
}

impl From<Fault> for DriverError {
    fn from(fault: Fault) -> Self {
        Self::Program(fault.to_string())
    }
}
