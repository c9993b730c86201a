//! The interface to systemd: what it passes at the start (sockets, the watchdog's time) and the
//! notifications that it is sent.
//!
//! Unsafe lines change the environment and take ownership of descriptors that came as numbers.
//! Without a service manager a notification does nothing.

use std::{
    io,
    os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd},
    time::Duration,
};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use sd_notify::NotifyState;

/// What a service manager passed at the start.
#[derive(Debug, Default)]
pub struct Handover {
    /// The passed sockets with their `FileDescriptorName=`, all closed on exec.
    pub sockets: Vec<(OwnedFd, String)>,
    /// The time without a sign of life after which the program is killed; `None` without watchdog.
    pub watchdog: Option<Duration>,
    /// Why the passed sockets cannot be used, if so.
    pub fault: Option<String>,
}

impl Handover {
    /// The time between two signs of life: half of what is allowed, as sd_watchdog_enabled(3)
    /// recommends.
    pub fn watchdog_interval(&self) -> Option<Duration> {
        self.watchdog.map(|limit| limit / 2)
    }
}

/// Takes what systemd passed to this process, and removes its variables from the environment, so
/// that no child takes them for its own.
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
        // Whatever else the parent left open stays open here and is not inherited by children.
        let _ = fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC));
    }
    handover
}

/// The numbers of all open descriptors beyond the standard ones.
fn open_descriptors() -> Vec<RawFd> {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else {
        return Vec::new();
    };
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let numbers: Vec<RawFd> = numbers.filter(|number| *number > 2).collect();
    // The descriptor of the listing itself is closed by now.
    numbers
        .into_iter()
        .filter(|number| std::fs::symlink_metadata(format!("/proc/self/fd/{number}")).is_ok())
        .collect()
}

/// READY: the listeners are registered, connections are served from now on.
///
/// # Errors
/// When the manager's socket cannot be written, as for all notifications below.
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
pub(crate) fn reloading() -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Reloading, NotifyState::monotonic_usec_now()?])
}

/// The program has begun to stop.
///
/// # Errors
/// As [`ready`].
pub fn stopping(status: &str) -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Stopping, NotifyState::Status(&flat(status))])
}

/// A sign of life for the watchdog.
///
/// # Errors
/// As [`ready`].
pub fn alive() -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Watchdog])
}

/// Without line ends, which would start another assignment in the message.
fn flat(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

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
