//! A server without listeners, for the unit tests of sessions and of HTTP.

use std::{future::Future, rc::Rc};

use actix::{Actor, Addr};
use tokio::{
    net::UnixStream,
    task::{LocalSet, spawn_local},
};

use crate::{
    config::Config,
    drivers::{Root, linux::host::Host},
    net::{
        connections::ConnectionCounter,
        peer::{Origin, Peer},
        stream::Stream,
    },
    push::{broadcaster::Broadcaster, frame_cache::FrameCache},
    sampling::plugin_manager::PluginManager,
    session::{
        connection::{SessionContext, SessionFactory},
        info::Info,
        supervisor::{Rules, Supervisor},
    },
    system::clock::Clock,
};

/// The parts that sessions need.
pub(crate) struct TestServer {
    pub sessions: Rc<SessionFactory>,
    pub supervisor: Addr<Supervisor>,
}

impl TestServer {
    pub fn new(rules: Rules) -> Self {
        let clock = Clock::start();
        let plugins = PluginManager::start(&Config::default(), clock).unwrap();
        let supervisor = Supervisor::new(clock, rules).start();
        let context = SessionContext {
            supervisor: supervisor.clone(),
            sampling: Rc::clone(&plugins.sampling),
            info: Info {
                host: Host::read(&Root::host()),
                max_clients: None,
            },
        };
        let broadcaster = Rc::new(Broadcaster::new(
            plugins.sampling,
            FrameCache::new("boot".into()),
        ));
        let ticking = Rc::clone(&broadcaster);
        spawn_local(async move { ticking.run().await });
        Self {
            sessions: Rc::new(SessionFactory::new(Rc::new(context), broadcaster)),
            supervisor,
        }
    }
}

/// The server's end and the client's end of a connection.
pub(crate) fn socket_pair() -> (Stream, UnixStream) {
    let (near, far) = UnixStream::pair().unwrap();
    let connections = Rc::new(ConnectionCounter::default());
    let peer = Peer::direct(Origin::Unix(0));
    (Stream::unix(near, peer, connections.enter()), far)
}

/// Runs `test` in paused time, which advances by itself whenever nothing else is to be done.
pub(crate) fn paused<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, async { test().await });
}
