//! Writes to TCP sockets so that the kernel's queue for a peer that does not read stays bounded.
//!
//! The kernel compares a socket's queue with `SO_SNDBUF` only when it begins a new buffer of its
//! own; what is written while the last buffer has room is added to it, up to 64 KiB or half the
//! peer's window, whatever the limit says (`tcp_sendmsg_locked`, net/ipv4/tcp.c). `MSG_EOR` closes
//! that last buffer, so that each write is compared: the queue holds the limit and one write more.

use std::{
    io::{self, IoSlice},
    os::fd::AsRawFd,
    pin::Pin,
    task::{Context, Poll, ready},
};

use nix::sys::socket::{MsgFlags, SetSockOpt, send, sendmsg, setsockopt, sockopt};
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
};

/// Maximum size of one write, by which the kernel's queue may exceed its limit.
pub const LONGEST_WRITE: usize = 8 * 1024;

/// `SO_SNDBUF` of a session, in bytes. The kernel doubles it for its own bookkeeping.
const SESSION_SEND: usize = 8 * 1024;

/// The same over TLS, where rustls buffers more.
const TLS_SESSION_SEND: usize = 4 * 1024;

/// The header of a TLS record: its kind, version and length (RFC 8446 §5.1).
const RECORD_HEADER: usize = 5;

/// Length in bytes beyond which the buffer of a TLS record is shrunk after it.
const LONG_RECORD: usize = 4096;

const FLAGS: MsgFlags = MsgFlags::MSG_EOR
    .union(MsgFlags::MSG_NOSIGNAL)
    .union(MsgFlags::MSG_DONTWAIT);

/// Sets an option that a connection also works without; a failure is only logged.
pub fn tune<S: std::os::fd::AsFd, O: SetSockOpt>(socket: &S, option: O, value: O::Val)
where
    O::Val: Sized,
{
    if let Err(error) = setsockopt(socket, option, &value) {
        tracing::debug!(%error, "a socket option was refused");
    }
}

/// Reduces the kernel's memory for a connection to what a session needs. Static files need more.
pub fn tune_for_session(stream: &TcpStream, tls: bool) {
    tune(
        stream,
        sockopt::SndBuf,
        if tls { TLS_SESSION_SEND } else { SESSION_SEND },
    );
}

/// Writes what the socket takes without waiting, at most [`LONGEST_WRITE`].
///
/// # Errors
/// `WouldBlock` when the socket takes nothing; those of the socket.
pub fn try_write(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let part = bytes.get(..LONGEST_WRITE).unwrap_or(bytes);
    stream.try_io(Interest::WRITABLE, || {
        Ok(send(stream.as_raw_fd(), part, FLAGS)?)
    })
}

/// The same, and wakes the task when the socket takes something again.
pub fn poll_write(
    stream: &TcpStream,
    cx: &mut Context<'_>,
    bytes: &[u8],
) -> Poll<io::Result<usize>> {
    loop {
        ready!(stream.poll_write_ready(cx))?;
        match try_write(stream, bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            outcome => return Poll::Ready(outcome),
        }
    }
}

/// A TCP connection below TLS, read record by record, so that rustls never holds more than one
/// record and can shrink its buffer after a long one.
pub struct Records {
    tcp: TcpStream,
    header: [u8; RECORD_HEADER],
    /// Bytes of the header received.
    seen: usize,
    /// Bytes of the current record that are still to come.
    rest: usize,
    long: bool,
}

impl Records {
    /// Wraps a connection that has not been read yet.
    #[must_use]
    pub fn new(tcp: TcpStream) -> Self {
        Self {
            tcp,
            header: [0; RECORD_HEADER],
            seen: 0,
            rest: 0,
            long: false,
        }
    }

    /// The TCP connection.
    #[must_use]
    pub fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// Whether a long record was completed since the last call.
    pub fn take_long(&mut self) -> bool {
        self.rest == 0 && std::mem::take(&mut self.long)
    }

    /// Follows the records. Bytes that are none get a length all the same; rustls refuses them.
    fn came(&mut self, bytes: &[u8]) {
        if self.rest > 0 {
            self.rest = self.rest.saturating_sub(bytes.len());
            return;
        }
        for (slot, byte) in self.header.iter_mut().skip(self.seen).zip(bytes) {
            *slot = *byte;
        }
        self.seen += bytes.len();
        if self.seen >= RECORD_HEADER {
            let [_, _, _, high, low] = self.header;
            self.rest = usize::from(u16::from_be_bytes([high, low]));
            self.long |= self.rest > LONG_RECORD;
            self.seen = 0;
        }
    }
}

impl AsyncRead for Records {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let wanted = if this.rest > 0 {
            this.rest
        } else {
            RECORD_HEADER - this.seen
        };
        let room = wanted.min(buffer.remaining());
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(room));
        ready!(Pin::new(&mut this.tcp).poll_read(cx, &mut part))?;
        this.came(part.filled());
        let count = part.filled().len();
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Records {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        poll_write(&self.tcp, cx, bytes)
    }

    /// Writes all parts at once: rustls offers its last alert only once, behind other parts.
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let tcp = &self.tcp;
        let all = || Ok(sendmsg::<()>(tcp.as_raw_fd(), parts, &[], FLAGS, None)?);
        loop {
            ready!(tcp.poll_write_ready(cx))?;
            match tcp.try_io(Interest::WRITABLE, all) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return Poll::Ready(outcome),
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(cx)
    }
}
