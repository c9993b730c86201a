//! rtstat: real-time statistics of a Linux host, pushed as JSON to whoever watches.

pub mod actors;
pub mod admission;
pub mod cli;
pub mod clock;
pub mod config;
pub mod drivers;
pub mod error;
pub mod info;
pub mod listen;
pub mod logging;
pub mod oneshot;
pub mod peer;
pub mod plugins;
pub mod presence;
pub mod pretty;
pub mod privileges;
pub mod protocol;
pub mod sampling;
pub mod schedule;
pub mod server;
pub mod signals;
pub mod slots;
pub mod snapshot;
pub mod systemd;
pub mod transports;
pub mod web;
