//! Groups 1 to 5 and 10: lengths, pings, reserved bits and opcodes, fragments.

use rtstat_test_support::{
    Client, Rtstatd,
    websocket::{BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, TEXT, masked, upgrade_request},
};

use super::case::{Case, play};

const RSV: [u8; 7] = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70];
const TOO_LONG: &str = "Error::Message too long\n";

#[test]
fn group_1_lengths() {
    for chop in [0, 997] {
        play(
            [0, 1, 125, 126, 127, 128, 4095, 4096, 4097, 65_535, 65_536].map(|len| {
                let case = Case::new(format!("1.1 text of {len}, chopped {chop}"))
                    .text(vec![b'*'; len])
                    .chopped(chop);
                match len {
                    0 => case.answers("Error::Unknown message\n"),
                    1..=4096 => case.answered(),
                    _ => case.answers(TOO_LONG).closes(1009),
                }
            }),
        );
        play([0, 125, 126, 127, 128, 65_535, 65_536].map(|len| {
            let case = Case::new(format!("1.2 binary of {len}, chopped {chop}")).chopped(chop);
            let case = case.frame(FIN | BINARY, vec![0xfe; len]);
            // The length is looked at first, before the frame has come.
            if len <= 4096 {
                case.closes(1003)
            } else {
                case.answers(TOO_LONG).closes(1009)
            }
        }));
    }
}

#[test]
fn group_2_pings_and_pongs() {
    let long = [0xfe; 125];
    let mut ten = Case::new("2.10 ten pings");
    let mut ten_chopped = Case::new("2.11 ten pings, chopped").chopped(1);
    for n in 0..10 {
        let payload = format!("payload-{n}");
        ten = ten.ping(payload.as_bytes());
        ten_chopped = ten_chopped.ping(payload.as_bytes());
    }
    play([
        Case::new("2.1 empty ping").ping(b""),
        Case::new("2.2 ping with text").ping(b"Hello, world!"),
        Case::new("2.3 ping with bytes").ping(&[0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff]),
        Case::new("2.4 ping of 125").ping(&long),
        Case::new("2.5 ping of 126")
            .frame(FIN | PING, [0xfe; 126])
            .closes(1002),
        Case::new("2.6 ping of 125, chopped").ping(&long).chopped(1),
        Case::new("2.7 unasked pong").frame(FIN | PONG, ""),
        Case::new("2.8 unasked pong with text").frame(FIN | PONG, "unsolicited pong payload"),
        Case::new("2.9 unasked pong, then a ping")
            .frame(FIN | PONG, "unsolicited")
            .ping(b"ping payload"),
        ten,
        ten_chopped,
    ]);
}

#[test]
fn group_3_reserved_bits() {
    let mut cases = Vec::new();
    for rsv in RSV {
        for (kind, opcode) in [
            ("text", TEXT),
            ("binary", BINARY),
            ("ping", PING),
            ("close", CLOSE),
        ] {
            for chop in [0, 1] {
                let case = Case::new(format!("3 {kind}, reserved bits {rsv:#x}, chopped {chop}"))
                    .chopped(chop);
                cases.push(
                    case.text("Hello")
                        .answered()
                        .frame(FIN | rsv | opcode, "\u{3}\u{3}")
                        .closes(1002),
                );
            }
        }
    }
    play(cases);
}

#[test]
fn group_4_reserved_opcodes() {
    play((3..8).chain(11..16).map(|opcode| {
        Case::new(format!("4 opcode {opcode}"))
            .text("Hello")
            .answered()
            .frame(FIN | opcode, "")
            .ping_unanswered()
    }));
    play((3..8).chain(11..16).map(|opcode| {
        let case = Case::new(format!("4 opcode {opcode}, with a payload, chopped")).chopped(1);
        case.text("Hello")
            .answered()
            .frame(FIN | opcode, "reserved opcode payload")
            .ping_unanswered()
    }));
}

impl Case {
    /// A ping behind what fails the connection.
    fn ping_unanswered(self) -> Self {
        self.frame(FIN | PING, "").closes(1002)
    }
}

