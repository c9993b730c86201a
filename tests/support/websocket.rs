//! A WebSocket client that can also send what RFC 6455 forbids.

use std::{net::SocketAddr, time::Duration};

use super::stream::{Got, PATIENCE, Stream};

/// The request of RFC 6455, section 1.2, whose accept key is known.
pub const HANDSHAKE: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The bit of the last frame of a message.
pub const FIN: u8 = 0x80;

pub const CONTINUATION: u8 = 0;
pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// A frame of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The first byte: FIN, the reserved bits and the opcode.
    pub head: u8,
    pub payload: Vec<u8>,
}

impl Frame {
    /// Code and reason of a close frame; an empty one has none.
    pub fn close(&self) -> (Option<u16>, String) {
        let code = self
            .payload
            .first_chunk()
            .map(|code| u16::from_be_bytes(*code));
        (
            code,
            String::from_utf8_lossy(self.payload.get(2..).unwrap_or_default()).into_owned(),
        )
    }
}

/// A client frame: `head` as in [`Frame`], always masked.
pub fn masked(head: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let mut bytes = vec![head];
    match payload.len() {
        len @ 0..126 => bytes.push(0x80 | len as u8),
        len @ 126..0x1_0000 => {
            bytes.push(0x80 | 126);
            bytes.extend((len as u16).to_be_bytes());
        }
        len => {
            bytes.push(0x80 | 127);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    bytes.extend(mask);
    bytes.extend(
        payload
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    bytes
}

/// An upgraded connection.
pub struct WebSocket(pub Stream);

impl WebSocket {
    /// Connects and upgrades.
    pub fn connect(address: SocketAddr) -> Self {
        let mut stream = Stream::connect(address);
        stream.write(HANDSHAKE.as_bytes());
        let Got::Some(head) = stream.read_for(PATIENCE, http_head) else {
            panic!("no answer to the upgrade")
        };
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let accept = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("sec-websocket-accept")
                .then(|| value.trim())
        });
        assert_eq!(accept, Some(ACCEPT), "{head}");
        Self(stream)
    }

    /// Sends one masked frame.
    pub fn send(&mut self, head: u8, payload: &[u8]) {
        self.0.write(&masked(head, payload));
    }

    /// The next frame. A masked one fails the test: servers must not mask.
    pub fn read(&mut self, time: Duration) -> Got<Frame> {
        self.0.read_for(time, |bytes| {
            let (&[head, length], rest) = bytes.split_first_chunk()?;
            assert_eq!(length & 0x80, 0, "the server masks");
            let (length, rest) = match length {
                126 => {
                    let (length, rest) = rest.split_first_chunk()?;
                    (usize::from(u16::from_be_bytes(*length)), rest)
                }
                127 => {
                    let (length, rest) = rest.split_first_chunk()?;
                    (usize::try_from(u64::from_be_bytes(*length)).unwrap(), rest)
                }
                length => (usize::from(length), rest),
            };
            let payload = rest.get(..length)?.to_vec();
            let taken = bytes.len() - rest.len() + length;
            Some((Frame { head, payload }, taken))
        })
    }
}

/// An HTTP head up to and with its blank line.
pub fn http_head(bytes: &[u8]) -> Option<(String, usize)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    Some((String::from_utf8_lossy(&bytes[..end]).into_owned(), end))
}
