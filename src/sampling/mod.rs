//! Takes the snapshots that pushes are made from: at most one a slot, of what somebody asked for.

pub mod latest_reading;
pub mod plugin_handle;
pub mod reload;
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
    plugins::{builtin::self_stats::Counters, catalog::Catalog},
    protocol::key_set::PluginSet,
    sampling::{
        latest_reading::ReadingPair,
        plugin_handle::PluginHandle,
        schedule::Slot,
        snapshot::{Keys, Snapshot},
    },
    system::clock::Clock,
};

/// Snapshots kept for reuse.
const POOL: usize = 32;

/// What is offered now.
#[derive(Clone)]
pub struct PluginTable {
    /// Names and rules of the keys.
    pub catalog: Rc<Catalog>,
    /// By registry index; none for `_meta`.
    pub outlets: Vec<Rc<PluginHandle>>,
}

/// The plugins and their newest snapshot.
pub struct Sampling {
    /// The server's time.
    pub clock: Clock,
    offer: RefCell<PluginTable>,
    newest: RefCell<Option<Rc<Snapshot>>>,
    pool: RefCell<Vec<Rc<Snapshot>>>,
    ids: Cell<u64>,
    counters: Arc<Counters>,
}

impl Sampling {
    /// Samples through `outlets`, which stand in the catalog's order.
    #[must_use]
    pub fn new(catalog: Rc<Catalog>, clock: Clock, outlets: Vec<Rc<PluginHandle>>) -> Self {
        Self {
            clock,
            offer: RefCell::new(PluginTable { catalog, outlets }),
            newest: RefCell::default(),
            pool: RefCell::default(),
            ids: Cell::new(0),
            counters: Arc::default(),
        }
    }

    /// The same sampling, which writes what it costs into `counters`.
    #[must_use]
    pub fn counted_by(mut self, counters: Arc<Counters>) -> Self {
        self.counters = counters;
        self
    }

    /// Names and rules of the keys that are offered now.
    #[must_use]
    pub fn catalog(&self) -> Rc<Catalog> {
        Rc::clone(&self.offer.borrow().catalog)
    }

    /// What is offered now.
    #[must_use]
    pub fn offer(&self) -> PluginTable {
        self.offer.borrow().clone()
    }

    /// Offers something else, in which every name that was offered before has the index that it
    /// had.
    pub fn replace(&self, offer: PluginTable) {
        self.offer.replace(offer);
    }

    /// What the plugin `self` shows.
    #[must_use]
    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// The snapshot of the current slot with at least the plugins of `set`; what the slot already
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

    /// A window's start for a session that changes its choice to `set`: what it had keeps its
    /// start, what is new to it starts now.
    #[must_use]
    pub fn widened(&self, before: &Rc<Snapshot>, set: PluginSet) -> Rc<Snapshot> {
        if before.set.contains_all(set) {
            return Rc::clone(before);
        }
        let now = self.snapshot(set);
        self.fill(before.slot, before.at, set, |index| {
            let source = if before.set.contains(index) {
                before
            } else {
                &now
            };
            source.held.get(index).cloned().flatten()
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
                Some(known) => known.held.get(index).cloned().flatten(),
                None => self.handle(index).and_then(|handle| handle.reading(at)),
            }
        })
    }

    /// A new snapshot with what `held` says of each plugin of `set`, in a used one's memory where
    /// one is free.
    fn fill(
        &self,
        slot: Slot,
        at: Duration,
        set: PluginSet,
        held: impl Fn(usize) -> Option<ReadingPair>,
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
            own.held.clear();
            own.faults.clear();
            for (index, handle) in self.offer.borrow().outlets.iter().enumerate() {
                let wanted = set.contains(index);
                own.held.push(if wanted { held(index) } else { None });
                own.faults.push(if wanted { handle.fault() } else { None });
            }
        }
        let mut pool = self.pool.borrow_mut();
        if pool.len() < POOL {
            pool.push(Rc::clone(&snapshot));
        }
        snapshot
    }

    /// Counts a session more or less that watches `set`.
    pub fn watch(&self, set: PluginSet, more: bool) {
        for index in set.iter() {
            if let Some(handle) = self.handle(index) {
                handle.watch(more);
            }
        }
    }

    /// Gives back what was kept for reuse: nobody is started. A snapshot of the present slot stays,
    /// so that a client that starts and stops all the time has nothing read more than once a slot.
    pub fn rest(&self) {
        let present = Slot::of(self.clock.now());
        self.newest
            .borrow_mut()
            .take_if(|newest| newest.slot != present);
        self.pool.take();
    }

    /// The names of the plugins that somebody watches.
    pub fn watched(&self) -> Vec<String> {
        let PluginTable { catalog, outlets } = &*self.offer.borrow();
        let watched = outlets
            .iter()
            .enumerate()
            .filter(|(_, handle)| handle.watched());
        watched
            .map(|(index, _)| catalog.name(index).to_owned())
            .collect()
    }

    fn handle(&self, index: usize) -> Option<Rc<PluginHandle>> {
        self.offer.borrow().outlets.get(index).map(Rc::clone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        drivers::DriverError,
        plugins::{
            About, Kind, Plugin, Window,
            registry::{Entry, Execution},
        },
        sampling::{latest_reading::LatestReading, plugin_handle::Owner, schedule::SLOT},
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

    struct Nobody;

    impl Owner for Nobody {
        fn refresh(&self, _: Duration) {}
        fn unwatched(&self) {}
        fn report(&self, _: Option<DriverError>) {}
        fn retire(&self) {}
    }

    #[tokio::test(start_paused = true)]
    async fn starting_and_stopping_all_the_time_reads_once_a_slot() {
        let about = About {
            default: true,
            ..About::new(Kind::Gauge, "", 0.0)
        };
        let entries = [Entry {
            name: "nothing".into(),
            about,
            execution: Execution::inline(Nothing),
        }];
        let catalog = Rc::new(Catalog::new(&entries).unwrap());
        let [
            Entry {
                execution: Execution::Inline(source),
                ..
            },
        ] = entries
        else {
            panic!("read in the tick")
        };
        let handle = Rc::new(PluginHandle::new(
            Some(source),
            Duration::ZERO,
            LatestReading::default(),
            Box::new(Nobody),
        ));
        let sampling = Sampling::new(catalog, Clock::start(), vec![Rc::clone(&handle)]);
        let set = sampling.catalog().default_set();
        for slot in 1..=3 {
            for _ in 0..100 {
                sampling.watch(set, true);
                let snapshot = sampling.snapshot(set);
                assert!(snapshot.held.first().is_some_and(Option::is_some));
                sampling.watch(set, false);
                sampling.rest();
            }
            assert_eq!(handle.taken(), slot);
            tokio::time::advance(SLOT).await;
        }
        // Nothing is kept once its slot is over.
        sampling.rest();
        assert!(sampling.newest.borrow().is_none());
    }
}
