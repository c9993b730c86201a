//! The permits of `max_clients`. A session holds one; dropping it gives it back, however the session
//! ended.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Counts the permits that are held.
#[derive(Debug)]
pub struct ClientPermits {
    limit: Option<usize>,
    taken: Arc<AtomicUsize>,
}

/// A permit. It is given back when this value is dropped.
#[derive(Debug)]
pub struct ClientPermit(Arc<AtomicUsize>);

impl ClientPermits {
    /// Grants at most `limit` permits; None is no limit.
    #[must_use]
    pub fn new(limit: Option<usize>) -> Self {
        Self {
            limit,
            taken: Arc::default(),
        }
    }

    /// A permit, unless all are held.
    #[must_use]
    pub fn take(&self) -> Option<ClientPermit> {
        let free = |taken: usize| {
            self.limit
                .is_none_or(|limit| taken < limit)
                .then_some(taken + 1)
        };
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, free)
            .ok()?;
        Some(ClientPermit(Arc::clone(&self.taken)))
    }

    /// Changes the limit. Sessions keep the permits that they hold.
    pub fn set_limit(&mut self, limit: Option<usize>) {
        self.limit = limit;
    }
}

impl Drop for ClientPermit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_frees_itself() {
        let mut permits = ClientPermits::new(Some(2));
        let (first, second) = (permits.take().unwrap(), permits.take().unwrap());
        assert!(permits.take().is_none());
        drop(first);
        let third = permits.take().unwrap();
        permits.set_limit(Some(1));
        drop(second);
        assert!(permits.take().is_none(), "one is still held");
        drop(third);
        assert_eq!(permits.taken.load(Ordering::Relaxed), 0);
        assert!(permits.take().is_some());
    }

    #[test]
    fn no_limit() {
        let permits = ClientPermits::new(None);
        let held: Vec<_> = (0..1000).map(|_| permits.take().unwrap()).collect();
        assert_eq!(permits.taken.load(Ordering::Relaxed), held.len());
    }
}
