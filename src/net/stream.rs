//! The byte stream of a connected peer: TCP, Unix or TLS over TCP behind one type, so that HTTP,
//! the write loop and the broadcaster are written once.
//!
//! Every method takes `&self`: the broadcaster writes pushes while the session's task reads.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    os::fd::AsRawFd,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::BytesMut;
use nix::sys::socket::{MsgFlags, Shutdown, recv, shutdown};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::{TcpStream, UnixStream},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::net::{
    connections::ConnectionGuard,
    peer::Peer,
    socket::{self, Records},
};

/// Bytes that rustls may keep of what was written. TLS records are at most this long.
const TLS_BUFFER: usize = 2 * 1024;

/// Bytes that [`Stream::poll_receive`] reads at a time. A peer can have this much processed, and no
/// more, before its answers are written.
const READ: usize = 2048;

/// The time that a peer has to read our last bytes and to close its direction.
pub const LINGER: Duration = Duration::from_secs(1);

/// A connection and the name of its peer.
pub struct Stream {
    kind: Kind,
    /// The peer.
    pub peer: Peer,
    /// Counts the connection while it exists.
    pub present: ConnectionGuard,
}

enum Kind {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<RefCell<TlsStream<Records>>>),
}

impl Stream {
    /// A stream over TCP.
    #[must_use]
    pub fn tcp(stream: TcpStream, peer: Peer, present: ConnectionGuard) -> Self {
        Self {
            kind: Kind::Tcp(stream),
            peer,
            present,
        }
    }

    /// A stream over a Unix socket.
    #[must_use]
    pub fn unix(stream: UnixStream, peer: Peer, present: ConnectionGuard) -> Self {
        Self {
            kind: Kind::Unix(stream),
            peer,
            present,
        }
    }

    /// Performs the TLS handshake of a TCP connection; a Unix socket stays as it is.
    ///
    /// # Errors
    /// When the handshake fails. The caller sets the deadline.
    pub async fn secure(self, config: Arc<ServerConfig>) -> io::Result<Self> {
        let Self {
            kind,
            peer,
            present,
        } = self;
        let kind = match kind {
            Kind::Tcp(stream) => {
                let mut stream = TlsAcceptor::from(config)
                    .accept(Records::new(stream))
                    .await?;
                stream.get_mut().1.set_buffer_limit(Some(TLS_BUFFER));
                Kind::Tls(Box::new(RefCell::new(stream)))
            }
            other => other,
        };
        Ok(Self {
            kind,
            peer,
            present,
        })
    }

