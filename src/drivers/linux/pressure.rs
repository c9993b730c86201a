//! /proc/pressure (Documentation/accounting/psi.rst, since Linux 4.20): how long work waited for a
//! resource.

use crate::drivers::{
    DriverError, Root,
    linux::{
        file::KernelFile,
        text::{Malformed, decimal, fields, hundredths, lines},
    },
};

/// One line: how much of the last 10, 60 and 300 seconds was lost (hundredths of a percent), and
/// all time lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stall {
    /// Hundredths of a percent, over 10, 60 and 300 seconds.
    pub averages: [u64; 3],
    /// Microseconds since boot.
    pub total_us: u64,
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
/// When neither line is there, or one of them is not in the documented form.
pub fn parse(bytes: &[u8]) -> Result<Pressure, Malformed> {
    let mut pressure = Pressure::default();
    for line in lines(bytes) {
        let mut columns = fields(line);
        let slot = match columns.next() {
            Some(b"some") => &mut pressure.some,
            Some(b"full") => &mut pressure.full,
            _ => continue,
        };
        *slot = Some(stall(columns).ok_or(Malformed("avg10= avg60= avg300= total= with numbers"))?);
    }
    if pressure == Pressure::default() {
        return Err(Malformed("a line some or full"));
    }
    Ok(pressure)
}

fn stall<'a>(mut columns: impl Iterator<Item = &'a [u8]>) -> Option<Stall> {
    let mut value = |key: &[u8]| columns.next()?.strip_prefix(key);
    Some(Stall {
        averages: [
            hundredths(value(b"avg10=")?)?,
            hundredths(value(b"avg60=")?)?,
            hundredths(value(b"avg300=")?)?,
        ],
        total_us: decimal(value(b"total=")?)?,
    })
}

/// One resource's file, kept open; given up for good where the kernel does not have it.
#[derive(Debug)]
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

    /// Reads it; none where this kernel has no such file, or has it and was started without the
    /// measurement.
    ///
    /// # Errors
    /// When the file is there and cannot be read or [`parse`] refuses it.
    pub fn read(&mut self) -> Result<Option<Pressure>, DriverError> {
        match self.0.as_mut().map(|file| file.read(parse)) {
            None => Ok(None),
            Some(Err(DriverError::Missing(_))) => {
                self.0 = None;
                Ok(None)
            }
            Some(read) => read.map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_in_the_documented_form_or_nothing() {
        let some = Some(Stall {
            averages: [123, 4, 0],
            total_us: 56,
        });
        let cases: [(&[u8], Option<Pressure>); 8] = [
            (b"some avg10=1.23 avg60=0.04 avg300=0.00 total=56\n", Some(Pressure { some, full: None })),
            (b"full avg10=1.23 avg60=0.04 avg300=0.00 total=56\n", Some(Pressure { some: None, full: some })),
            (
                b"some avg10=1.23 avg60=0.04 avg300=0.00 total=56\nfull avg10=1.23 avg60=0.04 avg300=0.00 total=56\n",
                Some(Pressure { some, full: some }),
            ),
            (b"", None),
            (b"some avg10=1.23 avg60=0.04 avg300=0.00 total=56", None),
            (b"some avg10=1.23 avg60=0.04 total=56\n", None),
            (b"some avg10=x avg60=0.04 avg300=0.00 total=56\n", None),
            (b"else avg10=1.23 avg60=0.04 avg300=0.00 total=56\n", None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(parse(bytes).ok(), expected, "{}", bytes.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
            let _ = parse(&[b"some avg10=", &bytes[..]].concat());
        }
    }
}
