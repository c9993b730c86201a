//! /sys/fs/cgroup (Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/): what groups of
//! processes use.
//!
//! A host has one tree (version 2), a tree for each resource (version 1), or both, with the
//! resources in the old trees (hybrid).

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use crate::drivers::{
    Root,
    linux::{
        disks::Roles,
        file::read_once,
        pressure,
        skipped::Skipped,
        sysfs::name,
        text::{decimal, fields, lines, split_once},
    },
};

/// Version 1 writes "no limit" as the largest number of pages that it can count; nothing real comes
/// near.
const NO_LIMIT_BYTES: u64 = 1 << 62;

/// What a group has used and uses now. What the host does not count is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time since the group began.
    pub cpu_ns: Option<u64>,
    /// Memory in use, without file pages that the kernel would give back first.
    pub memory_bytes: Option<u64>,
    /// The tightest limit on the way to the root; none where there is none.
    pub memory_max_bytes: Option<u64>,
    /// Bytes read from and written to disks since the group began.
    pub disk_bytes: Option<(u64, u64)>,
    /// Threads now.
    pub tasks: Option<u64>,
    /// How much of the last ten seconds some task waited for processors, memory and disks
    /// (hundredths of a percent).
    pub pressure: Option<[u64; 3]>,
}

/// The trees of this machine.
#[derive(Debug)]
pub struct Cgroups {
    trees: Trees,
    roles: Roles,
    numbers: PathBuf,
    buffer: Vec<u8>,
}

#[derive(Debug)]
enum Trees {
    Unified(PathBuf),
    Legacy {
        listed: PathBuf,
        cpu: PathBuf,
        memory: PathBuf,
        disk: PathBuf,
        tasks: PathBuf,
    },
}

impl Cgroups {
    /// Below `root`; none where no tree is mounted.
    #[must_use]
    pub fn find(root: &Root) -> Option<Self> {
        let mount = root.path("sys/fs/cgroup");
        let trees = if mount.join("cgroup.controllers").exists() {
            Trees::Unified(mount)
        } else {
            let tree = |names: &[&str]| {
                let found = names
                    .iter()
                    .map(|name| mount.join(name))
                    .find(|tree| tree.is_dir());
                found.unwrap_or_else(|| mount.join("none"))
            };
            let has_groups = |tree: &PathBuf| !folders(tree).is_empty();
            let listed = ["systemd", "unified", "memory", "cpuacct"].map(|name| mount.join(name));
            Trees::Legacy {
                listed: listed.into_iter().find(has_groups)?,
                cpu: tree(&["cpuacct", "cpu,cpuacct", "cpuacct,cpu"]),
                memory: tree(&["memory"]),
                disk: tree(&["blkio"]),
                tasks: tree(&["pids"]),
            }
        };
        Some(Self {
            trees,
            roles: Roles::new(root),
            numbers: root.path("sys/dev/block"),
            buffer: Vec::new(),
        })
    }

    /// The groups in `group` (a path from the root of the tree), by name.
    #[must_use]
    pub fn children(&self, group: &Path) -> Vec<PathBuf> {
        let (Trees::Unified(tree) | Trees::Legacy { listed: tree, .. }) = &self.trees;
        folders(&tree.join(group))
            .into_iter()
            .map(|name| group.join(name))
            .collect()
    }

    /// Processor time since `group` began, alone of its figures. Costs one small file.
    pub fn cpu_ns(&mut self, group: &Path) -> Option<u64> {
        let mut files = Files {
            buffer: &mut self.buffer,
        };
        match &self.trees {
            Trees::Unified(tree) => files.cpu_ns(&tree.join(group)),
            Trees::Legacy { cpu, .. } => files.read(&cpu.join(group), "cpuacct.usage", number),
        }
    }

