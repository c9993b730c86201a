//! What the kernel tells: where it is mounted, and how reading it can fail.
//!
//! Everything that knows a kernel file by name lives in one folder per platform (`linux/`); plugins
//! ask drivers for figures and name no file. The roots are values, so that tests read captured
//! trees.

pub mod linux;
pub mod note;

use std::path::{Path, PathBuf};

/// Where the kernel's and the system's files are found: `/proc`, `/sys`, `/run`, `/etc` and `/var`
/// below one root.
#[derive(Debug, Clone)]
pub struct Root(PathBuf);

impl Root {
    /// The running machine.
    #[must_use]
    pub fn host() -> Self {
        Self::at("/")
    }

    /// A captured tree, with `proc`, `sys`, `run` … as folders in `dir`.
    #[must_use]
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self(dir.into())
    }

    /// The path of `relative` (such as `proc/stat`) below this root.
    #[must_use]
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.0.join(relative)
    }
}

/// Why a driver gave no figure.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum DriverError {
    /// This kernel or this machine does not have it: not a fault.
    #[error("{0}: not available on this machine")]
    Missing(String),
    /// The file is there and could not be read.
    #[error("{path}: {error}")]
    Io {
        /// What was read.
        path: String,
        /// What the system said.
        error: String,
    },
    /// The bytes are not what the kernel's documents promise.
    #[error("{path}: {what}")]
    Parse {
        /// What was read.
        path: String,
        /// What was expected.
        what: &'static str,
    },
    /// The code that reads panicked.
    #[error("a fault in the plugin itself")]
    Panicked,
    /// A program that should have given the figure did not.
    #[error("{0}")]
    Program(String),
}

impl DriverError {
    /// From an IO error on `path`: absent files and unsupported reads are [`DriverError::Missing`].
    #[must_use]
    pub fn io(path: &Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind::{NotFound, Unsupported};
        let path = path.display().to_string();
        match error.kind() {
            NotFound | Unsupported => Self::Missing(path),
            _ => Self::Io {
                path,
                error: error.to_string(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use nix::errno::Errno;

    use super::*;

    #[test]
    fn what_a_kernel_does_not_have_is_missing_and_not_broken() {
        let path = Path::new("/proc/pressure/cpu");
        let cases = [
            (Errno::ENOENT, true),
            // Pressure that was compiled in and not switched on.
            (Errno::EOPNOTSUPP, true),
            (Errno::EACCES, false),
            (Errno::EIO, false),
        ];
        for (errno, is_missing) in cases {
            let error = DriverError::io(path, &io::Error::from(errno));
            assert_eq!(
                matches!(error, DriverError::Missing(_)),
                is_missing,
                "{errno}"
            );
        }
    }
}
