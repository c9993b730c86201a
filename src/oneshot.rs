//! The commands that serve nobody: they write to standard output and end.

use std::process::ExitCode;

use crate::{
    cli::{CheckPluginArgs, SampleArgs},
    config::Config,
    error::EX_UNAVAILABLE,
    logging,
};

/// `rtstatd sample`: the push on standard output, one object a line.
pub fn sample(_config: &Config, _args: &SampleArgs) -> ExitCode {
    logging::fatal(&"this build cannot sample yet");
    EX_UNAVAILABLE.into()
}

/// `rtstatd check-plugin`: runs one plugin once and says what is wrong with it.
pub fn check_plugin(_config: &Config, _args: &CheckPluginArgs) -> ExitCode {
    logging::fatal(&"this build cannot check plugins yet");
    EX_UNAVAILABLE.into()
}
