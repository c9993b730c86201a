//! Group 7: the closing handshake.

use rtstat_test_support::websocket::{CLOSE, CONTINUATION, FIN, PING, TEXT};

use super::case::{Case, Expect, play};

const CLOSING: u8 = FIN | CLOSE;

fn payload(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), reason].concat()
}

#[test]
fn group_7_1_what_follows_a_close() {
    let close = payload(1000, b"");
    play([
        Case::new("7.1.1 text, close")
            .text("Hello")
            .answered()
            .frame(CLOSING, &close)
            .closes(1000),
        Case::new("7.1.2 close, close")
            .frame(CLOSING, &close)
            .frame(CLOSING, &close)
            .closes(1000),
        Case::new("7.1.3 close, ping")
            .frame(CLOSING, &close)
            .frame(FIN | PING, "")
            .closes(1000),
        Case::new("7.1.4 close, text")
            .frame(CLOSING, &close)
            .text("Hello")
            .closes(1000),
        Case::new("7.1.5 part, close, part")
            .frame(TEXT, "fragment1")
            .frame(CLOSING, &close)
            .frame(FIN | CONTINUATION, "fragment2")
            .closes(1000),
        Case::new("7.1.6 two texts, close, ping")
            .text("Hello")
            .text(vec![b'*'; 4096])
            .answered()
            .answered()
            .frame(CLOSING, &close)
            .frame(FIN | PING, "")
            .closes(1000),
        Case::new("half-close behind a text")
            .text("Hello")
            .answered()
            .half_closed(),
    ]);
}

#[test]
fn group_7_3_payloads() {
    play([
        Case::new("7.3.1 empty")
            .frame(CLOSING, "")
            .expect(Expect::Close(vec![None, Some(1000)])),
        Case::new("7.3.2 one byte").frame(CLOSING, "a").closes(1002),
        Case::new("7.3.3 code")
            .frame(CLOSING, payload(1000, b""))
            .closes(1000),
        Case::new("7.3.4 code and reason")
            .frame(CLOSING, payload(1000, b"Hello World!"))
            .closes(1000),
        Case::new("7.3.5 reason of 123")
            .frame(CLOSING, payload(1000, &[b'*'; 123]))
            .closes(1000),
        Case::new("7.3.6 reason of 124")
            .frame(CLOSING, payload(1000, &[b'*'; 124]))
            .closes(1002),
        Case::new("7.5.1 reason that is not UTF-8")
            .frame(CLOSING, payload(1000, b"\xce\xba\xed\xa0\x80"))
            .closes(1007),
    ]);
}

#[test]
fn group_7_7_codes() {
    let good = [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999,
    ];
    play(good.map(|code| {
        Case::new(format!("7.7 code {code}"))
            .frame(CLOSING, payload(code, b""))
            .closes(code)
    }));
    let bad = [
        0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
    ];
    play(bad.map(|code| {
        Case::new(format!("7.9 code {code}"))
            .frame(CLOSING, payload(code, b""))
            .closes(1002)
    }));
    play(bad.map(|code| {
        Case::new(format!("7.13 code {code} with a reason"))
            .frame(CLOSING, payload(code, b"reason"))
            .closes(1002)
    }));
}
