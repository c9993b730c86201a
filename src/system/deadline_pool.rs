//! Questions that may never be answered: a dead mount, a sensor on a slow bus.
//!
//! Each is asked on a thread of its own, which is waited for until a deadline. A question that is
//! still unanswered is not asked again until its thread has come back, so that what is dead costs
//! one thread however often it is wanted, and what is alive is not held up by it.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel},
    },
    thread,
    time::{Duration, Instant},
};

/// A stack for a few system calls.
const STACK_BYTES: usize = 128 << 10;

/// No more threads than this are kept waiting, whatever is asked.
const MOST_WAITING: usize = 64;

/// The questions under way and their last answers, by name. It outlives whoever asks, since a
/// thread that is stuck does too.
#[derive(Debug)]
pub struct DeadlinePool<T>(Mutex<HashMap<String, PendingCall<T>>>);

impl<T> Default for DeadlinePool<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

#[derive(Debug)]
struct PendingCall<T> {
    waiting: Option<Receiver<T>>,
    /// When the oldest question without an answer was asked, or the last answer came.
    since: Instant,
    last: Option<T>,
}

/// What is known of one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// The newest answer; none where there never was one.
    pub value: Option<T>,
    /// How old it is, where the question is stuck.
    pub stale: Option<Duration>,
}

impl<T: Clone + Send + 'static> DeadlinePool<T> {
    /// Asks all `questions` at once, each known by its name, and waits for the answers until the
    /// deadline. The answers come in the order of the questions.
    pub fn ask<Q>(&self, calls: Vec<(String, Q)>, deadline: Duration) -> Vec<Answer<T>>
    where
        Q: FnOnce() -> T + Send + 'static,
    {
        let mut pending_calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let names: Vec<_> = calls.iter().map(|(name, _)| name.clone()).collect();
        pending_calls.values_mut().for_each(PendingCall::look);
        pending_calls.retain(|name, pending| pending.waiting.is_some() || names.contains(name));

        let mut waiting = pending_calls
            .values()
            .filter(|pending| pending.waiting.is_some())
            .count();
        let mut asked = Vec::new();
        for (name, call) in calls {
            let pending = pending_calls
                .entry(name.clone())
                .or_insert_with(PendingCall::new);
            if pending.waiting.is_none() && waiting < MOST_WAITING {
                pending.waiting = start(call);
                pending.since = if pending.last.is_none() {
                    Instant::now()
                } else {
                    pending.since
                };
                waiting += 1;
                asked.push(name);
            }
        }
        let until = Instant::now() + deadline;
        for name in asked {
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

    /// How many threads are waiting now.
    pub fn waiting(&self) -> usize {
        let mut pending_calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pending_calls.values_mut().for_each(PendingCall::look);
        pending_calls
            .values()
            .filter(|pending| pending.waiting.is_some())
            .count()
    }
}

/// None when the system gives no thread.
fn start<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> Option<Receiver<T>> {
    let (answer, waiting) = channel();
    let ask = move || {
        // Whoever asked may be gone; then nobody misses the answer.
        let _ = answer.send(call());
    };
    thread::Builder::new()
        .name("call".into())
        .stack_size(STACK_BYTES)
        .spawn(ask)
        .ok()
        .map(|_| waiting)
}

impl<T: Clone> PendingCall<T> {
    fn new() -> Self {
        Self {
            waiting: None,
            since: Instant::now(),
            last: None,
        }
    }

    fn take(&mut self, value: T) {
        *self = Self {
            waiting: None,
            since: Instant::now(),
            last: Some(value),
        };
    }

    fn look(&mut self) {
        match self.waiting.as_ref().map(Receiver::try_recv) {
            Some(Ok(value)) => self.take(value),
            Some(Err(TryRecvError::Disconnected)) => self.waiting = None,
            Some(Err(TryRecvError::Empty)) | None => {}
        }
    }

    fn wait(&mut self, until: Instant) {
        let left = until.saturating_duration_since(Instant::now());
        match self
            .waiting
            .as_ref()
            .map(|waiting| waiting.recv_timeout(left))
        {
            Some(Ok(value)) => self.take(value),
            Some(Err(RecvTimeoutError::Disconnected)) => self.waiting = None,
            Some(Err(RecvTimeoutError::Timeout)) | None => {}
        }
    }

    fn answer(&self) -> Answer<T> {
        Answer {
            value: self.last.clone(),
            stale: self.waiting.as_ref().map(|_| self.since.elapsed()),
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

    type Question = Box<dyn FnOnce() -> u32 + Send>;

    fn call(name: &str, call: impl FnOnce() -> u32 + Send + 'static) -> (String, Question) {
        (name.into(), Box::new(call))
    }

    /// A question that is stuck until the sender is dropped, counting how often it is asked.
    fn stuck(asked: &Arc<AtomicUsize>, released: Receiver<()>) -> (String, Question) {
        let asked = Arc::clone(asked);
        call("dead", move || {
            asked.fetch_add(1, SeqCst);
            let _ = released.recv();
            7
        })
    }

    #[test]
    fn a_stuck_question_is_not_asked_again_and_hides_no_other() {
        let patience = DeadlinePool::default();
        let asked = Arc::new(AtomicUsize::new(0));
        let mut holds = Vec::new();
        for round in 0..20 {
            let (hold, released) = channel();
            holds.push(hold);
            let deadline = Duration::from_millis(if round == 0 { 50 } else { 10_000 });
            let begun = Instant::now();
            let answers = patience.ask(
                vec![stuck(&asked, released), call("alive", move || round)],
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
        assert_eq!((asked.load(SeqCst), patience.waiting()), (1, 1));
        drop(holds);
        let deadline = Instant::now() + Duration::from_secs(10);
        while patience.waiting() > 0 {
            assert!(Instant::now() < deadline);
            thread::yield_now();
        }
        let answers = patience.ask(vec![call("dead", || 8)], Duration::from_secs(10));
        assert_eq!(
            answers,
            [Answer {
                value: Some(8),
                stale: None
            }]
        );
    }

    #[test]
    fn the_last_answer_is_kept_while_the_next_is_awaited() {
        let patience = DeadlinePool::default();
        patience.ask(vec![call("a", || 1)], Duration::from_secs(10));
        let (hold, released) = channel::<()>();
        let answers = patience.ask(
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
    fn a_question_that_panics_has_no_answer_and_is_asked_again() {
        let patience = DeadlinePool::default();
        for _ in 0..2 {
            let answers = patience.ask(
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
        let patience = DeadlinePool::default();
        let (holds, calls): (Vec<_>, Vec<_>) = (0..MOST_WAITING + 9)
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
        let answers = patience.ask(calls, Duration::ZERO);
        assert_eq!(
            (answers.len(), patience.waiting()),
            (MOST_WAITING + 9, MOST_WAITING)
        );
        drop(holds);
    }
}
