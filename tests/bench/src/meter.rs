//! Weighs a process from outside, through its CPU clock and /proc.

use std::{fs, time::Duration};

use nix::{
    time::{ClockId, clock_getcpuclockid, clock_gettime},
    unistd::Pid,
};

use rtstat_test_support::CommandInTime;

use crate::{Error, Result};

/// One process.
#[derive(Debug, Clone, Copy)]
pub struct Meter {
    pid: i32,
    clock: ClockId,
}

impl Meter {
    /// For the running process `pid`.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn new(pid: u32) -> Result<Self> {
        let pid = i32::try_from(pid)?;
        Ok(Self {
            pid,
            clock: clock_getcpuclockid(Pid::from_raw(pid))?,
        })
    }

    /// User and system time of all its threads, in nanosecond steps.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn cpu(&self) -> Result<Duration> {
        Ok(clock_gettime(self.clock)?.into())
    }

    /// Resident memory in KiB, exact: `Rss` of smaps_rollup.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn rss_kib(&self) -> Result<f64> {
        let path = format!("/proc/{}/smaps_rollup", self.pid);
        field(&fs::read_to_string(&path)?, "Rss:").ok_or_else(|| format!("{path}: no Rss").into())
    }

    /// Resident memory in KiB with shared pages shared out: `Pss` of smaps_rollup.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn pss_kib(&self) -> Result<f64> {
        let path = format!("/proc/{}/smaps_rollup", self.pid);
        field(&fs::read_to_string(&path)?, "Pss:").ok_or_else(|| format!("{path}: no Pss").into())
    }

    /// How often its threads have slept and been woken: voluntary context switches of the threads
    /// that live.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn wakeups(&self) -> Result<u64> {
        let mut sum = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.pid))? {
            // A thread may end between the listing and the read.
            let Ok(status) = fs::read_to_string(thread?.path().join("status")) else {
                continue;
            };
            sum += field(&status, "voluntary_ctxt_switches:").ok_or("no voluntary_ctxt_switches")?
                as u64;
        }
        Ok(sum)
    }

    /// How many threads it has.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn threads(&self) -> Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/task", self.pid))?.count())
    }

    /// The largest send queue, in bytes of kernel memory, among the process's connections from
    /// `port`; none without `ss`.
    #[must_use]
    pub fn largest_send_queue(port: u16) -> Option<f64> {
        let ss = std::process::Command::new("ss")
            .args(["-Htnm", "sport", "=", &format!(":{port}")])
            .output_in_time()
            .ok()?;
        let text = String::from_utf8(ss.stdout).ok()?;
        // skmem:(r0,rb…,t0,tb…,f…,w<bytes queued for writing>,…)
        text.split(",w")
            .skip(1)
            .filter_map(|rest| rest.split(',').next()?.parse().ok())
            .max_by(|a: &f64, b: &f64| a.total_cmp(b))
    }

    /// The TCP port that it listens on.
    ///
    /// # Errors
    /// When it listens on none, or cannot be looked at.
    pub fn listening_port(&self) -> Result<u16> {
        let mut sockets = Vec::new();
        for descriptor in fs::read_dir(format!("/proc/{}/fd", self.pid))? {
            let Ok(target) = fs::read_link(descriptor?.path()) else {
                continue;
            };
            if let Some(inode) = target
                .to_str()
                .and_then(|name| name.strip_prefix("socket:[")?.strip_suffix(']'))
            {
                sockets.push(inode.to_owned());
            }
        }
        let tables = fs::read_to_string("/proc/net/tcp")?
            + &fs::read_to_string("/proc/net/tcp6").unwrap_or_default();
        tables
            .lines()
            .map(|line| line.split_ascii_whitespace().collect::<Vec<_>>())
            .filter(|fields| fields.get(3) == Some(&"0A"))
            .filter(|fields| {
                fields
                    .get(9)
                    .is_some_and(|inode| sockets.iter().any(|own| own == inode))
            })
            .find_map(|fields| u16::from_str_radix(fields.get(1)?.rsplit(':').next()?, 16).ok())
            .ok_or_else(|| Error::from(format!("process {} listens on no TCP port", self.pid)))
    }
}

fn field(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| {
        line.strip_prefix(name)?
            .split_ascii_whitespace()
            .next()?
            .parse()
            .ok()
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn weighs_this_process() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let meter = Meter::new(std::process::id()).unwrap();
        let before = meter.cpu().unwrap();
        assert!((0..100_000_u64).map(std::hint::black_box).sum::<u64>() > 0);
        assert!(meter.cpu().unwrap() > before);
        assert!(meter.rss_kib().unwrap() > 100.0);
        assert!(meter.rss_kib().unwrap() >= meter.pss_kib().unwrap() / 2.0);
        assert!(meter.threads().unwrap() >= 1);
        assert!(meter.wakeups().unwrap() > 0 || meter.threads().unwrap() == 1);
        assert_eq!(
            meter.listening_port().unwrap(),
            listener.local_addr().unwrap().port()
        );
        assert!(
            Meter::new(4_194_305).is_err(),
            "above the kernel's largest process id"
        );
    }
}
