//! /proc/pressure (Documentation/accounting/psi.rst, since Linux 4.20): how long work waited for a
//! resource.

use crate::drivers::{
    Root,
    linux::{
        file::KernelFile,
        skipped::Skipped,
        text::{Malformed, count, fields, hundredths, lines, split_once},
    },
    note::Note,
};

/// One line: how much of the last 10, 60 and 300 seconds was lost (hundredths of a percent), and
/// all time lost. A number that cannot be right is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stall {
    /// Hundredths of a percent, over 10, 60 and 300 seconds.
    pub averages: [Option<u64>; 3],
    /// Microseconds since boot.
    pub total_us: Option<u64>,
}

/// One resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pressure {
    /// Some task waited. The interrupts have no such line.
    pub some: Option<Stall>,
    /// All tasks waited at once. Old kernels have no such line for the processors (before 5.13).
    pub full: Option<Stall>,
}

/// Parses a file of /proc/pressure, or a `*.pressure` of a cgroup.
///
/// # Errors
/// When neither line is there with any number.
pub fn parse(bytes: &[u8], skipped: &mut Skipped) -> Result<Pressure, Malformed> {
    let mut pressure = Pressure::default();
    for line in lines(bytes) {
        let mut columns = fields(line);
        let Some(name) = columns.next() else { continue };
        let slot = match name {
            b"some" => &mut pressure.some,
            b"full" => &mut pressure.full,
            _ => continue,
        };
        let found = stall(columns);
        if found.total_us.is_none() || found.averages.contains(&None) {
            skipped.add(name);
        }
        *slot = Some(found).filter(|found| *found != Stall::default());
    }
    if pressure == Pressure::default() {
        return Err(Malformed("a line some or full"));
    }
    Ok(pressure)
}

fn stall<'a>(columns: impl Iterator<Item = &'a [u8]>) -> Stall {
    let mut stall = Stall::default();
    let [ten, sixty, three_hundred] = &mut stall.averages;
    for (key, value) in columns.filter_map(|column| split_once(column, b'=')) {
        match key {
            b"avg10" => *ten = hundredths(value),
            b"avg60" => *sixty = hundredths(value),
            b"avg300" => *three_hundred = hundredths(value),
            b"total" => stall.total_us = count(value),
            _ => {}
        }
    }
    stall
}

/// One resource's file, kept open; given up for good where the kernel does not have it. The
/// default is no file.
#[derive(Debug, Default)]
pub struct PressureFile(Option<KernelFile>);

impl PressureFile {
    /// The pressure of `resource` (`cpu`, `memory`, `io`, `irq`) below `root`; opened by the first
    /// read.
    #[must_use]
    pub fn new(root: &Root, resource: &str) -> Self {
        Self(Some(KernelFile::new(
            root,
            format!("proc/pressure/{resource}"),
        )))
    }

    /// The same file, which tells in `note` what it leaves out.
    #[must_use]
    pub fn noting(self, note: &Note) -> Self {
        Self(self.0.map(|file| file.noting(note)))
    }

    /// Reads it; none where this kernel has no such file, or has it and was started without the
    /// measurement, and where it cannot be read.
    pub fn read(&mut self) -> Option<Pressure> {
        let file = self.0.as_mut()?;
        let read = file.read_part(parse);
        if read.is_none() && file.is_missing() {
            self.0 = None;
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_in_the_documented_form_or_nothing() {
        let some = Some(Stall {
            averages: [Some(123), Some(4), Some(0)],
            total_us: Some(56),
        });
        let without = |averages| {
            Some(Stall {
                averages,
                total_us: Some(56),
            })
        };
        let cases: [(&[u8], Option<Pressure>); 8] = [
            (b"some avg10=1.23 avg60=0.04 avg300=0.00 total=56\n", Some(Pressure { some, full: None })),
            (b"full avg10=1.23 avg60=0.04 avg300=0.00 total=56\n", Some(Pressure { some: None, full: some })),
            (
                b"some avg10=1.23 avg60=0.04 avg300=0.00 total=56\nfull avg10=1.23 avg60=0.04 avg300=0.00 total=56\n",
                Some(Pressure { some, full: some }),
            ),
            (b"", None),
            (b"some avg10=1.23 avg60=0.04 avg300=0.00 total=56", Some(Pressure { some, full: None })),
            (
                b"some avg10=1.23 avg60=0.04 total=56\n",
                Some(Pressure { some: without([Some(123), Some(4), None]), full: None }),
            ),
            (
                b"some avg10=x avg60=0.04 avg300=0.00 total=56\nfull\n",
                Some(Pressure { some: without([None, Some(4), Some(0)]), full: None }),
            ),
            (b"else avg10=1.23 avg60=0.04 avg300=0.00 total=56\n", None),
        ];
        for (bytes, expected) in cases {
            let parsed = parse(bytes, &mut Skipped::default()).ok();
            assert_eq!(parsed, expected, "{}", bytes.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let mut skipped = Skipped::default();
            let _ = parse(&bytes, &mut skipped);
            let _ = parse(&[b"some avg10=", &bytes[..]].concat(), &mut skipped);
        }
    }
}
