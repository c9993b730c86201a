//! Plugins and samples without their types, so that they can be kept in one list.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use crate::{
    drivers::{DriverError, note::Note},
    plugins::{Plugin, Window, families::Families},
};

/// One sample of one plugin with its instant, shared by all snapshots that contain it.
pub type Reading = Arc<dyn Sample>;

/// A sample of any plugin.
pub trait Sample: Any + Send + Sync {
    /// When it was taken, on the server's monotonic clock.
    fn at(&self) -> Duration;

    /// Appends the JSON of the window from `before` (a sample of the same plugin) to this one.
    ///
    /// # Errors
    /// When the value cannot be written as JSON; `out` then holds a part of it.
    fn write_json(&self, before: Option<&dyn Sample>, out: &mut Vec<u8>) -> serde_json::Result<()>;

    /// Adds the metrics of this sample, if it has any.
    fn add_families(&self, _out: &mut Families) {}
}

/// A plugin without its type.
pub trait Source: Send {
    /// Takes one sample at the instant `at`.
    ///
    /// # Errors
    /// Whatever the plugin's reading says.
    fn sample(&mut self, at: Duration) -> Result<Reading, DriverError>;

    /// What a worker does between two samples, until the next request is there. A source whose
    /// child prints by itself reads its output here.
    ///
    /// # Errors
    /// When what it reads from has failed meanwhile.
    fn idle(&mut self) -> Result<(), DriverError> {
        Ok(())
    }

    /// Why a part of its figures is null here, as far as the last sample knows.
    fn note(&self) -> Note {
        Note::default()
    }

    /// Whether its samples have metrics.
    fn exported(&self) -> bool {
        false
    }
}

/// Samples, with a panic of the plugin turned into an error: it costs nothing but this reading.
///
/// # Errors
/// Whatever the plugin says, and its panics.
pub(crate) fn sample(source: &mut dyn Source, at: Duration) -> Result<Reading, DriverError> {
    catch_unwind(AssertUnwindSafe(|| source.sample(at))).unwrap_or(Err(DriverError::Panicked))
}

struct Taken<P: Plugin> {
    at: Duration,
    value: P::Sample,
}

impl<P: Plugin> Sample for Taken<P> {
    fn at(&self) -> Duration {
        self.at
    }

    fn write_json(&self, before: Option<&dyn Sample>, out: &mut Vec<u8>) -> serde_json::Result<()> {
        let before = before
            .and_then(|sample| (sample as &dyn Any).downcast_ref::<Self>())
            .map(|taken| (&taken.value, self.at.saturating_sub(taken.at)));
        serde_json::to_writer(
            out,
            &P::view(Window {
                before,
                now: &self.value,
            }),
        )
    }

    fn add_families(&self, out: &mut Families) {
        if let Some(families) = P::FAMILIES {
            families(&self.value, out);
        }
    }
}

/// Samples kept for reuse. More are freed when the last snapshot drops them.
const POOL: usize = 64;

/// A plugin with its samples, each of which is reused once no snapshot holds it.
pub struct Pooled<P: Plugin> {
    plugin: P,
    pool: Vec<Arc<Taken<P>>>,
}

impl<P: Plugin> Pooled<P> {
    /// Wraps `plugin`.
    pub fn new(plugin: P) -> Self {
        Self {
            plugin,
            pool: Vec::new(),
        }
    }
}

impl<P: Plugin> Source for Pooled<P> {
    fn sample(&mut self, at: Duration) -> Result<Reading, DriverError> {
        let free = self
            .pool
            .iter_mut()
            .position(|taken| Arc::get_mut(taken).is_some());
        let mut taken = match free {
            Some(index) => self.pool.swap_remove(index),
            None => Arc::new(Taken {
                at,
                value: P::Sample::default(),
            }),
        };
        let Some(own) = Arc::get_mut(&mut taken) else {
            return Err(DriverError::Missing("a free sample".into()));
        };
        own.at = at;
        let outcome = self.plugin.read(&mut own.value);
        if self.pool.len() < POOL {
            self.pool.push(Arc::clone(&taken));
        }
        outcome.map(|()| taken as Reading)
    }

    fn note(&self) -> Note {
        self.plugin.note()
    }

    fn exported(&self) -> bool {
        P::FAMILIES.is_some()
    }
}
