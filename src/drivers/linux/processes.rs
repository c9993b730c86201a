//! The process folders of /proc: one walk over all of them.

use std::{io::Write, mem::MaybeUninit, os::fd::OwnedFd, path::PathBuf};

use nix::{
    errno::Errno,
    fcntl::{OFlag, open, openat},
    sys::stat::Mode,
    unistd::{Whence, lseek, read},
};
use rustix::fs::RawDir;

use crate::drivers::{DriverError, Root, linux::text::decimal};

/// A stat line is about 300 bytes; the longest that the kernel can print is below this.
const LINE_BYTES: usize = 2048;

/// No file of a process that we read whole comes near this.
const MOST_BYTES: usize = 64 * 1024;

/// What one getdents64(2) fills: about a thousand processes.
const LIST_BYTES: usize = 32 * 1024;

/// /proc, kept open, with what a walk needs. The cost is one open, read and close for each process.
#[derive(Debug)]
pub struct Processes {
    path: PathBuf,
    /// For listing and for opening what is listed.
    open: Option<OwnedFd>,
    /// Filled by the kernel. The standard library's and nix's listings allocate each name.
    list: Box<[MaybeUninit<u8>]>,
    name: Vec<u8>,
    line: Box<[u8]>,
    /// For files that may be longer.
    text: Vec<u8>,
}

/// How complete a walk was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Walk {
    /// Processes that were read.
    pub read: u64,
    /// Processes that are listed and may not be read; more may be hidden from the list
    /// (`hidepid=`).
    pub refused: u64,
    /// Whether the first process was among those read: if not, the others are a part of what runs.
    pub saw_init: bool,
}

impl Processes {
    /// Below `root`; opened by the first walk.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        Self {
            path: root.path("proc"),
            open: None,
            list: vec![MaybeUninit::uninit(); LIST_BYTES].into(),
            name: Vec::new(),
            line: vec![0; LINE_BYTES].into(),
            text: Vec::new(),
        }
    }

    /// The process id that this process has in the /proc below the root; none where it is not in
    /// there.
    #[must_use]
    pub fn own_pid(&self) -> Option<u32> {
        let target = std::fs::read_link(self.path.join("self")).ok()?;
        pid(target.as_os_str().as_encoded_bytes())
    }

    /// Reads the beginning of the file `file` (such as `io`) of the process `pid`, as the last walk
    /// found it; none when the process has ended or the file may not be read.
    pub fn file(&mut self, pid: u32, file: &str) -> Option<&[u8]> {
        let folder = self.open.as_ref()?;
        let length = read_file(folder, pid, file, &mut self.name, &mut self.line).ok()?;
        self.line.get(..length)
    }

    /// Reads the file `file` of the process `pid` to its end, or as much of it as any may have.
    pub fn whole_file(&mut self, pid: u32, file: &str) -> Option<&[u8]> {
        let file = open_file(self.open.as_ref()?, pid, file, &mut self.name).ok()?;
        let mut filled = 0;
        while filled < MOST_BYTES {
            self.text.resize(filled + LINE_BYTES, 0);
            match read(&file, self.text.get_mut(filled..)?).ok()? {
                0 => break,
                count => filled += count,
            }
        }
        self.text.get(..filled)
    }

    /// Gives the stat line of every process to `visit`, once each, in the order of the process ids.
    /// Processes that end meanwhile are left out.
    ///
    /// # Errors
    /// When /proc itself cannot be listed.
    pub fn walk(&mut self, mut visit: impl FnMut(u32, &[u8])) -> Result<Walk, DriverError> {
        let walked = self.try_walk(&mut visit);
        walked.map_err(|errno| {
            self.open = None;
            DriverError::io(&self.path, &errno.into())
        })
    }

    fn try_walk(&mut self, visit: &mut impl FnMut(u32, &[u8])) -> Result<Walk, Errno> {
        let folder = match &self.open {
            Some(folder) => folder,
            None => {
                let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
                self.open.insert(open(&self.path, flags, Mode::empty())?)
            }
        };
        lseek(folder, 0, Whence::SeekSet)?;
        let mut list = RawDir::new(folder, &mut self.list);
        let mut walk = Walk::default();
        while let Some(entry) = list.next() {
            let entry = entry.map_err(|errno| Errno::from_raw(errno.raw_os_error()))?;
            let Some(pid) = pid(entry.file_name().to_bytes()) else {
                continue;
            };
            match read_file(folder, pid, "stat", &mut self.name, &mut self.line) {
                Ok(length) => {
                    walk.read += 1;
                    walk.saw_init |= pid == 1;
                    visit(pid, self.line.get(..length).unwrap_or_default());
                }
                Err(Errno::ENOENT | Errno::ESRCH) => {}
                Err(_) => walk.refused += 1,
            }
        }
        Ok(walk)
    }
}

fn read_file(
    folder: &OwnedFd,
    pid: u32,
    file: &str,
    name: &mut Vec<u8>,
    into: &mut [u8],
) -> Result<usize, Errno> {
    read(open_file(folder, pid, file, name)?, into)
}

fn open_file(folder: &OwnedFd, pid: u32, file: &str, name: &mut Vec<u8>) -> Result<OwnedFd, Errno> {
    name.clear();
    write!(name, "{pid}/{file}").map_err(|_| Errno::ENOMEM)?;
    openat(
        folder,
        name.as_slice(),
        OFlag::O_RDONLY | OFlag::O_CLOEXEC,
        Mode::empty(),
    )
}

fn pid(name: &[u8]) -> Option<u32> {
    decimal(name)
        .and_then(|pid| u32::try_from(pid).ok())
        .filter(|&pid| pid > 0)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn the_running_host_is_walked_with_ourselves_in_it() {
        let mut processes = Processes::new(&Root::host());
        let own = std::process::id();
        assert_eq!(processes.own_pid(), Some(own));
        for _ in 0..2 {
            let mut seen = Vec::new();
            let walk = processes
                .walk(|pid, line| seen.push((pid, line.to_vec())))
                .unwrap();
            assert_eq!(walk.read as usize, seen.len());
            let (_, line) = seen.iter().find(|(pid, _)| *pid == own).unwrap();
            assert!(
                line.starts_with(format!("{own} (").as_bytes()),
                "{}",
                line.escape_ascii()
            );
        }
    }

    #[test]
    fn only_folders_with_a_number_and_a_line_count() {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["1", "7", "0", "x9", "99999999999", "acpi"] {
            fs::create_dir_all(dir.path().join("proc").join(folder)).unwrap();
        }
        fs::write(dir.path().join("proc/1/stat"), "1 (init) S ").unwrap();
        symlink("7", dir.path().join("proc/self")).unwrap();
        let mut processes = Processes::new(&Root::at(dir.path()));
        let mut seen = Vec::new();
        let walk = processes.walk(|pid, line| seen.push((pid, line.to_vec())));
        assert_eq!(
            walk,
            Ok(Walk {
                read: 1,
                refused: 0,
                saw_init: true
            })
        );
        assert_eq!(
            (seen, processes.own_pid()),
            (vec![(1, b"1 (init) S ".to_vec())], Some(7))
        );
    }

    #[test]
    fn a_missing_proc_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let walk = Processes::new(&Root::at(dir.path())).walk(|_, _| {});
        assert!(matches!(walk, Err(DriverError::Missing(_))), "{walk:?}");
    }
}
