//! A folder of definitions, and the program that reads it.

use std::{fs, os::unix::fs::PermissionsExt};

use rtstat_test_support::{Client, Rtstatd, Start, wait_until};
use tempfile::TempDir;

/// The variable that marks the children of one test.
const MARK: &str = "RT_TEST_MARK";

/// A folder of definitions that every user can read.
pub struct Folder {
    dir: TempDir,
    mark: String,
}

impl Folder {
    /// An empty one.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let mark = dir.path().file_name().unwrap().to_str().unwrap().to_owned();
        Self { dir, mark }
    }

    /// A definition. Its children are marked.
    pub fn define(&self, name: &str, text: &str) {
        let text = format!("{text}\n[env]\n{MARK} = '{}'\n", self.mark);
        fs::write(self.dir.path().join(format!("{name}.toml")), text).unwrap();
    }

    pub fn path(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// The program with this folder.
    pub fn serve(&self) -> Rtstatd {
        self.serve_with(&[])
    }

    /// The program with this folder and more variables.
    pub fn serve_with(&self, env: &[(&str, &str)]) -> Rtstatd {
        let dir = self.dir.path().to_str().unwrap();
        let start = Start::new(&["raw"]).env("RTSTAT_PLUGINS_DIR", dir);
        let start = env
            .iter()
            .fold(start, |start, (name, value)| start.env(name, value));
        start.start()
    }

    /// The living processes that this folder's definitions started, zombies included.
    pub fn children(&self) -> Vec<u32> {
        let mark = format!("{MARK}={}", self.mark);
        let pids = fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        pids.filter(|pid: &u32| {
            let env = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            env.split(|byte| *byte == 0)
                .any(|line| line == mark.as_bytes())
        })
        .collect()
    }

    /// Waits until none of them lives.
    pub fn wait_for_no_children(&self) {
        wait_until("no child is left", || self.children().is_empty());
    }
}

/// A raw session with this choice of plugins and a push every half second.
pub fn watch(server: &Rtstatd, plugins: &str) -> Client {
    let lines = format!("plugins::{plugins}\ninterval::0.5\nstart\n");
    Client::raw(server.address(), &lines)
}
