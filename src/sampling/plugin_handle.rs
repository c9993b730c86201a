//! One plugin as snapshots use it: read inline where that cannot block, by its Sampler otherwise.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use actix::Addr;

use crate::{
    plugins::{
        registry::{Entry, Execution},
        sample::{Source, sample},
    },
    sampling::{
        latest_reading::{LatestReading, ReadingPair},
        sampler::{Refresh, Sampler, Unwatched},
        schedule::SLOT,
    },
};

/// One plugin. Dropping it, or retiring it, ends its Sampler.
pub(crate) struct PluginHandle {
    period: Duration,
    latest: Rc<RefCell<LatestReading>>,
    reader: RefCell<Reader>,
    /// When the newest reading was asked for.
    asked: Cell<Option<Duration>>,
    watchers: Cell<usize>,
}

/// Who takes the readings.
enum Reader {
    Inline(Box<dyn Source>),
    Worker(Addr<Sampler>),
    /// The plugin was withdrawn.
    Nobody,
}

impl PluginHandle {
    /// A handle of the plugin that `entry` describes.
    pub(crate) fn start(entry: Entry) -> Rc<Self> {
        let (reader, latest) = match entry.execution {
            Execution::Inline(source) => {
                let latest = LatestReading::new(entry.name, false);
                (Reader::Inline(source), Rc::new(RefCell::new(latest)))
            }
            Execution::Worker { make, forgets, .. } => {
                let latest = LatestReading::new(entry.name.clone(), forgets);
                let latest = Rc::new(RefCell::new(latest));
                let sampler = Sampler::start(entry.name, make, Rc::downgrade(&latest));
                (Reader::Worker(sampler), latest)
            }
        };
        Rc::new(Self {
            period: entry.about.period(),
            latest,
            reader: RefCell::new(reader),
            asked: Cell::new(None),
            watchers: Cell::new(0),
        })
    }

    /// The newest reading at the instant `now`. Where the period since the last one has passed, a
    /// new one is taken first, or the Sampler is asked for one.
    pub(crate) fn reading(&self, now: Duration) -> Option<ReadingPair> {
        // Pushes are due on a grid, so that two may be up to half a slot less apart than the period.
        let period = self.period.saturating_sub(SLOT / 2);
        let last = self.asked.get();
        let is_due = last.is_none_or(|last| now.saturating_sub(last) >= period);
        if is_due {
            self.asked.set(Some(now));
        }
        match &mut *self.reader.borrow_mut() {
            // A worker's last reading may have come after the plugin was retired.
            Reader::Nobody => return None,
            _ if !is_due => {}
            Reader::Inline(source) => {
                let outcome = sample(&mut **source, now);
                self.latest.borrow_mut().record(outcome, now);
            }
            // A full mailbox already holds such a message.
            Reader::Worker(sampler) => drop(sampler.try_send(Refresh(now))),
        }
        self.latest.borrow().pair().cloned()
    }

    /// Why there is no newer reading.
    pub(crate) fn fault(&self) -> Option<Rc<str>> {
        if let Reader::Nobody = *self.reader.borrow() {
            return Some("it is not offered any more".into());
        }
        let latest = self.latest.borrow();
        latest.fault().map(|fault| fault.to_string().into())
    }

    /// Counts a session that has this plugin in its pushes.
    pub(crate) fn watch(&self) {
        self.watchers.set(self.watchers.get() + 1);
    }

    /// Counts a session less. The last one ends the worker.
    pub(crate) fn unwatch(&self) {
        let watchers = self.watchers.get().saturating_sub(1);
        self.watchers.set(watchers);
        if watchers == 0 {
            self.asked.set(None);
            // An inline plugin is read anew for the next session's first snapshot; a worker's
            // reading would come after it.
            if let Reader::Worker(sampler) = &*self.reader.borrow() {
                self.latest.borrow_mut().clear();
                sampler.do_send(Unwatched);
            }
        }
    }

    /// Takes over from `former`, the same plugin before its definition changed: whoever watched
    /// that one watches this one.
    pub(crate) fn succeed(&self, former: &Self) {
        self.watchers.set(former.watchers.get());
        former.retire();
    }

    /// Ends the Sampler: the plugin is not offered any more, and whoever still watches gets null.
    pub(crate) fn retire(&self) {
        self.reader.replace(Reader::Nobody);
        self.latest.borrow_mut().clear();
    }

    pub(crate) fn is_watched(&self) -> bool {
        self.watchers.get() > 0
    }

    #[cfg(test)]
    pub(crate) fn taken(&self) -> u64 {
        self.latest.borrow().taken()
    }
}
