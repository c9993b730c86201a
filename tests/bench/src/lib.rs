//! What rtstatd costs, beside a floor and other monitors: the parts of the bench.
//!
//! [`fleet`] is the load generator (10,000 WebSocket clients in this process), [`program`] starts
//! one server and [`meter`] weighs it from outside, [`scenario`] puts the three together into one
//! measured run, [`rows`] turns runs, interleaved, into the rows of the [`table`]. Only CPU time,
//! memory, counts and ratios inside one interleaved sequence are compared: wall-clock times on a
//! shared machine are shown, not believed.

pub mod fleet;
pub mod frame;
pub mod meter;
pub mod options;
pub mod program;
pub mod rows;
pub mod scenario;
pub mod stats;
pub mod table;

/// Whatever stops the bench; its text is printed for the reader.
pub type Error = Box<dyn std::error::Error>;
/// The result of everything here.
pub type Result<T> = std::result::Result<T, Error>;
