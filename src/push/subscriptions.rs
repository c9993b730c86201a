//! Started sessions by the slot of their next push.
//!
//! Sessions lie in a slab, each under a key that its [`Outbox`] holds; the list of a slot has keys.
//! Who stops or gets another slot leaves a key behind, which is skipped when its slot comes: the
//! session's own `due` says which of its keys counts. So nothing is ever searched for or moved, and
//! sessions may come and go while a list is being sent.

use std::{collections::VecDeque, rc::Rc, time::Duration};

use slab::Slab;

use crate::{
    protocol::key_set::PluginSet,
    push::outbox::Outbox,
    sampling::{
        schedule::{Cadence, Slot},
        snapshot::Snapshot,
    },
};

/// Memory for this many sessions is not worth giving back.
const SMALL: usize = if cfg!(test) { 4 } else { 64 };

/// Emptied lists kept for reuse: as many as a second has slots.
const SPARE: usize = 20;

/// A started session.
pub(super) struct Subscription {
    pub outbox: Rc<Outbox>,
    pub cadence: Cadence,
    pub set: PluginSet,
    /// The push that comes next, counted from 1.
    pub seq: u64,
    /// The start of the window of the next push.
    pub before: Rc<Snapshot>,
    /// The slot of the next push.
    due: Slot,
}

impl Subscription {
    /// A session whose first push is due one interval of `cadence` after its start.
    pub fn new(
        outbox: &Rc<Outbox>,
        cadence: Cadence,
        set: PluginSet,
        before: Rc<Snapshot>,
    ) -> Self {
        Self {
            outbox: Rc::clone(outbox),
            cadence,
            set,
            seq: 1,
            before,
            due: Slot::default(),
        }
    }
}

struct DueList {
    slot: Slot,
    keys: VecDeque<usize>,
}

/// All started sessions.
#[derive(Default)]
pub(super) struct Subscriptions {
    sessions: Slab<Subscription>,
    /// Sorted by slot.
    lists: VecDeque<DueList>,
    /// Keys in the lists beyond the one of each session.
    stale: usize,
    spare: Vec<VecDeque<usize>>,
}

impl Subscriptions {
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// The next slot that has a list, which may hold stale keys only.
    pub fn first_slot(&self) -> Option<Slot> {
        self.lists.front().map(|list| list.slot)
    }

    pub fn get_mut(&mut self, outbox: &Outbox) -> Option<&mut Subscription> {
        self.sessions.get_mut(outbox.subscription.get()?)
    }

    /// Adds a session, which is not in yet.
    pub fn insert(&mut self, subscription: Subscription, now: Duration) {
        let entry = self.sessions.vacant_entry();
        let key = entry.key();
        subscription.outbox.subscription.set(Some(key));
        entry.insert(subscription);
        self.schedule(key, now);
    }

    /// Takes a session out.
    pub fn remove(&mut self, outbox: &Outbox) -> Option<Subscription> {
        let removed = self.sessions.try_remove(outbox.subscription.take()?)?;
        if self.sessions.is_empty() {
            *self = Self::default();
        } else {
            self.stale += 1;
            self.compact_if_worthwhile();
        }
        Some(removed)
    }

    /// Restarts a session's timer. False where the session is not in.
    pub fn retime(&mut self, outbox: &Outbox, cadence: Cadence, now: Duration) -> bool {
        let Some(key) = outbox.subscription.get() else {
            return false;
        };
        let Some(subscription) = self.sessions.get_mut(key) else {
            return false;
        };
        subscription.cadence = cadence;
        self.schedule(key, now);
        self.stale += 1;
        self.compact_if_worthwhile();
        true
    }

    /// Everything that the sessions due in `slot` want; none where nobody is due.
    pub fn wanted(&self, slot: Slot) -> Option<PluginSet> {
        let list = self.lists.front().filter(|list| list.slot == slot)?;
        list.keys
            .iter()
            .filter_map(|key| self.sessions.get(*key))
            .filter(|subscription| subscription.due == slot)
            .map(|subscription| subscription.set)
            .reduce(PluginSet::union)
    }

