//! /proc/vmstat (proc_vmstat(5)): the events of memory management since boot.

use crate::drivers::{
    DriverError, Root,
    linux::{
        file::KernelFile,
        text::{Malformed, decimal, lines, split_once},
    },
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

/// Parses the file.
///
/// # Errors
/// When a counter that we read is not a number.
pub fn parse(bytes: &[u8]) -> Result<Vmstat, Malformed> {
    let mut vmstat = Vmstat::default();
    for (key, value) in lines(bytes).filter_map(|line| split_once(line, b' ')) {
        let slot = match key {
            b"pswpin" => &mut vmstat.swapped_in_pages,
            b"pswpout" => &mut vmstat.swapped_out_pages,
            b"oom_kill" => &mut vmstat.oom_kills,
            _ => continue,
        };
        *slot = Some(decimal(value).ok_or(Malformed("a number after a counter's name"))?);
    }
    Ok(vmstat)
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

    /// Reads it.
    ///
    /// # Errors
    /// When the file cannot be read or [`parse`] refuses it.
    pub fn read(&mut self) -> Result<Vmstat, DriverError> {
        self.0.read(parse)
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
                Some((Some(2), Some(3), Some(4))),
            ),
            ("pswpin 2\npswpout 3\n", Some((Some(2), Some(3), None))),
            ("", Some((None, None, None))),
            ("pswpin 2\npswpout 3", Some((Some(2), None, None))),
            ("pswpin x\n", None),
        ];
        for (text, expected) in cases {
            let read = parse(text.as_bytes())
                .ok()
                .map(|vm| (vm.swapped_in_pages, vm.swapped_out_pages, vm.oom_kills));
            assert_eq!(read, expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }
    }
}
