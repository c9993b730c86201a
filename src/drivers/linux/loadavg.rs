//! /proc/loadavg (proc_loadavg(5)): how many threads ran or waited for a disk, averaged over 1, 5
//! and 15 minutes.

use crate::drivers::{
    Root,
    linux::{
        file::KernelFile,
        skipped::Skipped,
        text::{Malformed, fields, hundredths, lines},
    },
    note::Note,
};

/// The averages over 1, 5 and 15 minutes, in hundredths; none for one that the file does not tell.
pub type LoadHundredths = [Option<u64>; 3];

/// Parses the file. An average that is not a number of two decimals is none.
///
/// # Errors
/// When there is none of the three.
pub fn parse(bytes: &[u8], skipped: &mut Skipped) -> Result<LoadHundredths, Malformed> {
    const NAMES: [&[u8]; 3] = [b"la1", b"la5", b"la15"];
    let mut columns = lines(bytes).next().into_iter().flat_map(fields);
    let loads = NAMES.map(|name| skipped.check(name, columns.next().and_then(hundredths)));
    if loads == LoadHundredths::default() {
        return Err(Malformed("three load averages"));
    }
    Ok(loads)
}

/// /proc/loadavg, kept open.
#[derive(Debug)]
pub struct LoadavgFile(KernelFile);

impl LoadavgFile {
    /// Below `root`; opened by the first read.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        Self(KernelFile::in_one_piece(root, "proc/loadavg"))
    }

    /// The same file, which tells in `note` what it leaves out.
    #[must_use]
    pub fn noting(self, note: &Note) -> Self {
        Self(self.0.noting(note))
    }

    /// Reads it.
    pub fn read(&mut self) -> LoadHundredths {
        self.0.read_part(parse).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_average_or_none() {
        let cases: [(&[u8], Option<LoadHundredths>); 7] = [
            (
                b"0.09 0.96 12.78 1/123 4567\n",
                Some([Some(9), Some(96), Some(1278)]),
            ),
            (b"0.09 0.96 0.78", Some([Some(9), Some(96), Some(78)])),
            (b"0.09 0.96\n", Some([Some(9), Some(96), None])),
            (b"0.09 x 0.78\n", Some([Some(9), None, Some(78)])),
            (b"-1.00 0.96 0.78\n", Some([None, Some(96), Some(78)])),
            (b"\n", None),
            (b"", None),
        ];
        for (bytes, expected) in cases {
            let read = parse(bytes, &mut Skipped::default()).ok();
            assert_eq!(read, expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn the_running_host_is_read() {
        let loads = LoadavgFile::new(&Root::host()).read();
        assert!(loads.iter().all(Option::is_some), "{loads:?}");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes, &mut Skipped::default());
        }
    }
}
