//! /proc/vmstat (proc_vmstat(5)): the events of memory management since boot.

use crate::drivers::{
    Root,
    linux::{
        file::KernelFile,
        skipped::Skipped,
        text::{count, lines, split_once},
    },
    note::Note,
};

/// What of it is read, since boot. What this kernel does not count is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Vmstat {
    /// Pages read from swap.
    pub swapped_in_pages: Option<u64>,
    /// Pages written to swap.
    pub swapped_out_pages: Option<u64>,
    /// Processes killed for want of memory (since Linux 4.13).
    pub oom_kills: Option<u64>,
}

/// Parses the file. A counter that is not a number is none.
#[must_use]
pub fn parse(bytes: &[u8], skipped: &mut Skipped) -> Vmstat {
    let mut vmstat = Vmstat::default();
    for (key, value) in lines(bytes).filter_map(|line| split_once(line, b' ')) {
        let slot = match key {
            b"pswpin" => &mut vmstat.swapped_in_pages,
            b"pswpout" => &mut vmstat.swapped_out_pages,
            b"oom_kill" => &mut vmstat.oom_kills,
            _ => continue,
        };
        *slot = skipped.check(key, count(value.trim_ascii()));
    }
    vmstat
}

/// /proc/vmstat, kept open.
#[derive(Debug)]
pub struct VmstatFile(KernelFile);

impl VmstatFile {
    /// Below `root`; opened by the first read.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        Self(KernelFile::new(root, "proc/vmstat"))
    }

    /// The same file, which tells in `note` what it leaves out.
    #[must_use]
    pub fn noting(self, note: &Note) -> Self {
        Self(self.0.noting(note))
    }

    /// Reads it.
    pub fn read(&mut self) -> Vmstat {
        self.0
            .read_part(|bytes, skipped| Ok(parse(bytes, skipped)))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counters_are_found_by_name() {
        let cases = [
            (
                "nr_free 1\npswpin 2\npswpout 3\noom_kill 4\n",
                (Some(2), Some(3), Some(4)),
            ),
            ("pswpin 2\npswpout 3\n", (Some(2), Some(3), None)),
            ("", (None, None, None)),
            ("pswpin 2\npswpout 3", (Some(2), Some(3), None)),
            ("pswpin x\noom_kill -1\npswpout 3\n", (None, Some(3), None)),
        ];
        for (text, expected) in cases {
            let vm = parse(text.as_bytes(), &mut Skipped::default());
            let read = (vm.swapped_in_pages, vm.swapped_out_pages, vm.oom_kills);
            assert_eq!(read, expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes, &mut Skipped::default());
        }
    }
}
