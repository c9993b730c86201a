//! The requests that were sent to the original's WebSocket port, and the first line of each answer.

use rtstat_test_support::{Client, Got, PATIENCE, Rtstatd, http_head};

use super::conversation::unescape;

/// Plays every `==` block of `text`: `>` is the request, `<` the status and, where it matters, a
/// header.
pub fn play(text: &str) {
    let server = Rtstatd::start(&["ws"], &[]);
    for block in text.split("\n== ").skip(1) {
        let (title, lines) = block.split_once('\n').unwrap();
        let mut stream = Client::connect(server.address());
        let mut head = String::new();
        let mut explained = false;
        for line in lines.lines() {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "" | "#" => {}
                "!" => explained = true,
                ">" => stream.send(unescape(&rest.replace("{pad}", &"a".repeat(5000)))),
                "-<" => assert!(explained, "{title}: a difference without a reason"),
                "<" | "+<" => {
                    assert!(
                        word == "<" || explained,
                        "{title}: a difference without a reason"
                    );
                    let Got::Some(got) = stream.read_for(PATIENCE, http_head) else {
                        panic!("{title}: no answer")
                    };
                    let status = got.split(' ').nth(1).unwrap_or_default();
                    assert_eq!(status, rest, "{title}: {got}");
                    head = got.to_ascii_lowercase();
                }
                "<header" | "+<header" => assert!(head.contains(rest), "{title}: {head}"),
                "<no-header" => assert!(!head.contains(rest), "{title}: {head}"),
                "<greeting" => {
                    let text = concat!("Welcome::Rt-Stat v.", env!("CARGO_PKG_VERSION"), "\n");
                    let frame = [&[0x81, text.len() as u8], text.as_bytes()].concat();
                    let got = stream.read_for(PATIENCE, |bytes| {
                        Some((bytes.get(..frame.len())?.to_vec(), frame.len()))
                    });
                    assert_eq!(got, Got::Some(frame), "{title}");
                }
                "<eof" => assert_eq!(
                    stream.read_for(PATIENCE, |_| None::<((), usize)>),
                    Got::Eof,
                    "{title}"
                ),
                _ => panic!("{title}: not understood: {line}"),
            }
        }
    }
}
