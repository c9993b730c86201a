//! Answers and pushes to bytes; the one place that escapes.
//!
//! A backslash, a newline and the separator `::` get a backslash, as the README says. The
//! original's browser client cuts an answer at its second `::` before it looks for backslashes, so
//! a push must hold none at all: inside JSON the second of two adjacent colons is written `\u003a`,
//! which is the same JSON for every reader.

use crate::protocol::reply::Reply;

/// Appends a reply with its newline.
pub fn encode_reply(reply: &Reply<'_>, out: &mut Vec<u8>) {
    match reply {
        Reply::Info(json) => {
            out.extend_from_slice(b"Info::");
            escape_json_into(json, out);
            end_message(out);
        }
        Reply::Welcome => encode_message(
            "Welcome",
            [concat!("Rt-Stat v.", env!("CARGO_PKG_VERSION"))],
            out,
        ),
        Reply::Version => encode_message("Version", [env!("CARGO_PKG_VERSION")], out),
        Reply::Error(text) => encode_message("Error", [text.as_str()], out),
    }
}

/// Appends what stands before the JSON of a push.
pub(crate) fn begin_push(out: &mut Vec<u8>) {
    out.extend_from_slice(b"Push::");
}

/// Appends the newline that ends every message, on both transports.
pub(crate) fn end_message(out: &mut Vec<u8>) {
    out.push(b'\n');
}

/// Appends JSON, or a piece of one, escaped for the wire. Linear, and allocates nothing where `out`
/// has room.
pub fn escape_json_into(json: &[u8], out: &mut Vec<u8>) {
    let mut rest = json;
    // A piece may begin with the second of two colons whose first ended the piece before.
    let mut after_colon = out.last() == Some(&b':');
    loop {
        let plain = rest.iter().position(|&byte| {
            let stop = matches!(byte, b'\\' | b'\n') || (byte == b':' && after_colon);
            after_colon = byte == b':';
            stop
        });
        let Some((run, tail)) = plain.and_then(|at| rest.split_at_checked(at)) else {
            return out.extend_from_slice(rest);
        };
        out.extend_from_slice(run);
        let Some((special, tail)) = tail.split_first() else {
            return;
        };
        out.extend_from_slice(match special {
            b'\\' => br"\\",
            b'\n' => br"\n",
            _ => br"\\u003a",
        });
        after_colon = false;
        rest = tail;
    }
}

/// Appends any message, such that [`decode`](crate::protocol::decode::decode) gives back `name` and `arguments` (less blanks
/// at the very end, which every reader trims). One empty argument reads back as none: the wire has
/// no other spelling for it.
pub(crate) fn encode_message<'a>(
    name: &str,
    arguments: impl IntoIterator<Item = &'a str>,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(name.as_bytes());
    let mut arguments = arguments.into_iter().peekable();
    if arguments.peek().is_none() {
        out.extend_from_slice(b"::");
    }
    while let Some(argument) = arguments.next() {
        out.extend_from_slice(b"::");
        escape_argument_into(argument, arguments.peek().is_none(), out);
    }
    end_message(out);
}

/// A colon is escaped where a colon follows it, be it in the argument or in the separator behind
/// it: for one pair that is the README's `\::`, and it holds for `:::` too.
fn escape_argument_into(argument: &str, last: bool, out: &mut Vec<u8>) {
    let mut bytes = argument.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\n' => out.extend_from_slice(br"\n"),
            b'\\' => out.extend_from_slice(br"\\"),
            b':' if bytes.peek().map_or(!last, |&next| next == b':') => {
                out.extend_from_slice(br"\:")
            }
            plain => out.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::{decode::decode, reply::ErrorText};

    fn encoded(reply: &Reply<'_>) -> String {
        let mut out = Vec::new();
        encode_reply(reply, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn replies_are_the_original_lines() {
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            encoded(&Reply::Welcome),
            format!("Welcome::Rt-Stat v.{version}\n")
        );
        assert_eq!(encoded(&Reply::Version), format!("Version::{version}\n"));
        assert_eq!(
            encoded(&Reply::Error(ErrorText::UnknownCommand)),
            "Error::Unknown command\n"
        );
        assert_eq!(
            encoded(&Reply::Info(br#"{"os":"a::b\n"}"#)),
            "Info::{\"os\":\"a:\\\\u003ab\\\\n\"}\n"
        );
    }

    #[test]
    fn a_push_may_be_escaped_in_pieces() {
        let mut out = Vec::new();
        begin_push(&mut out);
        for piece in [&br#"{"v":"a:"#[..], b":", b":b\\", br#"n"}"#] {
            escape_json_into(piece, &mut out);
        }
        end_message(&mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "Push::{\"v\":\"a:\\\\u003a:b\\\\n\"}\n"
        );
    }

    proptest! {
        #[test]
        fn what_is_encoded_reads_back(
            name in "[a-z]{1,8}",
            arguments in prop::collection::vec("[a-z:\\\\\n\r \u{e9}\0]{0,12}|\\PC{0,12}", 0..5),
        ) {
            let mut arguments = arguments;
            if let Some(last) = arguments.last_mut() {
                // Blanks at the end are the one thing that no message keeps; an escaped newline is
                // no blank.
                last.push('x');
            }
            let mut out = Vec::new();
            encode_message(&name, arguments.iter().map(String::as_str), &mut out);
            prop_assert_eq!(out.iter().filter(|&&byte| byte == b'\n').count(), 1);
            let message = decode(&out).unwrap();
            prop_assert_eq!(&message.name, &name);
            prop_assert_eq!(message.arguments().collect::<Vec<_>>(), arguments);
        }

        #[test]
        fn json_survives_both_readers(text in "[a:\\\\\n\"\u{e9}]{0,24}|\\PC{0,24}") {
            let json = serde_json::to_string(&serde_json::json!({ "v:": text, "w": [text] })).unwrap();
            let mut out = Vec::new();
            begin_push(&mut out);
            escape_json_into(json.as_bytes(), &mut out);
            end_message(&mut out);
            let wire = String::from_utf8(out).unwrap();
            let argument = wire.strip_prefix("Push::").unwrap();
            prop_assert!(!argument.contains("::"));
            let message = decode(wire.as_bytes()).unwrap();
            let read: Vec<_> = message.arguments().collect();
            prop_assert_eq!(read.len(), 1);
            let value: serde_json::Value = serde_json::from_str(&read[0]).unwrap();
            prop_assert_eq!(&value["v:"], &serde_json::Value::from(text));
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(message) = decode(&bytes) {
                prop_assert!(message.arguments().count() <= bytes.len());
            }
            escape_json_into(&bytes, &mut Vec::new());
        }
    }
}
