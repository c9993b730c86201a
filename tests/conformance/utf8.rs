//! Group 6: texts that are UTF-8, texts that are not, whole and in fragments.

use rtstat_test_support::websocket::{CONTINUATION, FIN, TEXT};

use super::case::{Case, play};

/// Borders of every length of a sequence, the whole ranges around the surrogates, noncharacters
/// (which are valid).
const VALID: &[&[u8]] = &[
    b"Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!",
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5",
    b"\x00",
    b"\x7f",
    b"\xc2\x80",
    b"\xdf\xbf",
    b"\xe0\xa0\x80",
    b"\xef\xbf\xbf",
    b"\xf0\x90\x80\x80",
    b"\xed\x9f\xbf",
    b"\xee\x80\x80",
    b"\xef\xbf\xbd",
    b"\xf4\x8f\xbf\xbf",
    b"\xef\xbf\xbe",
    b"\xf0\x9f\xbf\xbe",
    b"\xf0\x9f\xbf\xbf",
    b"\xf0\xaf\xbf\xbe",
    b"\xf3\xbf\xbf\xbf",
    b"\xf4\x8f\xbf\xbe",
    b"\xef\xbb\xbfBOM",
];

/// Lone continuation bytes, lonely starts, cut sequences, impossible bytes, overlong forms,
/// surrogates, beyond U+10FFFF.
const INVALID: &[&[u8]] = &[
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80edited",
    b"\xf8\x88\x80\x80\x80",
    b"\xfc\x84\x80\x80\x80\x80",
    b"\xf7\xbf\xbf\xbf",
    b"\xfb\xbf\xbf\xbf\xbf",
    b"\xfd\xbf\xbf\xbf\xbf\xbf",
    b"\xf4\x90\x80\x80",
    b"\x80",
    b"\xbf",
    b"\x80\xbf",
    b"\x80\xbf\x80",
    b"\x80\xbf\x80\xbf\x80\xbf",
    b"\xc0 \xc1 \xc2 \xdf ",
    b"\xe0 \xe1 \xef ",
    b"\xf0 \xf1 \xf7 ",
    b"\xf8 \xfb ",
    b"\xfc \xfd ",
    b"\xc0",
    b"\xce",
    b"\xe0\x80",
    b"\xe1\xbd",
    b"\xf0\x80\x80",
    b"\xf0\x90\x80",
    b"\xdf",
    b"\xef\xbf",
    b"\xf7\xbf\xbf",
    b"\xc0\xe0\x80\xf0\x80\x80",
    b"\xfe",
    b"\xff",
    b"\xfe\xfe\xff\xff",
    b"\xc0\xaf",
    b"\xe0\x80\xaf",
    b"\xf0\x80\x80\xaf",
    b"\xf8\x80\x80\x80\xaf",
    b"\xfc\x80\x80\x80\x80\xaf",
    b"\xc1\xbf",
    b"\xe0\x9f\xbf",
    b"\xf0\x8f\xbf\xbf",
    b"\xf8\x87\xbf\xbf\xbf",
    b"\xc0\x80",
    b"\xe0\x80\x80",
    b"\xf0\x80\x80\x80",
    b"\xed\xa0\x80",
    b"\xed\xad\xbf",
    b"\xed\xae\x80",
    b"\xed\xaf\xbf",
    b"\xed\xb0\x80",
    b"\xed\xbe\x80",
    b"\xed\xbf\xbf",
    b"\xed\xa0\x80\xed\xb0\x80",
    b"\xed\xaf\xbf\xed\xbf\xbf",
];

/// The text in fragments of `size` bytes, so that sequences are cut.
fn fragments(case: Case, text: &[u8], size: usize) -> Case {
    let mut head = TEXT;
    let case = text.chunks(size).fold(case, |case, part| {
        let case = case.frame(head, part);
        head = CONTINUATION;
        case
    });
    case.frame(FIN | CONTINUATION, "")
}

#[test]
fn group_6_1_texts_of_nothing() {
    let last = FIN | CONTINUATION;
    let nothing = "Error::Unknown message\n";
    play([
        Case::new("6.1.1 empty").text("").answers(nothing),
        Case::new("6.1.2 three empty parts")
            .frame(TEXT, "")
            .frame(CONTINUATION, "")
            .frame(last, "")
            .answers(nothing),
        Case::new("6.1.3 one of three")
            .frame(TEXT, "")
            .frame(CONTINUATION, "middle")
            .frame(last, "")
            .answered(),
    ]);
}

#[test]
fn group_6_valid() {
    play(VALID.iter().enumerate().flat_map(|(n, text)| {
        [
            Case::new(format!("valid {n}")).text(text).answered(),
            Case::new(format!("valid {n}, chopped"))
                .text(text)
                .chopped(1)
                .answered(),
            fragments(Case::new(format!("valid {n}, a byte a fragment")), text, 1).answered(),
        ]
    }));
}

#[test]
fn group_6_invalid() {
    play(INVALID.iter().enumerate().flat_map(|(n, text)| {
        [
            Case::new(format!("invalid {n}")).text(text).closes(1007),
            Case::new(format!("invalid {n}, chopped"))
                .text(text)
                .chopped(1)
                .closes(1007),
            fragments(
                Case::new(format!("invalid {n}, a byte a fragment")),
                text,
                1,
            )
            .closes(1007),
            fragments(
                Case::new(format!("invalid {n}, in fragments of 5")),
                text,
                5,
            )
            .closes(1007),
        ]
    }));
}
