//! Signals that were ignored at the start, and a clean end by signal for the commands that serve
//! nobody.

use std::{
    future::poll_fn,
    io,
    process::exit,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    task::Poll,
    thread,
};

use nix::sys::signal::Signal;
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};

/// The signals by which terminals, shells and service managers end a program.
const ENDS: [Signal; 3] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM];

/// The signals that were ignored when the program started, as nohup(1) does with SIGHUP: they stay
/// ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IgnoredSignals(u64);

impl IgnoredSignals {
    /// Whether this signal was.
    pub fn contains(self, signal: Signal) -> bool {
        let bit = (signal as u32).saturating_sub(1);
        self.0.checked_shr(bit).is_some_and(|rest| rest & 1 == 1)
    }

    /// Reads the mask from the text of `/proc/PID/status`, proc(5): `SigIgn:` and 16 hexadecimal
    /// digits.
    fn parse(status: &str) -> Option<Self> {
        let mask = status
            .lines()
            .find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok().map(Self)
    }
}

/// The signals that this process ignores; none where /proc is not mounted. Call it before a handler
/// is installed.
pub fn signals_ignored() -> IgnoredSignals {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|text| IgnoredSignals::parse(&text))
        .unwrap_or_default()
}

/// A signal is ending this program.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Calls `last` when a signal ends this program, with the status that shells give a program that a
/// signal ended. A thread of its own waits for the signal, since the others may be blocked in a
/// write; signals are not blocked for that, because children would inherit the mask.
///
/// # Errors
/// When the system gives no thread or no handler.
pub(crate) fn before_the_end(last: fn()) -> io::Result<()> {
    let ignored = signals_ignored();
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    let inside = runtime.enter();
    let heard = ENDS.into_iter().filter(|end| !ignored.contains(*end));
    let heard = heard.map(|end| Ok((end, signal(SignalKind::from_raw(end as i32))?)));
    let mut heard = heard.collect::<io::Result<Vec<_>>>()?;
    drop(inside);
    let wait = move || {
        let end = runtime.block_on(poll_fn(|context| {
            let end = heard
                .iter_mut()
                .find_map(|(end, signals)| signals.poll_recv(context).is_ready().then_some(*end));
            end.map_or(Poll::Pending, Poll::Ready)
        }));
        ENDING.store(true, SeqCst);
        last();
        exit(128 + end as i32);
    };
    thread::Builder::new()
        .name("signals".into())
        .spawn(wait)
        .map(drop)
}

/// Does not return once a signal is ending this program: children that were killed by it are no
/// error, and the exit status is the signal's.
pub(crate) fn give_way_to_the_end() {
    while ENDING.load(SeqCst) {
        thread::park();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_bits_counted_from_one() {
        let hup =
            IgnoredSignals::parse("Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t0\n").unwrap();
        assert!(hup.contains(Signal::SIGHUP));
        assert!(hup.contains(Signal::SIGPIPE));
        assert!(!hup.contains(Signal::SIGTERM));
        for text in ["", "SigIgn:", "SigIgn:\tx", "sigign:\t1"] {
            assert_eq!(IgnoredSignals::parse(text), None, "{text}");
        }
    }
}
