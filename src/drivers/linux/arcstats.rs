//! /proc/spl/kstat/zfs/arcstats (OpenZFS): the cache that ZFS keeps outside the kernel's page
//! cache.

use crate::drivers::{
    DriverError, Root,
    linux::{
        file::KernelFile,
        text::{Malformed, decimal, fields, lines},
    },
};

/// The cache, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Arc {
    /// What it holds.
    pub size_bytes: u64,
    /// What it never goes below, and so what cannot be freed.
    pub min_bytes: u64,
}

/// Parses the file: lines of a name, a type and a number.
///
/// # Errors
/// When size or minimum are absent or not numbers.
pub fn parse(bytes: &[u8]) -> Result<Arc, Malformed> {
    let (mut size, mut min) = (None, None);
    for line in lines(bytes) {
        let mut columns = fields(line);
        let slot = match columns.next() {
            Some(b"size") => &mut size,
            Some(b"c_min") => &mut min,
            _ => continue,
        };
        *slot = columns.nth(1).and_then(decimal);
    }
    match (size, min) {
        (Some(size_bytes), Some(min_bytes)) => Ok(Arc {
            size_bytes,
            min_bytes,
        }),
        _ => Err(Malformed("the lines size and c_min with a number")),
    }
}

/// The file, kept open. It is missing where ZFS is not loaded.
#[derive(Debug)]
pub struct ArcstatsFile(KernelFile);

impl ArcstatsFile {
    /// Below `root`; opened by the first read.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        Self(KernelFile::new(root, "proc/spl/kstat/zfs/arcstats"))
    }

    /// Reads it.
    ///
    /// # Errors
    /// When the file cannot be read or [`parse`] refuses it.
    pub fn read(&mut self) -> Result<Arc, DriverError> {
        self.0.read(parse)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn size_and_minimum_or_nothing() {
        let head = "13 1 0x01 96 26112 5 6\nname                            type data\n";
        let cases = [
            (
                "c_min                           4    100\nsize 4 700\nhdr_size 4 9\n",
                Some((700, 100)),
            ),
            ("size 4 700\n", None),
            ("c_min 4 1\nsize 4\n", None),
            ("c_min 4 1\nsize 4 -5\n", None),
            ("c_min 4 1\nsize 4 700", None),
        ];
        for (text, expected) in cases {
            let arc = parse(format!("{head}{text}").as_bytes()).ok();
            assert_eq!(
                arc.map(|arc| (arc.size_bytes, arc.min_bytes)),
                expected,
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }
    }
}
