//! /proc/meminfo (proc_meminfo(5)): how the kernel shares out memory, in KiB (which the kernel
//! writes `kB`).

use crate::drivers::{
    DriverError, Root,
    linux::{
        file::KernelFile,
        skipped::Skipped,
        text::{Malformed, decimal, fields, lines, split_once},
    },
    note::Note,
};

/// The largest number of KiB whose bytes have 63 bits. What is larger has been below zero.
const MOST_KIB: u64 = 1 << 53;

macro_rules! meminfo {
    ($($(#[$doc:meta])+ $field:ident = $key:literal),+ $(,)?) => {
        /// One reading of /proc/meminfo, in KiB. A field that this kernel does not print is none; 0
        /// is a figure.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Meminfo {
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
    /// Usable memory: what is installed, less what the firmware and the kernel keep.
    total = b"MemTotal",
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

/// Parses the file. A field that is not a number, or that is more than the whole of which it is a
/// part, is none.
///
/// # Errors
/// When there is none of the fields.
pub fn parse(bytes: &[u8], skipped: &mut Skipped) -> Result<Meminfo, Malformed> {
    let mut meminfo = Meminfo::default();
    for line in lines(bytes) {
        let Some((key, value)) = split_once(line, b':') else {
            continue;
        };
        if let Some(slot) = meminfo.field(key) {
            let kib = fields(value).next().and_then(decimal);
            *slot = skipped.check(key, kib.filter(|&kib| kib < MOST_KIB));
        }
    }
    meminfo.drop_impossible(skipped);
    if meminfo == Meminfo::default() {
        return Err(Malformed("a line MemTotal"));
    }
    Ok(meminfo)
}

impl Meminfo {
    /// Leaves what lxcfs makes a container's own. It passes the rest on as the host has it.
    pub fn forget_the_hosts(&mut self) {
        (self.commit_limit, self.committed) = (None, None);
        (self.hugetlb, self.zswap) = (None, None);
    }

    /// A part that is more than its whole is none.
    fn drop_impossible(&mut self, skipped: &mut Skipped) {
        let (total, swap_total) = (self.total, self.swap_total);
        let parts: [(&[u8], _, _); 12] = [
            (b"MemFree", &mut self.free, total),
            (b"MemAvailable", &mut self.available, total),
            (b"Buffers", &mut self.buffers, total),
            (b"Cached", &mut self.cached, total),
            (b"Dirty", &mut self.dirty, total),
            (b"Writeback", &mut self.writeback, total),
            (b"AnonPages", &mut self.anon, total),
            (b"Shmem", &mut self.shmem, total),
            (b"Slab", &mut self.slab, total),
            (b"SReclaimable", &mut self.slab_reclaimable, total),
            (b"SwapFree", &mut self.swap_free, swap_total),
            (b"SwapCached", &mut self.swap_cached, swap_total),
        ];
        for (key, part, whole) in parts {
            if part.zip(whole).is_some_and(|(part, whole)| part > whole) {
                skipped.add(key);
                *part = None;
            }
        }
    }
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

    /// The same file, which tells in `note` what it leaves out.
    #[must_use]
    pub fn noting(self, note: &Note) -> Self {
        Self(self.0.noting(note))
    }

    /// Reads it.
    ///
    /// # Errors
    /// When the file cannot be read or [`parse`] refuses it.
    pub fn read(&mut self) -> Result<Meminfo, DriverError> {
        self.0.read_leniently(parse)
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
                Meminfo { total: Some(100), free: Some(40), swap_total: Some(0), ..Meminfo::default() },
            ),
            (
                b"MemTotal:100\nSReclaimable: 7 kB\n",
                Meminfo { total: Some(100), slab_reclaimable: Some(7), ..Meminfo::default() },
            ),
            (
                b"no colon\nMemTotal: 5 kB\nMemFree: 2",
                Meminfo { total: Some(5), free: Some(2), ..Meminfo::default() },
            ),
        ];
        for (bytes, expected) in cases {
            let mut skipped = Skipped::default();
            assert_eq!(
                parse(bytes, &mut skipped),
                Ok(expected),
                "{}",
                bytes.escape_ascii()
            );
            assert!(skipped.is_empty());
        }
    }

    /// After reports of lxcfs and of virtual machines.
    #[test]
    fn what_cannot_be_is_none_and_takes_nothing_else_away() {
        let cases = [
            ("MemFree: 101 kB\n", "MemFree"),
            ("MemAvailable: 101 kB\n", "MemAvailable"),
            ("MemFree: -4 kB\n", "MemFree"),
            ("MemFree:\n", "MemFree"),
            ("SwapFree: 18446744073709551612 kB\n", "SwapFree"),
            ("SwapFree: 51 kB\n", "SwapFree"),
            ("Dirty: 18446744073709551615 kB\n", "Dirty"),
            ("Committed_AS: 18446744073709551612 kB\n", "Committed_AS"),
        ];
        for (line, name) in cases {
            let text = format!("MemTotal: 100 kB\n{line}SwapTotal: 50 kB\nShmem: 7 kB\n");
            let mut skipped = Skipped::default();
            let expected = Meminfo {
                total: Some(100),
                swap_total: Some(50),
                shmem: Some(7),
                ..Meminfo::default()
            };
            assert_eq!(parse(text.as_bytes(), &mut skipped), Ok(expected), "{text}");
            let remark = format!("{name} cannot be right and is left out");
            assert_eq!(skipped.to_string(), remark);
        }
        let bad_total = parse(b"MemTotal: x\nMemFree: 7 kB\n", &mut Skipped::default()).unwrap();
        assert_eq!((bad_total.total, bad_total.free), (None, Some(7)));
    }

    #[test]
    fn hostile_and_truncated_bytes_are_refused() {
        let cases: [&[u8]; 4] = [b"", b"MemTotal", b"Unknown: 1 kB\n", b"MemTotal: -1 kB\n"];
        for bytes in cases {
            let parsed = parse(bytes, &mut Skipped::default());
            assert!(parsed.is_err(), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn the_running_host_is_read() {
        let meminfo = MeminfoFile::new(&Root::host()).read().unwrap();
        assert!(
            meminfo.free <= meminfo.total && meminfo.free.is_some() && meminfo.committed.is_some(),
            "{meminfo:?}"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let mut skipped = Skipped::default();
            let _ = parse(&bytes, &mut skipped);
            let _ = parse(&[b"MemTotal: 1 kB\nMemFree: ", &bytes[..]].concat(), &mut skipped);
        }
    }
}
