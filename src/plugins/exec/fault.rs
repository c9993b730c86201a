//! Why a program of the operator's gave no figures, in words that every client may read: nothing
//! that the program itself wrote is in them.

use std::time::Duration;

use crate::{
    drivers::DriverError,
    plugins::exec::{MAX_DEPTH, MAX_OUTPUT},
};

/// A failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The system did not start it.
    #[error("it cannot be started: {0}")]
    Start(String),
    /// It failed: an exit status or a signal.
    #[error("{0}")]
    Exit(String),
    /// A stream ended.
    #[error("it ended: {0}")]
    Ended(String),
    /// It did not end in time.
    #[error("it did not end within {} s", .0.as_secs_f64())]
    Timeout(Duration),
    /// A stream that prints nothing.
    #[error("it printed no line for {} s", .0.as_secs_f64())]
    Silent(Duration),
    /// It printed nothing at all.
    #[error("it printed nothing")]
    Empty,
    /// More output than a plugin may have.
    #[error("its output is longer than {MAX_OUTPUT} bytes")]
    TooLong,
    /// More output in a second, or on standard error, than anybody can want.
    #[error("it floods its output")]
    Flood,
    /// Deeper JSON than a plugin may have.
    #[error("its JSON is nested deeper than {MAX_DEPTH}")]
    TooDeep,
    /// No JSON. The parser's words name a place in the output, never the output.
    #[error("its output is not JSON: {0}")]
    NotJson(String),
    /// Not what a Munin plugin prints.
    #[error("not a Munin plugin's output: {0}")]
    NotMunin(String),
    /// Nobody wants it any more.
    #[error("it was stopped")]
    Dismissed,
}

impl From<Fault> for DriverError {
    fn from(fault: Fault) -> Self {
        Self::Program(fault.to_string())
    }
}
