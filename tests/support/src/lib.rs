//! What the tests share. Nothing here waits for ever: a child, a pipe or a connection that does not
//! do its part within [`PATIENCE`] is an error, which fails the test and names what was waited for.

mod child;
mod connection;

use std::time::Duration;

pub use child::{ChildInTime, CommandInTime, read_in_time};
pub use connection::{Lifetime, connect, connect_unix};

/// What must come, comes within this time. It is far beyond what a busy machine needs, and never a
/// measure of speed.
pub const PATIENCE: Duration = Duration::from_secs(60);
