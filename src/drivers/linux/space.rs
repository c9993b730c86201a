//! statvfs(3): how full a file system is. This call may never return where a server or a daemon is
//! gone.

use std::{
    fs, iter,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use nix::sys::{
    stat::{major, minor},
    statvfs::statvfs,
};

use crate::drivers::linux::mounts::{Mount, Volume};

/// How full it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes in all.
    pub size_bytes: u64,
    /// Bytes in use; none where more would be free than there is.
    pub used_bytes: Option<u64>,
    /// Bytes that programs can still have: what is kept for root is not among them, as in df(1).
    pub available_bytes: Option<u64>,
    /// Files that there are and may be; none where the file system has no such limit.
    pub files: Option<(u64, u64)>,
}

/// What the file system of a [`Volume`] answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// How full it is, asked at this point.
    At(PathBuf, Space),
    /// All its mounts that we see are single files, as containers have them for their names.
    File,
    /// Nothing, or another file system is mounted at each of its points in our view of the machine,
    /// which would give that one's figures.
    Hidden,
}

/// Asks the file system of `volume` at the first of its points where we see it as a folder.
#[must_use]
pub fn space(volume: &Volume) -> Found {
    let mut found = Found::Hidden;
    for point in iter::once(&volume.mount.point).chain(&volume.elsewhere) {
        let Ok(metadata) = fs::metadata(point) else {
            continue;
        };
        if !is_same(&metadata, &volume.mount) {
            continue;
        }
        if !metadata.is_dir() {
            found = Found::File;
        } else if let Some(space) = ask(point) {
            return Found::At(point.clone(), space);
        }
    }
    found
}

fn is_same(metadata: &fs::Metadata, mount: &Mount) -> bool {
    // Each subvolume of btrfs has a number of its own here.
    let device = metadata.dev();
    let numbers = (u32::try_from(major(device)), u32::try_from(minor(device)));
    mount.kind == "btrfs" || numbers == (Ok(mount.device.0), Ok(mount.device.1))
}

fn ask(path: &Path) -> Option<Space> {
    let found = statvfs(path).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.fragment_size());
    let files = found.files();
    Some(Space {
        size_bytes: bytes(found.blocks()),
        used_bytes: found.blocks().checked_sub(found.blocks_free()).map(bytes),
        available_bytes: Some(found.blocks_available())
            .filter(|available| *available <= found.blocks())
            .map(bytes),
        files: (files > 0).then(|| (files.saturating_sub(found.files_free()), files)),
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::drivers::{Root, linux::mounts};

    fn root() -> Volume {
        let mut mounts = mounts::read(&Root::host()).unwrap().mounts.into_iter();
        let root = mounts.rfind(|mount| mount.point.as_os_str() == "/");
        Volume {
            mount: root.unwrap(),
            elsewhere: Vec::new(),
            medium: mounts::Medium::Disk,
        }
    }

    fn space_of(volume: &Volume) -> Space {
        match space(volume) {
            Found::At(_, space) => space,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_root_agrees_with_df() {
        let number = |text: &str| text.parse::<u64>().unwrap();
        for attempt in 0..10 {
            let before = space_of(&root());
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
            let after = space_of(&root());
            assert_eq!(before.size_bytes, df[0]);
            // Others write meanwhile: between two equal readings df has to say the same.
            if before == after {
                assert_eq!(
                    [before.used_bytes.unwrap(), before.available_bytes.unwrap()],
                    df[1..],
                    "attempt {attempt}"
                );
                return;
            }
        }
        let all = space_of(&root());
        assert!(
            all.used_bytes.unwrap() + all.available_bytes.unwrap() <= all.size_bytes,
            "{all:?}"
        );
    }

    #[test]
    fn another_file_system_in_its_place_has_no_figures() {
        let mut volume = root();
        volume.mount.device = (0, 0);
        assert_eq!(space(&volume), Found::Hidden);
        let mut volume = root();
        volume.mount.point = "/nonexistent".into();
        assert_eq!(space(&volume), Found::Hidden);
        volume.elsewhere = vec!["/".into()];
        assert!(matches!(space(&volume), Found::At(point, _) if point.as_os_str() == "/"));
    }

    /// Containers have /etc/hosts and the like as mounts of files.
    #[test]
    fn a_mount_of_a_single_file_has_no_figures_and_hides_no_folder() {
        let file = tempfile::NamedTempFile::new_in(".").unwrap();
        let metadata = fs::metadata(file.path()).unwrap();
        let number = |number: u64| u32::try_from(number).unwrap();
        let mut volume = root();
        volume.mount.device = (number(major(metadata.dev())), number(minor(metadata.dev())));
        volume.mount.point = file.path().into();
        assert_eq!(space(&volume), Found::File);
        volume.elsewhere = vec![".".into()];
        assert!(matches!(space(&volume), Found::At(point, _) if point.as_os_str() == "."));
    }
}
