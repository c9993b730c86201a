//! A folder of definitions, the program that reads it, and a client.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    process::ExitStatus,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rtstat_test_support::{ChildInTime, Lifetime, connect};
use serde_json::Value;
use tempfile::TempDir;

use super::server::Server;

/// How long a test waits for what must come. Never a measure of speed.
const PATIENCE: Duration = Duration::from_secs(20);

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
    pub fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    /// The program with this folder and more variables.
    pub fn serve_with(&self, env: &[(&str, &str)]) -> Server {
        let dir = self.dir.path().to_str().unwrap();
        Server::start_with("raw", &[], &[&[("RTSTAT_PLUGINS_DIR", dir)], env].concat())
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

/// Waits for what must come to be.
pub fn wait_until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "it never came to be that {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A raw client that was started with its choice of plugins.
pub struct Client(BufReader<TcpStream>, Lifetime);

impl Client {
    /// Connects, chooses and starts, with pushes every half second.
    pub fn watch(server: &Server, plugins: &str) -> Self {
        let mut client = Self::connect(server);
        client.send(&format!("plugins::{plugins}\ninterval::0.5\nstart\n"));
        client
    }

    pub fn connect(server: &Server) -> Self {
        let stream = connect(server.address).unwrap();
        Self(BufReader::new(stream), Lifetime::start())
    }

    pub fn send(&mut self, lines: &str) {
        self.0.get_mut().write_all(lines.as_bytes()).unwrap();
    }

    /// The next line, whatever it is.
    pub fn line(&mut self) -> String {
        self.1.check();
        let mut line = String::new();
        assert!(
            self.0.read_line(&mut line).unwrap() > 0,
            "the server ended the connection"
        );
        line.trim_end().to_owned()
    }

    /// The rest of the next line that starts with `prefix`. An error of the server fails the test.
    pub fn next(&mut self, prefix: &str) -> String {
        loop {
            let line = self.line();
            assert!(!line.starts_with("Error::"), "{line}");
            if let Some(rest) = line.strip_prefix(prefix) {
                return rest.to_owned();
            }
        }
    }

    /// The next push.
    pub fn push(&mut self) -> Value {
        let line = self.next("Push::");
        serde_json::from_str(&json(&line)).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// The first push that is as wanted.
    pub fn push_with(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let push = self.push();
            if wanted(&push) {
                return push;
            }
            assert!(
                Instant::now() < deadline,
                "such a push never came; the last one: {push}"
            );
        }
    }

    /// What `info` answers.
    pub fn info(&mut self) -> Value {
        self.send("info\n");
        serde_json::from_str(&json(&self.next("Info::"))).unwrap()
    }
}

/// The JSON of an argument: two backslashes are one, a backslash and `n` a newline.
fn json(argument: &str) -> String {
    let message = format!("x::{argument}");
    let message = rtstat::protocol::decode(message.as_bytes()).unwrap();
    message.arguments().next().unwrap().into_owned()
}

/// Ends the program as systemd would.
pub fn stop(server: &mut Server) -> ExitStatus {
    let pid = Pid::from_raw(i32::try_from(server.child.id()).unwrap());
    kill(pid, Signal::SIGTERM).unwrap();
    server.stopped = true;
    server.child.wait_in_time().unwrap()
}

/// What the program has logged so far.
pub fn log(server: &Server) -> String {
    server.log.lock().unwrap().clone()
}
