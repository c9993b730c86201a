//! Who is connected: counted by guards that live as long as the connection, for the status line, the idle exit
//! and the stop.

use std::{cell::Cell, rc::Rc};

use tokio::sync::Notify;

/// The connections that are open, sessions among them.
#[derive(Default)]
pub struct Presence {
    live: Cell<usize>,
    changed: Notify,
}

/// One open connection.
pub struct Present(Rc<Presence>);

impl Presence {
    /// Counts a connection until the guard is dropped.
    #[must_use]
    pub fn enter(self: &Rc<Self>) -> Present {
        self.live.set(self.live.get() + 1);
        self.changed.notify_waiters();
        Present(Rc::clone(self))
    }

    /// How many are open.
    #[must_use]
    pub fn live(&self) -> usize {
        self.live.get()
    }

    /// Returns when somebody has come or gone.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Returns when nobody is there.
    pub async fn empty(&self) {
        while self.live.get() > 0 {
            self.changed.notified().await;
        }
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.live.set(self.0.live.get() - 1);
        self.0.changed.notify_waiters();
    }
}
