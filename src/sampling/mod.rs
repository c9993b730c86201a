//! Takes the snapshots that pushes are made from: at most one a slot, with the plugins that
//! somebody asked for.
//!
//! Each plugin has a `PluginHandle`. It reads the plugin inline, in the caller's thread, or has a
//! Sampler ([`sampler`]) read it on a worker.

pub mod latest_reading;
mod plugin_handle;
pub mod plugin_manager;
pub mod sampler;
pub mod schedule;
pub mod snapshot;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use crate::{
    plugins::{
        builtin::self_stats::Counters,
        catalog::{Catalog, CatalogError},
        registry::Entry,
    },
    protocol::key_set::PluginSet,
    sampling::{
        latest_reading::ReadingPair, plugin_handle::PluginHandle, schedule::Slot,
        snapshot::Snapshot,
    },
    system::clock::Clock,
};

/// Snapshots kept for reuse.
const POOL: usize = 32;

/// The plugins that are offered.
#[derive(Clone)]
pub(crate) struct PluginTable {
    pub(crate) catalog: Rc<Catalog>,
    /// By the catalog's index; none for `_meta`.
    pub(crate) handles: Vec<Rc<PluginHandle>>,
}

/// The plugins and their newest snapshot.
pub struct Sampling {
    /// The server's time.
    pub clock: Clock,
    table: RefCell<PluginTable>,
    newest: RefCell<Option<Rc<Snapshot>>>,
    pool: RefCell<Vec<Rc<Snapshot>>>,
    ids: Cell<u64>,
    counters: Arc<Counters>,
}

impl Sampling {
    /// Offers `entries`.
    ///
    /// # Errors
    /// When their names do not make a catalog.
    pub fn new(entries: Vec<Entry>, clock: Clock) -> Result<Self, CatalogError> {
        let table = PluginTable {
            catalog: Rc::new(Catalog::new(&entries)?),
            handles: entries.into_iter().map(PluginHandle::start).collect(),
        };
        Ok(Self {
            clock,
            table: RefCell::new(table),
            newest: RefCell::default(),
            pool: RefCell::default(),
            ids: Cell::new(0),
            counters: Arc::default(),
        })
    }

    /// The same, with what it costs written into `counters`.
    pub(crate) fn counted_by(mut self, counters: Arc<Counters>) -> Self {
        self.counters = counters;
        self
    }

    /// The catalog of the plugins that are offered now.
    #[must_use]
    pub fn catalog(&self) -> Rc<Catalog> {
        Rc::clone(&self.table.borrow().catalog)
    }

    /// The plugins that are offered now.
    pub(crate) fn table(&self) -> PluginTable {
        self.table.borrow().clone()
    }

    /// Offers other plugins. Every name that the present table has keeps its index in `table`.
    pub(crate) fn replace(&self, table: PluginTable) {
        self.table.replace(table);
    }

    /// What the plugin `self` shows.
    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// The snapshot of the current slot with at least the plugins of `set`. What the slot already
    /// has is not read again.
    #[must_use]
    pub fn snapshot(&self, set: PluginSet) -> Rc<Snapshot> {
        let now = self.clock.now();
        let slot = Slot::of(now);
        let newest = self
            .newest
            .borrow()
            .clone()
            .filter(|newest| newest.slot == slot);
        let begun = Instant::now();
        let snapshot = match newest {
            Some(newest) if newest.set.contains_all(set) => return newest,
            Some(newest) => self.compose(slot, newest.at, set.union(newest.set), Some(&newest)),
            None => self.compose(slot, now, set, None),
        };
        let took_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.counters.collect_us.store(took_us, Relaxed);
        self.newest.replace(Some(Rc::clone(&snapshot)));
        snapshot
    }

    /// The window's start for a session that changes its choice to `set`. Plugins that it had keep
    /// the start in `before`; for those that are new to it, the window starts now.
    pub(crate) fn widened(&self, before: &Rc<Snapshot>, set: PluginSet) -> Rc<Snapshot> {
        if before.set.contains_all(set) {
            return Rc::clone(before);
        }
        let now = self.snapshot(set);
        self.fill(before.slot, before.at, set, |index| {
            let had = before.set.contains(index);
            let source = if had { before } else { &now };
            source.pair(index).cloned()
        })
    }

