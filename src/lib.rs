//! rtstat: real-time statistics of a Linux host, pushed as JSON to whoever watches.

pub mod drivers;
pub mod plugins;
pub mod protocol;
