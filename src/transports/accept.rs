//! Takes connections from the listeners and starts what serves them.

use std::{io, rc::Rc, time::Duration};

use actix_web::rt;
use nix::sys::socket::{SetSockOpt, setsockopt, sockopt};
use tokio::net::{TcpListener, UnixListener};

use super::{
    entrance::{AcceptHealth, Entrance},
    http::Http,
    raw,
    session::Desk,
    stream::Stream,
};
use crate::{
    config::Transport,
    listen::{Bound, Socket},
    peer::{Origin, Peer},
    presence::Presence,
};

/// Connections taken in one go; then whatever else waits on this thread gets its turn.
const BATCH: usize = 64;

/// The wait after an accept that failed: the descriptors may have run out, and trying again at once would spin.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Kernel memory for what a peer has not read, in bytes; the kernel doubles it for its own bookkeeping.
const SEND_BUFFER: usize = 16 * 1024;

/// Silence after which the kernel asks whether a peer is still there, how often, and how many times.
const PROBE_AFTER_SECS: u32 = 30;
const PROBE_EVERY_SECS: u32 = 10;
const PROBES: u32 = 3;

/// What is sent and not acknowledged for this long ends the connection.
const UNACKNOWLEDGED_MS: u32 = 60_000;

/// What serves accepted connections.
#[derive(Clone)]
pub struct Doors {
    /// What every connection passes.
    pub entrance: Rc<Entrance>,
    /// For WebSocket listeners.
    pub http: Rc<Http>,
    /// For raw listeners.
    pub desk: Rc<Desk>,
    /// Where connections are counted.
    pub presence: Rc<Presence>,
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Starts to accept on `bound`; stops when the returned task is aborted.
///
/// # Errors
/// When the listener cannot be registered.
pub fn accept(bound: Bound, doors: Doors) -> io::Result<rt::task::JoinHandle<()>> {
    let (transport, tls) = (bound.transport(), bound.tls());
    let Bound { socket, file, .. } = bound;
    let listener = match socket {
        Socket::Tcp(listener) => Listener::Tcp(TcpListener::from_std(listener)?),
        Socket::Unix(listener) => Listener::Unix(UnixListener::from_std(listener)?),
    };
    Ok(rt::spawn(async move {
        // Removed when the listener goes.
        let _file = file;
        let mut batch = 0;
        let mut health = AcceptHealth::default();
        loop {
            match listener.accept(&doors.presence).await {
                Ok(stream) => {
                    health.worked();
                    match transport {
                        Transport::WebSocket => {
                            let http = Rc::clone(&doors.http);
                            doors.entrance.lead(stream, transport, tls, |stream| http.serve(stream));
                        }
                        Transport::Raw => {
                            let desk = Rc::clone(&doors.desk);
                            doors.entrance.lead(stream, transport, tls, move |stream| raw::session(&desk, stream));
                        }
                    }
                }
                // The peer was gone before it was accepted.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    health.failed(&error);
                    tokio::time::sleep(BACK_OFF).await;
                }
            }
            batch += 1;
            if batch == BATCH {
                batch = 0;
                tokio::task::yield_now().await;
            }
        }
    }))
}

impl Listener {
    async fn accept(&self, presence: &Rc<Presence>) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                stream.set_nodelay(true)?;
                tune(&stream, sockopt::SndBuf, SEND_BUFFER);
                tune(&stream, sockopt::KeepAlive, true);
                tune(&stream, sockopt::TcpKeepIdle, PROBE_AFTER_SECS);
                tune(&stream, sockopt::TcpKeepInterval, PROBE_EVERY_SECS);
                tune(&stream, sockopt::TcpKeepCount, PROBES);
                tune(&stream, sockopt::TcpUserTimeout, UNACKNOWLEDGED_MS);
                Ok(Stream::tcp(stream, Peer::direct(Origin::Tcp(address)), presence.enter()))
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                let uid = stream.peer_cred().map_or(u32::MAX, |peer| peer.uid());
                tune(&stream, sockopt::SndBuf, SEND_BUFFER);
                Ok(Stream::unix(stream, Peer::direct(Origin::Unix(uid)), presence.enter()))
            }
        }
    }
}

/// Sets an option that makes a connection cheaper or its loss known sooner; it works without.
fn tune<S: std::os::fd::AsFd, O: SetSockOpt>(socket: &S, option: O, value: O::Val)
where
    O::Val: Sized,
{
    if let Err(error) = setsockopt(socket, option, &value) {
        tracing::debug!(%error, "a socket option was refused");
    }
}
