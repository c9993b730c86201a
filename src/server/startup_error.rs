//! Why the program did not start.

use std::io;

use crate::{
    config::error::ConfigError,
    system::{
        privileges::PrivilegeError,
        sysexits::{EX_CONFIG, EX_NOPERM, EX_OSERR, EX_UNAVAILABLE},
    },
};

/// Why the program did not start, in one line.
#[derive(Debug, thiserror::Error)]
pub enum StartupError {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A listener could not be opened.
    #[error("{url}: {problem}")]
    Listen {
        /// What should have been opened.
        url: String,
        /// Why it was not, and what would help.
        problem: String,
        /// What the system said.
        source: io::Error,
    },
    /// A descriptor that systemd passed is not what can be served.
    #[error("passed socket {name} (descriptor {descriptor}): {problem}")]
    Passed {
        /// Its `FileDescriptorName=`.
        name: String,
        /// Its number.
        descriptor: i32,
        /// Why not, and what is accepted.
        problem: String,
    },
    /// The rights of root could not be given up.
    #[error(transparent)]
    Privileges(#[from] PrivilegeError),
}

impl StartupError {
    /// The exit code, as sysexits(3) has them.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(error) => error.exit_code(),
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                EX_NOPERM
            }
            Self::Listen { .. } => EX_UNAVAILABLE,
            Self::Passed { .. } => EX_CONFIG,
            Self::Privileges(error) if error.forbidden => EX_NOPERM,
            Self::Privileges(_) => EX_OSERR,
        }
    }
}
