//! `fs`: how full the machine's file systems are.
//!
//! Each is asked on its own: one that does not answer keeps the figures that it had, with their age
//! in `stale`. Where the machine's mounts are hidden from us the rows are those of our own view,
//! and say so: `"by":"self"`.

use std::{os::unix::ffi::OsStrExt, sync::Arc, time::Duration};

use serde::Serialize;

use crate::{
    drivers::{
        DriverError, Root,
        linux::{
            mounts::{View, Volume, read, storage},
            name,
            space::{Found, Space, space},
        },
        note::Note,
    },
    plugins::{
        FieldUnits, Plugin, Window,
        families::Families,
        figures::{Decimal, OWN_VIEW},
    },
    system::deadline_pool::{Answer, DeadlinePool},
};

/// After this the others are shown without it.
const DEADLINE: Duration = Duration::from_secs(2);

/// More are counted and not shown: those in memory are left out first.
const ROWS: usize = 64;

/// The calls to the file systems. They outlive the plugin, as a stuck thread does.
pub type Calls = Arc<DeadlinePool<Found>>;

/// Reads the size and use of mounted file systems. A reading costs a thread for each of them, for as
/// long as that takes to answer.
#[derive(Debug)]
pub struct Fs {
    root: Root,
    with_network: bool,
    calls: Calls,
    note: Note,
}

impl Fs {
    /// Reads below `root`; file systems of other machines only `with_network`.
    #[must_use]
    pub fn new(root: &Root, with_network: bool, calls: Calls) -> Self {
        Self {
            root: root.clone(),
            with_network,
            calls,
            note: Note::default(),
        }
    }

    /// The same, which tells in `note` what it leaves out.
    #[must_use]
    pub fn noting(self, note: &Note) -> Self {
        Self {
            note: note.clone(),
            ..self
        }
    }
}

/// One file system.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Mount point, the shortest one where a file system is mounted several times.
    mnt: String,
    /// What is mounted: a device, a dataset or a server's directory.
    src: String,
    /// Type of the file system.
    #[serde(rename = "type")]
    kind: String,
    /// Size: f_blocks times f_frsize. Null when the file system has not answered yet, and where
    /// another one is mounted at that point in the agent's view.
    size: Option<u64>,
    /// Bytes in use: f_blocks minus f_bfree. Null like `size`.
    used: Option<u64>,
    /// Bytes that users without privileges can still write: f_bavail, as in df(1). Null like
    /// `size`.
    avail: Option<u64>,
    /// Share of the inodes in use, from f_files and f_ffree. Null like `size`, and where the file
    /// system has no fixed number of inodes.
    inode_pct: Option<Decimal>,
    /// Whether the file system itself is mounted read-only, by its superblock options in mountinfo.
    ro: bool,
    /// Age of the figures while the file system does not answer. Null while it answers.
    stale: Option<u64>,
    /// "self" where the machine's mounts are hidden from the agent, so that the rows are those of
    /// its own view. Absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'static str>,
    /// Number of file systems that are left out because 64 are shown, in the last row. Absent
    /// elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<usize>,
}

impl Plugin for Fs {
    type Sample = Vec<Row>;

    const UNITS: FieldUnits = &[
        ("*.size", "B"),
        ("*.used", "B"),
        ("*.avail", "B"),
        ("*.inode_pct", "%"),
        ("*.stale", "s"),
    ];

    const FAMILIES: Option<fn(&Self::Sample, &mut Families)> = Some(families);

    fn read(&mut self, sample: &mut Vec<Row>) -> Result<(), DriverError> {
        sample.clear();
        let View {
            mounts,
            own,
            skipped,
        } = read(&self.root)?;
        let left_out = (!skipped.is_empty()).then(|| format!("the mount {skipped}"));
        self.note.set("/proc/1/mountinfo", left_out);
        let mut volumes = storage(mounts, self.with_network);
        let more = volumes.len().saturating_sub(ROWS);
        volumes.truncate(ROWS);
        let call = |volume: &Volume| {
            let (volume, mount) = (volume.clone(), &volume.mount);
            (format!("{:?} {:?}", mount.device, mount.point), move || {
                space(&volume)
            })
        };
        let answers = self
            .calls
            .call_all(volumes.iter().map(call).collect(), DEADLINE);
        let answered = volumes.into_iter().zip(answers);
        sample.extend(answered.filter_map(|(volume, answer)| row(volume, answer, own)));
        if let Some(last) = sample.last_mut() {
            last.more = (more > 0).then_some(more);
        }
        Ok(())
    }

    fn note(&self) -> Note {
        self.note.clone()
    }

    fn view(window: Window<'_, Vec<Row>>) -> impl Serialize {
        window.now
    }
}

