//! One child process: a group of its own, few variables, no descriptor but its three, and an end
//! that nothing escapes which stays in the group, or in the family for as long as the child lives.

use std::{
    collections::BTreeSet,
    io::{self, Read},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::process::{CommandExt, ExitStatusExt},
    },
    process::{self, ChildStderr, ChildStdout, Command, ExitStatus, Stdio},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{Signal, killpg},
        wait::{Id, WaitPidFlag, WaitStatus, waitid},
    },
    unistd::Pid,
};

use crate::plugins::{
    exec::{descendants::kill_strays, fault::Fault},
    worker::WorkerInbox,
};

/// A child that was told to end has this long before it is killed.
const GRACE: Duration = Duration::from_millis(500);

/// A child sees these variables of ours, where they are set, beside those of its definition.
const VARIABLES: [&str; 9] = [
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR",
];

/// The groups that live, so that the end of this program can be theirs.
struct Groups {
    live: BTreeSet<Pid>,
    /// Children that are being started: their groups are not known yet.
    starting: usize,
    closed: bool,
}

static GROUPS: Mutex<Groups> = Mutex::new(Groups {
    live: BTreeSet::new(),
    starting: 0,
    closed: false,
});
static STARTED: Condvar = Condvar::new();

/// A start takes milliseconds, unless the program lies on a file system that does not answer: that
/// one is not waited for.
const LONGEST_START: Duration = Duration::from_millis(200);

fn groups() -> MutexGuard<'static, Groups> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills every child with its group, and lets none start any more: this program ends now.
pub fn end_all() {
    let mut groups = groups();
    groups.closed = true;
    groups = STARTED
        .wait_timeout_while(groups, LONGEST_START, |groups| groups.starting > 0)
        .unwrap_or_else(PoisonError::into_inner)
        .0;
    if !groups.live.is_empty() {
        kill_strays(&groups.live);
    }
    for group in std::mem::take(&mut groups.live) {
        // A group that is gone already is what is wanted.
        let _ = killpg(group, Signal::SIGKILL);
    }
}

/// Starts a process in a group of its own and enters the group. No lock is held meanwhile: nobody
/// waits for a program that cannot be read.
fn spawn(command: &mut Command) -> Result<(process::Child, Pid), Fault> {
    let mut before = groups();
    if before.closed {
        return Err(Fault::Dismissed);
    }
    before.starting += 1;
    drop(before);
    let spawned = command.process_group(0).spawn();
    let group = spawned
        .as_ref()
        .ok()
        .and_then(|process| i32::try_from(process.id()).ok())
        .map(Pid::from_raw);
    let mut after = groups();
    after.starting -= 1;
    after.live.extend(group);
    STARTED.notify_all();
    drop(after);
    let process = spawned.map_err(|error| Fault::Start(error.to_string()))?;
    group
        .map(|group| (process, group))
        .ok_or_else(|| Fault::Start("its number is out of range".into()))
}

/// The command of a child: the words, with `env` in the place of all variables but a few harmless
/// ones.
pub fn command<'a>(words: &[String], env: impl IntoIterator<Item = (&'a str, &'a str)>) -> Command {
    let mut command = Command::new(words.first().map_or("", String::as_str));
    command
        .args(words.get(1..).unwrap_or_default())
        .current_dir("/")
        .env_clear();
    for name in VARIABLES {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.envs(env);
    command
}

/// A child that lives, or is not buried yet. Dropping it ends its whole group.
#[derive(Debug)]
pub struct Child {
    process: process::Child,
    group: Pid,
    /// None once it has ended.
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    status: Option<ExitStatus>,
    ended: bool,
}

