//! One child process: in a process group of its own, with few variables and three descriptors.
//!
//! Its end is the end of the whole group, and of descendants outside of it that the child's own end
//! has not separated from it.

use std::{
    collections::BTreeSet,
    io::{self, Read},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::process::{CommandExt, ExitStatusExt},
    },
    process::{self, ChildStderr, ChildStdout, Command, ExitStatus, Stdio},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
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
use rustix::process::{PidfdFlags, pidfd_open};

use crate::plugins::{
    exec::{descendants::kill_outside, fault::Fault},
    worker::WorkerInbox,
};

/// Time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_millis(500);

/// Pauses between two looks for the exit of a child without a pidfd: the first one, then twice as
/// long each time up to the last one.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LAST_PAUSE: Duration = Duration::from_millis(100);

/// Variables that a child inherits, where they are set.
const VARIABLES: [&str; 9] = [
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR",
];

/// The live process groups, which end with this program.
struct Groups {
    live: BTreeSet<Pid>,
    /// Children that are being started, whose groups are not known yet.
    starting: usize,
    closed: bool,
}

static GROUPS: Mutex<Groups> = Mutex::new(Groups {
    live: BTreeSet::new(),
    starting: 0,
    closed: false,
});
static STARTED: Condvar = Condvar::new();

/// A start takes milliseconds, unless the program's file system does not respond.
const MAX_START: Duration = Duration::from_millis(200);

fn groups() -> MutexGuard<'static, Groups> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills every child with its group and lets no other start, because this program ends.
pub(crate) fn end_all() {
    let mut groups = groups();
    groups.closed = true;
    groups = STARTED
        .wait_timeout_while(groups, MAX_START, |groups| groups.starting > 0)
        .unwrap_or_else(PoisonError::into_inner)
        .0;
    if !groups.live.is_empty() {
        kill_outside(&groups.live);
    }
    for group in std::mem::take(&mut groups.live) {
        // An error means that the group has ended.
        let _ = killpg(group, Signal::SIGKILL);
    }
}

/// Starts a process in a group of its own and registers the group. No lock is held meanwhile, since
/// the program's file system may not respond.
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

