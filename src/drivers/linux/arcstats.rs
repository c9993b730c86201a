//! /proc/spl/kstat/zfs/arcstats (OpenZFS): the cache that ZFS keeps outside the kernel's page
//! cache.

use crate::drivers::{
    Root,
    linux::{
        file::KernelFile,
        skipped::Skipped,
        text::{Malformed, count, fields, lines},
    },
    note::Note,
};

/// The cache, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Arc {
    /// What it holds.
    pub size_bytes: u64,
    /// What it never goes below, and so what cannot be freed; none where the file does not tell.
    pub min_bytes: Option<u64>,
}

/// Parses the file: lines of a name, a type and a number.
///
/// # Errors
/// When the size is absent or not a number.
pub fn parse(bytes: &[u8], skipped: &mut Skipped) -> Result<Arc, Malformed> {
    let (mut size, mut min) = (None, None);
    for line in lines(bytes) {
        let mut columns = fields(line);
        let slot = match columns.next() {
            Some(b"size") => &mut size,
            Some(b"c_min") => &mut min,
            _ => continue,
        };
        *slot = columns.nth(1).and_then(count);
    }
    Ok(Arc {
        size_bytes: size.ok_or(Malformed("the line size with a number"))?,
        min_bytes: skipped.check(b"c_min", min),
    })
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

    /// The same file, which tells in `note` what it leaves out.
    #[must_use]
    pub fn noting(self, note: &Note) -> Self {
        Self(self.0.noting(note))
    }

    /// Reads it; none where ZFS is not loaded or the file does not tell.
    pub fn read(&mut self) -> Option<Arc> {
        self.0.read_part(parse)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_size_or_nothing() {
        let head = "13 1 0x01 96 26112 5 6\nname                            type data\n";
        let cases = [
            (
                "c_min                           4    100\nsize 4 700\nhdr_size 4 9\n",
                Some((700, Some(100))),
            ),
            ("size 4 700\n", Some((700, None))),
            ("c_min 4 -1\nsize 4 700\n", Some((700, None))),
            ("c_min 4 1\nsize 4\n", None),
            ("c_min 4 1\nsize 4 -5\n", None),
            ("c_min 4 1\nsize 4 700", Some((700, Some(1)))),
        ];
        for (text, expected) in cases {
            let arc = parse(format!("{head}{text}").as_bytes(), &mut Skipped::default()).ok();
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
            let _ = parse(&bytes, &mut Skipped::default());
        }
    }
}
