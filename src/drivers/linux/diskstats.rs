//! /proc/diskstats (Documentation/admin-guide/iostats.rst): what block devices did since boot.

use crate::drivers::{
    DriverError, Root,
    linux::{
        file::KernelFile,
        name::Name,
        text::{Malformed, decimal, fields, lines},
    },
};

/// The kernel counts in sectors of this size whatever the disk's own is.
const SECTOR_BYTES: u64 = 512;

/// One block device since boot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Disk {
    /// The kernel's name.
    pub name: Name,
    /// Reads that were completed.
    pub reads: u64,
    /// Bytes read.
    pub read_bytes: u64,
    /// Milliseconds that reads took, summed over all of them.
    pub read_ms: u64,
    /// Writes that were completed.
    pub writes: u64,
    /// Bytes written.
    pub written_bytes: u64,
    /// Milliseconds that writes took, summed over all of them.
    pub write_ms: u64,
    /// Milliseconds in which anything was under way.
    pub busy_ms: u64,
    /// Milliseconds times the requests that were under way.
    pub queue_ms: u64,
}

/// Gives each device to `visit`. Lines with fewer counters (partitions before Linux 2.6.25) are
/// left out.
///
/// # Errors
/// When a line that has all counters has something else than numbers in them.
pub fn parse(bytes: &[u8], mut visit: impl FnMut(Disk)) -> Result<(), Malformed> {
    for line in lines(bytes) {
        let mut columns = fields(line).skip(2);
        let Some(name) = columns.next().map(Name::new) else {
            continue;
        };
        let mut counters = [0; 11];
        let mut found = 0;
        for (slot, column) in counters.iter_mut().zip(columns) {
            *slot = decimal(column).ok_or(Malformed("eleven numbers after a device's name"))?;
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
            visit(Disk {
                name,
                reads,
                read_bytes: read_sectors.saturating_mul(SECTOR_BYTES),
                read_ms,
                writes,
                written_bytes: written_sectors.saturating_mul(SECTOR_BYTES),
                write_ms,
                busy_ms,
                queue_ms,
            });
        }
    }
    Ok(())
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

    /// Reads it.
    ///
    /// # Errors
    /// When the file cannot be read or [`parse`] refuses it.
    pub fn read(&mut self, visit: impl FnMut(Disk)) -> Result<(), DriverError> {
        self.0.read(|bytes| parse(bytes, visit))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn disks(bytes: &[u8]) -> Option<Vec<Disk>> {
        let mut disks = Vec::new();
        parse(bytes, |disk| disks.push(disk)).ok().map(|()| disks)
    }

    #[test]
    fn counters_land_in_their_places() {
        let sda = Disk {
            name: Name::new(b"sda"),
            reads: 1,
            read_bytes: 3 * 512,
            read_ms: 4,
            writes: 5,
            written_bytes: 7 * 512,
            write_ms: 8,
            busy_ms: 10,
            queue_ms: 11,
        };
        let cases: [(&[u8], Option<Vec<Disk>>); 6] = [
            (
                b"   8       0 sda 1 2 3 4 5 6 7 8 9 10 11\n",
                Some(vec![sda]),
            ),
            (
                b"   8       0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n",
                Some(vec![sda]),
            ),
            (b"   8       1 sda1 1 2 3 4\n\n8\n", Some(vec![])),
            (b"   8       0 sda 1 2 3 4 5 6 7 8 9 10 11", Some(vec![])),
            (b"   8       0 sda 1 2 3 4 5 6 7 8 9 10 -11\n", None),
            (b"", Some(vec![])),
        ];
        for (bytes, expected) in cases {
            assert_eq!(disks(bytes), expected, "{}", bytes.escape_ascii());
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