#[test]
fn group_5_fragments() {
    let last = FIN | CONTINUATION;
    for chop in [0, 1] {
        let case = |name: &str| Case::new(format!("{name}, chopped {chop}")).chopped(chop);
        play([
            case("5.1 ping in two parts")
                .frame(PING, "frag")
                .frame(last, "ment")
                .closes(1002),
            case("5.2 pong in two parts")
                .frame(PONG, "frag")
                .frame(last, "ment")
                .closes(1002),
            case("5.3 text in two parts")
                .frame(TEXT, "ver")
                .frame(last, "sion")
                .answers(VERSION),
            case("5.6 a ping between parts")
                .frame(TEXT, "ver")
                .ping(b"ping")
                .frame(last, "sion")
                .answers(VERSION),
            case("5.9 last part of nothing")
                .frame(last, "non-continuation")
                .text("Hello")
                .closes(1002),
            case("5.12 part of nothing")
                .frame(CONTINUATION, "non-continuation")
                .text("Hello")
                .closes(1002),
            case("5.15 part behind a whole text")
                .frame(TEXT, "fragment1")
                .frame(last, "fragment2")
                .answered()
                .frame(CONTINUATION, "fragment3")
                .frame(FIN | TEXT, "fragment4")
                .closes(1002),
            case("5.16 part of nothing, twice")
                .frame(CONTINUATION, "fragment1")
                .frame(TEXT, "fragment2")
                .frame(last, "fragment3")
                .closes(1002),
            case("5.17 last part of nothing, then a text in two")
                .frame(last, "fragment1")
                .frame(TEXT, "fragment2")
                .frame(last, "fragment3")
                .closes(1002),
            case("5.18 a text within a text")
                .frame(TEXT, "fragment1")
                .frame(FIN | TEXT, "fragment2")
                .closes(1002),
            case("5.18 a binary within a text")
                .frame(TEXT, "fragment1")
                .frame(FIN | BINARY, "")
                .closes(1002),
            case("5.19 five parts and two pings")
                .frame(TEXT, "v")
                .frame(CONTINUATION, "e")
                .ping(b"ping1")
                .frame(CONTINUATION, "rsi")
                .frame(CONTINUATION, "")
                .ping(b"ping2")
                .frame(last, "on")
                .answers(VERSION),
            case("parts and a pong")
                .frame(TEXT, "ver")
                .frame(FIN | PONG, "")
                .frame(last, "sion")
                .answers(VERSION),
            case("binary in two parts")
                .frame(BINARY, "ver")
                .frame(last, "sion")
                .closes(1003),
        ]);
    }
}

const VERSION: &str = concat!("Version::", env!("CARGO_PKG_VERSION"), "\n");

#[test]
fn group_10_many_fragments() {
    let parts = |count: usize| {
        let first = Case::new(format!("10.1 {count} parts of 100")).frame(TEXT, [b'*'; 100]);
        (1..count - 1).fold(first, |case, _| case.frame(CONTINUATION, [b'*'; 100]))
    };
    play([
        parts(40).frame(FIN | CONTINUATION, "").answered(),
        parts(41).frame(FIN | CONTINUATION, [b'*'; 96]).answered(),
        parts(41)
            .frame(FIN | CONTINUATION, [b'*'; 97])
            .answers(TOO_LONG)
            .closes(1009),
        // The bound is looked at before the end of the message.
        parts(100).answers(TOO_LONG).closes(1009),
    ]);
}

#[test]
fn what_no_client_may_send() {
    let unmasked = [0x81, 0x05, b'H', b'e', b'l', b'l', b'o'];
    let claim = |len: u64| [&[0x81, 0xff][..], &len.to_be_bytes(), &[0; 4], b"abc"].concat();
    play([
        Case::new("unmasked text").bytes(&unmasked).closes(1002),
        Case::new("unmasked ping").bytes(&[0x89, 0x00]).closes(1002),
    ]);
    // At once, and not when so much has come.
    play([1 << 13, 1 << 32, 1 << 62, 1 << 63, u64::MAX].map(|len| {
        Case::new(format!("a length of {len}"))
            .bytes(&claim(len))
            .answers(TOO_LONG)
            .closes(1009)
    }));
}

#[test]
fn first_frames_in_the_segment_of_the_request() {
    let server = Rtstatd::start(&["ws"], &[]);
    let mut stream = Client::connect(server.address());
    let early = [masked(FIN | TEXT, b"version"), masked(FIN | PING, b"hi")].concat();
    let request = upgrade_request("/", "Host: localhost\r\n");
    stream.send([request.as_bytes(), &early].concat());
    assert!(stream.head().starts_with("HTTP/1.1 101 "));
    for expected in [&b"Welcome::"[..], VERSION.as_bytes(), b"hi"] {
        let frame = stream.frame();
        assert!(frame.payload.starts_with(expected), "{frame:?}");
    }
}
