//! What systemd says to the program (passed sockets, watchdog, where to report) and what it is told
//! in return.
//!
//! The one module with unsafe lines: the environment is changed, and descriptors that came by
//! number are owned. Reports are sent to nobody, at no cost, where no service manager listens.

use std::{
    io,
    os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd},
    process::Command,
    time::Duration,
};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use sd_notify::NotifyState;

/// What a service manager handed over at start.
#[derive(Debug, Default)]
pub struct Handover {
    /// The passed sockets with their `FileDescriptorName=`, all closed on exec.
    pub sockets: Vec<(OwnedFd, String)>,
    /// How long the program may be silent before it is killed; `None` without watchdog.
    pub watchdog: Option<Duration>,
    /// Why the handed-over environment could not be understood, if so.
    pub fault: Option<String>,
}

impl Handover {
    /// How often to report life: twice in the time that is allowed, as sd_watchdog_enabled(3)
    /// recommends.
    pub fn watchdog_interval(&self) -> Option<Duration> {
        self.watchdog.map(|limit| limit / 2)
    }
}

/// Takes over what systemd handed to this process and removes it from the environment, so that no
/// child believes it to be meant for it.
///
/// Call it once, as the first thing in `main`: a second call finds nothing.
#[expect(
    unsafe_code,
    reason = "sd-notify removes variables; descriptors that came by number become owned"
)]
pub fn take_over() -> Handover {
    // SAFETY: removing a variable is sound while no other thread can read the environment. This is
    // called first thing in `main`, which has started none.
    let (listed, watchdog) = unsafe {
        let listed = sd_notify::listen_fds_with_names_and_unset_env()
            .map(|descriptors| descriptors.collect::<Vec<_>>());
        (listed, sd_notify::watchdog_enabled_and_unset_env())
    };
    let mut handover = Handover {
        watchdog,
        ..Handover::default()
    };
    match listed {
        Ok(descriptors) => {
            for (descriptor, name) in descriptors {
                // SAFETY: `LISTEN_PID` is our own id, so systemd opened this descriptor for us;
                // sd-notify has just set a flag on it, so it is open; nothing else in the program
                // knows its number.
                handover
                    .sockets
                    .push((unsafe { OwnedFd::from_raw_fd(descriptor) }, name));
            }
        }
        Err(error) => handover.fault = Some(format!("the passed sockets cannot be used: {error}")),
    }
    for number in open_descriptors() {
        // SAFETY: the number was listed a moment ago, and nothing has been closed since; only a
        // flag is set on it.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        // Whatever else the caller left open stays open here, and closed to children.
        let _ = fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC));
    }
    handover
}

/// The numbers of all descriptors beyond the standard ones, but the one that was open to list them.
fn open_descriptors() -> Vec<RawFd> {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else {
        return Vec::new();
    };
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let numbers: Vec<RawFd> = numbers.filter(|number| *number > 2).collect();
    // The listing's own has been closed by now.
    numbers
        .into_iter()
        .filter(|number| std::fs::symlink_metadata(format!("/proc/self/fd/{number}")).is_ok())
        .collect()
}

/// Variables that no child may see: where to report is not for plugins, tokens even less.
const PRIVATE_VARIABLES: [&str; 7] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "CREDENTIALS_DIRECTORY",
];

/// Removes from a child's environment what is only for this process: systemd's variables and all
/// settings, tokens among them.
pub fn strip(command: &mut Command) -> &mut Command {
    for name in PRIVATE_VARIABLES {
        command.env_remove(name);
    }
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"RTSTAT_"))
    {
        command.env_remove(name);
    }
    command
}

/// The listeners are registered: connections are answered from now on.
///
/// # Errors
/// The manager's socket cannot be written; so for all reports below.
pub fn ready(status: &str) -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(&flat(status))])
}

/// One line for `systemctl status`.
///
/// # Errors
/// As [`ready`].
pub fn status(status: &str) -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Status(&flat(status))])
}

/// The configuration is being read again; [`ready`] ends it. The stamp in the same message is
/// required from systemd 253 on.
///
/// # Errors
/// As [`ready`].
pub fn reloading() -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Reloading, NotifyState::monotonic_usec_now()?])
}

/// The program is on its way out.
///
/// # Errors
/// As [`ready`].
pub fn stopping(status: &str) -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Stopping, NotifyState::Status(&flat(status))])
}

/// Sign of life.
///
/// # Errors
/// As [`ready`].
pub fn alive() -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Watchdog])
}

/// A line end would start another assignment in the message.
fn flat(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_see_none_of_our_variables() {
        let mut command = Command::new("true");
        strip(&mut command);
        let removed: Vec<_> = command
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| name)
            .collect();
        for name in PRIVATE_VARIABLES {
            assert!(removed.contains(&std::ffi::OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn a_status_is_one_line() {
        assert_eq!(flat("a\nREADY=1\rb"), "a READY=1 b");
    }

    #[test]
    fn life_is_reported_twice_in_the_allowed_time() {
        let handover = Handover {
            watchdog: Some(Duration::from_secs(30)),
            ..Handover::default()
        };
        assert_eq!(handover.watchdog_interval(), Some(Duration::from_secs(15)));
        assert_eq!(Handover::default().watchdog_interval(), None);
    }
}
