//! Calls that may never return: to a dead mount, to a sensor on a slow bus.
//!
//! Each call runs on a thread of its own, which is waited for until a deadline. A call that has not
//! returned is not made again before it has, so that a dead mount costs one thread however often it
//! is read, and holds up no other.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel},
    },
    thread,
    time::{Duration, Instant},
};

/// Enough for a few system calls.
const STACK_BYTES: usize = 128 << 10;

/// The most threads of one pool.
const MAX_PENDING: usize = 64;

/// The pending calls and the last results, by name. It outlives the caller, as a stuck thread does.
#[derive(Debug)]
pub struct DeadlinePool<T>(Mutex<HashMap<String, PendingCall<T>>>);

impl<T> Default for DeadlinePool<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

#[derive(Debug)]
struct PendingCall<T> {
    /// Where the result comes, while the call is under way.
    result: Option<Receiver<T>>,
    /// When the last result came, or the first call was made.
    since: Instant,
    last: Option<T>,
}

/// The outcome of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// The newest result; None where there never was one.
    pub value: Option<T>,
    /// Its age, while the call is stuck.
    pub stale: Option<Duration>,
}

impl<T: Clone + Send + 'static> DeadlinePool<T> {
    /// Makes all `calls` at once, each under its name, and waits for their results for the time
    /// `deadline`. The answers are in the order of the calls.
    pub fn call_all<Q>(&self, calls: Vec<(String, Q)>, deadline: Duration) -> Vec<Answer<T>>
    where
        Q: FnOnce() -> T + Send + 'static,
    {
        let mut pending_calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let names: Vec<_> = calls.iter().map(|(name, _)| name.clone()).collect();
        pending_calls.values_mut().for_each(PendingCall::poll);
        pending_calls.retain(|name, pending| pending.result.is_some() || names.contains(name));

        let mut waiting = pending_calls
            .values()
            .filter(|pending| pending.result.is_some())
            .count();
        let mut made = Vec::new();
        for (name, call) in calls {
            let pending = pending_calls
                .entry(name.clone())
                .or_insert_with(PendingCall::new);
            if pending.result.is_none() && waiting < MAX_PENDING {
                pending.result = start(call);
                pending.since = if pending.last.is_none() {
                    Instant::now()
                } else {
                    pending.since
                };
                waiting += 1;
                made.push(name);
            }
        }
        let until = Instant::now() + deadline;
        for name in made {
            if let Some(pending) = pending_calls.get_mut(&name) {
                pending.wait(until);
            }
        }
        names
            .iter()
            .map(|name| {
                pending_calls.get(name).map_or(
                    Answer {
                        value: None,
                        stale: None,
                    },
                    PendingCall::answer,
                )
            })
            .collect()
    }

    /// How many calls are under way.
    #[cfg(test)]
    pub(crate) fn pending(&self) -> usize {
        let mut pending_calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pending_calls.values_mut().for_each(PendingCall::poll);
        pending_calls
            .values()
            .filter(|pending| pending.result.is_some())
            .count()
    }
}

/// None when the system has no thread.
fn start<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> Option<Receiver<T>> {
    let (sender, result) = channel();
    let work = move || {
        // An error means that the pool was dropped.
        let _ = sender.send(call());
    };
    thread::Builder::new()
        .name("call".into())
        .stack_size(STACK_BYTES)
        .spawn(work)
        .ok()
        .map(|_| result)
}

impl<T: Clone> PendingCall<T> {
    fn new() -> Self {
        Self {
            result: None,
            since: Instant::now(),
            last: None,
        }
    }

    fn take(&mut self, value: T) {
        *self = Self {
            result: None,
            since: Instant::now(),
            last: Some(value),
        };
    }

    fn poll(&mut self) {
        match self.result.as_ref().map(Receiver::try_recv) {
            Some(Ok(value)) => self.take(value),
            Some(Err(TryRecvError::Disconnected)) => self.result = None,
            Some(Err(TryRecvError::Empty)) | None => {}
        }
    }

