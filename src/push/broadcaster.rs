//! The tick: sends what falls due in one slot, from one sample of each plugin.
//!
//! Started sessions stand in the list of the slot in which their next push is due. At the slot's
//! beginning the tick takes one snapshot of the plugins that its list asks for, encodes one frame
//! for each different window and choice, and offers the frame's bytes to every session's
//! [`Outbox`]. With nobody in any list no tick runs.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    time::Duration,
};

use crate::{
    protocol::key_set::PluginSet,
    push::{
        frame_cache::FrameCache,
        outbox::{DueIndex, Outbox},
    },
    sampling::{
        Sampling,
        schedule::{Cadence, Slot},
        snapshot::Snapshot,
    },
};

/// Pushes sent in one go; then whatever else waits on this thread gets its turn.
const BATCH: usize = if cfg!(test) { 4 } else { 512 };

/// An emptied list keeps memory for this many sessions.
const SMALL: usize = 64;

/// Emptied lists kept for their memory: as many as a second has slots.
const SPARE: usize = 20;

/// A started session.
struct Subscription {
    /// None once it left a list that is being sent.
    outbox: Option<Rc<Outbox>>,
    cadence: Cadence,
    set: PluginSet,
    /// The push that comes next, counted from 1.
    seq: u64,
    before: Rc<Snapshot>,
}

struct DueList {
    slot: Slot,
    due: Vec<Subscription>,
}

/// All started sessions by the slot of their next push.
pub struct Broadcaster {
    sampling: Rc<Sampling>,
    frames: FrameCache,
    /// Sorted by slot.
    lists: RefCell<VecDeque<DueList>>,
    /// The list that is being sent, and how far.
    sending: Cell<Option<(Slot, usize)>>,
    /// Emptied lists, kept for their memory.
    spare: RefCell<Vec<Vec<Subscription>>>,
    started: Cell<usize>,
    /// Rings when the next due slot came nearer or the first session started.
    changed: tokio::sync::Notify,
    /// Rings when sessions start, stop or choose other keys.
    audience: tokio::sync::Notify,
    /// Rings each time that [`Broadcaster::run`] comes round.
    round: tokio::sync::Notify,
}

impl Broadcaster {
    /// A tick over the snapshots of `sampling`.
    #[must_use]
    pub fn new(sampling: Rc<Sampling>, frames: FrameCache) -> Self {
        Self {
            sampling,
            frames,
            lists: RefCell::default(),
            sending: Cell::new(None),
            spare: RefCell::default(),
            started: Cell::new(0),
            changed: tokio::sync::Notify::new(),
            audience: tokio::sync::Notify::new(),
            round: tokio::sync::Notify::new(),
        }
    }

    fn now(&self) -> Duration {
        self.sampling.clock.now()
    }

    /// Sessions that get pushes.
    pub fn started(&self) -> usize {
        self.started.get()
    }

    /// Returns when sessions have started, stopped or chosen other keys.
    pub async fn audience_changed(&self) {
        self.audience.notified().await;
    }

    /// Puts a session in: its first push is due one interval from now, over a window that starts
    /// now.
    pub fn start(&self, outbox: &Rc<Outbox>, interval: Duration, set: PluginSet) {
        self.stop(outbox);
        self.sampling.watch(set, true);
        let before = self.sampling.snapshot(set);
        self.started.set(self.started.get() + 1);
        let now = self.now();
        let cadence = Cadence::new(now, interval);
        self.enter(
            Subscription {
                outbox: Some(Rc::clone(outbox)),
                cadence,
                set,
                seq: 1,
                before,
            },
            now,
        );
        self.changed.notify_one();
        self.audience.notify_waiters();
    }

    /// Takes a session out, with the push that may wait for it.
    pub fn stop(&self, outbox: &Rc<Outbox>) {
        outbox.forget_push();
        if let Some(due) = self.leave(outbox) {
            self.started.set(self.started.get() - 1);
            self.sampling.watch(due.set, false);
            self.audience.notify_waiters();
        }
    }

