//! The running program with a service manager made of one socket: readiness, status and reloads are
//! waited for by what the program reports, not by time.

use std::{
    fs, io,
    os::unix::net::UnixDatagram,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rtstat_test_support::{ChildInTime, read_in_time};
use tempfile::TempDir;

/// A report that does not come within this time never will.
const PATIENCE: Duration = Duration::from_secs(20);

/// A program that has reported to be ready. It is killed when the value is dropped.
pub struct Program {
    child: Child,
    manager: UnixDatagram,
    /// The status line of the last report.
    pub status: String,
    _folder: TempDir,
}

/// The program with these arguments and nothing of the machine's configuration.
pub fn rtstatd(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rtstatd"));
    command.args(words);
    command
}

/// A configuration file that every user can read, as the program becomes another one when root
/// starts it.
pub fn config_file(folder: &TempDir, toml: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let path = folder.path().join("rtstat.toml");
    fs::write(&path, toml).unwrap();
    path.to_str().unwrap().to_owned()
}

impl Program {
    /// Starts it and waits until it is ready.
    pub fn start(mut command: Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The name is reached by a program that has become another user, too.
        config_file(&folder, "");
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        manager.set_read_timeout(Some(PATIENCE)).unwrap();
        command
            .env("NOTIFY_SOCKET", &path)
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let mut program = Self {
            child,
            manager,
            status: String::new(),
            _folder: folder,
        };
        program.wait_for("READY=1");
        program
    }

    /// The next report that contains this line.
    pub fn wait_for(&mut self, line: &str) -> String {
        let mut buffer = [0; 4096];
        loop {
            let length = match self.manager.recv(&mut buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => panic!("no {line}: {error}; it said: {}", self.end_and_read()),
            };
            let report = String::from_utf8(buffer[..length].to_vec()).unwrap();
            if let Some(status) = report.lines().find_map(|line| line.strip_prefix("STATUS=")) {
                self.status = status.to_owned();
            }
            if report.lines().any(|found| found == line) {
                return report;
            }
        }
    }

    /// The address of the first TCP listener, from the status line.
    pub fn address(&self) -> String {
        let (_, rest) = self.status.split_once("://").unwrap();
        rest.split([',', ';']).next().unwrap().to_owned()
    }

    /// The address of the listener of this scheme (`ws`, `raw`), from the status line.
    pub fn listener(&self, scheme: &str) -> String {
        let scheme = format!("{scheme}://");
        let (_, rest) = self.status.split_once(&scheme).unwrap();
        rest.split([',', ';']).next().unwrap().to_owned()
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    /// A file of the process under /proc.
    pub fn proc(&self, file: &str) -> String {
        fs::read_to_string(Path::new("/proc").join(self.pid().to_string()).join(file)).unwrap()
    }

    /// Closes the reading end of its standard error.
    pub fn close_stderr(&mut self) {
        drop(self.child.stderr.take());
    }

    /// SIGTERM, the exit status, and all that it said.
    pub fn stop(self) -> (ExitStatus, String) {
        self.signal(Signal::SIGTERM);
        self.ended()
    }

    /// Waits for its end: the exit status, and all that it said.
    pub fn ended(mut self) -> (ExitStatus, String) {
        let said = self.read_stderr();
        (self.child.wait_in_time().unwrap(), said)
    }

    fn end_and_read(&mut self) -> String {
        self.child.kill().unwrap();
        self.read_stderr()
    }

    fn read_stderr(&mut self) -> String {
        let said = self.child.stderr.take().map(read_in_time);
        String::from_utf8(said.transpose().unwrap().unwrap_or_default()).unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself, as most tests want it to.
        self.child.end();
    }
}
