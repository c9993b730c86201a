//! The real program under attack: started on ports that the kernel picks, watched from outside,
//! ended with the test.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, Uid},
};

use rtstat_test_support::ChildInTime;

/// What must come, comes within this time. Never a measure of speed.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `found` gives something.
pub fn eventually<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(
            Instant::now() < deadline,
            "{what}: not within {} s",
            PATIENCE.as_secs()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A running rtstatd.
pub struct Agent {
    child: Child,
    log: Arc<Mutex<String>>,
    listeners: Vec<(String, String)>,
    _folder: tempfile::TempDir,
}

impl Agent {
    /// Starts it on the loopback for each scheme (`ws`, `raw`, `wss`, `raws`), and waits until it
    /// listens.
    pub fn start(schemes: &[&str], options: &[&str]) -> Self {
        Self::start_as(
            Command::new(env!("CARGO_BIN_EXE_rtstatd")),
            schemes,
            options,
        )
    }

    /// The same through another command, which gets the program's words behind its own.
    pub fn start_as(mut command: Command, schemes: &[&str], options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // No configuration of the machine may leak into the test.
        let config = folder.path().join("rtstat.toml");
        std::fs::write(&config, "").unwrap();
        command.arg("server").arg("--config").arg(config);
        for scheme in schemes {
            command.arg("--listen");
            match scheme.split_once("+unix:") {
                Some(_) => command.arg(scheme),
                None => command.arg(format!("{scheme}://127.0.0.1:0")),
            };
        }
        if Uid::effective().is_root() {
            // Files of a test belong to who runs it.
            command.args(["--user", "root"]);
        }
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RTSTAT_"))
        {
            command.env_remove(name);
        }
        command
            .args(options)
            .env_remove("NOTIFY_SOCKET")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let copy = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut log = copy.lock().unwrap_or_else(PoisonError::into_inner);
                log.push_str(&line);
                log.push('\n');
            }
        });
        let mut agent = Self {
            child,
            log,
            listeners: Vec::new(),
            _folder: folder,
        };
        let listening = eventually("the start", || {
            let log = agent.log();
            log.lines()
                .find_map(|line| Some(line.split_once("listening on ")?.1.to_owned()))
        });
        agent.listeners = listening
            .split([',', ' '])
            .filter_map(|url| url.split_once("://"))
            .map(|(scheme, place)| (scheme.to_owned(), place.to_owned()))
            .collect();
        agent
    }

    /// The address of the listener of this scheme.
    pub fn address(&self, scheme: &str) -> SocketAddr {
        let listener = self.listeners.iter().find(|(name, _)| name == scheme);
        listener
            .and_then(|(_, place)| place.parse().ok())
            .unwrap_or_else(|| panic!("no {scheme} in {}", self.log()))
    }

    /// Everything logged so far.
    pub fn log(&self) -> String {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits for a line of the log with this text.
    pub fn logged(&self, text: &str) -> String {
        eventually(&format!("the log line {text:?}"), || {
            self.log()
                .lines()
                .find(|line| line.contains(text))
                .map(str::to_owned)
        })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.pid()).unwrap()), signal).unwrap();
    }

    /// A field of /proc/PID/status, without its unit.
    pub fn status(&self, field: &str) -> String {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("no {field}"))
            .trim()
            .trim_end_matches(" kB")
            .to_owned()
    }

    pub fn resident_kib(&self) -> usize {
        self.status("VmRSS").parse().unwrap()
    }

    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(Path::new("/proc").join(self.pid().to_string()).join("fd"))
            .unwrap()
            .count()
    }

    /// Ends it with a signal.
    pub fn end(mut self, signal: Signal) -> ExitStatus {
        self.signal(signal);
        self.child.wait_in_time().unwrap()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let ended = self.child.try_wait();
        self.child.end();
        if std::thread::panicking() {
            eprintln!(
                "-- the agent's log (ended by itself: {ended:?}) --\n{}",
                self.log()
            );
        } else {
            assert!(!self.log().contains("panic"), "a panic: {}", self.log());
        }
    }
}
