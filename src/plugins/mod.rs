//! Plugins: one wire key a module, from samples to JSON.
//!
//! A [`Plugin`] reads one raw sample at a time and says how two samples of it look as JSON. It
//! knows no session, no interval and no other plugin; who asks, when, and over which window is
//! decided elsewhere.
//!
//! ```
//! # use rtstat::testing::{drivers::DriverError, plugins::{Plugin, Window}};
//! /// Seconds since the plugin was made: five lines make a metric.
//! struct Age(std::time::Instant);
//! impl Plugin for Age {
//!     type Sample = u64;
//!     fn read(&mut self, sample: &mut u64) -> Result<(), DriverError> {
//!         *sample = self.0.elapsed().as_secs();
//!         Ok(())
//!     }
//!     fn view(window: Window<'_, u64>) -> impl serde::Serialize {
//!         *window.now
//!     }
//! }
//! ```
//!
//! One line in [`registry`] then offers it under its key.

pub mod builtin;
pub mod catalog;
pub mod exec;
pub mod families;
pub mod figures;
pub mod registry;
pub mod sample;
pub mod worker;

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::{
    drivers::{DriverError, note::Note},
    plugins::families::Families,
};

/// One wire key: how to read it, and how it looks.
pub trait Plugin: Send + 'static {
    /// One raw reading: counters as they are, no rates. Reused, so that reading allocates nothing
    /// after warm-up.
    type Sample: Default + Send + Sync + 'static;

    /// Units of the fields in [`Plugin::view`]'s JSON.
    const UNITS: FieldUnits = &[];

    /// What `/metrics` tells of one sample, if anything. Counters as they are: whoever scrapes
    /// makes the rates.
    const FAMILIES: Option<fn(&Self::Sample, &mut Families)> = None;

    /// Reads the kernel into `sample`, which holds an older reading or the default.
    ///
    /// # Errors
    /// When there is no figure at all; a part that is missing is an `Option` in the sample.
    fn read(&mut self, sample: &mut Self::Sample) -> Result<(), DriverError>;

    /// Why a part of the figures is null here, as far as the last reading knows.
    fn note(&self) -> Note {
        Note::default()
    }

    /// The JSON value of this key over `window`. Rates without a sample before are null, never
    /// since boot.
    fn view(window: Window<'_, Self::Sample>) -> impl Serialize;
}

/// Two samples of one plugin, and the time between them.
#[derive(Debug)]
pub struct Window<'a, S> {
    /// The sample at the window's start, with the time from it to `now`; none for the first.
    pub before: Option<(&'a S, Duration)>,
    /// The newest sample.
    pub now: &'a S,
}

impl<S> Clone for Window<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<S> Copy for Window<'_, S> {}

/// The unit of each field that has one, under its path: the names from the key's value down to it
/// with dots between them, and `*` for any name of an object and any place of a list. No two paths
/// match one field.
pub type FieldUnits = &'static [(&'static str, &'static str)];

/// What a page has to know to draw a key that it has never seen; the `info` answer carries it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct About {
    /// `gauge` for levels, `rate` for figures over the time between two pushes, `table` for rows.
    pub kind: Kind,
    /// Unit of the key's figures. Empty where they differ or have none.
    pub unit: String,
    /// Unit of each field that has one, under its path as in rtstat-metrics(7). Absent where the
    /// key is no built-in one or none of its fields has a unit.
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "as_object")]
    pub units: FieldUnits,
    /// Shortest interval: the minimum time between two readings. Sessions with a shorter interval
    /// get the same reading again.
    pub min_interval: f64,
    /// Whether the key is in the push of a session that chose no keys.
    pub default: bool,
    /// Why the key is null on this machine. Absent where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why a part of the key is null on this machine, and what its last reading left out. Absent
    /// where nothing is.
    #[serde(skip_serializing_if = "is_blank", serialize_with = "note_text")]
    pub note: Note,
    /// Full scale, as defined in rtstat-plugins(7). Absent where it is not defined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Figure from which on a page shows concern, as defined in rtstat-plugins(7). Absent where it
    /// is not defined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warn: Option<f64>,
}

impl About {
    /// A key that is chosen by name, works here, and has no scale.
    #[must_use]
    pub fn new(kind: Kind, unit: &str, min_interval: f64) -> Self {
        Self {
            kind,
            unit: unit.into(),
            units: &[],
            min_interval,
            default: false,
            reason: None,
            note: Note::default(),
            max: None,
            warn: None,
        }
    }

    /// [`Self::min_interval`] as a time.
    pub(crate) fn period(&self) -> Duration {
        Duration::try_from_secs_f64(self.min_interval).unwrap_or_default()
    }
}

fn as_object<S: Serializer>(units: &FieldUnits, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(units.iter().copied())
}

fn is_blank(note: &Note) -> bool {
    note.text().is_none()
}

fn note_text<S: Serializer>(note: &Note, serializer: S) -> Result<S::Ok, S::Error> {
    note.text().serialize(serializer)
}

/// How a plugin's figures behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Levels.
    Gauge,
    /// Rates or ratios over the session's window.
    Rate,
    /// Rows.
    Table,
}
