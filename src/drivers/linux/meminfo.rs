//! /proc/meminfo (proc_meminfo(5)): how the kernel shares out memory, in KiB (which the kernel
//! writes `kB`).

use crate::drivers::{
    DriverError, Root,
    linux::{
        file::KernelFile,
        text::{Malformed, decimal, fields, lines, split_once},
    },
};

macro_rules! meminfo {
    ($($(#[$doc:meta])+ $field:ident = $key:literal),+ $(,)?) => {
        /// One reading of /proc/meminfo, in KiB. A field that this kernel does not print is none; 0
        /// is a figure.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Meminfo {
            /// Usable memory: what is installed, less what the firmware and the kernel keep.
            pub total: u64,
            $($(#[$doc])+ pub $field: Option<u64>,)+
        }

        impl Meminfo {
            fn field(&mut self, key: &[u8]) -> Option<&mut Option<u64>> {
                match key {
                    $($key => Some(&mut self.$field),)+
                    _ => None,
                }
            }
        }
    };
}

meminfo! {
    /// Not used for anything.
    free = b"MemFree",
    /// What new programs can have without swapping, by the kernel's estimate (since Linux 3.14).
    available = b"MemAvailable",
    /// Raw disk blocks.
    buffers = b"Buffers",
    /// The page cache, shared memory included, swap cache left out.
    cached = b"Cached",
    /// Pages that are in memory and in swap.
    swap_cached = b"SwapCached",
    /// Swap space.
    swap_total = b"SwapTotal",
    /// Unused swap space.
    swap_free = b"SwapFree",
    /// Waiting to be written to disk.
    dirty = b"Dirty",
    /// Being written to disk.
    writeback = b"Writeback",
    /// Anonymous pages of programs.
    anon = b"AnonPages",
    /// Shared memory and tmpfs: inside `cached`, and yet not to be freed.
    shmem = b"Shmem",
    /// The kernel's own objects.
    slab = b"Slab",
    /// The part of `slab` that can be freed (since 2.6.19).
    slab_reclaimable = b"SReclaimable",
    /// What may be promised under strict overcommit.
    commit_limit = b"CommitLimit",
    /// What has been promised.
    committed = b"Committed_AS",
    /// Memory in huge pages of every size, used or not (since 4.20).
    hugetlb = b"Hugetlb",
    /// Compressed swap in memory (since 5.19).
    zswap = b"Zswap",
}

/// Parses the file.
///
/// # Errors
/// When there is no total, or a field that we read is not a number.
pub fn parse(bytes: &[u8]) -> Result<Meminfo, Malformed> {
    let mut meminfo = Meminfo::default();
    let mut total = None;
    for line in lines(bytes) {
        let Some((key, value)) = split_once(line, b':') else {
            continue;
        };
        let slot = if key == b"MemTotal" {
            Some(&mut total)
        } else {
            meminfo.field(key)
        };
        if let Some(slot) = slot {
            *slot = Some(
                fields(value)
                    .next()
                    .and_then(decimal)
                    .ok_or(Malformed("a number of kB after a known key"))?,
            );
        }
    }
    meminfo.total = total.ok_or(Malformed("a line MemTotal"))?;
    Ok(meminfo)
}

/// /proc/meminfo, kept open.
#[derive(Debug)]
pub struct MeminfoFile(KernelFile);

impl MeminfoFile {
    /// Below `root`; opened by the first read.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        Self(KernelFile::in_one_piece(root, "proc/meminfo"))
    }

    /// Reads it.
    ///
    /// # Errors
    /// When the file cannot be read or [`parse`] refuses it.
    pub fn read(&mut self) -> Result<Meminfo, DriverError> {
        self.0.read(parse)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_are_found_by_name_and_absent_ones_are_none() {
        let cases: [(&[u8], Meminfo); 3] = [
            (
                b"MemTotal:  100 kB\nMemFree:  40 kB\nUnknown: x\nSwapTotal: 0 kB\nHugePages_Total:   0\n",
                Meminfo { total: 100, free: Some(40), swap_total: Some(0), ..Meminfo::default() },
            ),
            (
                b"MemTotal:100\nSReclaimable: 7 kB\n",
                Meminfo { total: 100, slab_reclaimable: Some(7), ..Meminfo::default() },
            ),
            (b"no colon\nMemTotal: 5 kB\nMemFree: 12", Meminfo { total: 5, ..Meminfo::default() }),
        ];
        for (bytes, expected) in cases {
            assert_eq!(parse(bytes), Ok(expected), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn hostile_and_truncated_bytes_are_refused() {
        let cases: [&[u8]; 5] = [
            b"",
            b"MemTotal: 1",
            b"MemFree: 1 kB\n",
            b"MemTotal: -1 kB\n",
            b"MemTotal: 1 kB\nMemFree:\n",
        ];
        for bytes in cases {
            assert!(parse(bytes).is_err(), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn the_running_host_is_read() {
        let meminfo = MeminfoFile::new(&Root::host()).read().unwrap();
        assert!(
            meminfo.free.unwrap() <= meminfo.total && meminfo.committed.is_some(),
            "{meminfo:?}"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
            let _ = parse(&[b"MemTotal: 1 kB\nMemFree: ", &bytes[..]].concat());
        }
    }
}
