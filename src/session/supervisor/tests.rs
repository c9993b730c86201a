//! The Supervisor with probes in the place of sessions, in paused time.

use std::{cell::RefCell, rc::Rc};

use tokio::{task::LocalSet, time};

use super::*;
use crate::net::peer::Origin;

/// A session that notes when it is told to ping.
struct Probe {
    clock: Clock,
    pings: Rc<RefCell<Vec<u64>>>,
}

impl Actor for Probe {
    type Context = Context<Self>;
}

impl Handler<Order> for Probe {
    type Result = ();

    fn handle(&mut self, order: Order, _: &mut Context<Self>) {
        assert!(matches!(order, Order::Ping), "{order:?}");
        self.pings.borrow_mut().push(self.clock.now().as_secs());
    }
}

/// Runs `test` in paused time, which goes on by itself whenever nothing else is to be done.
fn paused<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, async { test().await });
}

#[test]
fn one_timer_pings_every_session_each_thirty_seconds_while_there_are_any() {
    paused(async || {
        let clock = Clock::start();
        let supervisor = Supervisor::new(clock, Rules::default()).start();
        let join = async |id: u64| {
            let pings = Rc::new(RefCell::new(Vec::new()));
            let probe = Probe {
                clock,
                pings: Rc::clone(&pings),
            }
            .start();
            let peer = Peer::direct(Origin::Unix(0));
            let admit = Admit {
                id,
                peer,
                transport: "test",
                orders: probe.recipient(),
            };
            supervisor.send(admit).await.unwrap();
            pings
        };
        let leave = async |id: u64| {
            let closed = Closed {
                id,
                peer: Peer::direct(Origin::Unix(0)),
                transport: "test",
                reason: CloseReason::GoingAway,
                dropped: 0,
            };
            supervisor.send(closed).await.unwrap();
        };
        let first = join(1).await;
        time::sleep(Duration::from_secs(20)).await;
        let second = join(2).await;
        time::sleep(Duration::from_secs(75)).await;
        leave(2).await;
        time::sleep(Duration::from_secs(30)).await;
        assert_eq!(*first.borrow(), [30, 60, 90, 120]);
        // Whoever comes later waits no longer than that either.
        assert_eq!(*second.borrow(), [30, 60, 90]);
        leave(1).await;
        time::sleep(Duration::from_secs(300)).await;
        assert_eq!(first.borrow().len(), 4);
    });
}
