//! One client of rtstatd, well-behaved or not: raw lines, HTTP and WebSocket over anything that
//! carries bytes. A read that is given up loses nothing.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs},
    os::{fd::AsRawFd, unix::net::UnixStream},
    str::FromStr,
    time::{Duration, Instant},
};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, socket};
use serde_json::Value;

use crate::{
    Lifetime, PATIENCE,
    websocket::{ACCEPT, CLOSE, FIN, Frame, TEXT, masked, upgrade_request},
};

/// What carries the bytes.
pub trait Transport: Read + Write {
    /// Bounds each read.
    ///
    /// # Errors
    /// What the socket says.
    fn bound_reads(&self, time: Duration) -> io::Result<()>;
}

impl Transport for TcpStream {
    fn bound_reads(&self, time: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(time))
    }
}

impl Transport for UnixStream {
    fn bound_reads(&self, time: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(time))
    }
}

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
pub struct Client<S = TcpStream> {
    stream: S,
    /// Read and not yet taken.
    buffer: Vec<u8>,
    lifetime: Lifetime,
}

impl Client {
    /// Connects.
    ///
    /// # Panics
    /// When nobody accepts.
    pub fn connect(address: impl ToSocketAddrs) -> Self {
        let tcp = crate::connect(address).unwrap();
        tcp.set_nodelay(true).unwrap();
        Self::over(tcp)
    }

    /// Connects from this address of the loopback.
    pub fn connect_from(source: &str, address: SocketAddr) -> Self {
        Self::over(tcp_from(source, address))
    }

    /// A raw session that has sent these lines.
    pub fn raw(address: impl ToSocketAddrs, lines: &str) -> Self {
        let mut client = Self::connect(address);
        client.send(lines);
        client
    }

    /// Connects and asks for an upgrade with these header lines besides the usual ones.
    pub fn upgrade(address: impl ToSocketAddrs, headers: &str) -> Self {
        let mut client = Self::connect(address);
        client.ask_upgrade("/", headers);
        client
    }

