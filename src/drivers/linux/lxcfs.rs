//! lxcfs (lxcfs(1)): a FUSE file system that stands in for single files of /proc and /sys in a
//! container. Whatever it does not stand in for tells of the host.
//!
//! A key that reads two files must not show a container's figures beside the host's, so it asks
//! here whose each file is.

use std::path::{Path, PathBuf};

use crate::drivers::{Root, linux::mounts};

/// Of what machine a file tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Nothing is stood in for: the machine's, a container without lxcfs included.
    Machine,
    /// lxcfs stands in for this file: the container's.
    Container,
    /// lxcfs stands in for others, so this one is the host's.
    Host,
}

/// The mounts below /proc and /sys in our view, with whether each is of lxcfs.
#[derive(Debug, Clone, Default)]
pub struct Lxcfs(Vec<(PathBuf, bool)>);

impl Lxcfs {
    /// Looks below `root`. Costs the reading of our own mounts.
    #[must_use]
    pub fn find(root: &Root) -> Self {
        let is_below = |point: &Path| point.starts_with("/proc") || point.starts_with("/sys");
        let mounts = mounts::own(root).into_iter();
        let mut points: Vec<_> = mounts
            .filter(|mount| is_below(&mount.point))
            .map(|mount| {
                let is_lxcfs = mount.is_of_program("lxcfs");
                (mount.point, is_lxcfs)
            })
            .collect();
        if points.iter().all(|(_, is_lxcfs)| !is_lxcfs) {
            points.clear();
        }
        Self(points)
    }

    /// Whether lxcfs stands in for anything.
    #[must_use]
    pub fn is_container(&self) -> bool {
        !self.0.is_empty()
    }

    /// Of what machine `file`, an absolute path such as /proc/stat, tells.
    #[must_use]
    pub fn whose(&self, file: &str) -> Whose {
        if self.0.is_empty() {
            return Whose::Machine;
        }
        // Of mounts over one another the last one is seen.
        let mounts = self
            .0
            .iter()
            .filter(|(point, _)| Path::new(file).starts_with(point));
        match mounts.max_by_key(|(point, _)| point.as_os_str().len()) {
            Some((_, true)) => Whose::Container,
            _ => Whose::Host,
        }
    }

    /// Whether `file` tells of the host, and `beside` of the container.
    #[must_use]
    pub fn differs(&self, file: &str, beside: &str) -> bool {
        self.whose(file) == Whose::Host && self.whose(beside) == Whose::Container
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_mounted_last_over_a_file_decides_whose_it_is() {
        let tree = tempfile::tempdir().unwrap();
        fs::create_dir_all(tree.path().join("proc/self")).unwrap();
        let line = |path: &str, kind: &str| format!("1 1 0:1 {path} {path} rw - {kind} x rw\n");
        let (lxcfs, other) = (line("/proc/stat", "fuse.lxcfs"), line("/proc/stat", "proc"));
        let proc = line("/proc", "proc");
        let cases = [
            (proc.clone(), Whose::Machine),
            // The host's own mount of it.
            (line("/var/lib/lxcfs", "fuse.lxcfs"), Whose::Machine),
            (proc.clone() + &lxcfs, Whose::Container),
            (proc + &line("/proc/meminfo", "fuse.lxcfs"), Whose::Host),
            (
                lxcfs.clone() + &other + &line("/proc/uptime", "fuse.lxcfs"),
                Whose::Host,
            ),
            (other + &lxcfs, Whose::Container),
            (lxcfs.replace("/proc/stat", "/proc/self"), Whose::Host),
        ];
        for (text, expected) in cases {
            fs::write(tree.path().join("proc/self/mountinfo"), &text).unwrap();
            let found = Lxcfs::find(&Root::at(tree.path()));
            assert_eq!(found.whose("/proc/stat"), expected, "{text}");
        }
        let sys = line("/sys/devices/system/cpu", "fuse.lxcfs");
        fs::write(tree.path().join("proc/self/mountinfo"), sys).unwrap();
        let found = Lxcfs::find(&Root::at(tree.path()));
        assert!(found.differs("/proc/stat", "/sys/devices/system/cpu/online"));
    }
}
