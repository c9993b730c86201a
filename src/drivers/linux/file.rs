//! Kernel files kept open: read again from their start, into one buffer that is reused.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Read, Result as IoResult},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use nix::fcntl::OFlag;

use crate::drivers::{
    DriverError, Root,
    linux::{skipped::Skipped, text::Malformed},
    note::Note,
};

/// No kernel file that we read comes near this; beyond it something else was found in its place.
const LARGEST_BYTES: usize = 16 << 20;

/// One kernel file, opened by the first read and kept open: `pread` at 0 makes the kernel print it
/// anew, for about half of what open, read and close cost.
#[derive(Debug)]
pub struct KernelFile {
    path: PathBuf,
    file: Option<File>,
    buffer: Vec<u8>,
    /// The kernel prints it in one piece: a read that leaves room has seen its end.
    one_piece: bool,
    /// What the last reading left out, and where that is told.
    skipped: Skipped,
    note: Note,
    missing: bool,
}

impl KernelFile {
    /// The file `relative` (such as `proc/stat`) below `root`; nothing is opened yet.
    #[must_use]
    pub fn new(root: &Root, relative: impl AsRef<Path>) -> Self {
        Self {
            path: root.path(relative),
            file: None,
            buffer: Vec::new(),
            one_piece: false,
            skipped: Skipped::default(),
            note: Note::default(),
            missing: false,
        }
    }

    /// The same file, which tells in `note` what its readings leave out.
    #[must_use]
    pub fn noting(self, note: &Note) -> Self {
        Self {
            note: note.clone(),
            ..self
        }
    }

    /// The same for a file that the kernel prints whole at each read (`single_open` in its source:
    /// stat, meminfo, loadavg, uptime), which saves the read that would find its end. Files of many
    /// records, such as net/dev, come a page at a time and must not be read so.
    #[must_use]
    pub fn in_one_piece(root: &Root, relative: impl AsRef<Path>) -> Self {
        Self {
            one_piece: true,
            ..Self::new(root, relative)
        }
    }

    /// Reads the whole file and gives the bytes to `parse`.
    ///
    /// # Errors
    /// When the file is absent or cannot be read, and what `parse` refuses. It is opened anew the
    /// next time: another may be in its place.
    pub fn read<T>(
        &mut self,
        parse: impl FnOnce(&[u8]) -> Result<T, Malformed>,
    ) -> Result<T, DriverError> {
        let filled = self
            .fill()
            .map_err(|error| DriverError::io(&self.path, &error));
        let outcome = filled.and_then(|()| {
            parse(&self.buffer).map_err(|Malformed(what)| DriverError::Parse {
                path: self.path.display().to_string(),
                what,
            })
        });
        if outcome.is_err() {
            self.file = None;
        }
        outcome
    }

    /// Like [`KernelFile::read`] for a parser that leaves out what is bad. What it left out is in
    /// the note until a reading leaves out something else, or nothing.
    ///
    /// # Errors
    /// As [`KernelFile::read`].
    pub fn read_leniently<T>(
        &mut self,
        parse: impl FnOnce(&[u8], &mut Skipped) -> Result<T, Malformed>,
    ) -> Result<T, DriverError> {
        let mut skipped = Skipped::default();
        let outcome = self.read(|bytes| parse(bytes, &mut skipped));
        if outcome.is_ok() && skipped != self.skipped {
            self.skipped = skipped;
            let remark = (!skipped.is_empty()).then(|| skipped.to_string());
            self.note.set(&self.path.display().to_string(), remark);
        }
        outcome
    }

    /// Reads a file that is one part of a key: whatever keeps it from being read is in the note,
    /// and takes nothing else away. A file that this machine does not have is none without a
    /// remark.
    pub fn read_part<T>(
        &mut self,
        parse: impl FnOnce(&[u8], &mut Skipped) -> Result<T, Malformed>,
    ) -> Option<T> {
        let error = match self.read_leniently(parse) {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        self.missing = matches!(error, DriverError::Missing(_));
        let mut failed = Skipped::default();
        if !self.missing {
            failed.add(b"all of it");
        }
        if self.skipped != failed {
            self.skipped = failed;
            let source = self.path.display().to_string();
            let text = error.to_string();
            let remark = text.strip_prefix(&format!("{source}: ")).unwrap_or(&text);
            self.note
                .set(&source, (!failed.is_empty()).then(|| remark.into()));
        }
        None
    }

    /// Whether the last [`KernelFile::read_part`] that gave nothing did so because this machine does
    /// not have the file.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.missing
    }

