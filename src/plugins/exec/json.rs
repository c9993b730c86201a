//! The JSON that a program prints: checked, within limits, and on one line.

use std::time::Duration;

use serde_json::value::RawValue;

use crate::plugins::{
    exec::{
        fault::{Fault, MAX_DEPTH, MAX_OUTPUT},
        numbers::NumericFields,
    },
    families::Families,
    sample::Sample,
};

/// One JSON value that a program printed.
#[derive(Debug)]
pub(super) struct Printed {
    /// The plugin's name.
    pub(super) plugin: String,
    pub(super) at: Duration,
    pub(super) json: Box<RawValue>,
}

impl Sample for Printed {
    fn at(&self) -> Duration {
        self.at
    }

    fn write_json(&self, _: Option<&dyn Sample>, out: &mut Vec<u8>) -> serde_json::Result<()> {
        out.extend_from_slice(self.json.get().as_bytes());
        Ok(())
    }

    fn add_families(&self, out: &mut Families) {
        NumericFields::of(self.json.get()).add_gauges(&self.plugin, out);
    }
}

/// One JSON value as it was written, less the blanks between its parts: a newline would end the
/// line of a raw connection.
///
/// # Errors
/// When the bytes are empty, too many, nested too deep, or not JSON.
pub fn compact(bytes: &[u8]) -> Result<Box<RawValue>, Fault> {
    if bytes.len() > MAX_OUTPUT {
        return Err(Fault::TooLong);
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Fault::Empty);
    }
    let mut text = Vec::with_capacity(bytes.len());
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for &byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(Fault::TooDeep);
        }
        if in_string || !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            text.push(byte);
        }
    }
    // Parsed with its blanks first, so that the error names the place in the program's own output.
    serde_json::from_slice::<&RawValue>(bytes)
        .map_err(|error| Fault::NotJson(error.to_string()))?;
    serde_json::from_slice(&text).map_err(|error| Fault::NotJson(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_out_on_one_line() {
        for (text, expected) in [
            ("{\"a\": 1}\n", "{\"a\":1}"),
            ("  42\r\n", "42"),
            (
                "{\n  \"a b\": [ \"x \\\" y\", null ],\n\t\"c\": 1.50\n}",
                "{\"a b\":[\"x \\\" y\",null],\"c\":1.50}",
            ),
            ("\"\\\\\" ", "\"\\\\\""),
            ("\"é\"", "\"é\""),
        ] {
            assert_eq!(
                compact(text.as_bytes()).map(|value| value.get().to_owned()),
                Ok(expected.into()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in [
            "{",
            "nan",
            "1 2",
            "{'a':1}",
            "{\"a\":1}x",
            "\"a\nb\"",
            "\"\x01\"",
            "[1,]",
            "\u{feff}1",
        ] {
            assert!(
                matches!(compact(text.as_bytes()), Err(Fault::NotJson(_))),
                "{text}"
            );
        }
        assert!(matches!(compact(b"\"\xff\""), Err(Fault::NotJson(_))));
        assert_eq!(compact(b" \n").unwrap_err(), Fault::Empty);
    }

    #[test]
    fn length_and_depth_have_bounds() {
        let deep = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert!(compact(deep(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(
            compact(deep(MAX_DEPTH + 1).as_bytes()).unwrap_err(),
            Fault::TooDeep
        );
        assert_eq!(
            compact(deep(1_000_000).as_bytes()).unwrap_err(),
            Fault::TooLong
        );
        let brackets_in_a_string = format!("\"{}\"", "[".repeat(100));
        assert!(compact(brackets_in_a_string.as_bytes()).is_ok());
        let long = |length| format!("\"{}\"", "x".repeat(length - 2));
        assert!(compact(long(MAX_OUTPUT).as_bytes()).is_ok());
        assert_eq!(
            compact(long(MAX_OUTPUT + 1).as_bytes()).unwrap_err(),
            Fault::TooLong
        );
    }

    #[test]
    fn errors_never_quote_the_output() {
        let Err(fault) = compact(b"{\"password\": secret}") else {
            panic!("accepted")
        };
        assert!(!fault.to_string().contains("secret"), "{fault}");
    }
}
