//! RFC 6455 as a client needs it, and as a client may break it.

/// The key of RFC 6455, section 1.3, whose answer is [`ACCEPT`].
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// What a server answers to [`KEY`].
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The bit of the last frame of a message.
pub const FIN: u8 = 0x80;
/// Opcode: goes on with a message.
pub const CONTINUATION: u8 = 0;
/// Opcode: a text.
pub const TEXT: u8 = 1;
/// Opcode: bytes.
pub const BINARY: u8 = 2;
/// Opcode: the end.
pub const CLOSE: u8 = 8;
/// Opcode: asks for a pong.
pub const PING: u8 = 9;
/// Opcode: answers a ping.
pub const PONG: u8 = 10;

/// A request to upgrade, with these header lines besides the usual ones.
#[must_use]
pub fn upgrade_request(path: &str, headers: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\n{headers}Upgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
}

/// A frame of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The first byte: FIN, the reserved bits and the opcode.
    pub head: u8,
    /// What it carries.
    pub payload: Vec<u8>,
}

impl Frame {
    /// Code and reason of a close frame; an empty one has none.
    #[must_use]
    pub fn close(&self) -> (Option<u16>, String) {
        let code = self
            .payload
            .first_chunk()
            .map(|code| u16::from_be_bytes(*code));
        let reason = self.payload.get(2..).unwrap_or_default();
        (code, String::from_utf8_lossy(reason).into_owned())
    }

    /// The frame at the front of these bytes and its length there, once it is whole.
    ///
    /// # Panics
    /// When it is masked: servers must not mask.
    #[must_use]
    pub fn take(bytes: &[u8]) -> Option<(Self, usize)> {
        let (&[head, length], rest) = bytes.split_first_chunk()?;
        assert_eq!(length & 0x80, 0, "the server masks");
        let (length, rest) = match length {
            126 => {
                let (length, rest) = rest.split_first_chunk()?;
                (usize::from(u16::from_be_bytes(*length)), rest)
            }
            127 => {
                let (length, rest) = rest.split_first_chunk()?;
                (usize::try_from(u64::from_be_bytes(*length)).ok()?, rest)
            }
            length => (usize::from(length), rest),
        };
        let payload = rest.get(..length)?.to_vec();
        Some((Self { head, payload }, bytes.len() - rest.len() + length))
    }
}

/// A client's frame; `head` as in [`Frame`].
#[must_use]
pub fn masked(head: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let mut bytes = vec![head];
    if payload.len() < 126 {
        bytes.push(0x80 | payload.len() as u8);
    } else if let Ok(length) = u16::try_from(payload.len()) {
        bytes.push(0x80 | 126);
        bytes.extend(length.to_be_bytes());
    } else {
        bytes.push(0x80 | 127);
        bytes.extend((payload.len() as u64).to_be_bytes());
    }
    bytes.extend(mask);
    let masked = payload.iter().zip(mask.iter().cycle());
    bytes.extend(masked.map(|(byte, mask)| byte ^ mask));
    bytes
}
