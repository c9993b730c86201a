//! Plays one conversation as the client.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use rtstat_test_support::{
    Client as Connection, Got, PATIENCE, Rtstatd,
    websocket::{self, Frame},
};

use super::{
    conversation::{Conversation, Expected, Mode, Step},
    shape,
};

/// What a server sends.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Message(String),
    Frame(Expected),
    Eof,
    Nothing,
}

/// One client on either transport.
enum Wire {
    Raw(Connection),
    Ws(Connection),
}

impl Wire {
    fn connect(mode: Mode, server: &Rtstatd) -> Self {
        match mode {
            Mode::Raw => Self::Raw(Connection::connect(server.address())),
            Mode::Ws => Self::Ws(Connection::websocket(server.address())),
        }
    }

    /// A whole message: a packet with its newline, or a text frame without one, as the original's
    /// page sends it.
    fn send(&mut self, message: &[u8]) {
        match self {
            Self::Raw(stream) => stream.send([message, b"\n"].concat()),
            Self::Ws(socket) => socket.send_frame(websocket::FIN | websocket::TEXT, message),
        }
    }

    fn stream(&mut self) -> &mut Connection {
        match self {
            Self::Raw(stream) | Self::Ws(stream) => stream,
        }
    }

    /// The next thing said within `time`; a message without its newline, which must be there.
    fn read(&mut self, time: Duration) -> Said {
        let line = |bytes: &[u8]| {
            let end = bytes.iter().position(|&byte| byte == b'\n')?;
            Some((bytes[..end].to_vec(), end + 1))
        };
        let got = match self {
            Self::Raw(stream) => stream.read_for(time, line),
            Self::Ws(socket) => match socket.read_for(time, Frame::take) {
                Got::Some(frame) => match frame.head ^ websocket::FIN {
                    websocket::TEXT => {
                        let (text, len) =
                            line(&frame.payload).expect("a message ends with a newline");
                        assert_eq!(len, frame.payload.len(), "one message a frame");
                        Got::Some(text)
                    }
                    websocket::PONG => return Said::Frame(Expected::Pong(frame.payload)),
                    websocket::CLOSE => {
                        let (code, reason) = frame.close();
                        return Said::Frame(Expected::Close(code, reason));
                    }
                    _ => panic!("neither a whole text nor a pong nor a close: {frame:?}"),
                },
                Got::Eof => Got::Eof,
                Got::Nothing => Got::Nothing,
            },
        };
        match got {
            Got::Some(bytes) => Said::Message(String::from_utf8(bytes).expect("answers are UTF-8")),
            Got::Eof => Said::Eof,
            Got::Nothing => Said::Nothing,
        }
    }
}

/// One client and what is known of it.
struct Client {
    wire: Wire,
    /// Whether pushes may stand between the answers.
    pushing: bool,
    last_sent: Instant,
}

impl Client {
    fn connect(mode: Mode, server: &Rtstatd) -> Self {
        Self {
            wire: Wire::connect(mode, server),
            pushing: false,
            last_sent: Instant::now(),
        }
    }

    /// The next thing said that is not a push between answers.
    fn answer(&mut self, time: Duration) -> Said {
        let deadline = Instant::now() + time;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.wire.read(left) {
                Said::Message(text) if self.pushing && text.starts_with("Push::") => {}
                other => return other,
            }
        }
    }

    /// Proves that everything sent so far was accepted in silence: the answers keep the order of
    /// the commands.
    fn expect_silence(&mut self, context: &str) {
        self.wire.send(b"version");
        let version = concat!("Version::", env!("CARGO_PKG_VERSION")).to_owned();
        assert_eq!(
            self.answer(PATIENCE),
            Said::Message(version),
            "{context}: not accepted in silence"
        );
    }
}

/// Plays `conversation` against a server of its own.
pub fn play(conversation: &Conversation, mode: Mode) {
    let options: Vec<_> = conversation.options.iter().map(String::as_str).collect();
    let server = Rtstatd::start(&[mode.scheme()], &options);
    let mut clients: HashMap<String, Client> = HashMap::new();
    let mut current = String::new();
    let mut steps = conversation.steps.iter().peekable();
    while let Some(step) = steps.next() {
        let context = format!("{} ({mode:?}): {step:?}", conversation.title);
        if let Step::Client { name, when_free } = step {
            current.clone_from(name);
            if *when_free {
                clients.insert(name.clone(), admitted(mode, &server));
                steps.next_if(|step| matches!(step, Step::Receive(_)));
            }
        }
        let client = clients
            .entry(current.clone())
            .or_insert_with(|| Client::connect(mode, &server));
        match step {
            Step::Client { .. } => {}
            Step::Disconnect => {
                clients.remove(&current);
            }
            Step::HalfClose => client.wire.stream().half_close(),
            Step::Send(message) => {
                client.last_sent = Instant::now();
                client.wire.send(message);
                client.pushing |= message.starts_with(b"start");
                let answered = matches!(
                    steps.peek(),
                    Some(
                        Step::Receive(_)
                            | Step::ReceiveFrame(_)
                            | Step::Push { .. }
                            | Step::Quiet(_)
                            | Step::Eof
                    )
                );
                let ends = matches!(steps.peek(), Some(Step::HalfClose));
                if !answered && !ends {
                    client.expect_silence(&context);
                }
            }
            Step::Bytes(bytes) => client.wire.stream().send(bytes),
            Step::Frame(head, payload) => client.wire.stream().send_frame(*head, payload),
            Step::Receive(text) => assert_eq!(
                client.answer(PATIENCE),
                Said::Message(text.clone()),
                "{context}"
            ),
            Step::ReceiveFrame(frame) => assert_eq!(
                client.answer(PATIENCE),
                Said::Frame(frame.clone()),
                "{context}"
            ),
            Step::Eof => assert_eq!(client.answer(PATIENCE), Said::Eof, "{context}"),
            Step::Push { after_secs } => {
                let Said::Message(text) = client.wire.read(PATIENCE) else {
                    panic!("{context}: no push")
                };
                let passed = client.last_sent.elapsed();
                assert!(
                    passed.as_secs_f64() >= *after_secs,
                    "{context}: came after {passed:?}"
                );
                let json = text
                    .strip_prefix("Push::")
                    .unwrap_or_else(|| panic!("{context}: {text}"));
                assert_eq!(shape::of(json), shape::of(shape::RECORDED), "{context}");
            }
            Step::Quiet(secs) => {
                // What was under way when the push was stopped may still arrive before the answer
                // to this.
                client.expect_silence(&context);
                assert_eq!(
                    client.wire.read(Duration::from_secs_f64(*secs)),
                    Said::Nothing,
                    "{context}"
                );
            }
        }
    }
}

/// A client that tries until the server has a slot: it learns of a peer that left only when it
/// reads the end.
fn admitted(mode: Mode, server: &Rtstatd) -> Client {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut client = Client::connect(mode, server);
        match client.answer(PATIENCE) {
            Said::Message(text) if text.starts_with("Welcome::") => return client,
            refused => assert!(Instant::now() < deadline, "never admitted: {refused:?}"),
        }
    }
}
