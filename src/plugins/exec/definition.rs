//! The definition of an operator's plugin: the file `NAME.toml`, checked.

use std::{
    fs::{self, File},
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use toml::de::{DeTable, DeValue};

use crate::{
    config::{
        error::{ConfigError, Place, nearest},
        toml_text::{in_file_order, line_of, parsed, text_of},
    },
    plugins::{About, Kind},
};

/// The longest file.
const MAX_BYTES: u64 = 64 * 1024;

/// The default time-out.
const TIMEOUT_SECS: f64 = 10.0;

/// The keys that a file may have.
const KEYS: [&str; 10] = [
    "command", "mode", "munin", "interval", "timeout", "default", "env", "unit", "max", "warn",
];

/// One plugin of the operator's.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// The key of the push: the file's name without `.toml`.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// How the program is run.
    pub mode: Mode,
    /// The program and its arguments.
    pub words: Vec<String>,
    /// The shortest time between two readings.
    pub interval: Duration,
    /// How long a run may take, or a stream print nothing.
    pub timeout: Duration,
    /// Whether sessions get it that did not choose their keys.
    pub default: bool,
    /// Environment variables for the program.
    pub env: Vec<(String, String)>,
    /// For `info`.
    pub unit: String,
    /// For `info`.
    pub max: Option<f64>,
    /// For `info`.
    pub warn: Option<f64>,
}

/// How a program is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Anew for each reading.
    Once,
    /// For as long as somebody watches.
    Stream,
    /// As a Munin plugin: with `config` once, then anew for each reading.
    Munin,
}

impl Mode {
    /// The word in a definition.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Stream => "stream",
            Self::Munin => "munin",
        }
    }
}

impl Definition {
    /// What `info` says of it.
    pub(super) fn about(&self) -> About {
        let kind = match self.mode {
            Mode::Munin => Kind::Table,
            Mode::Once | Mode::Stream => Kind::Gauge,
        };
        let about = About::new(kind, &self.unit, self.interval.as_secs_f64());
        About {
            default: self.default,
            max: self.max,
            warn: self.warn,
            ..about
        }
    }

    /// Reads the definition `NAME.toml`.
    ///
    /// # Errors
    /// When the file cannot be read, or something in it is wrong: file, line, and what is accepted.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let failed = |source| ConfigError::File {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        let place = |key: &str| Place::File {
            path: path.to_owned(),
            line: 1,
            key: key.into(),
        };
        if metadata.mode() & 0o002 != 0 {
            let problem =
                "everybody can write it, and so run programs as this service: chmod o-w it".into();
            return Err(ConfigError::Conflict {
                place: place("permissions"),
                problem,
            });
        }
        let mut text = String::new();
        file.take(MAX_BYTES + 1)
            .read_to_string(&mut text)
            .map_err(failed)?;
        if text.len() as u64 > MAX_BYTES {
            let problem = format!("is longer than the {MAX_BYTES} bytes that are accepted");
            return Err(ConfigError::Conflict {
                place: place("the file"),
                problem,
            });
        }
        Self::parse(path, &text)
    }

    /// Reads the text of a definition; name and place come from `path`.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let document = parsed(path, text)?;
        let table = document.get_ref();
        for (key, _) in in_file_order(table) {
            let key_text = key.get_ref().as_ref();
            if !KEYS.contains(&key_text) {
                return Err(ConfigError::UnknownKey {
                    path: path.to_owned(),
                    line: line_of(text, key.span().start),
                    key: key_text.to_owned(),
                    nearest: nearest(key_text, KEYS.into_iter()).to_owned(),
                });
            }
        }
        let reader = Reader { path, text, table };
        let (mode, words) = reader.program()?;
        let default_interval = if mode == Mode::Stream { 1.0 } else { 5.0 };
        let interval = reader.seconds("interval", 0.05..=86_400.0, "0.05 to 86400 seconds")?;
        let interval = interval.unwrap_or(default_interval);
        let usual = if mode == Mode::Stream {
            TIMEOUT_SECS.max(3.0 * interval)
        } else {
            TIMEOUT_SECS
        };
        let timeout = reader
            .seconds("timeout", 0.05..=300_000.0, "0.05 to 300000 seconds")?
            .unwrap_or(usual);
        Ok(Self {
            name: path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            path: path.to_owned(),
            mode,
            words,
            interval: Duration::try_from_secs_f64(interval).unwrap_or_default(),
            timeout: Duration::try_from_secs_f64(timeout).unwrap_or_default(),
            default: reader
                .get("default", "true or false", DeValue::as_bool)?
                .unwrap_or(false),
            env: reader.env()?,
            unit: reader
                .get("unit", "text in quotes, up to 32 characters", unit)?
                .unwrap_or_default(),
            max: reader.number("max")?,
            warn: reader.number("warn")?,
        })
    }
}

/// The definitions of a folder in the order of their names, or what is wrong with each. A folder that
/// does not exist has none.
pub(super) fn read_all(dir: &Path) -> Vec<Result<Definition, ConfigError>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(source) => {
            return vec![Err(ConfigError::File {
                path: dir.to_owned(),
                source,
            })];
        }
    };
    let mut paths: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_definition(path))
        .collect();
    paths.sort();
    paths.iter().map(|path| Definition::read(path)).collect()
}

