//! What can be wrong with a setting, each in one line that names the place, the value and what was
//! expected.

use std::{fmt, io, path::PathBuf};

use crate::system::sysexits::{EX_CONFIG, EX_USAGE};

/// Where a value came from, shown in front of what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// An option of the command line, as `--port`.
    Option(&'static str),
    /// A variable of the environment, as `RTSTAT_PORT`.
    Variable(String),
    /// A line of the configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The key, with its table: `plugins.dir`.
        key: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option(name) => out.write_str(name),
            Self::Variable(name) => out.write_str(name),
            Self::File { path, line, key } => {
                write!(out, "{}:{line}: {}", path.display(), shown(key))
            }
        }
    }
}

/// A setting that cannot be used. Never holds a token.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The command line itself is wrong.
    #[error("{0}")]
    Usage(String),
    /// A value outside what its setting takes.
    #[error("{place} {}: expected {expected}", shown(value))]
    Value {
        /// Where the value came from.
        place: Place,
        /// The value.
        value: String,
        /// What would be valid.
        expected: &'static str,
    },
    /// A value of the right form that does not work here: a missing file, an unknown user.
    #[error("{place} {}: {problem}", shown(value))]
    Unusable {
        /// Where the value came from.
        place: Place,
        /// The value.
        value: String,
        /// Why it does not work, and what would.
        problem: String,
    },
    /// A token that cannot be used; its value is not shown.
    #[error("{place}: {problem}")]
    Token {
        /// Where the value came from.
        place: Place,
        /// Why it cannot be one.
        problem: String,
    },
    /// Two settings that exclude each other, or one that needs another.
    #[error("{place}: {problem}")]
    Conflict {
        /// The one of the two.
        place: Place,
        /// The other, and the rule.
        problem: String,
    },
    /// The configuration file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The configuration file is not TOML.
    #[error("{}:{line}: {problem}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there.
        problem: String,
    },
    /// A key that no setting has.
    #[error("{}:{line}: unknown key {}; the nearest known key is {nearest}", path.display(), shown(key))]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The key, with its table.
        key: String,
        /// The known key that looks most like it.
        nearest: String,
    },
}

impl ConfigError {
    /// The sysexits(3) code: 64 when the command line is wrong, 78 when environment, file or
    /// machine do not fit.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_)
            | Self::Value {
                place: Place::Option(_),
                ..
            }
            | Self::Token {
                place: Place::Option(_),
                ..
            }
            | Self::Conflict {
                place: Place::Option(_),
                ..
            } => EX_USAGE,
            _ => EX_CONFIG,
        }
    }
}

/// Of the `known` names the one that takes the fewest changes to become.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> &'a str {
    known
        .min_by_key(|known| strsim::damerau_levenshtein(known, name))
        .unwrap_or_default()
}

/// A value for an error line: quoted where it is empty, long or would break the line.
#[must_use]
pub fn shown(value: &str) -> String {
    const LONGEST: usize = 200;
    if value.chars().nth(LONGEST).is_some() {
        let cut: String = value.chars().take(LONGEST).collect();
        return format!("{cut:?}…");
    }
    if value.is_empty()
        || value
            .chars()
            .any(|char| char.is_whitespace() || char.is_control())
    {
        return format!("{value:?}");
    }
    value.to_owned()
}
