//! statvfs(3): how full a file system is. This call may never return where a server or a daemon is
//! gone.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use nix::sys::{
    stat::{major, minor},
    statvfs::statvfs,
};

use crate::drivers::linux::mounts::Mount;

/// How full it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes in all.
    pub size_bytes: u64,
    /// Bytes in use.
    pub used_bytes: u64,
    /// Bytes that programs can still have: what is kept for root is not among them, as in df(1).
    pub available_bytes: u64,
    /// Files that there are and may be; none where the file system has no such limit.
    pub files: Option<(u64, u64)>,
}

/// Asks the file system of `mount`. None when it does not answer, or when another one is mounted
/// there in our view of the machine, which would give that one's figures.
#[must_use]
pub fn space(mount: &Mount) -> Option<Space> {
    is_seen_at(&mount.point, mount)
        .then(|| ask(&mount.point))
        .flatten()
}

fn is_seen_at(path: &Path, mount: &Mount) -> bool {
    // Each subvolume of btrfs has a number of its own here.
    let numbers = |device| (u32::try_from(major(device)), u32::try_from(minor(device)));
    mount.kind == "btrfs"
        || fs::metadata(path)
            .is_ok_and(|found| numbers(found.dev()) == (Ok(mount.device.0), Ok(mount.device.1)))
}

fn ask(path: &Path) -> Option<Space> {
    let found = statvfs(path).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.fragment_size());
    let files = found.files();
    Some(Space {
        size_bytes: bytes(found.blocks()),
        used_bytes: bytes(found.blocks().saturating_sub(found.blocks_free())),
        available_bytes: bytes(found.blocks_available()),
        files: (files > 0).then(|| (files.saturating_sub(found.files_free()), files)),
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::drivers::{Root, linux::mounts};

    fn root() -> Mount {
        mounts::read(&Root::host())
            .unwrap()
            .mounts
            .into_iter()
            .rfind(|mount| mount.point.as_os_str() == "/")
            .unwrap()
    }

    #[test]
    fn the_root_agrees_with_df() {
        let number = |text: &str| text.parse::<u64>().unwrap();
        for attempt in 0..10 {
            let before = space(&root()).unwrap();
            let output = Command::new("df")
                .args(["-B1", "--output=size,used,avail", "/"])
                .output()
                .unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let df: Vec<_> = text
                .lines()
                .nth(1)
                .unwrap()
                .split_whitespace()
                .map(number)
                .collect();
            let after = space(&root()).unwrap();
            assert_eq!(before.size_bytes, df[0]);
            // Others write meanwhile: between two equal readings df has to say the same.
            if before == after {
                assert_eq!(
                    [before.used_bytes, before.available_bytes],
                    df[1..],
                    "attempt {attempt}"
                );
                return;
            }
        }
        let all = space(&root()).unwrap();
        assert!(
            all.used_bytes + all.available_bytes <= all.size_bytes,
            "{all:?}"
        );
    }

    #[test]
    fn another_file_system_in_its_place_has_no_figures() {
        assert_eq!(
            space(&Mount {
                device: (0, 0),
                ..root()
            }),
            None
        );
        assert_eq!(
            space(&Mount {
                point: "/nonexistent".into(),
                ..root()
            }),
            None
        );
    }
}
