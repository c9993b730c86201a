//! The bytes of a push or an answer, encoded once and sent as a WebSocket frame or as a raw line.

/// Room for the longest header of a server's frame (RFC 6455 §5.2: two bytes and a 64-bit length).
const HEADER: usize = 10;

const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const PONG: u8 = 0x8a;

/// A server's ping without payload, the same for everybody.
pub const PING: [u8; 2] = [0x89, 0];

/// How a transport delimits messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// RFC 6455 text frames.
    WebSocket,
    /// Lines.
    Raw,
}

impl Framing {
    /// The transport's name in logs and in `info`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Raw => "raw",
        }
    }
}

/// One message for many sessions of both transports: the WebSocket header stands right before the
/// line.
#[derive(Debug, Default)]
pub struct Frame {
    bytes: Vec<u8>,
    start: usize,
}

impl Frame {
    /// Fills the frame anew: `write` appends the line.
    pub fn fill(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.bytes.clear();
        self.bytes.resize(HEADER, 0);
        write(&mut self.bytes);
        let (header, length) = header(TEXT, self.bytes.len() - HEADER);
        self.start = HEADER - length;
        for (byte, value) in self
            .bytes
            .iter_mut()
            .skip(self.start)
            .zip(header.iter().take(length))
        {
            *byte = *value;
        }
    }

    /// The bytes to send.
    #[must_use]
    pub fn bytes(&self, framing: Framing) -> &[u8] {
        let start = match framing {
            Framing::WebSocket => self.start,
            Framing::Raw => HEADER,
        };
        self.bytes.get(start..).unwrap_or_default()
    }
}

/// Appends one line as `framing` sends it.
pub(crate) fn append_text(framing: Framing, line: &[u8], out: &mut Vec<u8>) {
    if framing == Framing::WebSocket {
        append_header(TEXT, line.len(), out);
    }
    out.extend_from_slice(line);
}

/// Appends a pong that repeats the ping's payload (at most 125 bytes by the RFC).
pub(crate) fn append_pong(payload: &[u8], out: &mut Vec<u8>) {
    append_header(PONG, payload.len(), out);
    out.extend_from_slice(payload);
}

/// Appends a close frame: a code, or nothing where the peer gave none.
pub(crate) fn append_close(code: Option<u16>, out: &mut Vec<u8>) {
    let payload = code.map(u16::to_be_bytes);
    let payload = payload.as_ref().map_or(&[][..], |bytes| bytes);
    append_header(CLOSE, payload.len(), out);
    out.extend_from_slice(payload);
}

fn append_header(opcode: u8, length: usize, out: &mut Vec<u8>) {
    let (bytes, used) = header(opcode, length);
    out.extend(bytes.iter().take(used));
}

/// A server's frame header, unmasked and final, and how many of its bytes count.
fn header(opcode: u8, length: usize) -> ([u8; HEADER], usize) {
    let mut bytes = [0; HEADER];
    let mut used = 0;
    let mut put = |source: &[u8]| {
        for (byte, value) in bytes.iter_mut().skip(used).zip(source) {
            *byte = *value;
        }
        used += source.len();
    };
    put(&[opcode]);
    if let Ok(short @ 0..=125) = u8::try_from(length) {
        put(&[short]);
    } else if let Ok(medium) = u16::try_from(length) {
        put(&[126]);
        put(&medium.to_be_bytes());
    } else {
        put(&[127]);
        put(&(length as u64).to_be_bytes());
    }
    (bytes, used)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_take_the_shortest_length_form() {
        let cases: [(usize, &[u8]); 6] = [
            (0, &[0x81, 0]),
            (125, &[0x81, 125]),
            (126, &[0x81, 126, 0, 126]),
            (65_535, &[0x81, 126, 0xff, 0xff]),
            (65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
            (1_000_000, &[0x81, 127, 0, 0, 0, 0, 0, 0x0f, 0x42, 0x40]),
        ];
        for (length, expected) in cases {
            let mut frame = Frame::default();
            frame.fill(|out| out.resize(out.len() + length, b'x'));
            let websocket = frame.bytes(Framing::WebSocket);
            assert_eq!(&websocket[..expected.len()], expected, "{length}");
            assert_eq!(websocket.len(), expected.len() + length);
            assert_eq!(frame.bytes(Framing::Raw).len(), length);
            let mut appended = Vec::new();
            append_text(Framing::WebSocket, &vec![b'x'; length], &mut appended);
            assert_eq!(appended, websocket);
        }
    }

    #[test]
    fn a_close_without_a_code_is_empty() {
        let mut out = Vec::new();
        append_close(None, &mut out);
        append_close(Some(1000), &mut out);
        assert_eq!(out, [0x88, 0, 0x88, 2, 3, 0xe8]);
    }
}
