//! Connections: each read and write has an end, and so has the whole conversation.

use std::{
    io::{self, ErrorKind},
    net::{TcpStream, ToSocketAddrs},
    os::unix::net::UnixStream,
    path::Path,
    time::{Duration, Instant},
};

use crate::PATIENCE;

/// The longest conversation of a test: pushes that keep coming must not keep a test alive that waits
/// for something else.
const LIFETIME: Duration = Duration::from_secs(300);

/// A TCP connection whose connect, reads and writes end within [`PATIENCE`].
///
/// # Errors
/// When nobody accepts.
pub fn connect(address: impl ToSocketAddrs) -> io::Result<TcpStream> {
    let Some(address) = address.to_socket_addrs()?.next() else {
        return Err(ErrorKind::AddrNotAvailable.into());
    };
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// A connection to a socket file whose reads and writes end within [`PATIENCE`].
///
/// # Errors
/// When nobody accepts.
pub fn connect_unix(path: impl AsRef<Path>) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// The time that is left to a conversation.
#[derive(Debug)]
pub struct Lifetime(Instant);

impl Lifetime {
    /// From now on.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now() + LIFETIME)
    }

    /// Fails the test when the time is up. To be asked before every read.
    pub fn check(&self) {
        assert!(
            Instant::now() < self.0,
            "what the test waits for did not come within {} s",
            LIFETIME.as_secs()
        );
    }
}
