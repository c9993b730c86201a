//! What is counted from outside: samples by strace.

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use rtstat_test_support::ChildInTime;

use crate::{
    Result,
    fleet::{Fleet, Phases},
    options::Options,
    scenario::{COMPARED, RAMP},
    table::{Row, bound, short},
};

/// Seconds between two pushes of different slots, at least: the grid is 50 ms, and a slot of the
/// traced run is sent in a few.
const APART: f64 = 0.02;
/// The grid of due times.
const SLOTS_PER_SECOND: u64 = 20;

/// Samples per slot while clients of all phases are there: row 10.
pub fn samples(options: &Options) -> Result<Vec<Row>> {
    let server = options.rtstatd.start()?;
    let mut fleet = Fleet::new(server.port)?;
    let [_, _, clients] = options.scale.clients;
    fleet.connect(clients, RAMP)?;
    fleet.command(&[COMPARED])?;
    fleet.start(Duration::from_secs(1), Phases::Spread)?;
    fleet.pump(Duration::from_millis(1500))?;

    let dir = tempfile::tempdir()?;
    let log = dir.path().join("strace");
    let mut strace = Command::new("strace")
        .args([
            "-f",
            "-y",
            "-ttt",
            "-e",
            "trace=pread64,sendto,write,writev",
            "-o",
        ])
        .arg(&log)
        .args(["-p", &server.pid().to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("strace: {error}"))?;
    // Attached once the first line is there.
    let begin = Instant::now();
    while fs::read_to_string(&log).unwrap_or_default().is_empty()
        && begin.elapsed() < Duration::from_secs(5)
    {
        fleet.pump(Duration::from_millis(20))?;
    }
    let seconds = u64::from(options.scale.window);
    fleet.pump(Duration::from_secs(seconds))?;
    // It would go on with SIGINT where its starter ignored that.
    kill(Pid::from_raw(i32::try_from(strace.id())?), Signal::SIGTERM)?;
    strace.wait_in_time()?;
    let text = fs::read_to_string(&log)?;
    let counts = Counts::of(&text).ok_or("strace saw no push")?;
    Ok(vec![
        Row::absolute(
            10,
            format!("samples of /proc/stat per slot with pushes, {clients} clients"),
            counts.samples as f64 / counts.slots as f64,
            bound(1.0, 1.0, ""),
        )
        .beside(format!("{} in {} slots", counts.samples, counts.slots)),
        Row::shown(
            10,
            "slots with pushes a second",
            short(counts.slots as f64 / counts.seconds),
        )
        .beside(format!("{SLOTS_PER_SECOND} at most")),
        Row::shown(
            10,
            "pushes per slot",
            short(counts.pushes as f64 / counts.slots as f64),
        ),
    ])
}

/// What a trace holds.
#[derive(Debug, PartialEq)]
struct Counts {
    /// Reads of /proc/stat from its start.
    samples: u64,
    /// ClientPermits in which something was pushed.
    slots: u64,
    pushes: u64,
    seconds: f64,
}

impl Counts {
    /// From the lines of `strace -f -ttt -y`, between the first push and the last; none without a
    /// push. What is sent within [`APART`] of the push before it belongs to the same slot.
    fn of(text: &str) -> Option<Self> {
        let mut counts = Self {
            samples: 0,
            slots: 0,
            pushes: 0,
            seconds: 0.0,
        };
        let (mut pending, mut begin, mut last) = (0, None, f64::NEG_INFINITY);
        for line in text.lines() {
            let Some(time) = line
                .split_ascii_whitespace()
                .nth(1)
                .and_then(|time| time.parse::<f64>().ok())
            else {
                continue;
            };
            if line.contains("/proc/stat>") && line.contains(", 0) = ") {
                pending += 1;
            } else if line.contains("Push::") {
                let begin = *begin.get_or_insert(time);
                counts.pushes += 1;
                if time - last > APART {
                    counts.slots += 1;
                }
                counts.samples += std::mem::take(&mut pending);
                (last, counts.seconds) = (time, time - begin);
            }
        }
        begin.map(|_| counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_a_trace() {
        let trace = r#"
7 100.000 pread64(5</proc/stat>, "cpu  1"..., 4096, 0) = 900
7 100.001 pread64(5</proc/stat>, "", 3196, 900) = 0
7 100.002 sendto(9<socket:[1]>, "\201~\1\222Push::{"..., 400, MSG_NOSIGNAL, NULL, 0) = 400
7 100.003 sendto(10<socket:[2]>, "\201~\1\222Push::{"..., 400, MSG_NOSIGNAL, NULL, 0) = 400
7 100.050 pread64(5</proc/stat>, "cpu  1"..., 4096, 0) = 900
7 100.052 sendto(9<socket:[1]>, "\201~\1\222Push::{"..., 400, MSG_NOSIGNAL, NULL, 0) = 400
7 100.100 pread64(5</proc/stat>, "cpu  1"..., 4096, 0) = 900"#;
        let counts = Counts::of(trace).unwrap();
        assert_eq!((counts.samples, counts.slots, counts.pushes), (2, 2, 3));
        assert!((counts.seconds - 0.05).abs() < 1e-6);
        assert_eq!(
            Counts::of("7 1.0 pread64(5</proc/stat>, , 4096, 0) = 9"),
            None
        );
    }
}