/// A command without our environment, but for a few harmless variables, and with `env`.
pub(super) fn command<'a>(
    words: &[String],
    env: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Command {
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

/// A child that was not waited for yet. Dropping it ends its whole group.
#[derive(Debug)]
pub(super) struct Child {
    process: process::Child,
    group: Pid,
    /// None after the end of the file.
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    /// Readable once the child has exited. None where the kernel does not have pidfd_open(2) (before
    /// 5.3) or a filter of system calls forbids it.
    pidfd: Option<OwnedFd>,
    /// Without a pidfd: the time until the next look.
    pause: Duration,
    status: Option<ExitStatus>,
    ended: bool,
}

impl Child {
    /// Starts `command` with nothing on its standard input.
    ///
    /// # Errors
    /// When the system does not start it.
    pub(super) fn start(command: &mut Command) -> Result<Self, Fault> {
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
            pidfd: pidfd(group),
            pause: FIRST_PAUSE,
            status: None,
            ended: false,
        };
        for pipe in child.pipes() {
            let set = fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
            set.map_err(|error| Fault::Start(error.to_string()))?;
        }
        Ok(child)
    }

    /// Reads from standard output without waiting. 0 is the end; None means that nothing is there.
    pub(super) fn read_stdout(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let was_open = self.stdout.is_some();
        let length = read(&mut self.stdout, buffer);
        if was_open && self.stdout.is_none() {
            // The exit usually follows.
            self.pause = FIRST_PAUSE;
        }
        length
    }

    /// As [`Self::read_stdout`], of standard error.
    pub(super) fn read_stderr(&mut self, buffer: &mut [u8]) -> Option<usize> {
        read(&mut self.stderr, buffer)
    }

    fn pipes(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let stdout = self.stdout.iter().map(AsFd::as_fd);
        stdout.chain(self.stderr.iter().map(AsFd::as_fd))
    }

    /// Waits for output, for the inbox, or until the time has passed. May return early.
    pub(super) fn wait_for_output(&self, inbox: &WorkerInbox, time: Option<Duration>) {
        wait(self.pipes().chain([inbox.as_fd()]), time);
    }

    /// Waits for output, for the exit, for the inbox, or until the time has passed. May return
    /// early.
    pub(super) fn wait_for_exit(&mut self, inbox: &WorkerInbox, time: Duration) {
        let time = self.next_look(time);
        let others = [inbox.as_fd()].into_iter().chain(self.exit());
        wait(self.pipes().chain(others), Some(time));
    }

    fn exit(&self) -> Option<BorrowedFd<'_>> {
        self.pidfd.as_ref().map(AsFd::as_fd)
    }

    /// `time`, or less where the exit wakes nobody.
    fn next_look(&mut self, time: Duration) -> Duration {
        if self.pidfd.is_some() {
            return time;
        }
        let pause = self.pause;
        self.pause = (pause * 2).min(LAST_PAUSE);
        time.min(pause)
    }

    /// The same child on a kernel that has no pidfd_open(2).
    #[cfg(test)]
    pub(super) fn without_pidfd(mut self) -> Self {
        self.pidfd = None;
        self
    }

    /// Whether the child has exited. It stays a zombie, so that its group's id is not reused.
    pub(super) fn exited(&self) -> bool {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        !matches!(
            waitid(Id::Pid(self.group), flags),
            Ok(WaitStatus::StillAlive) | Err(Errno::EINTR)
        )
    }

    /// Ends the child, unless it has exited, and everything that is left of its group. Takes up to
    /// half a second where the child ignores SIGTERM.
    pub(super) fn end(&mut self) -> Option<ExitStatus> {
        if !self.ended {
            self.ended = true;
            if !self.exited() {
                kill_outside(&BTreeSet::from([self.group]));
                self.signal(Signal::SIGTERM);
                let deadline = Instant::now() + GRACE;
                self.pause = FIRST_PAUSE;
                while !self.exited() && Instant::now() < deadline {
                    let left = deadline.saturating_duration_since(Instant::now());
                    let time = self.next_look(left);
                    wait(self.exit().into_iter(), Some(time));
                }
            }
            // The id may be reused once the child is waited for: it must not be signalled then.
            let mut groups = groups();
            self.signal(Signal::SIGKILL);
            groups.live.remove(&self.group);
            drop(groups);
            self.status = self.process.wait().ok();
        }
        self.status
    }

    fn signal(&self, signal: Signal) {
        // An error means that the group has ended.
        let _ = killpg(self.group, signal);
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end();
    }
}

fn pidfd(pid: Pid) -> Option<OwnedFd> {
    let pid = rustix::process::Pid::from_raw(pid.as_raw())?;
    pidfd_open(pid, PidfdFlags::empty()).ok()
}

/// Waits until one of the descriptors is readable or the time has passed.
fn wait<'a>(descriptors: impl Iterator<Item = BorrowedFd<'a>>, time: Option<Duration>) {
    let mut set: Vec<_> = descriptors
        .map(|descriptor| PollFd::new(descriptor, PollFlags::POLLIN))
        .collect();
    // At least a millisecond, so that less than that is no busy loop.
    let millis = |time: Duration| time.as_millis().clamp(1, 3_600_000);
    let timeout = time.map_or(Some(PollTimeout::NONE), |time| {
        PollTimeout::try_from(millis(time)).ok()
    });
    let _ = poll(&mut set, timeout.unwrap_or(PollTimeout::ZERO));
}

/// Reads what there is, and closes the pipe at its end.
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
        // A pipe with an error gives no more output.
        Err(_) => 0,
    };
    if length == 0 {
        *pipe = None;
    }
    Some(length)
}

/// Turns an exit status into a result.
///
/// # Errors
/// When the child failed or was killed.
pub(super) fn judge(status: Option<ExitStatus>) -> Result<(), Fault> {
    let Some(status) = status else {
        return Err(Fault::Exit("its exit status is unknown".into()));
    };
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) => Err(Fault::Exit(format!("exit status {code}"))),
        (None, Some(number)) => {
            let name = Signal::try_from(number)
                .map_or_else(|_| format!("signal {number}"), |signal| signal.to_string());
            Err(Fault::Exit(format!("killed by {name}")))
        }
        (None, None) => Err(Fault::Exit("its exit status is unknown".into())),
    }
}