/// Editors and package managers leave hidden files and files with other suffixes behind.
fn is_definition(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_some_and(|name| name.as_encoded_bytes().first() == Some(&b'.'));
    !hidden && path.extension().is_some_and(|ending| ending == "toml")
}

/// The table of one file.
struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    table: &'a DeTable<'a>,
}

impl Reader<'_> {
    fn place(&self, key: &str) -> Place {
        let span = self
            .table
            .iter()
            .find(|(found, _)| found.get_ref() == key)
            .map(|(key, _)| key.span());
        Place::File {
            path: self.path.to_owned(),
            line: line_of(self.text, span.map_or(0, |span| span.start)),
            key: key.into(),
        }
    }

    fn wrong(&self, key: &str, value: &DeValue<'_>, expected: &'static str) -> ConfigError {
        ConfigError::Value {
            place: self.place(key),
            value: text_of(value),
            expected,
        }
    }

    /// The value of `key`, converted by `read`.
    fn get<'t, T>(
        &'t self,
        key: &str,
        expected: &'static str,
        read: impl Fn(&'t DeValue<'t>) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(value) = self.table.get(key) else {
            return Ok(None);
        };
        let value: &DeValue<'_> = value.get_ref();
        read(value)
            .map(Some)
            .ok_or_else(|| self.wrong(key, value, expected))
    }

    fn number(&self, key: &str) -> Result<Option<f64>, ConfigError> {
        self.get(key, "a number", number)
    }

    fn seconds(
        &self,
        key: &str,
        range: std::ops::RangeInclusive<f64>,
        expected: &'static str,
    ) -> Result<Option<f64>, ConfigError> {
        self.get(key, expected, |value| {
            number(value).filter(|secs| range.contains(secs))
        })
    }

    fn program(&self) -> Result<(Mode, Vec<String>), ConfigError> {
        let command = self.get("command", "a line for the shell or a list of words", words)?;
        let munin = self.get("munin", "the absolute path of a Munin plugin", |value| {
            let path = value
                .as_str()
                .filter(|path| path.starts_with('/') && !path.contains('\0'))?;
            Some(vec![path.to_owned()])
        })?;
        let stream = self.get("mode", "\"once\" or \"stream\"", |value| {
            match value.as_str()? {
                "once" => Some(false),
                "stream" => Some(true),
                _ => None,
            }
        })?;
        let conflict = |key: &str, problem: &str| {
            Err(ConfigError::Conflict {
                place: self.place(key),
                problem: problem.into(),
            })
        };
        match (command, munin, stream) {
            (Some(_), Some(_), _) => conflict("munin", "does not go with command: set one of them"),
            (None, None, _) => conflict(
                "command",
                "is missing: set it to the program to run, or munin to a Munin plugin",
            ),
            (None, Some(_), Some(_)) => conflict("mode", "does not go with munin"),
            (None, Some(words), None) => Ok((Mode::Munin, words)),
            (Some(words), None, Some(true)) => Ok((Mode::Stream, words)),
            (Some(words), None, _) => Ok((Mode::Once, words)),
        }
    }

    fn env(&self) -> Result<Vec<(String, String)>, ConfigError> {
        const EXPECTED: &str = "a table of variables with their values in quotes";
        let Some(value) = self.table.get("env") else {
            return Ok(Vec::new());
        };
        let DeValue::Table(table) = value.get_ref() else {
            return Err(self.wrong("env", value.get_ref(), EXPECTED));
        };
        let mut env = Vec::new();
        for (key, value) in in_file_order(table) {
            let name: &str = key.get_ref();
            let text = value.get_ref().as_str().filter(|text| !text.contains('\0'));
            match text {
                Some(text) if !name.is_empty() && !name.contains(['=', '\0']) => {
                    env.push((name.into(), text.into()))
                }
                _ => {
                    let line = line_of(self.text, key.span().start);
                    let place = Place::File {
                        path: self.path.to_owned(),
                        line,
                        key: format!("env.{name}"),
                    };
                    return Err(ConfigError::Value {
                        place,
                        value: text_of(value.get_ref()),
                        expected: EXPECTED,
                    });
                }
            }
        }
        Ok(env)
    }
}

/// The words of a command: the shell runs a line; a list is a program with its arguments.
fn words(value: &DeValue<'_>) -> Option<Vec<String>> {
    let usable = |text: &&str| !text.contains('\0');
    match value {
        DeValue::String(line) if !line.trim().is_empty() => Some(
            Some(&**line)
                .filter(usable)
                .map(|line| ["/bin/sh", "-c", line].map(String::from).to_vec())?,
        ),
        DeValue::Array(list) => {
            let words: Option<Vec<String>> = list
                .iter()
                .map(|word| word.get_ref().as_str().filter(usable).map(String::from))
                .collect();
            words.filter(|words| words.first().is_some_and(|program| !program.is_empty()))
        }
        _ => None,
    }
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    let text = match value {
        DeValue::Integer(_) => text_of(value),
        DeValue::Float(number) => number.as_str().to_owned(),
        _ => return None,
    };
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn unit(value: &DeValue<'_>) -> Option<String> {
    let text = value.as_str()?;
    (text.chars().count() <= 32 && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