    /// The next session that is due in `slot`, which must have the first list. It is scheduled
    /// anew. After the last one the list is gone.
    pub fn pop(&mut self, slot: Slot, now: Duration) -> Option<&mut Subscription> {
        let key = loop {
            let list = self.lists.front_mut().filter(|list| list.slot == slot)?;
            let Some(key) = list.keys.pop_front() else {
                let sent = self.lists.pop_front()?;
                self.keep(sent.keys);
                return None;
            };
            match self.sessions.get(key) {
                Some(subscription) if subscription.due == slot => break key,
                _ => self.stale -= 1,
            }
        };
        self.schedule(key, now);
        self.sessions.get_mut(key)
    }

    fn schedule(&mut self, key: usize, now: Duration) {
        if let Some(subscription) = self.sessions.get_mut(key) {
            let slot = subscription.cadence.next_after(now);
            subscription.due = slot;
            self.enter(slot, key);
        }
    }

    fn enter(&mut self, slot: Slot, key: usize) {
        let position = match self.lists.binary_search_by_key(&slot, |list| list.slot) {
            Ok(position) => position,
            Err(position) => {
                let keys = self.spare.pop().unwrap_or_default();
                self.lists.insert(position, DueList { slot, keys });
                position
            }
        };
        if let Some(list) = self.lists.get_mut(position) {
            list.keys.push_back(key);
        }
    }

    /// Keeps an emptied list for reuse, unless it is one of a crowd that has gone.
    fn keep(&mut self, emptied: VecDeque<usize>) {
        if self.spare.len() < SPARE && !self.is_oversized(emptied.capacity()) {
            self.spare.push(emptied);
        }
    }

    fn is_oversized(&self, capacity: usize) -> bool {
        capacity > 4 * self.sessions.len().max(SMALL)
    }

    /// Bounds what stale keys and those who left cost: a client may start and stop, or change its
    /// interval, as often as it likes.
    fn compact_if_worthwhile(&mut self) {
        if self.stale > self.sessions.len() + SMALL || self.is_oversized(self.sessions.capacity()) {
            self.compact();
        }
    }

    fn compact(&mut self) {
        self.sessions.compact(|subscription, _, key| {
            subscription.outbox.subscription.set(Some(key));
            true
        });
        self.sessions.shrink_to_fit();
        self.lists = VecDeque::new();
        self.spare = Vec::new();
        self.stale = 0;
        let slots: Vec<_> = self
            .sessions
            .iter()
            .map(|(key, subscription)| (subscription.due, key))
            .collect();
        for (slot, key) in slots {
            self.enter(slot, key);
        }
    }
}

#[cfg(test)]
impl Subscriptions {
    /// Panics unless each session has its one key in its list and the other keys are counted.
    /// Returns the outboxes of all.
    pub fn check(&self) -> Vec<Rc<Outbox>> {
        let slots: Vec<Slot> = self.lists.iter().map(|list| list.slot).collect();
        assert!(slots.is_sorted_by(|one, other| one < other), "{slots:?}");
        let keys: usize = self.lists.iter().map(|list| list.keys.len()).sum();
        assert_eq!(keys, self.sessions.len() + self.stale);
        assert!(self.stale <= self.sessions.len() + SMALL, "{}", self.stale);
        for (key, subscription) in &self.sessions {
            assert_eq!(subscription.outbox.subscription.get(), Some(key));
            let list = self.lists.iter().find(|list| list.slot == subscription.due);
            assert!(list.unwrap().keys.contains(&key), "not in its list");
        }
        let outboxes = self.sessions.iter();
        outboxes
            .map(|(_, subscription)| Rc::clone(&subscription.outbox))
            .collect()
    }

    /// Lists, in use and kept.
    pub fn lists(&self) -> usize {
        self.lists.len() + self.spare.len()
    }

    /// Room for so many keys and sessions.
    pub fn capacity(&self) -> usize {
        let lists = self.lists.iter().map(|list| list.keys.capacity());
        let spare = self.spare.iter().map(VecDeque::capacity);
        lists.chain(spare).sum::<usize>() + self.sessions.capacity()
    }
}
