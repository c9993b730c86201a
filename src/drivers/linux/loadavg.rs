//! /proc/loadavg (proc_loadavg(5)): how many threads ran or waited for a disk, averaged over 1, 5
//! and 15 minutes.

use crate::drivers::{
    DriverError, Root,
    linux::{
        file::KernelFile,
        text::{Malformed, fields, hundredths, lines},
    },
};

/// The averages over 1, 5 and 15 minutes, in hundredths.
pub type LoadHundredths = [u64; 3];

/// Parses the file.
///
/// # Errors
/// When the line does not begin with three numbers of two decimals.
pub fn parse(bytes: &[u8]) -> Result<LoadHundredths, Malformed> {
    let mut columns = lines(bytes).next().into_iter().flat_map(fields);
    let mut next = || {
        columns
            .next()
            .and_then(hundredths)
            .ok_or(Malformed("three load averages"))
    };
    Ok([next()?, next()?, next()?])
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

    /// Reads it.
    ///
    /// # Errors
    /// When the file cannot be read or [`parse`] refuses it.
    pub fn read(&mut self) -> Result<LoadHundredths, DriverError> {
        self.0.read(parse)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn three_averages_or_nothing() {
        let cases: [(&[u8], Option<LoadHundredths>); 7] = [
            (b"0.09 0.96 12.78 1/123 4567\n", Some([9, 96, 1278])),
            (b"0.09 0.96 0.78\n", Some([9, 96, 78])),
            (b"0.09 0.96 0.78", None),
            (b"0.09 0.96\n", None),
            (b"0.09 x 0.78\n", None),
            (b"\n", None),
            (b"", None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(parse(bytes).ok(), expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn the_running_host_is_read() {
        assert!(LoadavgFile::new(&Root::host()).read().is_ok());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }
    }
}