/// The row of a file system; none for one that keeps no files.
fn row(volume: Volume, answer: Answer<Found>, own: bool) -> Option<Row> {
    let Volume { mount, .. } = volume;
    let (point, space) = match answer.value {
        Some(Found::File) => return None,
        Some(Found::At(point, space)) => (point, Some(space)),
        Some(Found::Hidden) | None => (mount.point, None),
    };
    if space.is_some_and(|space| is_no_storage(&space, mount.read_only)) {
        return None;
    }
    Some(Row {
        mnt: name::text(point.as_os_str().as_bytes()),
        src: mount.source,
        kind: mount.kind,
        size: space.map(|space| space.size_bytes),
        used: space.and_then(|space| space.used_bytes),
        avail: space.and_then(|space| space.available_bytes),
        inode_pct: space
            .and_then(|space| space.files)
            .map(|(used, all)| Decimal::percent(used, all)),
        ro: mount.read_only,
        stale: answer.stale.map(|age| age.as_secs()),
        by: own.then_some(OWN_VIEW),
        more: None,
    })
}

/// What has no blocks at all keeps no files, whatever its kind: df(1) leaves it out, too. What
/// cannot be written and has no free block is an image, and full by nature.
fn is_no_storage(space: &Space, read_only: bool) -> bool {
    space.size_bytes == 0 || (read_only && space.used_bytes == Some(space.size_bytes))
}

