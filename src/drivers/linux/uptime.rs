//! /proc/uptime (proc_uptime(5)): how long the system runs; a container's own time where lxcfs
//! stands in.

use crate::drivers::{
    DriverError, Root,
    linux::{
        file::KernelFile,
        text::{Malformed, fields, hundredths, lines},
    },
};

/// Parses the file: whole seconds since boot.
///
/// # Errors
/// When the line does not begin with a number of two decimals.
pub fn parse(bytes: &[u8]) -> Result<u64, Malformed> {
    let seconds = lines(bytes)
        .next()
        .and_then(|line| fields(line).next())
        .and_then(hundredths);
    seconds
        .map(|hundredths| hundredths / 100)
        .ok_or(Malformed("the seconds since boot"))
}

/// /proc/uptime, kept open.
#[derive(Debug)]
pub struct UptimeFile(KernelFile);

impl UptimeFile {
    /// Below `root`; opened by the first read.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        Self(KernelFile::in_one_piece(root, "proc/uptime"))
    }

    /// Reads the whole seconds since boot.
    ///
    /// # Errors
    /// When the file cannot be read or [`parse`] refuses it.
    pub fn read_secs(&mut self) -> Result<u64, DriverError> {
        self.0.read(parse)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_seconds_or_nothing() {
        let cases: [(&[u8], Option<u64>); 6] = [
            (b"1144.99 2208.12\n", Some(1144)),
            (b"0.00 0.00\n", Some(0)),
            (b"1144.99 2208.12", None),
            (b"1144 2208\n", None),
            (b"-1.00 0.00\n", None),
            (b"", None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(parse(bytes).ok(), expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn the_running_host_agrees_with_its_boot_clock() {
        let now = || {
            nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME)
                .unwrap()
                .tv_sec() as u64
        };
        let (before, read, after) = (
            now(),
            UptimeFile::new(&Root::host()).read_secs().unwrap(),
            now(),
        );
        assert!((before..=after).contains(&read), "{before} {read} {after}");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }
    }
}
