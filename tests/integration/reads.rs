//! What the program reads from /proc for how many clients, as strace counts it.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::Instant,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use rtstat_test_support::{ChildInTime, Client, PATIENCE, Rtstatd, rtstatd};

/// The positioned reads of a running program; only samples do any.
struct Trace {
    strace: Child,
    file: tempfile::NamedTempFile,
}

impl Trace {
    /// Attached to the program, and counting.
    fn of(pid: u32) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        let strace = Command::new("strace")
            .args([
                "-f",
                "-qq",
                "-e",
                "trace=pread64",
                "-e",
                "signal=none",
                "-o",
            ])
            .arg(file.path())
            .args(["-p", &pid.to_string()])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let status = format!("/proc/{pid}/status");
        let deadline = Instant::now() + PATIENCE;
        while !fs::read_to_string(&status).unwrap().lines().any(|line| {
            line.strip_prefix("TracerPid:")
                .is_some_and(|tracer| tracer.trim() == strace.id().to_string())
        }) {
            assert!(Instant::now() < deadline, "strace does not attach");
            std::thread::yield_now();
        }
        Self { strace, file }
    }

    /// How many until now.
    fn end(mut self) -> usize {
        kill(
            Pid::from_raw(i32::try_from(self.strace.id()).unwrap()),
            // It goes on with SIGINT, and for ever, where its starter ignored that.
            Signal::SIGTERM,
        )
        .unwrap();
        self.strace.wait_in_time().unwrap();
        let reads = fs::read_to_string(self.file.path()).unwrap();
        reads
            .lines()
            .filter(|line| line.contains("pread64("))
            .count()
    }
}

#[test]
fn five_hundred_clients_cost_as_many_reads_as_one() {
    const PUSHES: usize = 4;
    let reads = [1, 100, 500].map(|count| {
        let program = Rtstatd::managed(rtstatd(&[
            "server",
            "-c",
            "0",
            "--listen",
            "raw://127.0.0.1:0",
        ]));
        let address = program.listener("raw");
        let mut clients: Vec<_> = (0..count)
            .map(|_| Client::raw(address, "interval::1\n"))
            .collect();
        for client in &mut clients {
            client.line_with("Welcome::");
        }
        // While one slot lasts all of them are read; the clients that follow may fall into the next
        // ones.
        clients.iter_mut().for_each(|client| client.send("start\n"));
        clients.iter_mut().for_each(|client| drop(client.push()));
        let trace = Trace::of(program.pid());
        for client in &mut clients {
            (0..PUSHES).for_each(|_| drop(client.push()));
        }
        let reads = trace.end();
        assert_eq!(program.stop().0.code(), Some(0));
        reads
    });
    // The sessions of one start stand in a few slots, each of which is one sample; a busy machine
    // spreads them more.
    let [one, hundred, most] = reads;
    assert!(one >= PUSHES, "{reads:?}");
    assert!(hundred <= 20 * one && most <= 20 * one, "{reads:?}");
}
