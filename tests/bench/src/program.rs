//! Starts one server, waits for its READY, and ends it.

use std::{
    ffi::OsString,
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rtstat_test_support::{ChildInTime, Manager};
use tempfile::TempDir;

use crate::{Result, meter::Meter};

/// How long a server goes on working after its READY, at most.
const SETTLE: Duration = Duration::from_millis(20);
/// How long a server may take to say READY before the bench gives up.
const START: Duration = Duration::from_secs(10);

/// A program that can be started as a server.
#[derive(Debug, Clone)]
pub struct Program {
    /// What the table calls it.
    pub name: &'static str,
    /// The executable.
    pub path: PathBuf,
    /// Its arguments: they make it listen on a loopback port that the kernel picks.
    pub args: Vec<OsString>,
}

impl Program {
    /// The floor, built beside this program.
    #[must_use]
    pub fn floor(path: PathBuf) -> Self {
        Self {
            name: "floor",
            path,
            args: Vec::new(),
        }
    }

    /// rtstatd without a limit of clients, on WebSocket.
    #[must_use]
    pub fn rtstatd(path: PathBuf) -> Self {
        let args = ["server", "-c", "0", "--listen", "ws://127.0.0.1:0"]
            .map(OsString::from)
            .to_vec();
        Self {
            name: "rtstatd",
            path,
            args,
        }
    }

    /// Starts it and waits until it says READY.
    ///
    /// # Errors
    /// When it does not start, ends early, or says nothing in time; with what it wrote.
    pub fn start(&self) -> Result<Server> {
        let dir = tempfile::tempdir()?;
        let manager = Manager::new();
        let log = File::create(dir.path().join("log"))?;
        let begin = Instant::now();
        let child = Command::new(&self.path)
            .args(&self.args)
            .env("NOTIFY_SOCKET", &manager.path)
            .env_remove("WATCHDOG_USEC")
            .env_remove("LISTEN_FDS")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .map_err(|error| format!("{}: {error}", self.path.display()))?;
        let meter = Meter::new(child.id())?;
        let mut server = Server {
            child,
            meter,
            port: 0,
            ready: Duration::ZERO,
            cpu_at_ready: Duration::ZERO,
            dir,
        };
        server.wait_ready(&manager, begin).map_err(|error| {
            let log = fs::read_to_string(server.dir.path().join("log")).unwrap_or_default();
            format!("{} did not get ready: {error}\n{log}", self.name)
        })?;
        Ok(server)
    }
}

/// A running server; killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Its scales.
    pub meter: Meter,
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    /// From its start to its READY.
    pub ready: Duration,
    /// What it had consumed then, the loading of its program included.
    pub cpu_at_ready: Duration,
    dir: TempDir,
}

impl Server {
    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn wait_ready(&mut self, manager: &Manager, begin: Instant) -> Result<()> {
        loop {
            let report = manager.report(Duration::from_millis(100));
            if report.is_some_and(|report| report.lines().any(|line| line == "READY=1")) {
                self.ready = begin.elapsed();
                // The clock of another process lags while that one runs.
                thread::sleep(SETTLE);
                self.cpu_at_ready = self.meter.cpu()?;
                self.port = self.meter.listening_port()?;
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("ended with {status}").into());
            }
            if begin.elapsed() > START {
                return Err(format!("no READY=1 within {START:?}").into());
            }
        }
    }

    /// What it has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).map(Pid::from_raw);
        let asked = pid.is_ok_and(|pid| kill(pid, Signal::SIGTERM).is_ok());
        let deadline = Instant::now() + Duration::from_secs(2);
        while asked && Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.child.end();
    }
}
