//! Who is logged in: the sessions of logind (the files behind sd_get_sessions(3)), or else utmp(5),
//! which newer systems no longer have.
//!
//! logind's files are private to systemd, but libsystemd reads them in whatever process it is linked
//! to, so they change no more often than its ABI. The bus would be the documented way, at a cost: a
//! call is a round trip through two other processes that may block, so that `uptime` would need a
//! worker, a deadline and a back-off, where one stat of the folder tells that nothing has changed;
//! it wakes both processes at each sample, and starts a logind that does not run; and in a sandbox
//! or a container the files are often visible where the bus is not.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant, SystemTime},
};

use crate::drivers::{
    Root,
    linux::{
        file::read_once,
        text::{lines, split_once},
    },
};

/// A utmp record: machines that never had a 32-bit time in it pad it further.
const UTMP_RECORD_BYTES: usize = if cfg!(any(
    target_arch = "aarch64",
    target_arch = "riscv64",
    target_arch = "loongarch64"
)) {
    400
} else {
    384
};

/// `ut_type` of a login.
const USER_PROCESS: u16 = 7;

/// A folder's time of change is only as fine as the kernel's clock tick: a younger one may still
/// hide a change.
const SETTLED: Duration = Duration::from_secs(1);

/// Between two looks at places that did not exist: a container seldom gets a logind.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// The places that tell, with the last count.
#[derive(Debug)]
pub struct Users {
    /// Whether systemd runs this machine (sd_booted(3)).
    booted: bool,
    sessions: PathBuf,
    utmp: [PathBuf; 2],
    proc: PathBuf,
    /// The folder's time of change, and the sessions counted after it.
    counted: Option<(SystemTime, u64)>,
    /// When none of the places existed.
    absent: Option<Instant>,
    buffer: Vec<u8>,
}

impl Users {
    /// Below `root`; nothing is opened yet.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        Self {
            booted: root.path("run/systemd/system").exists(),
            sessions: root.path("run/systemd/sessions"),
            utmp: ["run/utmp", "var/run/utmp"].map(|place| root.path(place)),
            proc: root.path("proc"),
            counted: None,
            absent: None,
            buffer: Vec::new(),
        }
    }

    /// How many sessions users have; 0 where nothing tells. Costs one stat while nobody comes or
    /// goes, the reading of a small file for each session otherwise, and nothing for two seconds
    /// after nothing told.
    pub fn count(&mut self) -> u64 {
        if self
            .absent
            .is_some_and(|since| since.elapsed() < LOOK_AGAIN)
        {
            return 0;
        }
        let count = if self.booted {
            self.count_sessions().or_else(|| self.count_utmp())
        } else {
            self.count_utmp().or_else(|| self.count_sessions())
        };
        self.absent = count.is_none().then(Instant::now);
        count.unwrap_or(0)
    }

    /// Sessions by logind, which renames a new file into the folder at every change.
    fn count_sessions(&mut self) -> Option<u64> {
        let changed = fs::metadata(&self.sessions)
            .and_then(|folder| folder.modified())
            .ok()?;
        if let Some((at, count)) = self.counted
            && at == changed
        {
            return Some(count);
        }
        let mut count = 0;
        for entry in fs::read_dir(&self.sessions).ok()?.flatten() {
            // Temporary files and the pipes that hold sessions open have a dot in the name; session
            // names have none.
            if entry.file_name().as_encoded_bytes().contains(&b'.') {
                continue;
            }
            count +=
                u64::from(read_once(&entry.path(), &mut self.buffer).is_ok_and(is_user_session));
        }
        let settled = SystemTime::now()
            .duration_since(changed)
            .is_ok_and(|age| age > SETTLED);
        self.counted = settled.then_some((changed, count));
        Some(count)
    }

    fn count_utmp(&mut self) -> Option<u64> {
        let path = self.utmp.iter().find(|path| path.exists())?;
        let bytes = read_once(path, &mut self.buffer).ok()?;
        // Logins that ended without being struck off stay in utmp; with hidden processes we cannot
        // tell.
        let hidden = !self.proc.join("1/stat").exists();
        let alive = |pid: &u32| hidden || self.proc.join(pid.to_string()).exists();
        Some(logins(bytes).filter(alive).count() as u64)
    }
}

/// Whether the session is a person's (and not a service manager's, a greeter's or a batch job's)
/// and has not ended.
fn is_user_session(bytes: &[u8]) -> bool {
    let (mut user, mut closing) = (false, false);
    for (key, value) in lines(bytes).filter_map(|line| split_once(line, b'=')) {
        match key {
            b"CLASS" => user = value.starts_with(b"user"),
            b"STATE" => closing = value == b"closing",
            _ => {}
        }
    }
    user && !closing
}

