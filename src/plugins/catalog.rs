//! The keys that this server offers, by name and by index, and the sets of them that are the default
//! choice and the metrics.

use std::{collections::HashMap, time::Duration};

use crate::{
    plugins::{
        About, FieldUnits, Kind,
        registry::{BUILT_IN, Entry},
    },
    protocol::key_set::PluginSet,
};

/// The key about the push itself. It is written with the push and has no plugin.
pub const META: &str = "_meta";

/// Units of its fields.
const META_UNITS: FieldUnits = &[("ts", "s"), ("mono", "s"), ("dt", "s"), ("stale.*", "s")];

/// Index of [`META`]: the last one, so that it stays the same whatever is offered later.
pub(crate) const META_INDEX: usize = PluginSet::CAPACITY - 1;

/// The offered keys. A name keeps its index for as long as the server runs, because the choices of
/// sessions are sets of indexes.
#[derive(Clone)]
pub struct Catalog {
    keys: Vec<Key>,
    by_name: HashMap<String, usize>,
    meta: Key,
    default: PluginSet,
    exported: PluginSet,
    withdrawn: PluginSet,
}

#[derive(Clone)]
struct Key {
    name: String,
    about: About,
    period: Duration,
    legacy: bool,
}

/// Why a key cannot be offered.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CatalogError {
    /// Another plugin has the name.
    #[error("plugin {0}: the name is taken by another plugin")]
    Duplicate(String),
    /// The name would need escapes in JSON, or could not be chosen.
    #[error("plugin {0:?}: a name has 1 to 64 letters, digits, `_`, `-` or `.`")]
    Name(String),
    /// A session's choice could not contain the key.
    #[error("{0} plugins: at most {max} can be offered", max = PluginSet::CAPACITY)]
    TooMany(usize),
}

impl Catalog {
    /// A catalog of `entries`, in their order, and `_meta` as the last key.
    ///
    /// # Errors
    /// When one of the keys cannot be offered.
    pub fn new(entries: &[Entry]) -> Result<Self, CatalogError> {
        let mut catalog = Self {
            keys: Vec::new(),
            by_name: HashMap::new(),
            meta: Key::new(
                META,
                About {
                    units: META_UNITS,
                    ..About::new(Kind::Gauge, "", 0.0)
                },
            ),
            default: PluginSet::new(),
            exported: PluginSet::new(),
            withdrawn: PluginSet::new(),
        };
        for Entry {
            name,
            about,
            execution,
        } in entries
        {
            if catalog.index(name).is_some() {
                return Err(CatalogError::Duplicate(name.clone()));
            }
            catalog.offer(name, about.clone(), execution.exported())?;
        }
        Ok(catalog)
    }

