//! Values as they were given, each with its place, in layers of which the higher one wins: command
//! line, environment, file. Nothing is checked here.

use std::{collections::BTreeMap, ffi::OsString};

use crate::config::{
    cli::ServerArgs,
    error::{ConfigError, Place},
    settings::{SETTINGS, find},
};

/// A value as it was given, and where.
#[derive(Clone)]
pub(super) struct Said {
    pub text: String,
    pub place: Place,
}

/// A token of the file's `[tokens]` table.
#[derive(Clone)]
pub(super) struct NamedToken {
    pub name: String,
    pub said: Said,
    /// Whether the text is the path of a file that holds the token.
    pub in_file: bool,
}

/// All values of one source.
#[derive(Default)]
pub(super) struct Layer {
    values: BTreeMap<&'static str, Vec<Said>>,
    pub tokens: Vec<NamedToken>,
}

impl Layer {
    pub fn add(&mut self, key: &'static str, said: Said) {
        self.values.entry(key).or_default().push(said);
    }

    /// A list that was given, even if it is empty.
    pub(crate) fn mention(&mut self, key: &'static str) {
        self.values.entry(key).or_default();
    }

    pub fn all(&self, key: &str) -> Option<&[Said]> {
        self.values.get(key).map(Vec::as_slice)
    }

    pub fn first(&self, key: &str) -> Option<&Said> {
        self.all(key)?.first()
    }
}

/// The layers, highest first.
pub(super) struct Layers(pub Vec<Layer>);

impl Layers {
    /// The winning value of a setting.
    pub fn said(&self, key: &str) -> Option<&Said> {
        self.0.iter().find_map(|layer| layer.first(key))
    }

    /// The winning value, read by `read`; what that does not accept is the error.
    pub fn one<T>(
        &self,
        key: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        self.said(key)
            .map(|said| parse(key, said, &read))
            .transpose()
    }

    /// The winning list as it was given.
    pub(crate) fn said_all(&self, key: &str) -> Option<&[Said]> {
        self.0.iter().find_map(|layer| layer.all(key))
    }

    /// The winning list. A higher list replaces a lower one, it does not add to it.
    pub fn many<T>(
        &self,
        key: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<Vec<T>>, ConfigError> {
        self.said_all(key)
            .map(|list| list.iter().map(|said| parse(key, said, &read)).collect())
            .transpose()
    }
}

/// Reads one value.
pub(super) fn parse<T>(
    key: &str,
    said: &Said,
    read: impl Fn(&str) -> Option<T>,
) -> Result<T, ConfigError> {
    read(&said.text).ok_or_else(|| refused(key, said))
}

/// The error for a value that its setting does not accept.
pub(super) fn refused(key: &str, said: &Said) -> ConfigError {
    let expected = find(key).map_or("", |setting| setting.expected);
    ConfigError::Value {
        place: said.place.clone(),
        value: said.text.clone(),
        expected,
    }
}

/// The variables that concern the program, taken from the process once, so that a reload sees the
/// same ones.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// Those of this process: `RTSTAT_…` and `CREDENTIALS_DIRECTORY`.
    pub fn of_process() -> Self {
        std::env::vars_os().collect()
    }

    pub(super) fn get(&self, name: &str) -> Option<&OsString> {
        self.0.get(&OsString::from(name))
    }

    /// The names that look like settings but are none. They are no error: container platforms add
    /// such variables for services of that name, as `RTSTAT_SERVICE_HOST`.
    pub(super) fn unknown(&self) -> impl Iterator<Item = &str> {
        let known: Vec<String> = SETTINGS
            .iter()
            .map(super::settings::Setting::variable)
            .collect();
        let is_known = move |name: &&str| {
            *name == "RTSTAT_CONFIG" || known.iter().any(|variable| variable == name)
        };
        self.0
            .keys()
            .filter_map(|name| name.to_str())
            .filter(|name| name.starts_with("RTSTAT_"))
            .filter(move |name| !is_known(name))
    }
}

impl FromIterator<(OsString, OsString)> for Environment {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(variables: I) -> Self {
        let ours = |name: &OsString| {
            name == "CREDENTIALS_DIRECTORY" || name.as_encoded_bytes().starts_with(b"RTSTAT_")
        };
        Self(
            variables
                .into_iter()
                .filter(|(name, _)| ours(name))
                .collect(),
        )
    }
}

/// The values of the command line.
pub(super) fn from_cli(args: &ServerArgs) -> Layer {
    let mut layer = Layer::default();
    let mut add = |key: &str, texts: &mut dyn Iterator<Item = &String>| {
        let Some((key, option)) =
            find(key).and_then(|setting| Some((setting.key, setting.option?)))
        else {
            return;
        };
        for text in texts {
            layer.add(
                key,
                Said {
                    text: text.clone(),
                    place: Place::Option(option),
                },
            );
        }
    };
    let yes = "true".to_owned();
    let flag = |on: bool| on.then_some(&yes);
    add("interface", &mut args.interface.iter());
    add("port", &mut args.port.iter());
    add("web_sockets", &mut flag(args.web_sockets).into_iter());
    add("listen", &mut args.listen.iter());
    add("auth_token", &mut args.auth_token.iter());
    add("auth_token_file", &mut args.auth_token_file.iter());
    add("max_clients", &mut args.max_clients.iter());
    add("max_per_address", &mut args.max_per_address.iter());
    add("exit_on_idle", &mut args.exit_on_idle.iter());
    add("public", &mut args.public.iter());
    add("user", &mut args.user.iter());
    add("allow_origin", &mut args.allow_origin.iter());
    add("allow_host", &mut args.allow_host.iter());
    add("tls_cert", &mut args.tls_cert.iter());
    add("tls_key", &mut args.tls_key.iter());
    add("trust_proxy", &mut args.trust_proxy.iter());
    add("metrics", &mut flag(args.metrics).into_iter());
    layer
}

/// The values of the environment; lists are separated by commas or blanks.
///
/// # Errors
/// A value that is not UTF-8.
pub(super) fn from_environment(environment: &Environment) -> Result<Layer, ConfigError> {
    let mut layer = Layer::default();
    for setting in SETTINGS {
        let variable = setting.variable();
        let Some(value) = environment.get(&variable) else {
            continue;
        };
        let place = Place::Variable(variable);
        let Some(text) = value.to_str() else {
            let expected = "text in UTF-8";
            return Err(ConfigError::Value {
                place,
                value: value.to_string_lossy().into_owned(),
                expected,
            });
        };
        if setting.list {
            layer.mention(setting.key);
            for part in text
                .split([',', ' ', '\t', '\n'])
                .filter(|part| !part.is_empty())
            {
                layer.add(
                    setting.key,
                    Said {
                        text: part.to_owned(),
                        place: place.clone(),
                    },
                );
            }
        } else {
            layer.add(
                setting.key,
                Said {
                    text: text.to_owned(),
                    place,
                },
            );
        }
    }
    Ok(layer)
}
