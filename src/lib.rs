//! rtstat: real-time statistics of a Linux host, pushed as JSON to whoever watches.

pub mod cli;
pub mod config;
pub mod drivers;
pub mod error;
pub mod listen;
pub mod plugins;
pub mod protocol;
pub mod systemd;
