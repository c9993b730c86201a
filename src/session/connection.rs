//! Makes a connected stream into a session: its link, its actor's connection, and the number it
//! bears.

use std::{cell::Cell, rc::Rc, time::Duration};

use crate::{
    net::{peer::Peer, stream::Stream},
    protocol::key_set::PluginSet,
    push::{broadcaster::Broadcaster, frame::Framing, outbox::Outbox},
    session::scheduler::SessionContext,
};

/// What new sessions are made with.
pub struct SessionFactory {
    /// What every session shares.
    pub context: Rc<SessionContext>,
    /// Who sends their pushes.
    pub broadcaster: Rc<Broadcaster>,
    numbers: Cell<u64>,
}

impl SessionFactory {
    /// A desk that numbers sessions from 1.
    #[must_use]
    pub fn new(context: Rc<SessionContext>, broadcaster: Rc<Broadcaster>) -> Self {
        Self {
            context,
            broadcaster,
            numbers: Cell::new(0),
        }
    }

    /// The wire of a new session over `stream`.
    #[must_use]
    pub fn wire(&self, framing: Framing, stream: Stream) -> Wire {
        self.numbers.set(self.numbers.get() + 1);
        stream.becomes_session();
        Wire {
            outbox: Rc::new(Outbox::new(self.numbers.get(), framing, stream)),
            broadcaster: Rc::clone(&self.broadcaster),
        }
    }
}

/// A session's link and the tick that pushes into it.
#[derive(Clone)]
pub struct Wire {
    /// The way out.
    pub outbox: Rc<Outbox>,
    broadcaster: Rc<Broadcaster>,
}

impl Wire {
    /// Who is there.
    #[must_use]
    pub fn peer(&self) -> Peer {
        self.outbox.stream.peer
    }

    /// See [`Broadcaster::start`].
    pub fn start(&self, interval: Duration, set: PluginSet) {
        self.broadcaster.start(&self.outbox, interval, set);
    }

    /// See [`Broadcaster::stop`].
    pub fn stop(&self) {
        self.broadcaster.stop(&self.outbox);
    }

    /// See [`Broadcaster::retime`].
    pub fn retime(&self, interval: Duration) {
        self.broadcaster.retime(&self.outbox, interval);
    }

    /// See [`Broadcaster::choose`].
    pub fn choose(&self, set: PluginSet) {
        self.broadcaster.choose(&self.outbox, set);
    }
}

/// Lets a transport's own type be the [`Connection`](crate::session::scheduler::Connection) of its
/// Schedulers.
macro_rules! connection {
    ($name:ident, $context:ty) => {
        impl $crate::session::scheduler::Connection for $name {
            type Context = $context;

            fn id(&self) -> u64 {
                self.0.outbox.id
            }
            fn peer(&self) -> $crate::net::peer::Peer {
                self.0.peer()
            }
            fn transport(&self) -> &'static str {
                self.0.outbox.framing.name()
            }
            fn answer(&self, line: &[u8]) {
                self.0.outbox.answer(line);
            }
            fn ping(&self) {
                self.0.outbox.ping();
            }
            fn close(&self, code: Option<u16>) {
                self.0.outbox.close(code);
            }
            fn start(
                &self,
                interval: std::time::Duration,
                set: $crate::protocol::key_set::PluginSet,
            ) {
                self.0.start(interval, set);
            }
            fn stop(&self) {
                self.0.stop();
            }
            fn retime(&self, interval: std::time::Duration) {
                self.0.retime(interval);
            }
            fn choose(&self, set: $crate::protocol::key_set::PluginSet) {
                self.0.choose(set);
            }
            fn broken(&self) -> Option<$crate::protocol::CloseReason> {
                self.0.outbox.broken.get()
            }
            fn dropped(&self) -> u64 {
                self.0.outbox.dropped.get()
            }
        }
    };
}
pub(super) use connection;
