//! /proc/diskstats (Documentation/admin-guide/iostats.rst): what block devices did since boot.

use crate::drivers::{
    DriverError, Root,
    linux::{
        file::KernelFile,
        name::Name,
        skipped::Skipped,
        text::{count, fields, lines},
    },
    note::Note,
};

/// The kernel counts in sectors of this size whatever the disk's own is.
const SECTOR_BYTES: u64 = 512;

/// Columns that nobody needs: merged requests, and those in flight, which fall below zero in some
/// kernels.
const UNUSED: [usize; 3] = [1, 5, 8];

/// One block device since boot. A number that cannot be right is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Disk {
    /// The kernel's name.
    pub name: Name,
    /// Reads that were completed.
    pub reads: Option<u64>,
    /// Bytes read.
    pub read_bytes: Option<u64>,
    /// Milliseconds that reads took, summed over all of them.
    pub read_ms: Option<u64>,
    /// Writes that were completed.
    pub writes: Option<u64>,
    /// Bytes written.
    pub written_bytes: Option<u64>,
    /// Milliseconds that writes took, summed over all of them.
    pub write_ms: Option<u64>,
    /// Milliseconds in which anything was under way.
    pub busy_ms: Option<u64>,
    /// Milliseconds times the requests that were under way.
    pub queue_ms: Option<u64>,
}

/// Gives each device to `visit`. Lines with fewer counters (partitions before Linux 2.6.25) are
/// left out.
pub fn parse(bytes: &[u8], skipped: &mut Skipped, mut visit: impl FnMut(Disk)) {
    for line in lines(bytes) {
        let mut columns = fields(line).skip(2);
        let Some(name) = columns.next().map(Name::new) else {
            continue;
        };
        let mut counters = [None; 11];
        let mut found = 0;
        for (slot, column) in counters.iter_mut().zip(columns) {
            *slot = count(column);
            found += 1;
        }
        let [
            reads,
            _,
            read_sectors,
            read_ms,
            writes,
            _,
            written_sectors,
            write_ms,
            _,
            busy_ms,
            queue_ms,
        ] = counters;
        if found == counters.len() {
            let is_bad = |(index, counter): (usize, &Option<u64>)| {
                counter.is_none() && !UNUSED.contains(&index)
            };
            if counters.iter().enumerate().any(is_bad) {
                skipped.add(name.as_bytes());
            }
            let bytes = |sectors: u64| sectors.saturating_mul(SECTOR_BYTES);
            visit(Disk {
                name,
                reads,
                read_bytes: read_sectors.map(bytes),
                read_ms,
                writes,
                written_bytes: written_sectors.map(bytes),
                write_ms,
                busy_ms,
                queue_ms,
            });
        }
    }
}

/// /proc/diskstats, kept open. Reading costs with the number of devices and partitions.
#[derive(Debug)]
pub struct DiskstatsFile(KernelFile);

impl DiskstatsFile {
    /// Below `root`; opened by the first read.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        Self(KernelFile::new(root, "proc/diskstats"))
    }

    /// The same file, which tells in `note` what it leaves out.
    #[must_use]
    pub fn noting(self, note: &Note) -> Self {
        Self(self.0.noting(note))
    }

    /// Reads it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&mut self, visit: impl FnMut(Disk)) -> Result<(), DriverError> {
        self.0.read_leniently(|bytes, skipped| {
            parse(bytes, skipped, visit);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn disks(bytes: &[u8]) -> Vec<Disk> {
        let mut disks = Vec::new();
        parse(bytes, &mut Skipped::default(), |disk| disks.push(disk));
        disks
    }

    #[test]
    fn counters_land_in_their_places() {
        let sda = Disk {
            name: Name::new(b"sda"),
            reads: Some(1),
            read_bytes: Some(3 * 512),
            read_ms: Some(4),
            writes: Some(5),
            written_bytes: Some(7 * 512),
            write_ms: Some(8),
            busy_ms: Some(10),
            queue_ms: Some(11),
        };
        let cases: [(&[u8], Vec<Disk>); 6] = [
            (b"   8       0 sda 1 2 3 4 5 6 7 8 9 10 11\n", vec![sda]),
            (
                b"   8       0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n",
                vec![sda],
            ),
            (b"   8       1 sda1 1 2 3 4\n\n8\n", vec![]),
            (b"   8       0 sda 1 2 3 4 5 6 7 8 9 10 11", vec![sda]),
            (
                b"8 0 sda 1 2 3 4 5 6 7 8 9 10 -11\n8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n",
                vec![
                    Disk {
                        queue_ms: None,
                        ..sda
                    },
                    sda,
                ],
            ),
            (b"", vec![]),
        ];
        for (bytes, expected) in cases {
            assert_eq!(disks(bytes), expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn only_what_is_used_is_told_to_be_left_out() {
        for (numbers, used) in [
            ("1 2 3 4 5 6 7 8 -1 10 11", false),
            ("1 -1 3 4 5 -1 7 8 9 10 11", false),
            ("1 2 3 4 5 6 7 -8 9 10 11", true),
        ] {
            let mut skipped = Skipped::default();
            parse(
                format!("8 0 sda {numbers}\n").as_bytes(),
                &mut skipped,
                |_| {},
            );
            assert_eq!(!skipped.is_empty(), used, "{numbers}");
        }
    }

    #[test]
    fn the_running_host_is_read() {
        assert!(
            DiskstatsFile::new(&Root::host())
                .read(|disk| assert!(!disk.name.as_bytes().is_empty()))
                .is_ok()
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = disks(&bytes);
            let _ = disks(&[b"8 0 sda 1 2 3 ", &bytes[..]].concat());
        }
    }
}
