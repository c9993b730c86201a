//! `fs`: how full the machine's file systems are.
//!
//! Each is asked on its own: one that does not answer keeps the figures that it had, with their age in `stale`.

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use super::{Plugin, Window, figures::Decimal};
use crate::drivers::{
    DriverError, Root,
    linux::{
        mounts::{Mount, read, storage},
        space::{Space, space},
    },
    patience::Patience,
};

/// After this the others are shown without it.
const DEADLINE: Duration = Duration::from_secs(2);

/// More are not shown.
const ROWS: usize = 64;

/// The questions to the file systems, which outlive the plugin.
pub type Questions = Arc<Patience<Option<Space>>>;

/// The plugin. A reading costs a thread for each file system, for as long as that takes to answer.
#[derive(Debug)]
pub struct Fs {
    root: Root,
    with_network: bool,
    questions: Questions,
}

impl Fs {
    /// Reads below `root`; file systems of other machines only `with_network`.
    #[must_use]
    pub fn new(root: &Root, with_network: bool, questions: Questions) -> Self {
        Self { root: root.clone(), with_network, questions }
    }
}

/// One file system.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    mnt: String,
    src: String,
    #[serde(rename = "type")]
    kind: String,
    /// Bytes.
    size: Option<u64>,
    used: Option<u64>,
    avail: Option<u64>,
    inode_pct: Option<Decimal>,
    ro: bool,
    /// Seconds since it answered last; null while it does.
    stale: Option<u64>,
}

impl Plugin for Fs {
    type Sample = Vec<Row>;

    fn read(&mut self, sample: &mut Vec<Row>) -> Result<(), DriverError> {
        sample.clear();
        let mut mounts = storage(read(&self.root)?, self.with_network);
        mounts.truncate(ROWS);
        let question = |mount: &Mount| {
            let mount = mount.clone();
            (format!("{:?} {}", mount.device, mount.point.display()), move || space(&mount))
        };
        let answers = self.questions.ask(mounts.iter().map(question).collect(), DEADLINE);
        sample.extend(mounts.into_iter().zip(answers).map(|(mount, answer)| {
            let space = answer.value.flatten();
            Row {
                mnt: mount.point.display().to_string(),
                src: mount.source,
                kind: mount.kind,
                size: space.map(|space| space.size_bytes),
                used: space.map(|space| space.used_bytes),
                avail: space.map(|space| space.available_bytes),
                inode_pct: space.and_then(|space| space.files).map(|(used, all)| Decimal::percent(used, all)),
                ro: mount.read_only,
                stale: answer.stale.map(|age| age.as_secs()),
            }
        }));
        Ok(())
    }

    fn view(window: Window<'_, Vec<Row>>) -> impl Serialize {
        window.now
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_running_host_has_a_root_with_figures() {
        let mut sample = Vec::new();
        Fs::new(&Root::host(), false, Questions::default()).read(&mut sample).unwrap();
        let rows = serde_json::to_value(Fs::view(Window { before: None, now: &sample })).unwrap();
        let root = rows.as_array().unwrap().iter().find(|row| row["mnt"] == "/").unwrap();
        assert!(root["size"].as_u64() >= root["used"].as_u64() && root["stale"].is_null(), "{root}");
        assert!(root["inode_pct"].as_f64().is_none_or(|percent| (0.0..=100.0).contains(&percent)), "{root}");
    }

    #[test]
    fn what_is_not_seen_from_here_has_no_figures() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("proc/1")).unwrap();
        std::fs::write(dir.path().join("proc/1/mountinfo"), "1 0 250:77 / /nonexistent rw - ext4 /dev/x ro\n").unwrap();
        let mut sample = Vec::new();
        Fs::new(&Root::at(dir.path()), false, Questions::default()).read(&mut sample).unwrap();
        let row = serde_json::to_value(&sample[0]).unwrap();
        assert_eq!((&row["size"], &row["ro"], &row["src"]), (&Value::Null, &Value::Bool(true), &"/dev/x".into()));
    }
}
