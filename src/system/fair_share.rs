//! The time that connections may take of one turn of the event loop, so that pushes are sent in
//! their slots.
//!
//! tokio runs up to 61 tasks between two looks at its timers, and a task whose timer has expired is
//! queued behind all that were ready before. So the Broadcaster is no task (see [`crate::server`]),
//! and what serves a connection checks the [`TimeBudget`] first: once the time of the turn is spent,
//! it yields and is queued again. However many peers keep the program busy, a push is late by one
//! turn and the longest single step in it.

use std::{
    cell::Cell,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use actix_web::rt;

/// The time that connections may take of one turn.
const LENGTH: Duration = Duration::from_millis(1);

/// The time budget of the current turn. Before the first turn it has no end.
#[derive(Debug, Default)]
pub struct TimeBudget {
    began: Cell<Option<Instant>>,
}

impl TimeBudget {
    /// Begins a turn.
    pub fn begin(&self) {
        self.began.set(Some(Instant::now()));
    }

    /// Whether the time of this turn is spent.
    #[must_use]
    pub(crate) fn is_over(&self) -> bool {
        self.began
            .get()
            .is_some_and(|began| began.elapsed() >= LENGTH)
    }

    /// Spawns a task that serves a connection within the time of each turn.
    pub fn spawn<F>(self: &Rc<Self>, served: F) -> rt::task::JoinHandle<()>
    where
        F: Future<Output = ()> + Unpin + 'static,
    {
        rt::spawn(Budgeted {
            turn: Rc::clone(self),
            served,
        })
    }
}

/// A future that is polled only while the turn has time left.
struct Budgeted<F> {
    turn: Rc<TimeBudget>,
    served: F,
}

impl<F: Future + Unpin> Future for Budgeted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if self.turn.is_over() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Pin::new(&mut self.served).poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, thread::sleep};

    use tokio::task::{LocalSet, yield_now};

    use super::*;

    /// Each step of these tasks takes a whole budget: one task advances in each turn, and at the end
    /// all have.
    #[tokio::test]
    async fn one_long_step_a_turn_and_all_connections_advance() {
        const CONNECTIONS: u32 = 5;
        LocalSet::new()
            .run_until(async {
                let (turn, steps) = (Rc::<TimeBudget>::default(), Rc::<Cell<u32>>::default());
                let step = |steps: Rc<Cell<u32>>| {
                    poll_fn(move |_| {
                        sleep(LENGTH);
                        steps.set(steps.get() + 1);
                        Poll::Ready(())
                    })
                };
                for _ in 0..CONNECTIONS {
                    turn.spawn(step(Rc::clone(&steps)));
                }
                for passed in 0..CONNECTIONS {
                    assert_eq!(steps.get(), passed);
                    turn.begin();
                    yield_now().await;
                }
                assert_eq!(steps.get(), CONNECTIONS);
            })
            .await;
    }

    #[tokio::test]
    async fn without_turns_there_is_no_limit() {
        LocalSet::new()
            .run_until(async {
                let turn = Rc::<TimeBudget>::default();
                sleep(2 * LENGTH);
                turn.spawn(std::future::ready(())).await.unwrap();
            })
            .await;
    }
}
