//! /sys/devices/system/cpu/online (Documentation/ABI/testing/sysfs-devices-system-cpu): which
//! processors are on.

use crate::drivers::{
    DriverError, Root,
    linux::{
        file::KernelFile,
        text::{Malformed, lines},
    },
};

/// The list, kept open.
#[derive(Debug)]
pub struct OnlineFile(KernelFile);

impl OnlineFile {
    /// Below `root`; opened by the first read.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        Self(KernelFile::new(root, "sys/devices/system/cpu/online"))
    }

    /// Reads the list in the kernel's form (`0-3,8`) into `list`.
    ///
    /// # Errors
    /// When the file cannot be read, or is not numbers, dashes and commas.
    pub fn read(&mut self, list: &mut String) -> Result<(), DriverError> {
        list.clear();
        self.0.read(|bytes| {
            let line = lines(bytes).next().unwrap_or_default();
            if line.is_empty()
                || !line
                    .iter()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b','))
            {
                return Err(Malformed("a list of processors such as 0-3,8"));
            }
            list.extend(line.iter().map(|&byte| char::from(byte)));
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn lists_are_taken_as_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("sys/devices/system/cpu");
        fs::create_dir_all(&folder).unwrap();
        let mut online = OnlineFile::new(&Root::at(dir.path()));
        let mut list = String::new();
        for (text, expected) in [
            ("0-3,8\n", Some("0-3,8")),
            ("0\n", Some("0")),
            ("", None),
            ("\n", None),
            ("0-3", Some("0-3")),
            ("0 \n", None),
        ] {
            fs::write(folder.join("online"), text).unwrap();
            assert_eq!(
                online.read(&mut list).ok().map(|()| &*list),
                expected,
                "{text:?}"
            );
        }
    }
}
