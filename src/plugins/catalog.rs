//! What this server offers, by name and by index: the order of the wire, `info`'s table, the default choice.

use std::{collections::HashMap, time::Duration};

use super::{About, Kind, registry::Entry, set::PluginSet};
use crate::snapshot::Keys;

/// The key that tells about the push itself; written with the push, sampled by nobody.
pub const META: &str = "_meta";

/// The keys of the original, which no failure takes away.
const LEGACY: [&str; 4] = ["cpu_stat", "meminfo", "processes", "uptime"];

/// The offered keys.
pub struct Catalog {
    keys: Vec<Key>,
    by_name: HashMap<String, usize>,
    meta: usize,
    default: PluginSet,
    exported: PluginSet,
}

struct Key {
    name: String,
    about: About,
    period: Duration,
    legacy: bool,
}

/// Why a list of plugins cannot be offered.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CatalogError {
    /// Two plugins with one name.
    #[error("plugin {0}: the name is taken by another plugin")]
    Duplicate(String),
    /// A name that would need escapes on the wire or could not be chosen.
    #[error("plugin {0:?}: a name has 1 to 64 letters, digits, `_`, `-` or `.`")]
    Name(String),
    /// More than a session's choice can hold.
    #[error("{0} plugins: at most {max} can be offered", max = PluginSet::CAPACITY)]
    TooMany(usize),
}

impl Catalog {
    /// The catalog of `entries`, in their order, with `_meta` after the original's keys.
    ///
    /// # Errors
    /// When the names do not make a set of keys.
    pub fn new(entries: &[Entry]) -> Result<Self, CatalogError> {
        if entries.len() >= PluginSet::CAPACITY {
            return Err(CatalogError::TooMany(entries.len() + 1));
        }
        let mut catalog = Self {
            keys: Vec::new(),
            by_name: HashMap::new(),
            meta: entries.len(),
            default: PluginSet::new(),
            exported: PluginSet::new(),
        };
        for entry in entries {
            if entry.home.exported() {
                catalog.exported.insert(catalog.keys.len());
            }
            catalog.add(&entry.name, entry.about.clone())?;
        }
        catalog.add(META, About::new(Kind::Gauge, "", 0.0))?;
        Ok(catalog)
    }

    fn add(&mut self, name: &str, about: About) -> Result<(), CatalogError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            return Err(CatalogError::Name(name.into()));
        }
        let index = self.keys.len();
        if self.by_name.insert(name.into(), index).is_some() {
            return Err(CatalogError::Duplicate(name.into()));
        }
        if about.default {
            self.default.insert(index);
        }
        let period = Duration::try_from_secs_f64(about.min_interval).unwrap_or_default();
        self.keys.push(Key { name: name.into(), about, period, legacy: LEGACY.contains(&name) });
        Ok(())
    }

    /// The index of a key.
    #[must_use]
    pub fn index(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// What a session gets that chose nothing.
    #[must_use]
    pub fn default_set(&self) -> PluginSet {
        self.default
    }

    /// What `/metrics` tells of.
    #[must_use]
    pub fn exported(&self) -> PluginSet {
        self.exported
    }

    /// Name and description of every key, in the order of the wire.
    pub fn abouts(&self) -> impl Iterator<Item = (&str, &About)> {
        self.keys.iter().map(|key| (key.name.as_str(), &key.about))
    }
}

impl Keys for Catalog {
    fn name(&self, index: usize) -> &str {
        self.keys.get(index).map_or("", |key| &key.name)
    }

    fn legacy(&self, index: usize) -> bool {
        self.keys.get(index).is_some_and(|key| key.legacy)
    }

    fn period(&self, index: usize) -> Duration {
        self.keys.get(index).map_or(Duration::ZERO, |key| key.period)
    }

    fn meta(&self) -> usize {
        self.meta
    }
}
