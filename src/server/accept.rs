//! Takes connections from the listeners and starts what serves them.

use std::{
    cell::Cell,
    io,
    net::SocketAddr,
    os::fd::{AsFd, BorrowedFd},
    rc::Rc,
    time::Duration,
};

use actix_web::rt;
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::sockopt,
};
use tokio::net::{TcpListener, TcpStream, UnixListener};

use crate::{
    config::Transport,
    http::connection::{self, Http},
    net::{
        admission::{AcceptHealth, ConnectionFilter, Listening},
        connections::ConnectionCounter,
        peer::{Origin, Peer},
        socket::tune,
        stream::Stream,
    },
    server::listeners::{Bound, Socket},
    session::{connection::SessionFactory, raw},
};

/// Connections taken in one go; then whatever else waits on this thread gets its turn.
const BATCH: usize = 64;

/// The wait after an accept that failed: the descriptors may have run out, and trying again at once
/// would spin.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Kernel memory for what a peer has not read, in bytes; the kernel doubles it for its own
/// bookkeeping. A session gets less: see [`crate::net::socket`].
const SEND_BUFFER: usize = 16 * 1024;

/// Kernel memory for what a peer has sent and we have not read, in bytes; doubled likewise.
/// Commands are short.
const RECEIVE_BUFFER: usize = 4 * 1024;

/// Silence after which the kernel asks whether a peer is still there, how often, and how many
/// times.
const PROBE_AFTER_SECS: u32 = 30;
const PROBE_EVERY_SECS: u32 = 10;
const PROBES: u32 = 3;

/// What is sent and not acknowledged for this long ends the connection.
const UNACKNOWLEDGED_MS: u32 = 60_000;

/// What serves accepted connections.
#[derive(Clone)]
pub struct Services {
    /// What every connection passes.
    pub filter: Rc<ConnectionFilter>,
    /// For WebSocket listeners.
    pub http: Rc<Http>,
    /// For raw listeners.
    pub sessions: Rc<SessionFactory>,
    /// Where connections are counted.
    pub connections: Rc<ConnectionCounter>,
}

enum Listener {
    Tcp {
        listener: TcpListener,
        /// True while the backlog may hold connections made before we set the socket options; those are
        /// tuned one by one.
        old: Cell<bool>,
    },
    Unix(UnixListener),
}

