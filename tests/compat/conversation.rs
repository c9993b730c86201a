//! Reads the notation of `conversations/README`.

use rtstat_test_support::websocket::{BINARY, CLOSE, CONTINUATION, FIN, PING, TEXT};

/// A transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Raw,
    Ws,
}

impl Mode {
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Ws => "ws",
        }
    }
}

/// One recorded conversation, as rtstatd should lead it.
#[derive(Debug)]
pub struct Conversation {
    pub title: String,
    /// Of the command line.
    pub options: Vec<String>,
    pub steps: Vec<Step>,
}

/// One line of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Go on as this client, connecting it first where it is new; `when_free`: as soon as the
    /// server admits it.
    Client { name: String, when_free: bool },
    /// This client leaves without a word.
    Disconnect,
    /// It ends its sending half.
    HalfClose,
    /// A whole message.
    Send(Vec<u8>),
    /// Bytes without a newline (raw).
    Bytes(Vec<u8>),
    /// A frame: its first byte and payload (WebSocket).
    Frame(u8, Vec<u8>),
    /// A message comes.
    Receive(String),
    /// A frame comes (WebSocket).
    ReceiveFrame(Expected),
    /// A push comes, no sooner than this many seconds after the last line that was sent.
    Push { after_secs: f64 },
    /// The server closes.
    Eof,
    /// Nothing comes for this many seconds.
    Quiet(f64),
}

/// A frame that is no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    Pong(Vec<u8>),
    Close(Option<u16>, String),
}

/// All conversations in `text`, as they go in `mode`.
pub fn parse(text: &str, mode: Mode) -> Vec<Conversation> {
    let mut all: Vec<Conversation> = Vec::new();
    let mut explained = false;
    for (number, line) in text.lines().enumerate() {
        let complain = |what: &str| -> ! { panic!("line {}: {what}: {line}", number + 1) };
        let line = match (line.strip_prefix("raw: "), line.strip_prefix("ws: ")) {
            (Some(line), _) if mode == Mode::Raw => line,
            (_, Some(line)) if mode == Mode::Ws => line,
            (None, None) => line,
            _ => continue,
        };
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(title) = line.strip_prefix("== ") {
            all.push(Conversation {
                title: title.into(),
                options: Vec::new(),
                steps: Vec::new(),
            });
            explained = false;
            continue;
        }
        let Some(conversation) = all.last_mut() else {
            complain("no conversation yet")
        };
        if let Some(options) = line.strip_prefix("options ") {
            conversation.options = options.split(' ').map(Into::into).collect();
            continue;
        }
        if line.starts_with("! ") {
            explained = true;
            continue;
        }
        let line = match line.as_bytes().first() {
            Some(b'-' | b'+') if !explained => complain("a difference without a reason"),
            Some(b'-') => continue,
            Some(b'+') => &line[1..],
            _ => {
                explained = false;
                line
            }
        };
        conversation
            .steps
            .push(step(line).unwrap_or_else(|| complain("not understood")));
    }
    all
}

fn step(line: &str) -> Option<Step> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    Some(match word {
        "client" => match rest.strip_suffix(" when free") {
            Some(name) => Step::Client {
                name: name.into(),
                when_free: true,
            },
            None => Step::Client {
                name: rest.into(),
                when_free: false,
            },
        },
        "disconnect" => Step::Disconnect,
        "half-close" => Step::HalfClose,
        "quiet" => Step::Quiet(rest.parse().ok()?),
        ">" => Step::Send(unescape(rest)),
        ">>" => Step::Bytes(unescape(rest)),
        "<" => Step::Receive(rest.replace("{version}", env!("CARGO_PKG_VERSION"))),
        "<eof" => Step::Eof,
        "<push" => Step::Push {
            after_secs: rest.parse().ok()?,
        },
        "<pong" => Step::ReceiveFrame(Expected::Pong(unescape(rest))),
        "<close" => {
            let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
            let code = if code.is_empty() {
                None
            } else {
                Some(code.parse().ok()?)
            };
            Step::ReceiveFrame(Expected::Close(code, reason.into()))
        }
        ">text" => Step::Frame(FIN | TEXT, unescape(rest)),
        ">text-part" => Step::Frame(TEXT, unescape(rest)),
        ">last-part" => Step::Frame(FIN | CONTINUATION, unescape(rest)),
        ">binary" => Step::Frame(FIN | BINARY, unescape(rest)),
        ">close" => Step::Frame(FIN | CLOSE, unescape(rest)),
        ">ping" => Step::Frame(FIN | PING, unescape(rest)),
        _ => return None,
    })
}

/// `\n`, `\r`, `\t`, `\\` and `\xNN`.
pub fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next() {
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'\\') => b'\\',
            Some(b'x') => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => panic!("unknown escape {other:?} in {text}"),
        });
    }
    bytes
}