/// The process ids of the logins in utmp.
fn logins(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.chunks_exact(UTMP_RECORD_BYTES).filter_map(|record| {
        let kind = record
            .first_chunk()
            .map(|bytes| u16::from_ne_bytes(*bytes))?;
        let pid = record
            .get(4..)
            .and_then(<[u8]>::first_chunk)
            .map(|bytes| u32::from_ne_bytes(*bytes))?;
        let name = record.get(44)?;
        (kind == USER_PROCESS && *name != 0).then_some(pid)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(kind: u16, pid: u32, name: &[u8]) -> Vec<u8> {
        let mut record = vec![0; UTMP_RECORD_BYTES];
        record[..2].copy_from_slice(&kind.to_ne_bytes());
        record[4..8].copy_from_slice(&pid.to_ne_bytes());
        record[44..44 + name.len()].copy_from_slice(name);
        record
    }

    #[test]
    fn sessions_of_people_that_have_not_ended_count() {
        let cases: [(&[u8], bool); 9] = [
            (
                b"# comment\nUID=1000\nACTIVE=1\nSTATE=active\nCLASS=user\n",
                true,
            ),
            (b"STATE=online\nCLASS=user-early\n", true),
            (b"STATE=closing\nCLASS=user\n", false),
            (b"CLASS=manager\nSTATE=active\n", false),
            (b"CLASS=greeter\n", false),
            (b"CLASS=background\n", false),
            (b"CLASS=us", false),
            (b"CLASS=user", true),
            (b"\xff\0=\n==\n", false),
        ];
        for (bytes, expected) in cases {
            assert_eq!(is_user_session(bytes), expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn logind_is_asked_first_and_the_pipes_beside_its_sessions_are_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let sessions = dir.path().join("run/systemd/sessions");
        fs::create_dir_all(&sessions).unwrap();
        fs::create_dir_all(dir.path().join("run/systemd/system")).unwrap();
        fs::write(
            dir.path().join("run/utmp"),
            record(USER_PROCESS, 1, b"anna"),
        )
        .unwrap();
        nix::unistd::mkfifo(&sessions.join("1.ref"), nix::sys::stat::Mode::S_IRUSR).unwrap();
        let mut users = Users::new(&Root::at(dir.path()));
        assert_eq!(users.count(), 0);
        for (name, class, count) in [
            ("1", "user", 1),
            ("c2", "user", 2),
            ("3", "manager", 2),
            (".#4x", "user", 2),
        ] {
            fs::write(
                sessions.join(name),
                format!("CLASS={class}\nSTATE=active\n"),
            )
            .unwrap();
            assert_eq!(users.count(), count, "{name}");
        }
    }

    #[test]
    fn utmp_counts_living_logins_where_logind_does_not_run() {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["run", "proc/1", "proc/10"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        fs::write(dir.path().join("proc/1/stat"), "").unwrap();
        let records = [
            record(USER_PROCESS, 10, b"anna"),
            record(USER_PROCESS, 11, b"gone"),
            record(USER_PROCESS, 10, b""),
            record(2, 10, b"reboot"),
            vec![7; UTMP_RECORD_BYTES - 1],
        ];
        fs::write(dir.path().join("run/utmp"), records.concat()).unwrap();
        assert_eq!(Users::new(&Root::at(dir.path())).count(), 1);
    }

    #[test]
    fn nobody_where_nothing_tells_until_something_does() {
        let dir = tempfile::tempdir().unwrap();
        let mut users = Users::new(&Root::at(dir.path()));
        assert_eq!(users.count(), 0);
        let sessions = dir.path().join("run/systemd/sessions");
        fs::create_dir_all(&sessions).unwrap();
        fs::write(sessions.join("1"), "CLASS=user\n").unwrap();
        assert_eq!(users.count(), 0);
        users.absent = Instant::now().checked_sub(LOOK_AGAIN);
        assert_eq!(users.count(), 1);
    }

    #[test]
    fn a_settled_folder_is_counted_once() {
        let dir = tempfile::tempdir().unwrap();
        let sessions = dir.path().join("run/systemd/sessions");
        fs::create_dir_all(&sessions).unwrap();
        fs::write(sessions.join("1"), "CLASS=user\n").unwrap();
        let old = SystemTime::now() - Duration::from_secs(60);
        fs::File::open(&sessions)
            .unwrap()
            .set_modified(old)
            .unwrap();
        let mut users = Users::new(&Root::at(dir.path()));
        assert_eq!(users.count(), 1);
        assert_eq!(users.counted.map(|counted| counted.1), Some(1));
        fs::write(sessions.join("2"), "CLASS=user\n").unwrap();
        assert_eq!(users.count(), 2);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = is_user_session(&bytes);
            let _ = logins(&bytes).count();
        }
    }
}