    /// Restarts a session's timer with another interval. Its window goes on from its last push.
    pub fn retime(&self, outbox: &Rc<Outbox>, interval: Duration) {
        if let Some(mut due) = self.leave(outbox) {
            let now = self.now();
            due.cadence = Cadence::new(now, interval);
            self.enter(due, now);
            self.changed.notify_one();
        }
    }

    /// Changes a session's keys. Those that are new to it get a window that starts now.
    pub fn choose(&self, outbox: &Rc<Outbox>, set: PluginSet) {
        let Some(place) = outbox.place.get() else {
            return;
        };
        let mut lists = self.lists.borrow_mut();
        let Some(due) = find(&mut lists, place) else {
            return;
        };
        self.sampling.watch(set, true);
        self.sampling.watch(due.set, false);
        due.before = self.sampling.widened(&due.before, set);
        due.set = set;
        self.audience.notify_waiters();
    }

    fn enter(&self, mut due: Subscription, now: Duration) {
        let slot = due.cadence.next_after(now);
        let mut lists = self.lists.borrow_mut();
        let position = match lists.binary_search_by_key(&slot, |list| list.slot) {
            Ok(position) => position,
            Err(position) => {
                let due = self.spare.borrow_mut().pop().unwrap_or_default();
                lists.insert(position, DueList { slot, due });
                position
            }
        };
        if let Some(list) = lists.get_mut(position) {
            if let Some(outbox) = &due.outbox {
                outbox.place.set(Some(DueIndex {
                    slot,
                    index: list.due.len(),
                }));
            }
            list.due.push(due);
        }
    }

    fn leave(&self, outbox: &Rc<Outbox>) -> Option<Subscription> {
        let place = outbox.place.take()?;
        let mut lists = self.lists.borrow_mut();
        let position = lists
            .binary_search_by_key(&place.slot, |list| list.slot)
            .ok()?;
        let list = lists.get_mut(position)?;
        if self
            .sending
            .get()
            .is_some_and(|(slot, _)| slot == place.slot)
        {
            // Indexes stay as they are while the list is being walked.
            let due = list.due.get_mut(place.index)?;
            let outbox = due.outbox.take();
            return Some(Subscription {
                outbox,
                cadence: due.cadence,
                set: due.set,
                seq: due.seq,
                before: Rc::clone(&due.before),
            });
        }
        if place.index >= list.due.len() {
            return None;
        }
        let due = list.due.swap_remove(place.index);
        if let Some(moved) = list
            .due
            .get(place.index)
            .and_then(|due| due.outbox.as_ref())
        {
            moved.place.set(Some(place));
        }
        if list.due.is_empty() {
            let emptied = lists.remove(position);
            self.keep(emptied);
        }
        Some(due)
    }

    fn keep(&self, list: Option<DueList>) {
        let mut spare = self.spare.borrow_mut();
        if let Some(mut list) = list
            && spare.len() < SPARE
            && list.due.capacity() <= 64.max(4 * self.started.get())
        {
            // What a crowd needed is not kept for the few who stayed.
            let used = list.due.len();
            list.due.clear();
            list.due.shrink_to(2 * used.max(SMALL));
            spare.push(list.due);
        }
    }

    /// Sends what falls due, for as long as the server runs; sleeps without a timer while nobody is
    /// started.
    pub async fn run(&self) {
        let mut late = false;
        loop {
            let next = self.lists.borrow().front().map(|list| list.slot);
            self.round.notify_waiters();
            match next {
                None => {
                    late = false;
                    self.sampling.release_memory();
                    self.frames.rest();
                    self.spare.take();
                    self.changed.notified().await;
                }
                Some(slot) if slot > Slot::of(self.now()) => {
                    late = false;
                    tokio::select! {
                        biased;
                        () = self.sampling.clock.sleep_until(slot.begins()) => {}
                        () = self.changed.notified() => {}
                    }
                }
                // Behind with the slots: what the last one left to the write loops is written
                // first, or a session whose next push is due by now would get that in its place.
                Some(_) if std::mem::take(&mut late) => tokio::task::yield_now().await,
                Some(slot) => {
                    self.send(slot).await;
                    late = true;
                }
            }
        }
    }

