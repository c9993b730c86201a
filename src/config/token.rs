//! Tokens, which authorize a session: read from an option, a variable, a file or a credential, and
//! never shown.

use std::{
    ffi::OsString,
    fmt,
    fs::File,
    io::{self, Read},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use crate::config::{
    error::{ConfigError, Place},
    layers::{Environment, Layers, Said},
};

/// A token, and the name that the journal and `info` show for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// `default`, `credential`, the name of its file, or its key in `[tokens]`.
    pub name: String,
    /// The bytes that a client must send. Compare in constant time; never log.
    pub value: String,
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Token({})", self.name)
    }
}

/// A message is at most 4096 bytes and escaping can double a text: such a token fits in any case.
const LONGEST_BYTES: usize = 1024;
/// More than any token file has; a bound for paths that never end.
const LONGEST_FILE_BYTES: u64 = 64 * 1024;
/// The credential that the packaged service asks systemd for.
const CREDENTIAL: &str = "rtstat.token";

/// All tokens: those of the highest layer that names any, and the credential where systemd passed
/// one.
///
/// # Errors
/// A token that no client could send, a file that cannot be read or that others can read, two
/// tokens of one name.
pub(super) fn load(layers: &Layers, environment: &Environment) -> Result<Vec<Token>, ConfigError> {
    let mut tokens: Vec<(Token, Place)> = Vec::new();
    for layer in &layers.0 {
        for said in layer.all("auth_token").into_iter().flatten() {
            add(
                &mut tokens,
                "default",
                checked(said.text.clone(), &said.place)?,
                &said.place,
            )?;
        }
        for said in layer.all("auth_token_file").into_iter().flatten() {
            let name = if tokens.is_empty() {
                "default".into()
            } else {
                stem(&said.text)
            };
            add(&mut tokens, &name, from_file(said)?, &said.place)?;
        }
        for named in &layer.tokens {
            let value = if named.in_file {
                from_file(&named.said)?
            } else {
                checked(named.said.text.clone(), &named.said.place)?
            };
            add(&mut tokens, &named.name, value, &named.said.place)?;
        }
        if !tokens.is_empty() {
            break;
        }
    }
    if let Some((value, place)) = credential(environment)? {
        add(&mut tokens, "credential", value, &place)?;
    }
    Ok(tokens.into_iter().map(|(token, _)| token).collect())
}

fn add(
    tokens: &mut Vec<(Token, Place)>,
    name: &str,
    value: String,
    place: &Place,
) -> Result<(), ConfigError> {
    let problem = if !named_well(name) {
        format!("{name:?} cannot name a token: expected up to 64 letters, digits, _, . or -")
    } else if let Some((_, other)) = tokens.iter().find(|(token, _)| token.name == name) {
        format!("a second token of the name {name}; the first is {other}")
    } else {
        tokens.push((
            Token {
                name: name.to_owned(),
                value,
            },
            place.clone(),
        ));
        return Ok(());
    };
    Err(ConfigError::Token {
        place: place.clone(),
        problem,
    })
}

fn named_well(name: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    (1..=64).contains(&name.len()) && name.bytes().all(fine)
}

fn stem(path: &str) -> String {
    Path::new(path)
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// Refuses what could never match: the wire trims blanks at the end of a message, and an empty
/// argument is none.
fn checked(value: String, place: &Place) -> Result<String, ConfigError> {
    let blank = |char: char| matches!(char, ' ' | '\t' | '\n' | '\r' | '\0' | '\x0b');
    let problem = match value.as_str() {
        "" => "the token is empty: leave it out to serve without a token",
        text if text.ends_with(blank) => "the token ends in a blank, which no client can send",
        text if text.contains(['\n', '\r', '\0']) => {
            "the token has more than one line: expected one"
        }
        text if text.len() > LONGEST_BYTES => "the token is too long: expected up to 1024 bytes",
        _ => return Ok(value),
    };
    Err(ConfigError::Token {
        place: place.clone(),
        problem: problem.into(),
    })
}

fn from_file(said: &Said) -> Result<String, ConfigError> {
    let fault = |problem| ConfigError::Unusable {
        place: said.place.clone(),
        value: said.text.clone(),
        problem,
    };
    let bytes = private_file(Path::new(&said.text)).map_err(fault)?;
    let value = one_line(bytes).map_err(|problem| fault(problem.into()))?;
    checked(value, &said.place).map_err(|error| match error {
        ConfigError::Token { problem, .. } => fault(problem),
        other => other,
    })
}

/// The content of a file that only its owner and group may read. The check is on the opened file,
/// not on its name.
pub(super) fn private_file(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: io::Error| format!("cannot be read: {error}");
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err("is a folder: expected a file".into());
    }
    let mode = metadata.permissions().mode();
    if mode & 0o007 != 0 {
        return Err(format!(
            "others have access (mode {:04o}): chmod 0640 it",
            mode & 0o7777
        ));
    }
    bounded(file).map_err(unreadable)
}

fn bounded(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(LONGEST_FILE_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A file of one line: what an editor or `echo` puts behind it is not part of the token.
fn one_line(bytes: Vec<u8>) -> Result<String, &'static str> {
    let mut text =
        String::from_utf8(bytes).map_err(|_| "the token is not UTF-8, which no client can send")?;
    text.truncate(text.trim_end_matches(['\n', '\r']).len());
    Ok(text)
}

/// The token that systemd passed by `LoadCredential=rtstat.token`. Its mode is systemd's business.
fn credential(environment: &Environment) -> Result<Option<(String, Place)>, ConfigError> {
    let Some(directory) = environment.get("CREDENTIALS_DIRECTORY") else {
        return Ok(None);
    };
    let path = Path::new(directory).join(OsString::from(CREDENTIAL));
    let place = Place::Variable(format!("credential {CREDENTIAL}"));
    let fault = |problem: String| ConfigError::Token {
        place: place.clone(),
        problem,
    };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(format!("cannot be read: {error}"))),
    };
    let bytes = bounded(file).map_err(|error| fault(format!("cannot be read: {error}")))?;
    let value = one_line(bytes).map_err(|problem| fault(problem.into()))?;
    checked(value, &place).map(|value| Some((value, place.clone())))
}