    /// Reads what `group` uses. Costs some ten small files.
    pub fn usage(&mut self, group: &Path) -> Usage {
        let Self {
            trees,
            roles,
            numbers,
            buffer,
        } = self;
        let mut files = Files { buffer };
        let mut is_whole = |device: &[u8]| {
            // A device made of others repeats what they count, and one that cannot be looked up
            // may do so, too: a hidden way to an NVMe disk is `(unknown)`.
            if split_once(device, b':').is_none() {
                return false;
            }
            match std::str::from_utf8(device).map(|number| fs::read_link(numbers.join(number))) {
                Ok(Ok(target)) => roles.counts(name(&target).as_bytes()),
                _ => !numbers.is_dir(),
            }
        };
        match trees {
            Trees::Unified(tree) => {
                let folder = tree.join(group);
                let current = files.read(&folder, "memory.current", number);
                let spare = files
                    .read(&folder, "memory.stat", |bytes| {
                        keyed(bytes, b"inactive_file")
                    })
                    .unwrap_or(0);
                let limit = |group: &Path| files.read(&tree.join(group), "memory.max", number);
                let memory_max_bytes = group.ancestors().filter_map(limit).min();
                Usage {
                    cpu_ns: files.cpu_ns(&folder),
                    memory_bytes: current.map(|current| current.saturating_sub(spare)),
                    memory_max_bytes,
                    disk_bytes: files.read(&folder, "io.stat", |bytes| {
                        Some(io_stat(bytes, &mut is_whole))
                    }),
                    tasks: files.read(&folder, "pids.current", number),
                    pressure: files.pressure(&folder),
                }
            }
            Trees::Legacy {
                cpu,
                memory,
                disk,
                tasks,
                ..
            } => {
                let folder = memory.join(group);
                let current = files.read(&folder, "memory.usage_in_bytes", number);
                let spare = files
                    .read(&folder, "memory.stat", |bytes| {
                        keyed(bytes, b"total_inactive_file")
                    })
                    .unwrap_or(0);
                let limit = files.read(&folder, "memory.stat", |bytes| {
                    keyed(bytes, b"hierarchical_memory_limit")
                });
                let recursive = "blkio.throttle.io_service_bytes_recursive";
                let mut served = |file| {
                    files.read(&disk.join(group), file, |bytes| {
                        Some(blkio(bytes, &mut is_whole))
                    })
                };
                let disk_bytes =
                    served(recursive).or_else(|| served("blkio.throttle.io_service_bytes"));
                Usage {
                    cpu_ns: files.read(&cpu.join(group), "cpuacct.usage", number),
                    memory_bytes: current.map(|current| current.saturating_sub(spare)),
                    memory_max_bytes: limit.filter(|&limit| limit < NO_LIMIT_BYTES),
                    disk_bytes,
                    tasks: files.read(&tasks.join(group), "pids.current", number),
                    pressure: None,
                }
            }
        }
    }
}

/// The names of the folders in `folder`. The listing tells what is one: a group has some forty
/// files beside them.
fn folders(folder: &Path) -> Vec<OsString> {
    let listed = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let mut names: Vec<_> = listed
        .filter(is_folder)
        .map(|entry| entry.file_name())
        .collect();
    names.sort();
    names
}

struct Files<'a> {
    buffer: &'a mut Vec<u8>,
}

impl Files<'_> {
    fn read<T>(
        &mut self,
        folder: &Path,
        file: &str,
        parse: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Option<T> {
        read_once(&folder.join(file), self.buffer)
            .ok()
            .and_then(parse)
    }

    /// In the unified tree.
    fn cpu_ns(&mut self, folder: &Path) -> Option<u64> {
        let used_us = self.read(folder, "cpu.stat", |bytes| keyed(bytes, b"usage_usec"))?;
        Some(used_us.saturating_mul(1000))
    }

    fn pressure(&mut self, folder: &Path) -> Option<[u64; 3]> {
        let mut some = |file| {
            let parsed = self.read(folder, file, |bytes| {
                pressure::parse(bytes, &mut Skipped::default()).ok()
            })?;
            parsed.some?.averages[0]
        };
        Some([
            some("cpu.pressure")?,
            some("memory.pressure")?,
            some("io.pressure")?,
        ])
    }
}

/// One number; `max` is none.
fn number(bytes: &[u8]) -> Option<u64> {
    lines(bytes).next().and_then(decimal)
}

