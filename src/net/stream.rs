//! A connected peer's byte stream: TCP, Unix or TLS over TCP behind one type, so that one HTTP
//! service, one write loop and one tick serve them all.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    os::fd::AsRawFd,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use nix::sys::socket::{MsgFlags, Shutdown, recv, shutdown};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::{TcpStream, UnixStream},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::net::{
    connections::ConnectionGuard,
    peer::Peer,
    socket::{self, Records},
};

/// What TLS may hold back of what was written, in bytes. Records are at most that long.
const TLS_BUFFER: usize = 2 * 1024;

/// A connection with the name of its other end.
pub struct Stream {
    kind: Kind,
    /// Who is there.
    pub peer: Peer,
    /// Counts it for as long as it lives.
    pub present: ConnectionGuard,
}

enum Kind {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<RefCell<TlsStream<Records>>>),
}

impl Stream {
    /// Over TCP.
    #[must_use]
    pub fn tcp(stream: TcpStream, peer: Peer, present: ConnectionGuard) -> Self {
        Self {
            kind: Kind::Tcp(stream),
            peer,
            present,
        }
    }

    /// Over a Unix socket.
    #[must_use]
    pub fn unix(stream: UnixStream, peer: Peer, present: ConnectionGuard) -> Self {
        Self {
            kind: Kind::Unix(stream),
            peer,
            present,
        }
    }

    /// The same connection after a TLS handshake; whatever is no TCP stays as it is.
    ///
    /// # Errors
    /// When the handshake fails. The caller sets its deadline.
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

    /// Waits for the peer's next bytes and copies those that are there, leaving them to be read; 0
    /// at the end of input.
    ///
    /// # Errors
    /// Whatever the socket says; over TLS there is no such look.
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
    /// Whatever the socket says.
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        poll_fn(|cx| self.poll_read(cx, buffer)).await
    }

    /// Whether [`Stream::try_write`] can write; otherwise only [`Stream::poll_write`] does.
    #[must_use]
    pub fn writes_directly(&self) -> bool {
        !matches!(self.kind, Kind::Tls(_))
    }

    /// Writes without waiting and without a task, outside tokio's cooperative budget.
    ///
    /// # Errors
    /// `WouldBlock` when the socket takes nothing; whatever the socket says.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match &self.kind {
            Kind::Tcp(stream) => socket::try_write(stream, bytes),
            Kind::Unix(stream) => stream.try_write(bytes),
            Kind::Tls(_) => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// Reads what is there into `buffer`; 0 at the end of input.
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
                    // An empty buffer is cut down before the next read.
                    let _ = session.read_tls(&mut Nothing);
                }
                Poll::Ready(Ok(buffer.filled().len()))
            }
        }
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

    /// Ends our direction and reads until the peer has ended its own: only then has it read what
    /// was written.
    ///
    /// # Errors
    /// Whatever the socket says. The caller sets a deadline.
    pub async fn finish(&self) -> io::Result<()> {
        poll_fn(|cx| self.poll_close(cx)).await?;
        let mut buffer = [0; 1024];
        while self.read(&mut buffer).await? > 0 {}
        Ok(())
    }

    /// Takes the kernel's memory for this connection down to what a session needs.
    pub fn becomes_session(&self) {
        match &self.kind {
            Kind::Tcp(stream) => socket::tune_for_session(stream, false),
            Kind::Tls(stream) => socket::tune_for_session(stream.borrow().get_ref().0.tcp(), true),
            Kind::Unix(_) => {}
        }
    }

    /// Hands on what TLS holds back; nothing to do for the others.
    pub fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.kind {
            Kind::Tcp(_) | Kind::Unix(_) => Poll::Ready(Ok(())),
            Kind::Tls(stream) => Pin::new(&mut *stream.borrow_mut()).poll_flush(cx),
        }
    }

    /// Has the drop reset a TCP connection: what its peer does not take would stay in the kernel
    /// long after the session.
    ///
    /// # Errors
    /// Whatever the socket says.
    pub fn abandon(&self) -> io::Result<()> {
        match &self.kind {
            Kind::Tcp(stream) => stream.set_zero_linger(),
            Kind::Unix(_) => Ok(()),
            Kind::Tls(stream) => stream.borrow().get_ref().0.tcp().set_zero_linger(),
        }
    }

    /// Ends our direction: the peer reads what was written and then the end.
    pub fn poll_close(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let fd = match &self.kind {
            Kind::Tcp(stream) => stream.as_raw_fd(),
            Kind::Unix(stream) => stream.as_raw_fd(),
            Kind::Tls(stream) => return Pin::new(&mut *stream.borrow_mut()).poll_shutdown(cx),
        };
        Poll::Ready(shutdown(fd, Shutdown::Write).map_err(io::Error::from))
    }
}

/// A source that has nothing for now.
struct Nothing;

impl io::Read for Nothing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().kind {
            Kind::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Kind::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
            Kind::Tls(stream) => Pin::new(stream.get_mut()).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Self::poll_write(&self, cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Self::poll_flush(&self, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().kind {
            Kind::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Kind::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Kind::Tls(stream) => Pin::new(stream.get_mut()).poll_shutdown(cx),
        }
    }
}