    fn wait(&mut self, until: Instant) {
        let left = until.saturating_duration_since(Instant::now());
        match self.result.as_ref().map(|result| result.recv_timeout(left)) {
            Some(Ok(value)) => self.take(value),
            Some(Err(RecvTimeoutError::Disconnected)) => self.result = None,
            Some(Err(RecvTimeoutError::Timeout)) | None => {}
        }
    }

    fn answer(&self) -> Answer<T> {
        Answer {
            value: self.last.clone(),
            stale: self.result.as_ref().map(|_| self.since.elapsed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    };

    use super::*;

    type TestCall = Box<dyn FnOnce() -> u32 + Send>;

    fn call(name: &str, call: impl FnOnce() -> u32 + Send + 'static) -> (String, TestCall) {
        (name.into(), Box::new(call))
    }

    /// A call that is stuck until the sender is dropped, counting how often it is made.
    fn stuck(made: &Arc<AtomicUsize>, released: Receiver<()>) -> (String, TestCall) {
        let made = Arc::clone(made);
        call("dead", move || {
            made.fetch_add(1, SeqCst);
            let _ = released.recv();
            7
        })
    }

    #[test]
    fn a_stuck_call_is_not_made_again_and_holds_up_no_other() {
        let pool = DeadlinePool::default();
        let made = Arc::new(AtomicUsize::new(0));
        let mut holds = Vec::new();
        for round in 0..20 {
            let (hold, released) = channel();
            holds.push(hold);
            let deadline = Duration::from_millis(if round == 0 { 50 } else { 10_000 });
            let begun = Instant::now();
            let answers = pool.call_all(
                vec![stuck(&made, released), call("alive", move || round)],
                deadline,
            );
            assert_eq!((answers[0].value, answers[0].stale.is_some()), (None, true));
            assert_eq!(
                answers[1],
                Answer {
                    value: Some(round),
                    stale: None
                }
            );
            // Only the first round waits for it; the others are back long before their deadline.
            assert!(begun.elapsed() < Duration::from_secs(5));
        }
        assert_eq!((made.load(SeqCst), pool.pending()), (1, 1));
        drop(holds);
        let deadline = Instant::now() + Duration::from_secs(10);
        while pool.pending() > 0 {
            assert!(Instant::now() < deadline);
            thread::yield_now();
        }
        let answers = pool.call_all(vec![call("dead", || 8)], Duration::from_secs(10));
        assert_eq!(
            answers,
            [Answer {
                value: Some(8),
                stale: None
            }]
        );
    }

    #[test]
    fn the_last_result_is_kept_while_the_next_is_awaited() {
        let pool = DeadlinePool::default();
        pool.call_all(vec![call("a", || 1)], Duration::from_secs(10));
        let (hold, released) = channel::<()>();
        let answers = pool.call_all(
            vec![call("a", move || {
                let _ = released.recv();
                2
            })],
            Duration::ZERO,
        );
        assert_eq!(
            (answers[0].value, answers[0].stale.is_some()),
            (Some(1), true)
        );
        drop(hold);
    }

    #[test]
    fn a_call_that_panics_has_no_result_and_is_made_again() {
        let pool = DeadlinePool::default();
        for _ in 0..2 {
            let answers = pool.call_all(
                vec![call("a", || panic!("on purpose"))],
                Duration::from_secs(10),
            );
            assert_eq!(
                answers,
                [Answer {
                    value: None,
                    stale: None
                }]
            );
        }
    }

    #[test]
    fn threads_are_bounded() {
        let pool = DeadlinePool::default();
        let (holds, calls): (Vec<_>, Vec<_>) = (0..MAX_PENDING + 9)
            .map(|index| {
                let (hold, released) = channel::<()>();
                (
                    hold,
                    call(&index.to_string(), move || {
                        let _ = released.recv();
                        0
                    }),
                )
            })
            .unzip();
        let answers = pool.call_all(calls, Duration::ZERO);
        assert_eq!(
            (answers.len(), pool.pending()),
            (MAX_PENDING + 9, MAX_PENDING)
        );
        drop(holds);
    }
}