/// The number after `key` in lines of a name and a number.
fn keyed(bytes: &[u8], key: &[u8]) -> Option<u64> {
    let mut pairs = lines(bytes).filter_map(|line| split_once(line, b' '));
    pairs.find_map(|(name, value)| if name == key { decimal(value) } else { None })
}

/// Version 2: `8:0 rbytes=1 wbytes=2 rios=…`; bytes read and written on the devices that `counts`.
/// Kernels write the numbers of devices without figures in front of the next one's.
fn io_stat(bytes: &[u8], mut counts: impl FnMut(&[u8]) -> bool) -> (u64, u64) {
    let (mut read, mut written) = (0_u64, 0_u64);
    for line in lines(bytes) {
        let is_device = |column: &&[u8]| !column.contains(&b'=');
        let device = fields(line).take_while(is_device).last();
        if !device.is_some_and(&mut counts) {
            continue;
        }
        for column in fields(line).skip_while(is_device) {
            let value = |key: &[u8]| column.strip_prefix(key).and_then(decimal).unwrap_or(0);
            read = read.saturating_add(value(b"rbytes="));
            written = written.saturating_add(value(b"wbytes="));
        }
    }
    (read, written)
}

/// Version 1: `8:0 Read 1`, `8:0 Write 2` and others.
fn blkio(bytes: &[u8], mut counts: impl FnMut(&[u8]) -> bool) -> (u64, u64) {
    let (mut read, mut written) = (0_u64, 0_u64);
    for line in lines(bytes) {
        let mut columns = fields(line);
        let (Some(device), Some(kind), Some(value)) =
            (columns.next(), columns.next(), columns.next())
        else {
            continue;
        };
        let sum = match kind {
            b"Read" => &mut read,
            b"Write" => &mut written,
            _ => continue,
        };
        if counts(device) {
            *sum = sum.saturating_add(decimal(value).unwrap_or(0));
        }
    }
    (read, written)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Root) {
        let dir = tempfile::tempdir().unwrap();
        for (file, content) in files {
            let path = dir.path().join("sys/fs/cgroup").join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let root = Root::at(dir.path());
        (dir, root)
    }

    #[test]
    fn version_two_has_one_tree() {
        let (dir, root) = tree(&[
            ("cgroup.controllers", "cpu io memory pids\n"),
            ("a.slice/memory.max", "5000\n"),
            ("a.slice/b.service/memory.max", "max\n"),
            ("a.slice/b.service/memory.current", "1000\n"),
            (
                "a.slice/b.service/memory.stat",
                "anon 1\ninactive_file 300\n",
            ),
            ("a.slice/b.service/cpu.stat", "usage_usec 7\nuser_usec 5\n"),
            (
                "a.slice/b.service/io.stat",
                "8:0 rbytes=10 wbytes=20 rios=1\n253:0 rbytes=10 wbytes=20\n7:0 \n",
            ),
            ("a.slice/b.service/pids.current", "3\n"),
            (
                "a.slice/b.service/cpu.pressure",
                "some avg10=1.50 avg60=0.00 avg300=0.00 total=1\n",
            ),
            (
                "a.slice/b.service/memory.pressure",
                "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n",
            ),
            (
                "a.slice/b.service/io.pressure",
                "some avg10=0.25 avg60=0.00 avg300=0.00 total=1\n",
            ),
            ("a.slice/c.service/pids.current", "garbage"),
        ]);
        let numbers = dir.path().join("sys/dev/block");
        fs::create_dir_all(&numbers).unwrap();
        for (number, device) in [("253:0", "virtual/block/dm-0"), ("8:0", "x/block/sda")] {
            let target = format!("../../devices/{device}");
            std::os::unix::fs::symlink(target, numbers.join(number)).unwrap();
        }
        let mut cgroups = Cgroups::find(&root).unwrap();
        assert_eq!(
            cgroups.children(Path::new("a.slice")),
            [
                Path::new("a.slice/b.service"),
                Path::new("a.slice/c.service")
            ]
        );
        let expected = Usage {
            cpu_ns: Some(7000),
            memory_bytes: Some(700),
            memory_max_bytes: Some(5000),
            disk_bytes: Some((10, 20)),
            tasks: Some(3),
            pressure: Some([150, 0, 25]),
        };
        assert_eq!(cgroups.usage(Path::new("a.slice/b.service")), expected);
        let empty = Usage {
            memory_max_bytes: Some(5000),
            ..Usage::default()
        };
        assert_eq!(cgroups.usage(Path::new("a.slice/c.service")), empty);
    }

    #[test]
    fn version_one_and_hybrid_have_a_tree_for_each_resource() {
        let (_dir, root) = tree(&[
            ("unified/cgroup.controllers", "\n"),
            ("systemd/a.slice/b.service/tasks", ""),
            ("memory/a.slice/b.service/memory.usage_in_bytes", "1000\n"),
            (
                "memory/a.slice/b.service/memory.stat",
                "hierarchical_memory_limit 9223372036854771712\ntotal_inactive_file 2000\n",
            ),
            ("cpu,cpuacct/a.slice/b.service/cpuacct.usage", "77\n"),
            (
                "blkio/a.slice/b.service/blkio.throttle.io_service_bytes",
                "8:0 Read 5\n8:0 Write 6\n8:0 Sync 11\n8:0 Total 11\nTotal 11\n",
            ),
            ("pids/a.slice/b.service/pids.current", "2\n"),
        ]);
        let mut cgroups = Cgroups::find(&root).unwrap();
        assert_eq!(
            cgroups.children(Path::new("a.slice")),
            [Path::new("a.slice/b.service")]
        );
        let expected = Usage {
            cpu_ns: Some(77),
            memory_bytes: Some(0),
            memory_max_bytes: None,
            disk_bytes: Some((5, 6)),
            tasks: Some(2),
            pressure: None,
        };
        assert_eq!(cgroups.usage(Path::new("a.slice/b.service")), expected);
    }

    #[test]
    fn figures_belong_to_the_device_before_them() {
        let counts = |device: &[u8]| device == b"8:0";
        for (text, expected) in [
            ("8:0 rbytes=1 wbytes=2 rios=3\n", (1, 2)),
            (
                "7:7 7:6 253:0 8:0 rbytes=1000 wbytes=2000 rios=1",
                (1000, 2000),
            ),
            ("8:0 253:0 rbytes=1000 wbytes=2000\n", (0, 0)),
            (
                "(unknown) rbytes=1 wbytes=2\n8:0 rbytes=x wbytes=4\n8:0\n",
                (0, 4),
            ),
        ] {
            assert_eq!(io_stat(text.as_bytes(), counts), expected, "{text}");
        }
        let text = "8:0 Read 5\n(unknown) Read 5\n8:0 Write 6\n8:0 Write x\nTotal 11";
        assert_eq!(blkio(text.as_bytes(), counts), (5, 6));
    }

    /// A hidden way to an NVMe disk counts what the disk counts again.
    #[test]
    fn a_device_that_cannot_be_looked_up_does_not_count() {
        let text =
            "8:0 rbytes=10 wbytes=20\n259:9 rbytes=1 wbytes=1\n(unknown) rbytes=1 wbytes=1\n";
        let files = [("cgroup.controllers", ""), ("a.service/io.stat", text)];
        let (dir, root) = tree(&files);
        let used = || {
            let mut cgroups = Cgroups::find(&root).unwrap();
            cgroups.usage(Path::new("a.service")).disk_bytes
        };
        // Without sysfs nothing but a number tells a device.
        assert_eq!(used(), Some((11, 21)));
        let numbers = dir.path().join("sys/dev/block");
        fs::create_dir_all(&numbers).unwrap();
        std::os::unix::fs::symlink("../../devices/x/block/sda", numbers.join("8:0")).unwrap();
        assert_eq!(used(), Some((10, 20)));
    }

    #[test]
    fn no_tree_is_none() {
        assert!(Cgroups::find(&tree(&[]).1).is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = (number(&bytes), keyed(&bytes, b"a"), io_stat(&bytes, |_| true), blkio(&bytes, |_| true));
        }
    }
}
