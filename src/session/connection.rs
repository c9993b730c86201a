//! What a session is made with: what all of them share, and a connection of its own, which is the
//! outbox that writes to its client and the broadcaster that pushes into it.

use std::{cell::Cell, rc::Rc, time::Duration};

use actix::Addr;

use crate::{
    net::{peer::Peer, stream::Stream},
    protocol::key_set::PluginSet,
    push::{broadcaster::Broadcaster, frame::Framing, outbox::Outbox},
    sampling::Sampling,
    session::{info::Info, supervisor::Supervisor},
};

/// What all sessions of a server share.
pub struct SessionContext {
    /// Admits and ends sessions.
    pub supervisor: Addr<Supervisor>,
    /// Reads the plugins.
    pub sampling: Rc<Sampling>,
    /// The answer to `info`.
    pub info: Info,
}

/// Makes streams the connections of sessions, and numbers the sessions.
pub struct SessionFactory {
    pub(crate) context: Rc<SessionContext>,
    broadcaster: Rc<Broadcaster>,
    numbers: Cell<u64>,
}

impl SessionFactory {
    /// The first session gets the number 1.
    #[must_use]
    pub fn new(context: Rc<SessionContext>, broadcaster: Rc<Broadcaster>) -> Self {
        Self {
            context,
            broadcaster,
            numbers: Cell::new(0),
        }
    }

    /// The connection of a new session.
    pub(super) fn connect(&self, framing: Framing, stream: Stream) -> Connection {
        self.numbers.set(self.numbers.get() + 1);
        stream.becomes_session();
        Connection {
            outbox: Rc::new(Outbox::new(self.numbers.get(), framing, stream)),
            broadcaster: Rc::clone(&self.broadcaster),
        }
    }
}

/// The connection of one session, over either transport. No method waits.
pub(super) struct Connection {
    /// What is written to the client.
    pub outbox: Rc<Outbox>,
    broadcaster: Rc<Broadcaster>,
}

impl Connection {
    /// The client.
    pub fn peer(&self) -> Peer {
        self.outbox.stream.peer
    }

    /// The transport's name in the journal.
    pub fn transport(&self) -> &'static str {
        self.outbox.framing.name()
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