/// Names of node_exporter's `filesystem` collector, for the file systems that are shown.
fn families(rows: &Vec<Row>, out: &mut Families) {
    for row in rows {
        let labels = [
            ("device", row.src.as_str()),
            ("fstype", row.kind.as_str()),
            ("mountpoint", row.mnt.as_str()),
        ];
        let bytes = |value: Option<u64>| value.map(|value| value as f64);
        let free = row
            .size
            .zip(row.used)
            .map(|(size, used)| size.saturating_sub(used));
        let flag = |set: bool| f64::from(u8::from(set));
        out.gauge(
            "node_filesystem_size_bytes",
            "Size in bytes",
            &labels,
            bytes(row.size),
        );
        out.gauge(
            "node_filesystem_free_bytes",
            "Free bytes, those kept for root included",
            &labels,
            bytes(free),
        );
        out.gauge(
            "node_filesystem_avail_bytes",
            "Bytes that users can have",
            &labels,
            bytes(row.avail),
        );
        out.gauge(
            "node_filesystem_readonly",
            "1 where it is read-only",
            &labels,
            flag(row.ro),
        );
        let silent = row.stale.is_some() || row.size.is_none();
        out.gauge(
            "node_filesystem_device_error",
            "1 where it does not answer",
            &labels,
            flag(silent),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::fd::AsRawFd, path::Path, process::Command, thread, time::Instant};

    use nix::{
        mount::{MntFlags, MsFlags, mount, umount2},
        unistd::geteuid,
    };
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_running_host_has_a_root_with_figures() {
        let mut sample = Vec::new();
        Fs::new(&Root::host(), false, Calls::default())
            .read(&mut sample)
            .unwrap();
        let rows = serde_json::to_value(Fs::view(Window {
            before: None,
            now: &sample,
        }))
        .unwrap();
        let root = rows
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["mnt"] == "/")
            .unwrap();
        assert!(
            root["size"].as_u64() >= root["used"].as_u64() && root["stale"].is_null(),
            "{root}"
        );
        assert!(
            root["inode_pct"]
                .as_f64()
                .is_none_or(|percent| (0.0..=100.0).contains(&percent)),
            "{root}"
        );
    }

    #[test]
    fn what_is_not_seen_from_here_has_no_figures() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("proc/1")).unwrap();
        fs::write(
            dir.path().join("proc/1/mountinfo"),
            "1 0 250:77 / /nonexistent rw - ext4 /dev/x ro\n",
        )
        .unwrap();
        let mut sample = Vec::new();
        Fs::new(&Root::at(dir.path()), false, Calls::default())
            .read(&mut sample)
            .unwrap();
        let row = serde_json::to_value(&sample[0]).unwrap();
        assert_eq!(
            (&row["size"], &row["ro"], &row["src"]),
            (&Value::Null, &Value::Bool(true), &"/dev/x".into())
        );
    }

    /// squashfs by any program, AppImages, udf: no list of types can be complete.
    #[test]
    fn images_are_no_storage_and_full_disks_are() {
        let space = |used_bytes| Space {
            size_bytes: 100,
            used_bytes: Some(used_bytes),
            available_bytes: Some(0),
            files: None,
        };
        let cases = [
            (space(100), true, true),
            (space(100), false, false),
            (space(99), true, false),
        ];
        for (space, read_only, image) in cases {
            assert_eq!(is_no_storage(&space, read_only), image, "{space:?}");
        }
    }

    /// A node of Kubernetes with more file systems in memory than rows.
    #[test]
    fn disks_are_shown_before_memory_and_the_rest_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("proc/1")).unwrap();
        let line = |(index, (point, kind)): (usize, (String, &str))| {
            format!("{index} 1 250:{index} / /nonexistent{point} rw - {kind} x rw\n")
        };
        let memory = (0..80).map(|index| (format!("/a{index:02}"), "tmpfs"));
        let disks = ["/boot", "/var/log", "/work"].map(|point| (point.to_string(), "xfs"));
        let text: String = memory.chain(disks).enumerate().map(line).collect();
        fs::write(dir.path().join("proc/1/mountinfo"), text).unwrap();
        let mut sample = Vec::new();
        Fs::new(&Root::at(dir.path()), false, Calls::default())
            .read(&mut sample)
            .unwrap();
        let rows = serde_json::to_value(&sample).unwrap();
        let kinds = [0, 1, 2, 3].map(|index: usize| rows[index]["type"].as_str());
        assert_eq!(
            kinds,
            [Some("xfs"), Some("xfs"), Some("xfs"), Some("tmpfs")]
        );
        assert_eq!((sample.len(), &rows[63]["more"]), (ROWS, &19.into()));
        assert_eq!(rows[62]["more"], Value::Null);
    }

    #[test]
    fn what_has_no_blocks_is_no_row() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("proc/1")).unwrap();
        let device = std::os::unix::fs::MetadataExt::dev(&fs::metadata("/proc").unwrap());
        let (major, minor) = (nix::sys::stat::major(device), nix::sys::stat::minor(device));
        let line = format!("1 1 {major}:{minor} / /proc rw - nfsd nfsd rw\n");
        fs::write(dir.path().join("proc/1/mountinfo"), line).unwrap();
        let mut sample = Vec::new();
        Fs::new(&Root::at(dir.path()), false, Calls::default())
            .read(&mut sample)
            .unwrap();
        assert!(sample.is_empty(), "{sample:?}");
    }

    const DEAD: &str = "plugins::builtin::filesystems::tests::a_fuse_mount_that_stops_answering_hides_no_other_and_costs_one_thread";
    const INSIDE: &str = "RTSTAT_TEST_HAS_OWN_MOUNTS";

    /// Runs in mounts of its own, so that a dead one is in nobody's way: this program again, for
    /// this test alone.
    #[test]
    fn a_fuse_mount_that_stops_answering_hides_no_other_and_costs_one_thread() {
        if std::env::var_os(INSIDE).is_some() {
            return watch_a_dead_mount();
        }
        let own_mounts = || {
            let mut unshare = Command::new("unshare");
            unshare.args(if geteuid().is_root() {
                &["--mount"][..]
            } else {
                &["--mount", "--user", "--map-root-user"]
            });
            unshare
        };
        let allowed = own_mounts()
            .args(["test", "-w", "/dev/fuse"])
            .status()
            .is_ok_and(|status| status.success());
        if !allowed && std::env::var_os("CI").is_none() {
            eprintln!("not tested: this user may not mount in a namespace, or there is no FUSE");
            return;
        }
        let program = std::env::current_exe().unwrap();
        let test = own_mounts()
            .arg(program)
            .args(["--exact", DEAD, "--nocapture"])
            .env(INSIDE, "1")
            .output()
            .unwrap();
        let said = [test.stdout, test.stderr].concat();
        assert!(test.status.success(), "{}", String::from_utf8_lossy(&said));
    }

    /// A daemon that has mounted itself and answers nothing, not even the first greeting.
    fn watch_a_dead_mount() {
        let dir = tempfile::tempdir().unwrap();
        let point = dir.path().join("dead");
        fs::create_dir_all(&point).unwrap();
        let daemon = fs::File::options()
            .read(true)
            .write(true)
            .open("/dev/fuse")
            .unwrap();
        let options = format!(
            "fd={},rootmode=40000,user_id=0,group_id=0",
            daemon.as_raw_fd()
        );
        mount(
            Some("dead"),
            &point,
            Some("fuse.dead"),
            MsFlags::empty(),
            Some(options.as_str()),
        )
        .unwrap();
        fs::create_dir_all(dir.path().join("proc/1")).unwrap();
        fs::copy("/proc/self/mountinfo", dir.path().join("proc/1/mountinfo")).unwrap();

        let calls = Calls::default();
        for round in 0..5 {
            // A new plugin each time, as for viewers that come and go.
            let mut sample = Vec::new();
            let begun = Instant::now();
            Fs::new(&Root::at(dir.path()), false, Arc::clone(&calls))
                .read(&mut sample)
                .unwrap();
            let row = |at: &Path| sample.iter().find(|row| Path::new(&row.mnt) == at).unwrap();
            let (root, dead) = (row(Path::new("/")), row(&point));
            assert!(root.size.is_some() && root.stale.is_none(), "{root:?}");
            assert!(dead.size.is_none() && dead.stale.is_some(), "{dead:?}");
            assert!(
                round == 0 || begun.elapsed() < DEADLINE,
                "round {round} waited for it again"
            );
            assert_eq!(calls.pending(), 1);
            come_down_to(1);
        }
        drop(daemon);
        come_down_to(0);
        umount2(&point, MntFlags::MNT_DETACH).unwrap();
    }

    /// Threads that have answered are on their way out.
    fn come_down_to(threads: usize) {
        let is_asking = |task: &fs::DirEntry| {
            fs::read(task.path().join("comm")).is_ok_and(|name| name == b"call\n")
        };
        let asking = || {
            fs::read_dir("/proc/self/task")
                .unwrap()
                .flatten()
                .filter(is_asking)
                .count()
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        while asking() != threads {
            assert!(Instant::now() < deadline, "{} threads", asking());
            thread::yield_now();
        }
    }
}