impl Child {
    /// Starts `command` with nothing on its standard input.
    ///
    /// # Errors
    /// When the system does not start it.
    pub fn start(command: &mut Command) -> Result<Self, Fault> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let (mut process, group) = spawn(command)?;
        let (stdout, stderr) = (process.stdout.take(), process.stderr.take());
        let child = Self {
            process,
            group,
            stdout,
            stderr,
            status: None,
            ended: false,
        };
        for pipe in child.pipes() {
            let set = fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
            set.map_err(|error| Fault::Start(error.to_string()))?;
        }
        Ok(child)
    }

    /// Reads what is on standard output; 0 is its end, none is nothing now.
    pub fn read_stdout(&mut self, buffer: &mut [u8]) -> Option<usize> {
        read(&mut self.stdout, buffer)
    }

    /// As [`Self::read_stdout`], of standard error.
    pub fn read_stderr(&mut self, buffer: &mut [u8]) -> Option<usize> {
        read(&mut self.stderr, buffer)
    }

    /// Whatever of its output has not ended.
    pub fn pipes(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.stdout
            .as_ref()
            .map(AsFd::as_fd)
            .into_iter()
            .chain(self.stderr.as_ref().map(AsFd::as_fd))
    }

    /// Waits for more output, the worker's orders or the time, whichever is first; `None` is no
    /// time. May also return for no reason.
    pub fn wait(&self, inbox: &WorkerInbox, time: Option<Duration>) {
        let pipes = self.pipes().chain([inbox.as_fd()]);
        let mut set: Vec<_> = pipes
            .map(|pipe| PollFd::new(pipe, PollFlags::POLLIN))
            .collect();
        // At least a millisecond, so that a rest of less does not spin.
        let millis =
            time.map(|time| i32::try_from(time.as_millis().clamp(1, 3_600_000)).unwrap_or(1));
        let time = millis.map_or(Some(PollTimeout::NONE), |millis| {
            PollTimeout::try_from(millis).ok()
        });
        let _ = poll(&mut set, time.unwrap_or(PollTimeout::ZERO));
    }

    /// Whether the child itself has ended. It is not buried yet, so that its group's number stays
    /// its own.
    #[must_use]
    pub fn exited(&self) -> bool {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        !matches!(
            waitid(Id::Pid(self.group), flags),
            Ok(WaitStatus::StillAlive) | Err(Errno::EINTR)
        )
    }

    /// Ends the child, if it has not ended by itself, and all that is left of its group; of what
    /// has left the group, what is still of its family. Takes up to half a second where SIGTERM is
    /// ignored.
    pub fn end(&mut self) -> Option<ExitStatus> {
        if !self.ended {
            self.ended = true;
            if !self.exited() {
                kill_strays(&BTreeSet::from([self.group]));
                self.signal(Signal::SIGTERM);
                let deadline = Instant::now() + GRACE;
                let mut pause = Duration::from_millis(1);
                while !self.exited() && Instant::now() < deadline {
                    thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(20));
                }
            }
            // The number is given up before the child is buried, and from then on nobody signals
            // it.
            let mut groups = groups();
            self.signal(Signal::SIGKILL);
            groups.live.remove(&self.group);
            drop(groups);
            self.status = self.process.wait().ok();
        }
        self.status
    }

    fn signal(&self, signal: Signal) {
        // A group that is gone already is what is wanted.
        let _ = killpg(self.group, signal);
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end();
    }
}

/// Reads what there is, and closes what has ended.
fn read(pipe: &mut Option<impl Read>, buffer: &mut [u8]) -> Option<usize> {
    let length = match pipe.as_mut().map_or(Ok(0), |pipe| pipe.read(buffer)) {
        Ok(length) => length,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
            ) =>
        {
            return None;
        }
        // A pipe that cannot be read any more has ended.
        Err(_) => 0,
    };
    if length == 0 {
        *pipe = None;
    }
    Some(length)
}

/// What is wrong with an end, if anything.
///
/// # Errors
/// When the child failed, or was killed.
pub fn judge(status: Option<ExitStatus>) -> Result<(), Fault> {
    let Some(status) = status else {
        return Err(Fault::Exit("an end that cannot be told".into()));
    };
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) => Err(Fault::Exit(format!("exit status {code}"))),
        (None, Some(number)) => {
            let name = Signal::try_from(number)
                .map_or_else(|_| format!("signal {number}"), |signal| signal.to_string());
            Err(Fault::Exit(format!("killed by {name}")))
        }
        (None, None) => Err(Fault::Exit("an end that cannot be told".into())),
    }
}
