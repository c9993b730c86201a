//! The time that connections may take of one turn of the loop, so that the tick is never far from
//! its next turn.
//!
//! The loop runs up to 61 tasks between two looks at its timers, and a task whose timer has rung
//! stands behind all those that were ready before. So the tick is no task (see [`crate::server`]),
//! and what serves a connection looks at the [`TimeBudget`] first: once its time is over, it lets
//! its turn pass and stands in line again. However many peers keep the program busy, the tick waits
//! for one turn, and for the longest single step within.

use std::{
    cell::Cell,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use actix_web::rt;

/// What connections may take of one turn.
const LENGTH: Duration = Duration::from_millis(1);

/// The turn under way. One that never began has no end.
#[derive(Debug, Default)]
pub struct TimeBudget {
    began: Cell<Option<Instant>>,
}

impl TimeBudget {
    /// Begins another turn.
    pub fn begin(&self) {
        self.began.set(Some(Instant::now()));
    }

    /// Whether connections have had their time of this turn.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.began
            .get()
            .is_some_and(|began| began.elapsed() >= LENGTH)
    }

    /// Has a task serve a connection, for as long as each turn has time.
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

/// What serves a connection, for as long as the turn has time.
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

    /// Steps of a task as long as a turn: of those that stand in line one gets on in a turn, and in
    /// the end all did.
    #[tokio::test]
    async fn a_turn_that_is_over_lets_no_other_connection_get_on() {
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
    async fn without_turns_all_get_on() {
        LocalSet::new()
            .run_until(async {
                let turn = Rc::<TimeBudget>::default();
                sleep(2 * LENGTH);
                turn.spawn(std::future::ready(())).await.unwrap();
            })
            .await;
    }
}