    /// Waits for bytes and copies them without consuming them; 0 at the end of input.
    ///
    /// # Errors
    /// Those of the socket; `Unsupported` over TLS.
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        poll_fn(|cx| self.poll_peek(cx, buffer)).await
    }

    fn poll_peek(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut look = |fd| recv(fd, buffer, MsgFlags::MSG_PEEK).map_err(io::Error::from);
        loop {
            let seen = match &self.kind {
                Kind::Tcp(stream) => {
                    ready!(stream.poll_read_ready(cx))?;
                    stream.try_io(Interest::READABLE, || look(stream.as_raw_fd()))
                }
                Kind::Unix(stream) => {
                    ready!(stream.poll_read_ready(cx))?;
                    stream.try_io(Interest::READABLE, || look(stream.as_raw_fd()))
                }
                Kind::Tls(_) => Err(io::ErrorKind::Unsupported.into()),
            };
            match seen {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return Poll::Ready(outcome),
            }
        }
    }

    /// Waits for bytes and reads them; 0 at the end of input.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        poll_fn(|cx| self.poll_read(cx, buffer)).await
    }

    /// Whether [`Stream::try_write`] works for this kind of stream. TLS needs [`Stream::poll_write`].
    #[must_use]
    pub fn writes_directly(&self) -> bool {
        !matches!(self.kind, Kind::Tls(_))
    }

    /// Writes without waiting and without a task, outside tokio's cooperative budget.
    ///
    /// # Errors
    /// `WouldBlock` when the socket takes nothing; those of the socket.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match &self.kind {
            Kind::Tcp(stream) => socket::try_write(stream, bytes),
            Kind::Unix(stream) => stream.try_write(bytes),
            Kind::Tls(_) => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// Reads available bytes into `buffer`; 0 at the end of input.
    pub fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match &self.kind {
            Kind::Tcp(stream) => loop {
                ready!(stream.poll_read_ready(cx))?;
                match stream.try_read(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    outcome => return Poll::Ready(outcome),
                }
            },
            Kind::Unix(stream) => loop {
                ready!(stream.poll_read_ready(cx))?;
                match stream.try_read(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    outcome => return Poll::Ready(outcome),
                }
            },
            Kind::Tls(stream) => {
                let mut stream = stream.borrow_mut();
                let mut buffer = ReadBuf::new(buffer);
                ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer))?;
                let (records, session) = stream.get_mut();
                if records.take_long() {
                    // rustls shrinks an empty buffer before it reads again.
                    let _ = session.read_tls(&mut Nothing);
                }
                Poll::Ready(Ok(buffer.filled().len()))
            }
        }
    }

    /// Appends available bytes to `received`, at most [`READ`]; 0 at the end of input.
    ///
    /// The bytes pass through the stack, so that an idle connection owns no buffer.
    pub fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        received: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        let mut buffer = [0; READ];
        let count = ready!(self.poll_read(cx, &mut buffer))?;
        received.extend_from_slice(buffer.get(..count).unwrap_or_default());
        Poll::Ready(Ok(count))
    }

    /// Writes what the socket takes of `bytes`.
    pub fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &self.kind {
            Kind::Tcp(stream) => socket::poll_write(stream, cx, bytes),
            Kind::Unix(stream) => loop {
                ready!(stream.poll_write_ready(cx))?;
                match stream.try_write(bytes) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    outcome => return Poll::Ready(outcome),
                }
            },
            Kind::Tls(stream) => Pin::new(&mut *stream.borrow_mut()).poll_write(cx, bytes),
        }
    }

    /// Ends our direction, then reads and discards until the peer ends its own, for at most
    /// [`LINGER`]. A socket that is closed over unread bytes resets the connection, and the peer
    /// loses our last answer.
    pub async fn finish(self) {
        let peer_closed = async {
            poll_fn(|cx| self.poll_close(cx)).await?;
            let mut buffer = [0; 1024];
            while self.read(&mut buffer).await? > 0 {}
            io::Result::Ok(())
        };
        // A peer that is late or gone has nothing more to lose.
        let _ = timeout(LINGER, peer_closed).await;
    }

    /// Reduces the kernel's memory for this connection to what a session needs.
    pub fn becomes_session(&self) {
        match &self.kind {
            Kind::Tcp(stream) => socket::tune_for_session(stream, false),
            Kind::Tls(stream) => socket::tune_for_session(stream.borrow().get_ref().0.tcp(), true),
            Kind::Unix(_) => {}
        }
    }

    /// Writes what rustls keeps; the other streams keep nothing.
    pub fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.kind {
            Kind::Tcp(_) | Kind::Unix(_) => Poll::Ready(Ok(())),
            Kind::Tls(stream) => Pin::new(&mut *stream.borrow_mut()).poll_flush(cx),
        }
    }

    /// Makes the drop reset a TCP connection. Otherwise the kernel keeps what the peer does not read
    /// long after the session.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn abandon(&self) -> io::Result<()> {
        match &self.kind {
            Kind::Tcp(stream) => stream.set_zero_linger(),
            Kind::Unix(_) => Ok(()),
            Kind::Tls(stream) => stream.borrow().get_ref().0.tcp().set_zero_linger(),
        }
    }

    /// Ends our direction: the peer reads what was written, then the end of input.
    pub fn poll_close(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let fd = match &self.kind {
            Kind::Tcp(stream) => stream.as_raw_fd(),
            Kind::Unix(stream) => stream.as_raw_fd(),
            Kind::Tls(stream) => return Pin::new(&mut *stream.borrow_mut()).poll_shutdown(cx),
        };
        Poll::Ready(shutdown(fd, Shutdown::Write).map_err(io::Error::from))
    }
}

/// A reader that always would block.
struct Nothing;

impl io::Read for Nothing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}
