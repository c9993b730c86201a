//! Which signals somebody wanted ignored before the program started.

use nix::sys::signal::Signal;

/// The signals that were ignored when the program started, as nohup(1) does with SIGHUP: they stay ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IgnoredSignals(u64);

impl IgnoredSignals {
    /// Whether this signal was.
    pub fn contains(self, signal: Signal) -> bool {
        let bit = (signal as u32).saturating_sub(1);
        self.0.checked_shr(bit).is_some_and(|rest| rest & 1 == 1)
    }

    /// Reads the mask from the text of `/proc/PID/status`, proc(5): `SigIgn:` and 16 hexadecimal digits.
    fn parse(status: &str) -> Option<Self> {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok().map(Self)
    }
}

/// Those of this process; none where /proc is not mounted. Ask before a handler is installed.
pub fn signals_ignored() -> IgnoredSignals {
    std::fs::read_to_string("/proc/self/status").ok().and_then(|text| IgnoredSignals::parse(&text)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_bits_counted_from_one() {
        let hup = IgnoredSignals::parse("Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t0\n").unwrap();
        assert!(hup.contains(Signal::SIGHUP));
        assert!(hup.contains(Signal::SIGPIPE));
        assert!(!hup.contains(Signal::SIGTERM));
        for text in ["", "SigIgn:", "SigIgn:\tx", "sigign:\t1"] {
            assert_eq!(IgnoredSignals::parse(text), None, "{text}");
        }
    }
}
