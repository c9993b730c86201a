//! The TOML file as a layer of values with their lines.

use std::path::Path;

use toml::de::DeValue;

use crate::config::{
    error::{ConfigError, Place, nearest},
    layers::{Layer, NamedToken, Said, refused},
    settings::{SETTINGS, Setting, find},
    toml_text::{in_file_order, line_of, parsed, text_of},
};

/// Reads the text of a configuration file; `path` is only for the messages.
///
/// # Errors
/// Text that is not TOML, a key that no setting has, a table where a value is expected.
pub(super) fn parse(path: &Path, text: &str) -> Result<Layer, ConfigError> {
    let document = parsed(path, text)?;
    let reader = Reader { path, text };
    let mut layer = Layer::default();
    for (key, value) in in_file_order(document.get_ref()) {
        let line = line_of(text, key.span().start);
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("plugins", DeValue::Table(table)) => {
                for (inner, value) in in_file_order(table) {
                    let name = format!("plugins.{}", inner.get_ref());
                    reader.setting(
                        &mut layer,
                        &name,
                        line_of(text, inner.span().start),
                        value.get_ref(),
                    )?;
                }
            }
            ("tokens", DeValue::Table(table)) => {
                for (inner, value) in in_file_order(table) {
                    let token = reader.token(
                        inner.get_ref(),
                        line_of(text, inner.span().start),
                        value.get_ref(),
                    )?;
                    layer.tokens.push(token);
                }
            }
            (name @ ("plugins" | "tokens"), value) => {
                let expected = "a table, as in [plugins] or [tokens]";
                return Err(ConfigError::Value {
                    place: reader.place(name, line),
                    value: text_of(value),
                    expected,
                });
            }
            (name, value) => reader.setting(&mut layer, name, line, value)?,
        }
    }
    Ok(layer)
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Reader<'_> {
    fn place(&self, key: &str, line: usize) -> Place {
        Place::File {
            path: self.path.to_owned(),
            line,
            key: key.to_owned(),
        }
    }

    fn setting(
        &self,
        layer: &mut Layer,
        name: &str,
        line: usize,
        value: &DeValue<'_>,
    ) -> Result<(), ConfigError> {
        let Some(setting) = find(name) else {
            let (path, key) = (self.path.to_owned(), name.to_owned());
            let known = SETTINGS
                .iter()
                .map(|setting| setting.key)
                .chain(["tokens", "plugins"]);
            return Err(ConfigError::UnknownKey {
                path,
                line,
                key,
                nearest: nearest(name, known).to_owned(),
            });
        };
        if let (true, DeValue::Array(values)) = (setting.list, value) {
            layer.mention(setting.key);
            for value in values {
                let line = line_of(self.text, value.span().start);
                self.scalar(layer, setting, line, value.get_ref())?;
            }
            return Ok(());
        }
        self.scalar(layer, setting, line, value)
    }

    fn scalar(
        &self,
        layer: &mut Layer,
        setting: &Setting,
        line: usize,
        value: &DeValue<'_>,
    ) -> Result<(), ConfigError> {
        let Some(known) = find(setting.key) else {
            return Ok(());
        };
        let said = Said {
            text: text_of(value),
            place: self.place(setting.key, line),
        };
        if setting.key == "auth_token" && !value.is_str() {
            let problem = "a token is written in quotes".into();
            return Err(ConfigError::Token {
                place: said.place,
                problem,
            });
        }
        match value {
            DeValue::Array(_) | DeValue::Table(_) | DeValue::Datetime(_) => {
                Err(refused(setting.key, &said))
            }
            _ => {
                layer.add(known.key, said);
                Ok(())
            }
        }
    }

    /// `name = "value"` or `name = { file = "path" }`.
    fn token(
        &self,
        name: &str,
        line: usize,
        value: &DeValue<'_>,
    ) -> Result<NamedToken, ConfigError> {
        let key = format!("tokens.{name}");
        let wrong = || ConfigError::Token {
            place: self.place(&key, line),
            problem: "expected \"VALUE\" or { file = \"PATH\" }".into(),
        };
        let named = |text: &str, in_file| NamedToken {
            name: name.to_owned(),
            said: Said {
                text: text.to_owned(),
                place: self.place(&key, line),
            },
            in_file,
        };
        match value {
            DeValue::String(text) => Ok(named(text, false)),
            DeValue::Table(table) if table.len() == 1 => {
                let path = table
                    .get("file")
                    .and_then(|value| value.get_ref().as_str())
                    .ok_or_else(wrong)?;
                Ok(named(path, true))
            }
            _ => Err(wrong()),
        }
    }
}
