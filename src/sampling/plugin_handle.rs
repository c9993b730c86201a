//! Where the tick gets a plugin's reading: taken on the spot when that cannot block, asked for
//! otherwise.

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    time::Duration,
};

use crate::{
    drivers::DriverError,
    plugins::sample::{Reading, Source},
    sampling::{
        latest_reading::{LatestReading, ReadingPair},
        schedule::SLOT,
    },
};

/// What an outlet tells the owner of its plugin.
pub trait Owner {
    /// A reading is due that may block; it comes back through [`PluginHandle::take`].
    fn refresh(&self, at: Duration);
    /// Nobody watches any more.
    fn unwatched(&self);
    /// The first failure, or none: the end of failures.
    fn report(&self, fault: Option<DriverError>);
    /// The plugin is not offered any more.
    fn retire(&self);
}

/// One plugin, as the tick sees it.
pub struct PluginHandle {
    period: Duration,
    latest: RefCell<LatestReading>,
    /// Read on the spot; none for a plugin with a worker.
    source: Option<RefCell<Box<dyn Source>>>,
    owner: Box<dyn Owner>,
    /// When the newest reading was asked for, whatever came of it.
    asked: Cell<Option<Duration>>,
    watchers: Cell<usize>,
    taken: Cell<u64>,
    retired: Cell<bool>,
}

impl PluginHandle {
    /// An outlet for a plugin that is read no more often than every `period`; on the spot where
    /// there is a `source`, otherwise by its `owner`.
    #[must_use]
    pub fn new(
        source: Option<Box<dyn Source>>,
        period: Duration,
        latest: LatestReading,
        owner: Box<dyn Owner>,
    ) -> Self {
        Self {
            period,
            latest: RefCell::new(latest),
            source: source.map(RefCell::new),
            owner,
            asked: Cell::new(None),
            watchers: Cell::new(0),
            taken: Cell::new(0),
            retired: Cell::new(false),
        }
    }

    /// The newest reading for the instant `now`, taking or asking for a new one when one is due.
    #[must_use]
    pub fn reading(&self, now: Duration) -> Option<ReadingPair> {
        // Half a slot of grace: the grid rounds, and a reading that comes due within it is due.
        let due = self.period.saturating_sub(SLOT / 2);
        if self
            .asked
            .get()
            .is_none_or(|asked| now.saturating_sub(asked) >= due)
        {
            self.asked.set(Some(now));
            match &self.source {
                Some(source) => self.take(sample(&mut **source.borrow_mut(), now)),
                None => self.owner.refresh(now),
            }
        }
        self.latest.borrow().held().cloned()
    }

    /// Takes in a reading, or the reason why there is none.
    pub fn take(&self, outcome: Result<Reading, DriverError>) {
        self.taken.set(self.taken.get() + 1);
        let mut latest = self.latest.borrow_mut();
        if latest.take(outcome, self.asked.get().unwrap_or_default()) {
            self.owner.report(latest.fault().cloned());
        }
    }

    /// Why there is no newer reading.
    #[must_use]
    pub fn fault(&self) -> Option<Rc<str>> {
        if self.retired.get() {
            return Some("it is not offered any more".into());
        }
        self.latest
            .borrow()
            .fault()
            .map(|fault| fault.to_string().into())
    }

    /// Counts one session more or less that has this plugin in its pushes.
    pub fn watch(&self, more: bool) {
        let watchers = self.watchers.get();
        self.watchers.set(if more {
            watchers + 1
        } else {
            watchers.saturating_sub(1)
        });
        if self.watchers.get() == 0 {
            // A worker's next reading comes after the session's first snapshot, which would begin
            // its window at this old one. What is read on the spot is read anew for that snapshot.
            if self.source.is_none() {
                self.latest.borrow_mut().clear();
            }
            self.asked.set(None);
            self.owner.unwatched();
        }
    }

    /// The same plugin as its operator defined it anew: whoever watched `former` watches this one.
    pub fn succeed(&self, former: &Self) {
        self.watchers.set(former.watchers.get());
        former.retire();
    }

    /// The plugin is not offered any more: whoever watches it gets nothing.
    pub fn retire(&self) {
        self.retired.set(true);
        self.latest.borrow_mut().clear();
        self.owner.retire();
    }

    /// Whether some session has this plugin in its pushes.
    #[must_use]
    pub fn watched(&self) -> bool {
        self.watchers.get() > 0
    }

    /// Readings taken since the start, failures included.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken.get()
    }
}

/// Samples with the plugin's panics turned into faults: they end nothing but this reading.
///
/// # Errors
/// Whatever the plugin says, and its panics.
pub fn sample(source: &mut dyn Source, at: Duration) -> Result<Reading, DriverError> {
    catch_unwind(AssertUnwindSafe(|| source.sample(at))).unwrap_or(Err(DriverError::Panicked))
}
