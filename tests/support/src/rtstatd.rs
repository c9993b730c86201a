//! The real program: started on ports that the kernel picks, watched from outside, ended with the
//! test.

use std::{
    fs::{self, Permissions},
    io::{BufRead, BufReader, ErrorKind},
    net::SocketAddr,
    os::unix::{fs::PermissionsExt, net::UnixDatagram},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, Uid},
};
use tempfile::TempDir;

use crate::{ChildInTime, PATIENCE, eventually};

/// The program with these arguments, built beside the test that runs.
///
/// # Panics
/// When it was not built, which cargo does for the tests of its own package only.
#[must_use]
pub fn rtstatd(words: &[&str]) -> Command {
    let test = std::env::current_exe().unwrap();
    let built = test.ancestors().find_map(|folder| {
        let path = folder.join("rtstatd");
        path.is_file().then_some(path)
    });
    let mut command = Command::new(built.expect("rtstatd is built beside its tests"));
    command.args(words).stdin(Stdio::null());
    command
}

/// A configuration file that every user can read, as the program becomes another one when root
/// starts it.
#[must_use]
pub fn config_file(folder: &TempDir, toml: &str) -> String {
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let path = folder.path().join("rtstat.toml");
    fs::write(&path, toml).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A service manager made of one socket.
#[derive(Debug)]
pub struct Manager {
    socket: UnixDatagram,
    /// Its address, for the variable `NOTIFY_SOCKET`.
    pub path: PathBuf,
    _folder: TempDir,
}

impl Manager {
    /// One that a program of any user reaches.
    ///
    /// # Panics
    /// When there is no room for a socket file.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        Self {
            socket,
            path,
            _folder: folder,
        }
    }

    /// The next report; none when there is none within `time`.
    ///
    /// # Panics
    /// When the socket fails.
    pub fn report(&self, time: Duration) -> Option<String> {
        self.socket.set_read_timeout(Some(time)).unwrap();
        let mut buffer = [0; 4096];
        loop {
            match self.socket.recv(&mut buffer) {
                Ok(length) => return Some(String::from_utf8_lossy(&buffer[..length]).into_owned()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    let silent = [ErrorKind::WouldBlock, ErrorKind::TimedOut];
                    assert!(silent.contains(&error.kind()), "{error}");
                    return None;
                }
            }
        }
    }
}

impl Default for Manager {
    fn default() -> Self {
        Self::new()
    }
}

/// How a server is to be started: on the loopback, with an empty configuration file.
pub struct Start {
    command: Command,
    folder: TempDir,
}

impl Start {
    /// A listener for each scheme: `ws`, `raw`, `wss`, `raws`, or a whole `raw+unix:PATH`.
    #[must_use]
    pub fn new(schemes: &[&str]) -> Self {
        Self::through(rtstatd(&[]), schemes)
    }

    /// The same through another command, which gets the program's words behind its own.
    ///
    /// # Panics
    /// When there is no room for a file.
    #[must_use]
    pub fn through(mut command: Command, schemes: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = config_file(&folder, "");
        command.args(["server", "--config", &config]);
        for scheme in schemes {
            let url = match scheme.contains("+unix:") {
                true => (*scheme).to_owned(),
                false => format!("{scheme}://127.0.0.1:0"),
            };
            command.args(["--listen", &url]);
        }
        Self { command, folder }
    }

    /// More options of the command line.
    #[must_use]
    pub fn options(mut self, options: &[&str]) -> Self {
        self.command.args(options);
        self
    }

    /// A variable of the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Stays the user that the test runs as, so that it reads the test's private files.
    #[must_use]
    pub fn as_this_user(self) -> Self {
        match Uid::effective().is_root() {
            true => self.options(&["--user", "root"]),
            false => self,
        }
    }

    /// Starts it and waits until it listens.
    #[must_use]
    pub fn start(mut self) -> Rtstatd {
        self.command.env_remove("NOTIFY_SOCKET");
        self.command.stdin(Stdio::null()).stderr(Stdio::piped());
        let mut program = Rtstatd::spawn(self.command);
        program.folder = Some(self.folder);
        let listening = program.logged("listening on ");
        let urls = listening.split_once("listening on ").unwrap().1;
        program.listeners = listeners(urls);
        program
    }
}

/// Scheme and address of each URL in a list of them.
fn listeners(urls: &str) -> Vec<(String, SocketAddr)> {
    let split = urls.split([',', ';', ' ']);
    let listener = |url: &str| {
        let (scheme, address) = url.split_once("://")?;
        Some((scheme.to_owned(), address.parse().ok()?))
    };
    split.filter_map(listener).collect()
}

/// A running rtstatd. A test that ends without having ended it fails when it ended by itself or
/// panicked.
pub struct Rtstatd {
    child: Child,
    log: Arc<Mutex<String>>,
    reading: Option<JoinHandle<()>>,
    listeners: Vec<(String, SocketAddr)>,
    manager: Option<Manager>,
    /// The status line of the last report to the service manager.
    pub status: String,
    ended: bool,
    folder: Option<TempDir>,
}

impl Rtstatd {
    /// Starts it with a listener for each scheme (`ws`, `raw`, `wss`, `raws`) and more options, and
    /// waits until it listens.
    #[must_use]
    pub fn start(schemes: &[&str], options: &[&str]) -> Self {
        Start::new(schemes).options(options).start()
    }