    fn fill(&mut self) -> IoResult<()> {
        let file = match &mut self.file {
            Some(file) => file,
            closed => closed.insert(File::open(&self.path)?),
        };
        read_to_end(&mut self.buffer, self.one_piece, |free, at| {
            file.read_at(free, at as u64)
        })
    }
}

/// Reads a file that is asked for once or seldom, through `buffer`. Opening never waits, not for
/// the other end of a pipe either.
///
/// # Errors
/// When the file is absent or cannot be read.
pub fn read_once<'buffer>(
    path: &Path,
    buffer: &'buffer mut Vec<u8>,
) -> Result<&'buffer [u8], DriverError> {
    OpenOptions::new()
        .read(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(path)
        .and_then(|mut file| read_to_end(buffer, false, |free, _| file.read(free)))
        .map_err(|error| DriverError::io(path, &error))?;
    Ok(buffer)
}

/// Fills `buffer` by `read` (into the free part, at the offset) until it gives nothing more or, for
/// a file `in_one_piece`, less than there was room for. The buffer keeps its capacity, and its
/// length becomes what was read.
fn read_to_end(
    buffer: &mut Vec<u8>,
    in_one_piece: bool,
    mut read: impl FnMut(&mut [u8], usize) -> IoResult<usize>,
) -> IoResult<()> {
    let mut filled = 0;
    buffer.resize(buffer.capacity().max(256), 0);
    loop {
        if filled == buffer.len() {
            if filled >= LARGEST_BYTES {
                return Err(ErrorKind::FileTooLarge.into());
            }
            buffer.resize(filled * 2, 0);
        }
        match read(buffer.get_mut(filled..).unwrap_or_default(), filled) {
            Ok(0) => break,
            Ok(count) => {
                filled += count;
                if in_one_piece && filled < buffer.len() {
                    break;
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(filled);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::drivers::linux::text::decimal;

    fn length(bytes: &[u8]) -> Result<usize, Malformed> {
        Ok(bytes.len())
    }

    #[test]
    fn a_file_is_read_whole_and_anew_each_time() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = KernelFile::new(&Root::at(dir.path()), "stat");
        for size in [0, 1, 255, 256, 257, 100_000, 3] {
            fs::write(dir.path().join("stat"), vec![b'x'; size]).unwrap();
            assert_eq!(file.read(length), Ok(size));
        }
    }

    #[test]
    fn an_absent_file_is_missing_and_found_once_it_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("late");
        let mut file = KernelFile::new(&Root::at(dir.path()), "late");
        assert_eq!(
            file.read(length),
            Err(DriverError::Missing(path.display().to_string()))
        );
        fs::write(&path, "here").unwrap();
        assert_eq!(file.read(length), Ok(4));
    }

    #[test]
    fn what_the_parser_refuses_names_the_file() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("stat"), "x").unwrap();
        let refused = KernelFile::new(&Root::at(dir.path()), "stat")
            .read(|_| Err::<(), _>(Malformed("a number")));
        assert!(
            matches!(refused, Err(DriverError::Parse { what: "a number", path }) if path.ends_with("/stat"))
        );
    }

    #[test]
    fn what_is_left_out_is_in_the_note_until_it_is_mended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stat");
        let note = Note::default();
        let mut file = KernelFile::new(&Root::at(dir.path()), "stat").noting(&note);
        let mut read = |text: &str| {
            fs::write(&path, text).unwrap();
            let read = file.read_part(|bytes, skipped| {
                if bytes == b"broken" {
                    return Err(Malformed("a number"));
                }
                Ok(skipped.check(b"ctxt", decimal(bytes)))
            });
            (read, note.text())
        };
        let remark = |text: &str| Some(format!("{}: {text}", path.display()));
        assert_eq!(read("7"), (Some(Some(7)), None));
        let left_out = remark("ctxt cannot be right and is left out");
        assert_eq!(read("-7"), (Some(None), left_out));
        assert_eq!(read("broken"), (None, remark("a number")));
        assert_eq!(read("8"), (Some(Some(8)), None));
    }

    #[test]
    fn a_directory_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let read = KernelFile::new(&Root::at(dir.path()), "").read(length);
        assert!(matches!(read, Err(DriverError::Io { .. })), "{read:?}");
    }

    #[test]
    fn reading_once_gives_the_bytes() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "abc").unwrap();
        let mut buffer = Vec::new();
        assert_eq!(
            read_once(&dir.path().join("a"), &mut buffer),
            Ok(&b"abc"[..])
        );
        assert!(matches!(
            read_once(&dir.path().join("b"), &mut buffer),
            Err(DriverError::Missing(_))
        ));
    }
}
