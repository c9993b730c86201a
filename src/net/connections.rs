//! Open connections, counted by guards that live as long as the connection does: for the status
//! line, the idle exit, the stop and the limit per address.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use tokio::sync::Notify;

use crate::net::peer::Source;

/// Counts the open connections, sessions among them.
#[derive(Default)]
pub struct ConnectionCounter {
    live: Cell<usize>,
    /// The most that were open at the same time.
    peak: Cell<usize>,
    changed: Notify,
    /// For waiters that a new connection need not wake.
    left: Notify,
    by_source: RefCell<HashMap<Source, usize>>,
}

/// One open connection.
pub struct ConnectionGuard {
    connections: Rc<ConnectionCounter>,
    /// What it is counted by for the limit per address, once that is known.
    source: Option<Source>,
}

impl ConnectionCounter {
    /// Counts a connection until the guard is dropped.
    #[must_use]
    pub fn enter(self: &Rc<Self>) -> ConnectionGuard {
        self.live.set(self.live.get() + 1);
        self.peak.set(self.peak.get().max(self.live.get()));
        self.changed.notify_waiters();
        ConnectionGuard {
            connections: Rc::clone(self),
            source: None,
        }
    }

    /// How many are open.
    #[must_use]
    pub fn live(&self) -> usize {
        self.live.get()
    }

    /// The most that were open at the same time since the last [`ConnectionCounter::reset_peak`].
    #[must_use]
    pub fn peak(&self) -> usize {
        self.peak.get()
    }

    /// Begins a new peak.
    pub(crate) fn reset_peak(&self) {
        self.peak.set(self.live.get());
    }

    /// Returns when a connection has closed.
    pub async fn left(&self) {
        self.left.notified().await;
    }

    /// Returns when a connection has opened or closed.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Returns when no connection is open.
    pub async fn empty(&self) {
        while self.live.get() > 0 {
            self.left.notified().await;
        }
    }

    fn leave(&self, source: Source) {
        let mut counts = self.by_source.borrow_mut();
        if let Some(count) = counts.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&source);
            }
        }
        if counts.is_empty() {
            // The map of many sources is freed with its last connection.
            *counts = HashMap::new();
        }
    }
}

impl ConnectionGuard {
    /// Counts the connection among those of `source`, in place of what it was counted by before.
    /// False, and not counted, where that source has `limit` connections already.
    #[must_use]
    pub(crate) fn count_by(&mut self, source: Source, limit: Option<usize>) -> bool {
        if self.source == Some(source) {
            return true;
        }
        let mut counts = self.connections.by_source.borrow_mut();
        let count = counts.entry(source).or_default();
        if limit.is_some_and(|limit| *count >= limit) {
            return false;
        }
        *count += 1;
        drop(counts);
        if let Some(before) = self.source.replace(source) {
            self.connections.leave(before);
        }
        true
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        if let Some(source) = self.source {
            self.connections.leave(source);
        }
        self.connections.live.set(self.connections.live.get() - 1);
        self.connections.changed.notify_waiters();
        self.connections.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_counted_by_their_source_while_they_live() {
        let connections = Rc::new(ConnectionCounter::default());
        let (one, other) = (Source::User(1), Source::User(2));
        let mut held: Vec<_> = (0..3).map(|_| connections.enter()).collect();
        assert!(held[0].count_by(one, Some(2)));
        assert!(held[0].count_by(one, Some(2)), "it is counted once");
        assert!(held[1].count_by(one, Some(2)));
        assert!(!held[2].count_by(one, Some(2)));
        assert!(held[2].count_by(one, None));
        held.pop();
        assert!(
            held[1].count_by(other, Some(1)),
            "counted by another source now"
        );
        held.push(connections.enter());
        assert!(held[2].count_by(one, Some(2)));
        held.clear();
        assert_eq!((connections.live(), connections.peak()), (0, 3));
        connections.reset_peak();
        assert_eq!(connections.peak(), 0);
        assert!(connections.by_source.borrow().is_empty());
    }
}
