//! The Broadcaster: sends what falls due in one slot, from one sample of each plugin.
//!
//! Started sessions stand in the [list](crate::push::subscriptions) of the slot in which their next
//! push is due. At the slot's beginning the Broadcaster takes one snapshot of the plugins that its
//! list asks for, encodes one frame for each different window and choice of keys, and writes the
//! frame's bytes into every session's [`Outbox`]. Without a started session it sleeps without a
//! timer.

use std::{cell::RefCell, rc::Rc, time::Duration};

use crate::{
    protocol::key_set::PluginSet,
    push::{
        frame_cache::FrameCache,
        outbox::Outbox,
        subscriptions::{Subscription, Subscriptions},
    },
    sampling::{
        Sampling,
        schedule::{Cadence, Slot},
        snapshot::Snapshot,
    },
};

/// Maximum number of pushes sent before other tasks may run.
const BATCH: usize = if cfg!(test) { 4 } else { 512 };

/// Pushes to all started sessions.
pub struct Broadcaster {
    sampling: Rc<Sampling>,
    frames: FrameCache,
    subscriptions: RefCell<Subscriptions>,
    /// Notified when the next due slot may have come nearer.
    rescheduled: tokio::sync::Notify,
    /// Notified when sessions start, stop or choose other keys.
    audience: tokio::sync::Notify,
    /// Notified each time that [`Broadcaster::run`] comes round.
    round: tokio::sync::Notify,
}

impl Broadcaster {
    /// A Broadcaster of the snapshots of `sampling`.
    #[must_use]
    pub fn new(sampling: Rc<Sampling>, frames: FrameCache) -> Self {
        Self {
            sampling,
            frames,
            subscriptions: RefCell::default(),
            rescheduled: tokio::sync::Notify::new(),
            audience: tokio::sync::Notify::new(),
            round: tokio::sync::Notify::new(),
        }
    }

    fn now(&self) -> Duration {
        self.sampling.clock.now()
    }

    /// How many sessions get pushes.
    pub fn started(&self) -> usize {
        self.subscriptions.borrow().len()
    }

    /// Returns when sessions have started, stopped or chosen other keys.
    pub(crate) async fn audience_changed(&self) {
        self.audience.notified().await;
    }

    /// Starts a session: its first push is due one interval from now, over a window that starts
    /// now.
    pub fn start(&self, outbox: &Rc<Outbox>, interval: Duration, set: PluginSet) {
        self.stop(outbox);
        self.sampling.watch(set, true);
        let before = self.sampling.snapshot(set);
        let now = self.now();
        let subscription = Subscription::new(outbox, Cadence::new(now, interval), set, before);
        self.subscriptions.borrow_mut().insert(subscription, now);
        self.rescheduled.notify_one();
        self.audience.notify_waiters();
    }

    /// Stops a session, and drops the push that may wait for it.
    pub fn stop(&self, outbox: &Rc<Outbox>) {
        outbox.forget_push();
        let removed = self.subscriptions.borrow_mut().remove(outbox);
        if let Some(subscription) = removed {
            self.sampling.watch(subscription.set, false);
            self.audience.notify_waiters();
        }
    }

    /// Restarts a session's timer with another interval. Its window goes on from its last push.
    pub(crate) fn retime(&self, outbox: &Rc<Outbox>, interval: Duration) {
        let now = self.now();
        let cadence = Cadence::new(now, interval);
        if self.subscriptions.borrow_mut().retime(outbox, cadence, now) {
            self.rescheduled.notify_one();
        }
    }

    /// Changes a session's keys. Those that are new to it get a window that starts now.
    pub fn choose(&self, outbox: &Rc<Outbox>, set: PluginSet) {
        let mut subscriptions = self.subscriptions.borrow_mut();
        let Some(subscription) = subscriptions.get_mut(outbox) else {
            return;
        };
        self.sampling.watch(set, true);
        self.sampling.watch(subscription.set, false);
        subscription.before = self.sampling.widened(&subscription.before, set);
        subscription.set = set;
        self.audience.notify_waiters();
    }

    /// Sends what falls due, for as long as the server runs.
    pub async fn run(&self) {
        let mut late = false;
        loop {
            let next = self.subscriptions.borrow().first_slot();
            self.round.notify_waiters();
            match next {
                None => {
                    late = false;
                    self.sampling.release_memory();
                    self.frames.release_memory();
                    self.rescheduled.notified().await;
                }
                Some(slot) if slot > Slot::of(self.now()) => {
                    late = false;
                    tokio::select! {
                        biased;
                        () = self.sampling.clock.sleep_until(slot.begins()) => {}
                        () = self.rescheduled.notified() => {}
                    }
                }
                // The next slot has begun already. The write loops run first, or a push that one of
                // them still has to write would be replaced by the session's next.
                Some(_) if std::mem::take(&mut late) => tokio::task::yield_now().await,
                Some(slot) => {
                    self.send(slot).await;
                    late = true;
                }
            }
        }
    }

    /// Returns when [`Broadcaster::run`] has come round once, as a sign of life.
    pub(crate) async fn round_trip(&self) {
        let mut round = std::pin::pin!(self.round.notified());
        round.as_mut().enable();
        self.rescheduled.notify_one();
        round.await;
    }

    /// The names of the plugins that started sessions have chosen.
    pub fn plugins(&self) -> String {
        self.sampling.watched().join(" ")
    }

    /// Sends the list of `slot`, a batch at a time.
    async fn send(&self, slot: Slot) {
        let wanted = self.subscriptions.borrow().wanted(slot);
        let Some(wanted) = wanted else {
            // All of the list have left it.
            self.subscriptions.borrow_mut().pop(slot, self.now());
            return;
        };
        let snapshot = self.sampling.snapshot(wanted);
        while self.send_batch(slot, &snapshot) {
            tokio::task::yield_now().await;
        }
        self.frames.sent();
    }

    /// Sends one batch. False after the last.
    fn send_batch(&self, slot: Slot, snapshot: &Rc<Snapshot>) -> bool {
        let now = self.now();
        let catalog = self.sampling.catalog();
        let mut subscriptions = self.subscriptions.borrow_mut();
        for _ in 0..BATCH {
            let Some(due) = subscriptions.pop(slot, now) else {
                return false;
            };
            // Keys chosen while earlier batches were sent: nobody in the list had asked for them.
            let wider =
                (!snapshot.set.contains_all(due.set)).then(|| self.sampling.snapshot(due.set));
            let snapshot = wider.as_ref().unwrap_or(snapshot);
            let before = std::mem::replace(&mut due.before, Rc::clone(snapshot));
            let frame = self
                .frames
                .frame(&catalog, due.set, due.seq, &before, snapshot);
            due.seq += 1;
            due.outbox.push(&frame);
        }
        true
    }
}

#[cfg(test)]
mod tests;
