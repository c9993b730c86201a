//! Short names of the kernel (devices, interfaces, programs), kept in place so that readings
//! allocate nothing.

use std::fmt::{self, Debug, Display, Write};

use serde::{Serialize, Serializer};

/// Longest of the kernel's short names: DISK_NAME_LEN is 32, IFNAMSIZ 16, TASK_COMM_LEN 16.
const CAPACITY: usize = 32;

/// At most 32 bytes; what was longer is cut. Shown as [`text`] shows it.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    bytes: [u8; CAPACITY],
    length: u8,
}

impl Name {
    /// The first bytes of `name`.
    #[must_use]
    pub fn new(name: &[u8]) -> Self {
        let mut bytes = [0; CAPACITY];
        let mut length = 0;
        for (slot, byte) in bytes.iter_mut().zip(name) {
            *slot = *byte;
            length += 1;
        }
        Self { bytes, length }
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.length))
            .unwrap_or_default()
    }
}

impl Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_text(self.as_bytes(), f)
    }
}

impl Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Bytes that need not be UTF-8, as text. What is not is written `\xff`, so that different names
/// stay different: they become keys and labels.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    // A string takes everything.
    let _ = write_text(bytes, &mut text);
    text
}

fn write_text(bytes: &[u8], out: &mut impl Write) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        out.write_str(chunk.valid())?;
        for byte in chunk.invalid() {
            write!(out, "\\x{byte:02x}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_not_utf_8_stay_unequal() {
        assert_ne!(text(b"a\xff"), text(b"a\xfe"));
        assert_eq!(text(b"caf\xe9 \xc3\xa9"), "caf\\xe9 é");
    }

    #[test]
    fn names_are_cut_and_shown_as_text() {
        let cases: [(&[u8], &str); 5] = [
            (b"eth0", "eth0"),
            (b"", ""),
            (b"a\xffb\xc3\xa9", "a\\xffbé"),
            (
                b"0123456789012345678901234567890123",
                "01234567890123456789012345678901",
            ),
            (
                b"01234567890123456789012345678\xf0\x9f\x98\x80",
                "01234567890123456789012345678\\xf0\\x9f\\x98",
            ),
        ];
        for (bytes, text) in cases {
            assert_eq!(Name::new(bytes).to_string(), text);
        }
        assert_eq!(
            serde_json::to_string(&Name::new(b"a\"\n")).unwrap(),
            r#""a\"\n""#
        );
    }
}