    /// Offers a key and returns its index: the one that its name had before, if it had one.
    ///
    /// # Errors
    /// When the name is invalid or there are too many keys.
    pub(crate) fn offer(
        &mut self,
        name: &str,
        about: About,
        exported: bool,
    ) -> Result<usize, CatalogError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) || name == META {
            return Err(CatalogError::Name(name.into()));
        }
        let index = self.by_name.get(name).copied().unwrap_or(self.keys.len());
        if index >= META_INDEX {
            return Err(CatalogError::TooMany(index + 2));
        }
        let (of_default, key) = (about.default, Key::new(name, about));
        match self.keys.get_mut(index) {
            Some(known) => *known = key,
            None => self.keys.push(key),
        }
        self.by_name.insert(name.into(), index);
        self.withdrawn.set(index, false);
        self.default.set(index, of_default);
        self.exported.set(index, exported);
        Ok(index)
    }

    /// Adds a key to the default choice, or removes it.
    pub(crate) fn set_default(&mut self, index: usize, default: bool) {
        if let Some(key) = self.keys.get_mut(index) {
            key.about.default = default;
            self.default.set(index, default);
        }
    }

    /// Stops offering a key. Sessions that have chosen it keep it in their pushes, as null.
    pub(crate) fn withdraw(&mut self, index: usize) {
        self.withdrawn.set(index, true);
        self.default.set(index, false);
        self.exported.set(index, false);
    }

    /// The index of a key.
    #[must_use]
    pub fn index(&self, name: &str) -> Option<usize> {
        if name == META {
            return Some(META_INDEX);
        }
        self.by_name
            .get(name)
            .copied()
            .filter(|index| !self.withdrawn.contains(*index))
    }

    /// The keys of a session that did not choose any.
    #[must_use]
    pub fn default_set(&self) -> PluginSet {
        self.default
    }

    /// The keys with metrics.
    pub(crate) fn exported(&self) -> PluginSet {
        self.exported
    }

    /// Name and description of every key, in the order of the wire.
    pub fn abouts(&self) -> impl Iterator<Item = (&str, &About)> {
        let offered = self
            .keys
            .iter()
            .enumerate()
            .filter(|(index, _)| !self.withdrawn.contains(*index));
        offered
            .map(|(_, key)| key)
            .chain([&self.meta])
            .map(|key| (key.name.as_str(), &key.about))
    }

    /// The key's name.
    #[must_use]
    pub fn name(&self, index: usize) -> &str {
        self.key(index).map_or("", |key| &key.name)
    }

    /// Whether the key is one of the original's, which stay at their last value when they fail.
    pub(crate) fn is_legacy(&self, index: usize) -> bool {
        self.key(index).is_some_and(|key| key.legacy)
    }

    /// The key's minimum time between two samples.
    pub(crate) fn period(&self, index: usize) -> Duration {
        self.key(index).map_or(Duration::ZERO, |key| key.period)
    }

    fn key(&self, index: usize) -> Option<&Key> {
        if index == META_INDEX {
            Some(&self.meta)
        } else {
            self.keys.get(index)
        }
    }
}

impl Key {
    fn new(name: &str, about: About) -> Self {
        Self {
            name: name.into(),
            period: about.period(),
            about,
            legacy: BUILT_IN.iter().any(|key| key.legacy && key.name == name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gauge(default: bool) -> About {
        About {
            default,
            ..About::new(Kind::Gauge, "", 1.0)
        }
    }

    fn names(catalog: &Catalog) -> Vec<&str> {
        catalog.abouts().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_name_keeps_its_place_through_being_withdrawn_and_offered_again() {
        let mut catalog = Catalog::new(&[]).unwrap();
        assert_eq!(
            (
                catalog.offer("a", gauge(true), true),
                catalog.offer("b", gauge(false), false)
            ),
            (Ok(0), Ok(1))
        );
        catalog.withdraw(0);
        assert_eq!(
            (catalog.index("a"), catalog.name(0), names(&catalog)),
            (None, "a", vec!["b", META])
        );
        assert!(catalog.default_set().is_empty() && catalog.exported().is_empty());
        assert_eq!(
            (
                catalog.offer("c", gauge(false), false),
                catalog.offer("a", gauge(true), true)
            ),
            (Ok(2), Ok(0))
        );
        assert_eq!(
            (catalog.index("a"), names(&catalog)),
            (Some(0), vec!["a", "b", "c", META])
        );
        assert!(catalog.default_set().contains(0) && catalog.exported().contains(0));
    }

    #[test]
    fn names_and_their_number_are_bounded_and_the_push_tells_of_itself_in_the_last_place() {
        let mut catalog = Catalog::new(&[]).unwrap();
        for name in ["", "a b", "é", META, &"x".repeat(65)] {
            assert_eq!(
                catalog.offer(name, gauge(false), false),
                Err(CatalogError::Name(name.into()))
            );
        }
        for index in 0..META_INDEX {
            assert_eq!(
                catalog.offer(&index.to_string(), gauge(false), false),
                Ok(index)
            );
        }
        assert_eq!(
            catalog.offer("more", gauge(false), false),
            Err(CatalogError::TooMany(PluginSet::CAPACITY + 1))
        );
        assert_eq!((catalog.index(META), catalog.name(127)), (Some(127), META));
    }
}
