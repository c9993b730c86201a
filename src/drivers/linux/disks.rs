//! /sys/class/block (Documentation/ABI/testing/sysfs-block): which block devices are disks, and
//! which repeat what others count.

use std::{
    collections::HashMap,
    ffi::OsString,
    fs,
    os::unix::ffi::OsStringExt,
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::drivers::{
    Root,
    linux::{name::Name, text::decimal},
};

/// A disk becomes a part of an array while it has the name that it had, and another disk gets the
/// name of one that is gone: look again after this.
const TRUSTED: Duration = Duration::from_secs(10);

/// What a block device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A disk: its bytes are counted nowhere else.
    Whole,
    /// A device made of others (md, dm, a ZFS volume …): its bytes are counted there too.
    Stacked,
    /// A part of a disk.
    Partition,
    /// One of the ways to an NVMe disk that has several: see [`disk_of_path`].
    Path,
    /// Memory or a file in the shape of a disk.
    Virtual,
}

/// The roles of the devices seen so far. Asking for a known one costs a look into a table.
#[derive(Debug)]
pub struct Roles {
    folder: PathBuf,
    known: HashMap<Name, Role>,
    since: Instant,
}

impl Roles {
    /// Below `root`; nothing is opened yet.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        Self {
            folder: root.path("sys/class/block"),
            known: HashMap::new(),
            since: Instant::now(),
        }
    }

    /// The role of the device called `name`.
    pub fn of(&mut self, name: Name) -> Role {
        if self.since.elapsed() > TRUSTED {
            self.known.clear();
            self.since = Instant::now();
        }
        if let Some(role) = self.known.get(&name) {
            return *role;
        }
        let role = self.look(name);
        self.known.insert(name, role);
        role
    }

    /// Whether the bytes of the device called `name` are counted nowhere else.
    pub fn counts(&mut self, name: &[u8]) -> bool {
        self.of(Name::new(name)) == Role::Whole
    }

    fn look(&self, name: Name) -> Role {
        if let Some(role) = by_kind(name.as_bytes()) {
            return role;
        }
        if disk_of_path(name).is_some() {
            return Role::Path;
        }
        // A slash in a device's name is an exclamation mark in the file system.
        let file = name
            .as_bytes()
            .iter()
            .map(|&byte| if byte == b'/' { b'!' } else { byte })
            .collect();
        let device = self.folder.join(OsString::from_vec(file));
        if !device.exists() {
            return if looks_like_partition(name.as_bytes()) {
                Role::Partition
            } else {
                Role::Whole
            };
        }
        let made_of_others =
            || fs::read_dir(device.join("slaves")).is_ok_and(|mut slaves| slaves.next().is_some());
        if device.join("partition").exists() {
            Role::Partition
        } else if made_of_others() {
            Role::Stacked
        } else {
            Role::Whole
        }
    }
}

/// Kinds that the name tells for sure. md and dm devices exist for a moment before their parts are
/// linked to them; volumes of ZFS and mirrors of DRBD never have theirs linked.
fn by_kind(name: &[u8]) -> Option<Role> {
    let kinds: [(&[u8], Role); 7] = [
        (b"loop", Role::Virtual),
        (b"ram", Role::Virtual),
        (b"zram", Role::Virtual),
        (b"md", Role::Stacked),
        (b"dm-", Role::Stacked),
        (b"drbd", Role::Stacked),
        (b"zd", Role::Stacked),
    ];
    let numbered = |prefix: &[u8]| {
        let rest = name.strip_prefix(prefix)?;
        (rest.first()?.is_ascii_digit() && rest.iter().all(u8::is_ascii_digit)).then_some(())
    };
    kinds
        .into_iter()
        .find_map(|(prefix, role)| numbered(prefix).map(|()| role))
}

/// The disk `nvme0n2` of the way `nvme0c1n2` to it (nvme-core's multipath). The disk counts what
/// its ways count since Linux 6.2, and nothing before.
#[must_use]
pub fn disk_of_path(name: Name) -> Option<Name> {
    let text = std::str::from_utf8(name.as_bytes()).ok()?;
    let (subsystem, rest) = text.strip_prefix("nvme")?.split_once('c')?;
    let (controller, space) = rest.split_once('n')?;
    let are_numbers = [subsystem, controller, space]
        .iter()
        .all(|part| decimal(part.as_bytes()).is_some());
    are_numbers.then(|| Name::new(format!("nvme{subsystem}n{space}").as_bytes()))
}

/// Where sysfs does not tell: sda1, nvme0n1p2, mmcblk0p1.
fn looks_like_partition(name: &[u8]) -> bool {
    let digits = name
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let Some((stem, _)) = name.split_at_checked(name.len() - digits) else {
        return false;
    };
    let lettered: [&[u8]; 4] = [b"sd", b"hd", b"vd", b"xvd"];
    digits > 0
        && (lettered.iter().any(|disk| stem.starts_with(disk))
            || matches!(stem, [.., digit, b'p'] if digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sysfs_tells_and_names_do_where_it_is_absent() {
        let dir = tempfile::tempdir().unwrap();
        let class = dir.path().join("sys/class/block");
        for folder in [
            "sda",
            "sda1/partition",
            "bcache0/slaves/sda",
            "sdb/slaves",
            "cciss!c0d0p1/partition",
            "md0",
            "md0p1/partition",
        ] {
            fs::create_dir_all(class.join(folder)).unwrap();
        }
        let mut roles = Roles::new(&Root::at(dir.path()));
        let cases = [
            ("sda", Role::Whole),
            ("sda1", Role::Partition),
            ("sdb", Role::Whole),
            ("bcache0", Role::Stacked),
            ("cciss/c0d0p1", Role::Partition),
            ("md0", Role::Stacked),
            ("md0p1", Role::Partition),
            ("dm-3", Role::Stacked),
            ("zd16", Role::Stacked),
            ("loop7", Role::Virtual),
            ("zram0", Role::Virtual),
            ("vda", Role::Whole),
            ("vda15", Role::Partition),
            ("nvme0n1", Role::Whole),
            ("nvme0c1n1", Role::Path),
            ("nvme0cn1", Role::Whole),
            ("nvme0n1p2", Role::Partition),
            ("mmcblk0", Role::Whole),
            ("mmcblk0p1", Role::Partition),
            ("sr0", Role::Whole),
            ("7", Role::Whole),
            ("", Role::Whole),
        ];
        for _ in 0..2 {
            for (name, role) in cases {
                assert_eq!(roles.of(Name::new(name.as_bytes())), role, "{name}");
            }
        }
    }
}
