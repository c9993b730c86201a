//! The cases of `tests/vectors/protocol.json`, which the page's own codec is tested with too.

use std::time::Duration;

use serde::Deserialize;

use crate::protocol::{
    ErrorText,
    command::Command,
    decode::decode,
    encode::{begin_push, encode_message, end_message, escape_json_into},
};

#[derive(Deserialize)]
struct Vectors {
    decode: Vec<Decoded>,
    encode: Vec<Encoded>,
    push: Vec<Pushed>,
    interval: Vec<Interval>,
}

#[derive(Deserialize)]
struct Decoded {
    message: String,
    name: String,
    arguments: Vec<String>,
}

#[derive(Deserialize)]
struct Encoded {
    name: String,
    arguments: Vec<String>,
    wire: String,
}

#[derive(Deserialize)]
struct Pushed {
    json: String,
    wire: String,
}

#[derive(Deserialize)]
struct Interval {
    argument: String,
    secs: Option<f64>,
    error: Option<String>,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../tests/vectors/protocol.json")).unwrap()
}

/// How the original's browser client reads an answer: it cuts at the first two `::`, keeps what is
/// between them, and only then looks for backslashes.
fn read_as_the_original_page(wire: &str) -> (String, Vec<String>) {
    let mut parts = wire.trim().split("::");
    let name = parts.next().unwrap_or_default().to_lowercase();
    let argument = parts.next().unwrap_or_default();
    let read = decode(format!("x::{argument}").as_bytes())
        .unwrap()
        .arguments()
        .map(Into::into)
        .collect();
    (name, read)
}

#[test]
fn messages_decode() {
    for case in vectors().decode {
        let message = decode(case.message.as_bytes()).unwrap();
        assert_eq!(message.name, case.name, "{:?}", case.message);
        assert_eq!(
            message.arguments().collect::<Vec<_>>(),
            case.arguments,
            "{:?}",
            case.message
        );
    }
}

#[test]
fn messages_encode_and_read_back() {
    for case in vectors().encode {
        let mut wire = Vec::new();
        encode_message(
            &case.name,
            case.arguments.iter().map(String::as_str),
            &mut wire,
        );
        assert_eq!(
            String::from_utf8_lossy(&wire),
            case.wire,
            "{:?}",
            case.arguments
        );
        assert_eq!(
            decode(&wire).unwrap().arguments().collect::<Vec<_>>(),
            case.arguments,
            "{:?}",
            case.wire
        );
    }
}

#[test]
fn pushes_read_alike_by_the_readme_and_by_the_original_page() {
    for case in vectors().push {
        let mut wire = Vec::new();
        begin_push(&mut wire);
        escape_json_into(case.json.as_bytes(), &mut wire);
        end_message(&mut wire);
        let wire = String::from_utf8(wire).unwrap();
        assert_eq!(wire, case.wire, "{}", case.json);

        let json: serde_json::Value = serde_json::from_str(&case.json).unwrap();
        let message = decode(wire.as_bytes()).unwrap();
        let by_readme: Vec<_> = message.arguments().map(Into::into).collect();
        for (reader, (name, arguments)) in [
            ("README", (message.name.into_owned(), by_readme)),
            ("page", read_as_the_original_page(&wire)),
        ] {
            assert_eq!(name, "push", "{reader}: {wire}");
            assert_eq!(arguments.len(), 1, "{reader}: {wire}");
            let read: serde_json::Value = serde_json::from_str(&arguments[0]).unwrap();
            assert_eq!(read, json, "{reader}: {wire}");
        }
    }
}

#[test]
fn intervals() {
    for case in vectors().interval {
        let message = format!("interval::{}", case.argument);
        let Command::Interval(got) = Command::from(&decode(message.as_bytes()).unwrap()) else {
            panic!("{message:?}")
        };
        let expected = case
            .secs
            .map(Duration::from_secs_f64)
            .ok_or(case.error.unwrap_or_default());
        assert_eq!(
            got.map_err(|text: ErrorText| text.as_str().to_owned()),
            expected,
            "{:?}",
            case.argument
        );
    }
}