    /// Returns when [`Broadcaster::run`] has come round once: it is alive.
    pub async fn round_trip(&self) {
        let mut round = std::pin::pin!(self.round.notified());
        round.as_mut().enable();
        self.changed.notify_one();
        round.await;
    }

    /// The names of the plugins that somebody watches.
    pub fn plugins(&self) -> String {
        self.sampling.watched().join(" ")
    }

    /// Sends the list of `slot`, a batch at a time.
    async fn send(&self, slot: Slot) {
        let wanted = self.wanted(slot);
        let snapshot = self.sampling.snapshot(wanted);
        self.sending.set(Some((slot, 0)));
        while self.send_batch(slot, &snapshot) {
            tokio::task::yield_now().await;
        }
        self.sending.set(None);
        self.frames.sent();
        let mut lists = self.lists.borrow_mut();
        if let Ok(position) = lists.binary_search_by_key(&slot, |list| list.slot) {
            let sent = lists.remove(position);
            drop(lists);
            self.keep(sent);
        }
    }

    /// Everything that somebody in the slot's list asked for.
    fn wanted(&self, slot: Slot) -> PluginSet {
        let lists = self.lists.borrow();
        let position = lists.binary_search_by_key(&slot, |list| list.slot);
        let list = position.ok().and_then(|position| lists.get(position));
        list.map_or(PluginSet::new(), |list| {
            list.due
                .iter()
                .fold(PluginSet::new(), |all, due| all.union(due.set))
        })
    }

    /// Sends one batch; false after the last.
    fn send_batch(&self, slot: Slot, snapshot: &Rc<Snapshot>) -> bool {
        let Some((_, mut index)) = self.sending.get() else {
            return false;
        };
        let end = index + BATCH;
        let now = self.now();
        while index < end {
            let taken = {
                let mut lists = self.lists.borrow_mut();
                let position = lists.binary_search_by_key(&slot, |list| list.slot);
                let list = position.ok().and_then(|position| lists.get_mut(position));
                let Some(due) = list.and_then(|list| list.due.get_mut(index)) else {
                    return false;
                };
                due.outbox.take().map(|outbox| Subscription {
                    outbox: Some(outbox),
                    cadence: due.cadence,
                    set: due.set,
                    seq: due.seq,
                    before: std::mem::replace(&mut due.before, Rc::clone(snapshot)),
                })
            };
            index += 1;
            if let Some(mut due) = taken {
                // Chosen while the batches before were sent: nobody in the list had asked for it.
                let wider =
                    (!snapshot.set.contains_all(due.set)).then(|| self.sampling.snapshot(due.set));
                let snapshot = wider.as_ref().unwrap_or(snapshot);
                let frame = self.frames.frame(
                    &self.sampling.catalog(),
                    due.set,
                    due.seq,
                    &due.before,
                    snapshot,
                );
                if let Some(outbox) = &due.outbox {
                    outbox.push(&frame);
                }
                due.seq += 1;
                due.before = Rc::clone(snapshot);
                self.enter(due, now);
            }
        }
        self.sending.set(Some((slot, index)));
        true
    }
}

fn find(lists: &mut VecDeque<DueList>, place: DueIndex) -> Option<&mut Subscription> {
    let position = lists
        .binary_search_by_key(&place.slot, |list| list.slot)
        .ok()?;
    lists.get_mut(position)?.due.get_mut(place.index)
}

#[cfg(test)]
mod tests;
