//! Makes a connected stream into a session: its link, its actor's connection, and the number it bears.

use std::{cell::Cell, rc::Rc, time::Duration};

use crate::{
    net::{peer::Peer, stream::Stream},
    protocol::key_set::PluginSet,
    push::{broadcaster::Tick, frame::Framing, outbox::Link},
    session::scheduler::House,
};

/// What new sessions are made with.
pub struct Desk {
    /// What every session shares.
    pub house: Rc<House>,
    /// Who sends their pushes.
    pub tick: Rc<Tick>,
    numbers: Cell<u64>,
}

impl Desk {
    /// A desk that numbers sessions from 1.
    #[must_use]
    pub fn new(house: Rc<House>, tick: Rc<Tick>) -> Self {
        Self {
            house,
            tick,
            numbers: Cell::new(0),
        }
    }

    /// The wire of a new session over `stream`.
    #[must_use]
    pub fn wire(&self, framing: Framing, stream: Stream) -> Wire {
        self.numbers.set(self.numbers.get() + 1);
        stream.becomes_session();
        Wire {
            link: Rc::new(Link::new(self.numbers.get(), framing, stream)),
            tick: Rc::clone(&self.tick),
        }
    }
}

/// A session's link and the tick that pushes into it.
#[derive(Clone)]
pub struct Wire {
    /// The way out.
    pub link: Rc<Link>,
    tick: Rc<Tick>,
}

impl Wire {
    /// Who is there.
    #[must_use]
    pub fn peer(&self) -> Peer {
        self.link.stream.peer
    }

    /// See [`Tick::start`].
    pub fn start(&self, interval: Duration, set: PluginSet) {
        self.tick.start(&self.link, interval, set);
    }

    /// See [`Tick::stop`].
    pub fn stop(&self) {
        self.tick.stop(&self.link);
    }

    /// See [`Tick::retime`].
    pub fn retime(&self, interval: Duration) {
        self.tick.retime(&self.link, interval);
    }

    /// See [`Tick::choose`].
    pub fn choose(&self, set: PluginSet) {
        self.tick.choose(&self.link, set);
    }
}

/// Lets a transport's own type be the [`Connection`](crate::session::scheduler::Connection) of its Schedulers.
macro_rules! connection {
    ($name:ident, $context:ty) => {
        impl $crate::session::scheduler::Connection for $name {
            type Context = $context;

            fn id(&self) -> u64 {
                self.0.link.id
            }
            fn peer(&self) -> $crate::net::peer::Peer {
                self.0.peer()
            }
            fn transport(&self) -> &'static str {
                self.0.link.framing.name()
            }
            fn answer(&self, line: &[u8]) {
                self.0.link.answer(line);
            }
            fn ping(&self) {
                self.0.link.ping();
            }
            fn close(&self, code: Option<u16>) {
                self.0.link.close(code);
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
                self.0.link.broken.get()
            }
            fn dropped(&self) -> u64 {
                self.0.link.dropped.get()
            }
        }
    };
}
pub(super) use connection;
