//! A blocking connection whose reads can be given up without losing bytes.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use rtstat_test_support::connect;

/// How long a test waits for what must come. Never a measure of speed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What a bounded read came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Got<T> {
    /// This.
    Some(T),
    /// The peer has closed (or reset, which a close with unread bytes is).
    Eof,
    /// Nothing in the time given.
    Nothing,
}

/// One connection.
pub struct Stream {
    tcp: TcpStream,
    /// Read and not yet taken.
    buffer: Vec<u8>,
}

impl Stream {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Self {
        let tcp = connect(address).unwrap();
        tcp.set_nodelay(true).unwrap();
        Self {
            tcp,
            buffer: Vec::new(),
        }
    }

    /// Writes all; a peer that has closed already is found by the next read.
    pub fn write(&mut self, bytes: &[u8]) {
        let _ = self.tcp.write_all(bytes);
    }

    /// Ends the sending half.
    pub fn half_close(&self) {
        let _ = self.tcp.shutdown(Shutdown::Write);
    }

    /// Reads until `take` finds something at the front of what has come: it gives the value and its
    /// length in bytes.
    pub fn read_for<T>(
        &mut self,
        time: Duration,
        take: impl Fn(&[u8]) -> Option<(T, usize)>,
    ) -> Got<T> {
        let deadline = Instant::now() + time;
        loop {
            if let Some((value, len)) = take(&self.buffer) {
                self.buffer.drain(..len);
                return Got::Some(value);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Got::Nothing;
            }
            self.tcp.set_read_timeout(Some(left)).unwrap();
            let mut chunk = [0; 4096];
            match self.tcp.read(&mut chunk) {
                Ok(0) => return Got::Eof,
                Ok(len) => self.buffer.extend_from_slice(&chunk[..len]),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Got::Eof,
                Err(error) => panic!("read: {error}"),
            }
        }
    }
}