    /// A WebSocket session.
    ///
    /// # Panics
    /// When the upgrade is refused.
    pub fn websocket(address: impl ToSocketAddrs) -> Self {
        let mut client = Self::upgrade(address, "Host: localhost\r\n");
        let head = client.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let accept = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let found = name.eq_ignore_ascii_case("sec-websocket-accept");
            found.then(|| value.trim())
        });
        assert_eq!(accept, Some(ACCEPT), "{head}");
        client
    }

    /// A WebSocket session that has sent these lines, a message each, right behind its request. The
    /// head of the answer is not taken: it is read as lines, too.
    pub fn websocket_lines(address: impl ToSocketAddrs, lines: &str) -> Self {
        let mut client = Self::upgrade(address, "Host: localhost\r\n");
        lines.lines().for_each(|line| client.send_text(line));
        client
    }

    /// Ends the sending half.
    pub fn half_close(&self) {
        // A peer that has closed already is found by the next read.
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

/// A TCP connection from this address of the loopback.
///
/// # Panics
/// When nobody accepts.
#[must_use]
pub fn tcp_from(source: &str, address: SocketAddr) -> TcpStream {
    let (family, kind) = (AddressFamily::Inet, SockType::Stream);
    let descriptor = socket(family, kind, SockFlag::SOCK_CLOEXEC, None).unwrap();
    let ip = |text: &str| SockaddrIn::from_str(text).unwrap();
    bind(descriptor.as_raw_fd(), &ip(&format!("{source}:0"))).unwrap();
    connect(descriptor.as_raw_fd(), &ip(&address.to_string())).unwrap();
    let tcp = TcpStream::from(descriptor);
    tcp.set_write_timeout(Some(PATIENCE)).unwrap();
    tcp
}

impl<S: Transport> Client<S> {
    /// A client over a connection.
    pub fn over(stream: S) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
            lifetime: Lifetime::start(),
        }
    }

    /// What carries its bytes.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// Sends all; a peer that has closed already is found by the next read.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.try_send(bytes.as_ref());
    }

    /// Sends what the peer takes.
    ///
    /// # Errors
    /// When it does not take all.
    pub fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// Sends a masked frame; `head` as in [`Frame`].
    pub fn send_frame(&mut self, head: u8, payload: impl AsRef<[u8]>) {
        self.send(masked(head, payload.as_ref()));
    }

    /// Sends a text message.
    pub fn send_text(&mut self, text: &str) {
        self.send_frame(FIN | TEXT, text);
    }

    /// Asks for an upgrade at `path` with these header lines besides the usual ones.
    pub fn ask_upgrade(&mut self, path: &str, headers: &str) {
        self.send(upgrade_request(path, headers));
    }

    /// Reads, once at least, until `take` finds something at the front of what has come: it gives
    /// the value and its length in bytes.
    ///
    /// # Panics
    /// When reading fails, or the conversation takes longer than a test may.
    pub fn read_for<T>(
        &mut self,
        time: Duration,
        take: impl Fn(&[u8]) -> Option<(T, usize)>,
    ) -> Got<T> {
        let deadline = Instant::now() + time;
        let mut left = time.max(Duration::from_millis(1));
        loop {
            if let Some((value, length)) = take(&self.buffer) {
                self.buffer.drain(..length);
                return Got::Some(value);
            }
            if left.is_zero() {
                return Got::Nothing;
            }
            self.lifetime.check();
            self.stream.bound_reads(left).unwrap();
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk) {
                Ok(0) => return Got::Eof,
                Ok(length) => self.buffer.extend_from_slice(&chunk[..length]),
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {}
                    ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof => return Got::Eof,
                    _ => panic!("read: {error}"),
                },
            }
            left = deadline.saturating_duration_since(Instant::now());
        }
    }

    /// What must come, or the end.
    fn read<T>(&mut self, what: &str, take: impl Fn(&[u8]) -> Option<(T, usize)>) -> Option<T> {
        match self.read_for(PATIENCE, take) {
            Got::Some(value) => Some(value),
            Got::Eof => None,
            Got::Nothing => {
                let came = String::from_utf8_lossy(&self.buffer);
                panic!("no {what} within {} s, but {came:?}", PATIENCE.as_secs())
            }
        }
    }

    /// The next line; what has come of it, mostly nothing, at the end of the connection.
    pub fn line(&mut self) -> String {
        let line = self.read("line", |bytes| {
            let length = bytes.iter().position(|&byte| byte == b'\n')? + 1;
            Some((bytes[..length].to_vec(), length))
        });
        let line = line.unwrap_or_else(|| std::mem::take(&mut self.buffer));
        String::from_utf8_lossy(&line).into_owned()
    }

    /// The first line that contains this, without its end. Frames are not looked at: pushes and
    /// answers end with a newline over WebSocket, too.
    pub fn line_with(&mut self, what: &str) -> String {
        loop {
            let line = self.line();
            assert_ne!(line, "", "the end, and no {what}");
            if line.contains(what) {
                return line.trim_end().to_owned();
            }
        }
    }

    /// The rest of the next line that starts with `prefix`. An error of the server fails the test.
    pub fn answer(&mut self, prefix: &str) -> String {
        loop {
            let line = self.line();
            assert!(!line.is_empty() && !line.starts_with("Error::"), "{line:?}");
            if let Some(rest) = line.trim_end().strip_prefix(prefix) {
                return rest.to_owned();
            }
        }
    }

    /// The next push.
    pub fn push(&mut self) -> Value {
        let line = self.line_with("Push::");
        assert!(!line.starts_with("Error::"), "{line}");
        json(
            line.split_once("Push::")
                .map_or("", |(_, argument)| argument),
        )
    }

    /// The first push that is as wanted.
    pub fn push_with(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let push = self.push();
            if wanted(&push) {
                return push;
            }
            assert!(
                Instant::now() < deadline,
                "such a push never came; the last one: {push}"
            );
        }
    }

    /// What `info` answers.
    pub fn info(&mut self) -> Value {
        self.send("info\n");
        json(&self.answer("Info::"))
    }

    /// Everything until the end of the connection.
    pub fn rest(&mut self) -> Vec<u8> {
        assert_eq!(self.read("end", |_| None::<((), usize)>), None);
        std::mem::take(&mut self.buffer)
    }

    /// So many bytes.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let bytes = self.read("body", |bytes| {
            Some((bytes.get(..length)?.to_vec(), length))
        });
        bytes.expect("the end in place of a body")
    }

    /// The head of an HTTP answer, with its blank line.
    pub fn head(&mut self) -> String {
        let head = self.read("HTTP head", http_head);
        head.unwrap_or_else(|| String::from_utf8_lossy(&std::mem::take(&mut self.buffer)).into())
    }

    /// The next frame.
    pub fn frame(&mut self) -> Frame {
        let frame = self.read("frame", Frame::take);
        frame.unwrap_or_else(|| panic!("the end in place of a frame: {:?}", self.buffer))
    }

    /// The next text.
    pub fn text(&mut self) -> String {
        let frame = self.frame();
        assert_eq!(frame.head, FIN | TEXT, "{frame:?}");
        String::from_utf8(frame.payload).unwrap()
    }

    /// The code of the close frame that must come next.
    pub fn close_code(&mut self) -> u16 {
        let frame = self.frame();
        assert_eq!(frame.head, FIN | CLOSE, "{frame:?}");
        frame.close().0.unwrap()
    }
}

/// An HTTP head with its blank line, at the front of these bytes.
#[must_use]
pub fn http_head(bytes: &[u8]) -> Option<(String, usize)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    Some((String::from_utf8_lossy(&bytes[..end]).into_owned(), end))
}

/// The JSON of a message's argument.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn json(argument: &str) -> Value {
    let text = unescaped(argument);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A message's argument without its escapes: two backslashes are one, a backslash and `n` a newline,
/// and a backslash before anything else goes.
#[must_use]
pub fn unescaped(argument: &str) -> String {
    let mut text = String::with_capacity(argument.len());
    let mut letters = argument.chars();
    while let Some(letter) = letters.next() {
        text.push(match letter {
            '\\' => match letters.next() {
                Some('n') => '\n',
                Some(other) => other,
                None => '\\',
            },
            other => other,
        });
    }
    text
}

/// The first line of a session with a server of this version.
#[must_use]
pub fn greeting(version: &str) -> String {
    format!("Welcome::Rt-Stat v.{version}\n")
}
