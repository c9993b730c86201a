//! /proc/uptime (proc_uptime(5)): how long the system runs; a container's own time where lxcfs
//! stands in.

use crate::drivers::{
    Root,
    linux::{
        file::KernelFile,
        skipped::Skipped,
        text::{Malformed, fields, hundredths, lines},
    },
    note::Note,
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

    /// The same file, which tells in `note` why it cannot be read.
    #[must_use]
    pub fn noting(self, note: &Note) -> Self {
        Self(self.0.noting(note))
    }

    /// Reads the whole seconds since boot; none where the file does not tell.
    pub fn read_secs(&mut self) -> Option<u64> {
        self.0.read_part(|bytes, _: &mut Skipped| parse(bytes))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_seconds_or_nothing() {
        let cases: [(&[u8], Option<u64>); 7] = [
            (b"1144.99 2208.12\n", Some(1144)),
            (b"0.00 0.00\n", Some(0)),
            (b"1144.99 2208.12", Some(1144)),
            (b"-2147483648.00 100.00\n", None),
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