    /// The same as the user that the test runs as.
    #[must_use]
    pub fn start_as_this_user(schemes: &[&str], options: &[&str]) -> Self {
        let start = Start::new(schemes).options(options);
        start.as_this_user().start()
    }

    /// Runs a command below a service manager, and waits until it has reported to be ready.
    #[must_use]
    pub fn managed(command: Command) -> Self {
        Self::managed_unread(command, Stdio::piped())
    }

    /// The same with a standard error of the test's own, which is not read as its log.
    #[must_use]
    pub fn managed_unread(mut command: Command, stderr: Stdio) -> Self {
        let manager = Manager::new();
        command.env("NOTIFY_SOCKET", &manager.path).stderr(stderr);
        let mut program = Self::spawn(command);
        program.manager = Some(manager);
        program.wait_for("READY=1");
        program.listeners = listeners(&program.status);
        program
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let copy = Arc::clone(&log);
        let read = |stderr| {
            std::thread::spawn(move || {
                for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                    let mut log = copy.lock().unwrap_or_else(PoisonError::into_inner);
                    log.push_str(&line);
                    log.push('\n');
                }
            })
        };
        let reading = child.stderr.take().map(read);
        Self {
            child,
            log,
            reading,
            listeners: Vec::new(),
            manager: None,
            status: String::new(),
            ended: false,
            folder: None,
        }
    }

    /// The next report to the service manager that contains this line.
    ///
    /// # Panics
    /// When none comes, with what the program has logged.
    pub fn wait_for(&mut self, line: &str) -> String {
        let manager = self
            .manager
            .as_ref()
            .expect("it was started below a manager");
        loop {
            let Some(report) = manager.report(PATIENCE) else {
                panic!("no {line}; it logged: {}", self.log())
            };
            if let Some(status) = report.lines().find_map(|line| line.strip_prefix("STATUS=")) {
                self.status = status.to_owned();
            }
            if report.lines().any(|found| found == line) {
                return report;
            }
        }
    }

    /// The address of the first listener on TCP.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        let first = self.listeners.first();
        first
            .unwrap_or_else(|| panic!("no listener: {}", self.log()))
            .1
    }

    /// The address of the listener of this scheme.
    #[must_use]
    pub fn listener(&self, scheme: &str) -> SocketAddr {
        let found = self.listeners.iter().find(|(name, _)| name == scheme);
        found
            .unwrap_or_else(|| panic!("no {scheme}: {}", self.log()))
            .1
    }

    /// Everything logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.clone()
    }

    /// Waits for a line of the log with this text.
    pub fn logged(&self, text: &str) -> String {
        eventually(&format!("the log line {text:?}"), || {
            let log = self.log();
            log.lines()
                .find(|line| line.contains(text))
                .map(str::to_owned)
        })
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.pid()).unwrap()), signal).unwrap();
    }

    /// A file of the process under /proc.
    #[must_use]
    pub fn proc(&self, file: &str) -> String {
        fs::read_to_string(self.folder_of_process().join(file)).unwrap()
    }

    fn folder_of_process(&self) -> PathBuf {
        Path::new("/proc").join(self.pid().to_string())
    }

    /// A field of /proc/PID/status, without its unit.
    #[must_use]
    pub fn status_field(&self, field: &str) -> String {
        let text = self.proc("status");
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let value = value.unwrap_or_else(|| panic!("no {field}"));
        value.trim().trim_end_matches(" kB").to_owned()
    }

    /// The memory that it has in use.
    #[must_use]
    pub fn resident_kib(&self) -> usize {
        self.status_field("VmRSS").parse().unwrap()
    }

    /// Its open descriptors.
    #[must_use]
    pub fn descriptors(&self) -> usize {
        fs::read_dir(self.folder_of_process().join("fd"))
            .unwrap()
            .count()
    }

    /// Its threads.
    #[must_use]
    pub fn threads(&self) -> usize {
        fs::read_dir(self.folder_of_process().join("task"))
            .unwrap()
            .count()
    }

    /// Ends it with a signal.
    pub fn end(&mut self, signal: Signal) -> ExitStatus {
        self.signal(signal);
        self.ended = true;
        self.child.wait_in_time().unwrap()
    }

    /// SIGTERM, the exit status, and all that it logged.
    #[must_use]
    pub fn stop(self) -> (ExitStatus, String) {
        self.signal(Signal::SIGTERM);
        self.ended()
    }

    /// Waits for its end: the exit status, and all that it logged.
    #[must_use]
    pub fn ended(mut self) -> (ExitStatus, String) {
        self.ended = true;
        let status = self.child.wait_in_time().unwrap();
        // A plugin that outlives it may hold the pipe open; what it logged itself is there.
        eventually("the end of the log", || {
            let read = self.reading.as_ref().is_none_or(JoinHandle::is_finished);
            read.then_some(())
        });
        (status, self.log())
    }
}

impl Drop for Rtstatd {
    fn drop(&mut self) {
        let by_itself = self.child.try_wait();
        self.child.end();
        if std::thread::panicking() {
            eprintln!(
                "-- rtstatd (ended by itself: {by_itself:?}) --\n{}",
                self.log()
            );
            return;
        }
        // A server that died or panicked under a test has failed it, whatever the clients saw.
        let alive = self.ended || matches!(by_itself, Ok(None));
        assert!(
            alive,
            "rtstatd ended by itself: {by_itself:?}: {}",
            self.log()
        );
        assert!(!self.log().contains("panic"), "a panic: {}", self.log());
    }
}