/// Starts to accept on `bound`; stops when the returned task is aborted.
///
/// # Errors
/// When the listener cannot be registered.
pub fn accept(bound: Bound, services: Services) -> io::Result<rt::task::JoinHandle<()>> {
    let transport = bound.transport();
    let listening = Listening {
        transport,
        tls: bound.tls(),
        too_many: match transport {
            Transport::WebSocket => connection::too_many_connections,
            Transport::Raw => raw::too_many_connections,
        },
    };
    let Bound { socket, file, .. } = bound;
    let listener = match socket {
        Socket::Tcp(listener) => {
            tune_tcp(listener.as_fd());
            Listener::Tcp {
                listener: TcpListener::from_std(listener)?,
                old: Cell::new(true),
            }
        }
        Socket::Unix(listener) => Listener::Unix(UnixListener::from_std(listener)?),
    };
    Ok(rt::spawn(async move {
        // Removed when the listener goes.
        let _file = file;
        let mut batch = 0;
        let mut health = AcceptHealth::default();
        loop {
            match listener.accept(&services.connections).await {
                Ok(stream) => {
                    health.worked();
                    match transport {
                        Transport::WebSocket => {
                            let http = Rc::clone(&services.http);
                            services
                                .filter
                                .admit(stream, listening, |stream| Box::pin(http.serve(stream)));
                        }
                        Transport::Raw => {
                            let sessions = Rc::clone(&services.sessions);
                            services.filter.admit(stream, listening, move |stream| {
                                raw::session(&sessions, stream)
                            });
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
    async fn accept(&self, connections: &Rc<ConnectionCounter>) -> io::Result<Stream> {
        match self {
            Self::Tcp { listener, old } => {
                let (stream, address) = accept_tcp(listener, old).await?;
                Ok(Stream::tcp(
                    stream,
                    Peer::direct(Origin::Tcp(address)),
                    connections.enter(),
                ))
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                let uid = stream.peer_cred().map_or(u32::MAX, |peer| peer.uid());
                tune(&stream, sockopt::SndBuf, SEND_BUFFER);
                Ok(Stream::unix(
                    stream,
                    Peer::direct(Origin::Unix(uid)),
                    connections.enter(),
                ))
            }
        }
    }
}

async fn accept_tcp(
    listener: &TcpListener,
    old: &Cell<bool>,
) -> io::Result<(TcpStream, SocketAddr)> {
    let (stream, address) = listener.accept().await?;
    if old.get() {
        tune_tcp(stream.as_fd());
        old.set(waits(listener.as_fd()));
    }
    Ok((stream, address))
}

/// Sets the socket options of every TCP connection. The kernel copies them from a listener to each
/// connection made from then on, which saves seven system calls a connection.
fn tune_tcp(socket: BorrowedFd<'_>) {
    tune(&socket, sockopt::TcpNoDelay, true);
    tune(&socket, sockopt::SndBuf, SEND_BUFFER);
    tune(&socket, sockopt::RcvBuf, RECEIVE_BUFFER);
    tune(&socket, sockopt::KeepAlive, true);
    tune(&socket, sockopt::TcpKeepIdle, PROBE_AFTER_SECS);
    tune(&socket, sockopt::TcpKeepInterval, PROBE_EVERY_SECS);
    tune(&socket, sockopt::TcpKeepCount, PROBES);
    tune(&socket, sockopt::TcpUserTimeout, UNACKNOWLEDGED_MS);
}

/// Whether a connection waits to be accepted; they are accepted in the order in which they were
/// made.
fn waits(listener: BorrowedFd<'_>) -> bool {
    poll(
        &mut [PollFd::new(listener, PollFlags::POLLIN)],
        PollTimeout::ZERO,
    ) != Ok(0)
}

#[cfg(test)]
mod tests {
    use std::net;

    use nix::sys::socket::getsockopt;

    use super::*;

    fn connect(listener: &net::TcpListener) -> net::TcpStream {
        net::TcpStream::connect(listener.local_addr().unwrap()).unwrap()
    }

    #[tokio::test]
    async fn every_connection_has_its_options_also_one_that_waited_before_the_start() {
        let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let _early = [connect(&listener), connect(&listener)];
        tune_tcp(listener.as_fd());
        let _late = connect(&listener);
        let other = listener.try_clone().unwrap();
        let (listener, old) = (TcpListener::from_std(listener).unwrap(), Cell::new(true));
        for (number, still_old) in [(1, true), (2, true), (3, false), (4, false)] {
            let _later = (number == 4).then(|| connect(&other));
            let (stream, _) = accept_tcp(&listener, &old).await.unwrap();
            assert_eq!(old.get(), still_old, "{number}");
            assert!(stream.nodelay().unwrap(), "{number}");
            assert_eq!(
                getsockopt(&stream, sockopt::SndBuf).unwrap(),
                2 * SEND_BUFFER,
                "{number}"
            );
            assert_eq!(
                getsockopt(&stream, sockopt::RcvBuf).unwrap(),
                2 * RECEIVE_BUFFER,
                "{number}"
            );
            assert!(getsockopt(&stream, sockopt::KeepAlive).unwrap(), "{number}");
            assert_eq!(
                getsockopt(&stream, sockopt::TcpKeepIdle).unwrap(),
                PROBE_AFTER_SECS,
                "{number}"
            );
            assert_eq!(
                getsockopt(&stream, sockopt::TcpKeepInterval).unwrap(),
                PROBE_EVERY_SECS,
                "{number}"
            );
            assert_eq!(
                getsockopt(&stream, sockopt::TcpKeepCount).unwrap(),
                PROBES,
                "{number}"
            );
            assert_eq!(
                getsockopt(&stream, sockopt::TcpUserTimeout).unwrap(),
                UNACKNOWLEDGED_MS,
                "{number}"
            );
        }
    }
}