    fn compose(
        &self,
        slot: Slot,
        at: Duration,
        set: PluginSet,
        known: Option<&Snapshot>,
    ) -> Rc<Snapshot> {
        self.fill(slot, at, set, |index| {
            match known.filter(|known| known.set.contains(index)) {
                Some(known) => known.pair(index).cloned(),
                None => self.handle(index).and_then(|handle| handle.reading(at)),
            }
        })
    }

    /// A new snapshot with the pair that `pair_of` gives for each plugin of `set`, in the memory of
    /// an old one where one is free.
    fn fill(
        &self,
        slot: Slot,
        at: Duration,
        set: PluginSet,
        pair_of: impl Fn(usize) -> Option<ReadingPair>,
    ) -> Rc<Snapshot> {
        let mut pool = self.pool.borrow_mut();
        let free = pool
            .iter()
            .position(|snapshot| Rc::strong_count(snapshot) == 1);
        let mut snapshot = free.map(|free| pool.swap_remove(free)).unwrap_or_default();
        drop(pool);
        self.ids.set(self.ids.get() + 1);
        if let Some(own) = Rc::get_mut(&mut snapshot) {
            own.id = self.ids.get();
            (own.slot, own.at, own.set) = (slot, at, set);
            own.pairs.clear();
            own.faults.clear();
            for (index, handle) in self.table.borrow().handles.iter().enumerate() {
                let wanted = set.contains(index);
                own.pairs.push(if wanted { pair_of(index) } else { None });
                own.faults.push(if wanted { handle.fault() } else { None });
            }
        }
        let mut pool = self.pool.borrow_mut();
        if pool.len() < POOL {
            pool.push(Rc::clone(&snapshot));
        }
        snapshot
    }

    /// Counts a session more, or less, that watches `set`.
    pub fn watch(&self, set: PluginSet, more: bool) {
        for handle in set.iter().filter_map(|index| self.handle(index)) {
            if more {
                handle.watch();
            } else {
                handle.unwatch();
            }
        }
    }

    /// Frees what is kept for reuse, while no session is started. The current slot's snapshot
    /// stays: a client that starts and stops all the time must not cause a reading each time.
    pub(crate) fn release_memory(&self) {
        let current = Slot::of(self.clock.now());
        self.newest
            .borrow_mut()
            .take_if(|newest| newest.slot != current);
        self.pool.take();
    }

    /// The names of the plugins that a session watches.
    pub(crate) fn watched(&self) -> Vec<String> {
        let PluginTable { catalog, handles } = &*self.table.borrow();
        let watched = handles
            .iter()
            .enumerate()
            .filter(|(_, handle)| handle.is_watched());
        watched
            .map(|(index, _)| catalog.name(index).to_owned())
            .collect()
    }

    fn handle(&self, index: usize) -> Option<Rc<PluginHandle>> {
        self.table.borrow().handles.get(index).map(Rc::clone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        drivers::DriverError,
        plugins::{About, Kind, Plugin, Window, registry::Execution},
        sampling::schedule::SLOT,
    };

    struct Nothing;

    impl Plugin for Nothing {
        type Sample = u8;
        fn read(&mut self, _: &mut u8) -> Result<(), DriverError> {
            Ok(())
        }
        fn view(window: Window<'_, u8>) -> impl serde::Serialize {
            *window.now
        }
    }

    #[tokio::test(start_paused = true)]
    async fn starting_and_stopping_all_the_time_reads_once_a_slot() {
        let about = About {
            default: true,
            ..About::new(Kind::Gauge, "", 0.0)
        };
        let entry = Entry {
            name: "nothing".into(),
            about,
            execution: Execution::inline(Nothing),
        };
        let sampling = Sampling::new(vec![entry], Clock::start()).unwrap();
        let set = sampling.catalog().default_set();
        for slot in 1..=3 {
            for _ in 0..100 {
                sampling.watch(set, true);
                let snapshot = sampling.snapshot(set);
                assert!(snapshot.pair(0).is_some());
                sampling.watch(set, false);
                sampling.release_memory();
            }
            assert_eq!(sampling.table().handles[0].taken(), slot);
            tokio::time::advance(SLOT).await;
        }
        // Nothing is kept once its slot is over.
        sampling.release_memory();
        assert!(sampling.newest.borrow().is_none());
    }
}
