//! One case: what a client sends, and what must come back.

use rtstat_test_support::{
    Client, Got, PATIENCE, Rtstatd,
    websocket::{CLOSE, FIN, Frame, PING, PONG, TEXT, masked},
};

/// The answer to a text that is no command.
pub const UNKNOWN: &str = "Error::Unknown command\n";

/// What must come next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    Text(String),
    Pong(Vec<u8>),
    /// A close frame with one of these codes (none: without), and the end of the connection.
    Close(Vec<Option<u16>>),
}

/// A case under construction, in the order of the wire.
pub struct Case {
    name: String,
    sent: Vec<u8>,
    /// Bytes a write; 0: all in one.
    chop: usize,
    half_close: bool,
    expected: Vec<Expect>,
}

impl Case {
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            sent: Vec::new(),
            chop: 0,
            half_close: false,
            expected: Vec::new(),
        }
    }

    /// Sends a frame.
    pub fn frame(mut self, head: u8, payload: impl AsRef<[u8]>) -> Self {
        self.sent.extend(masked(head, payload.as_ref()));
        self
    }

    /// Sends a whole text.
    pub fn text(self, payload: impl AsRef<[u8]>) -> Self {
        self.frame(FIN | TEXT, payload)
    }

    /// Sends a ping that is answered.
    pub fn ping(self, payload: &[u8]) -> Self {
        self.frame(FIN | PING, payload)
            .expect(Expect::Pong(payload.to_vec()))
    }

    /// Sends anything.
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.sent.extend(bytes);
        self
    }

    /// Writes in pieces of so many bytes.
    pub fn chopped(mut self, size: usize) -> Self {
        self.chop = size;
        self
    }

    /// Ends the sending half behind all that.
    pub fn half_closed(mut self) -> Self {
        self.half_close = true;
        self
    }

    pub fn expect(mut self, expect: Expect) -> Self {
        self.expected.push(expect);
        self
    }

    /// One text that is no command was received whole.
    pub fn answered(self) -> Self {
        self.answers(UNKNOWN)
    }

    pub fn answers(self, text: &str) -> Self {
        self.expect(Expect::Text(text.into()))
    }

    /// The server fails the connection, or answers the client's close.
    pub fn closes(self, code: u16) -> Self {
        self.expect(Expect::Close(vec![Some(code)]))
    }

    /// Plays it on a connection of its own.
    pub fn play(&self, server: &Rtstatd) {
        let name = &self.name;
        let mut socket = Client::websocket(server.address());
        let Got::Some(greeting) = socket.read_for(PATIENCE, Frame::take) else {
            panic!("{name}: no greeting")
        };
        assert!(
            greeting.payload.starts_with(b"Welcome::"),
            "{name}: {greeting:?}"
        );
        let size = if self.chop == 0 {
            self.sent.len().max(1)
        } else {
            self.chop
        };
        for piece in self.sent.chunks(size) {
            socket.send(piece);
        }
        if self.half_close {
            socket.half_close();
        }
        for expected in &self.expected {
            let Got::Some(frame) = socket.read_for(PATIENCE, Frame::take) else {
                panic!("{name}: nothing came for {expected:?}")
            };
            match expected {
                Expect::Text(text) => {
                    assert_eq!(frame.head, FIN | TEXT, "{name}: {frame:?}");
                    assert_eq!(String::from_utf8_lossy(&frame.payload), *text, "{name}");
                }
                Expect::Pong(payload) => {
                    assert_eq!(frame.head, FIN | PONG, "{name}: {frame:?}");
                    assert_eq!(frame.payload, *payload, "{name}");
                }
                Expect::Close(codes) => {
                    assert_eq!(frame.head, FIN | CLOSE, "{name}: {frame:?}");
                    assert!(
                        codes.contains(&frame.close().0),
                        "{name}: {:?} instead of {codes:?}",
                        frame.close()
                    );
                    assert_ne!(frame.payload.len(), 1, "{name}");
                    socket.send_frame(FIN | CLOSE, &frame.payload);
                    assert_eq!(
                        socket.read_for(PATIENCE, Frame::take),
                        Got::Eof,
                        "{name}: not ended"
                    );
                    return;
                }
            }
        }
        if self.half_close {
            // A close frame may stand before the end.
            while let Got::Some(frame) = socket.read_for(PATIENCE, Frame::take) {
                assert_eq!(frame.head, FIN | CLOSE, "{name}: {frame:?}");
            }
            assert_eq!(
                socket.read_for(PATIENCE, Frame::take),
                Got::Eof,
                "{name}: not ended"
            );
            return;
        }
        // The connection lives, and nothing else was under way.
        socket.send_text("version");
        let Got::Some(frame) = socket.read_for(PATIENCE, Frame::take) else {
            panic!("{name}: no longer alive")
        };
        assert!(frame.payload.starts_with(b"Version::"), "{name}: {frame:?}");
    }
}

/// Plays all, each on a connection of its own, at one server.
pub fn play(cases: impl IntoIterator<Item = Case>) {
    let server = Rtstatd::start(&["ws"], &["-c", "0"]);
    for case in cases {
        case.play(&server);
    }
}
