//! The running server: everything between a registered listener and the end of the last session.

use std::{process::ExitCode, time::Duration};

use crate::{
    config::{Config, ConfigError},
    error::EX_UNAVAILABLE,
    listen::Bound,
    logging,
    signals::IgnoredSignals,
};

/// Reads the configuration again.
pub type Reload = Box<dyn Fn() -> Result<Config, ConfigError>>;

/// What the server starts with.
pub struct Start {
    /// The checked configuration; the default one where there is a `fault`.
    pub config: Config,
    /// The listeners, opened or passed.
    pub bound: Vec<Bound>,
    /// For SIGHUP.
    pub reload: Reload,
    /// Whether systemd passed the listeners.
    pub passed: bool,
    /// Why every connection is to be refused until a reload succeeds.
    pub fault: Option<ConfigError>,
    /// How often to report life to systemd.
    pub watchdog_interval: Option<Duration>,
    /// Signals that stay ignored.
    pub ignored: IgnoredSignals,
}

/// Serves until told to stop.
pub fn run(start: Start) -> ExitCode {
    drop(start);
    logging::fatal(&"this build cannot serve yet");
    EX_UNAVAILABLE.into()
}
