//! A client that may also do what no client should.

use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    os::fd::AsRawFd,
    str::FromStr,
};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, socket};

use rtstat_test_support::{Lifetime, connect as dial};

use super::agent::PATIENCE;

/// One connection, over TCP or anything else that carries bytes.
pub struct Client<S = TcpStream>(pub BufReader<S>, Lifetime);

impl Client {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Self {
        let tcp = dial(address).unwrap();
        tcp.set_nodelay(true).unwrap();
        Self::over(tcp)
    }

    /// Connects from this address of the loopback.
    pub fn connect_from(source: &str, address: SocketAddr) -> Self {
        let tcp = tcp_from(source, address);
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        tcp.set_write_timeout(Some(PATIENCE)).unwrap();
        Self::over(tcp)
    }

    /// Connects and asks for an upgrade with these header lines besides the usual ones.
    pub fn upgrade(address: SocketAddr, headers: &str) -> Self {
        let mut client = Self::connect(address);
        client.ask_upgrade("/", headers);
        client
    }

    /// Ends the sending half.
    pub fn half_close(&self) {
        let _ = self.0.get_ref().shutdown(Shutdown::Write);
    }
}

/// A TCP connection from this address of the loopback.
pub fn tcp_from(source: &str, address: SocketAddr) -> TcpStream {
    let descriptor = socket(
        AddressFamily::Inet,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    )
    .unwrap();
    bind(
        descriptor.as_raw_fd(),
        &SockaddrIn::from_str(&format!("{source}:0")).unwrap(),
    )
    .unwrap();
    connect(
        descriptor.as_raw_fd(),
        &SockaddrIn::from_str(&address.to_string()).unwrap(),
    )
    .unwrap();
    TcpStream::from(descriptor)
}

impl<S: Read + Write> Client<S> {
    pub fn over(stream: S) -> Self {
        Self(BufReader::new(stream), Lifetime::start())
    }

    /// Sends; a peer that has closed already is found by the next read.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.0.get_mut().write_all(bytes.as_ref());
        let _ = self.0.get_mut().flush();
    }

    pub fn ask_upgrade(&mut self, path: &str, headers: &str) {
        self.send(format!(
            "GET {path} HTTP/1.1\r\n{headers}Upgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ));
    }

    /// The next line; empty at the end of the connection.
    pub fn line(&mut self) -> String {
        self.1.check();
        let mut line = Vec::new();
        match self.0.read_until(b'\n', &mut line) {
            Ok(_) => {}
            // A close with unread bytes.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof
                ) => {}
            Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&line)),
        }
        String::from_utf8(line).unwrap()
    }

    /// Reads everything until the end of the connection.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            self.1.check();
            match self.0.read(&mut chunk) {
                Ok(0) => return rest,
                Ok(length) => rest.extend_from_slice(&chunk[..length]),
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof
                    ) =>
                {
                    return rest;
                }
                Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&rest)),
            }
        }
    }

    /// The head of an HTTP answer.
    pub fn head(&mut self) -> String {
        let mut head = String::new();
        loop {
            let line = self.line();
            head.push_str(&line);
            if line.trim().is_empty() {
                return head;
            }
        }
    }

    /// The next frame: its first byte and its payload.
    pub fn frame(&mut self) -> (u8, Vec<u8>) {
        self.1.check();
        let mut head = [0; 2];
        self.0.read_exact(&mut head).unwrap();
        let length = match head[1] {
            126 => {
                let mut length = [0; 2];
                self.0.read_exact(&mut length).unwrap();
                usize::from(u16::from_be_bytes(length))
            }
            127 => panic!("no answer is that long"),
            length => usize::from(length),
        };
        let mut payload = vec![0; length];
        self.0.read_exact(&mut payload).unwrap();
        (head[0], payload)
    }

    /// The next text frame.
    pub fn text(&mut self) -> String {
        let (head, payload) = self.frame();
        assert_eq!(head, 0x81, "{payload:?}");
        String::from_utf8(payload).unwrap()
    }

    /// The code of the close frame that must come next.
    pub fn close_code(&mut self) -> u16 {
        let (head, payload) = self.frame();
        assert_eq!(head, 0x88, "{payload:?}");
        u16::from_be_bytes(payload[..2].try_into().unwrap())
    }
}

/// A client's frame; the mask of zeros leaves the payload as it is.
pub fn frame(head: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![head];
    match u16::try_from(payload.len()) {
        Ok(length @ 0..126) => bytes.push(0x80 | length as u8),
        Ok(length) => {
            bytes.push(0x80 | 126);
            bytes.extend(length.to_be_bytes());
        }
        Err(_) => {
            bytes.push(0x80 | 127);
            bytes.extend((payload.len() as u64).to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}
