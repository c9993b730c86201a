//! rtstat: real-time statistics of a Linux host, pushed as JSON to whoever watches.

pub mod cli;
pub mod config;
pub mod drivers;
pub mod error;
pub mod listen;
pub mod logging;
pub mod oneshot;
pub mod plugins;
pub mod privileges;
pub mod protocol;
pub mod server;
pub mod signals;
pub mod systemd;
