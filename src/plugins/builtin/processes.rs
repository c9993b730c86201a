//! `processes`: how many processes run, sleep, are stopped and are dead, as the original counted
//! them.

use serde::Serialize;

use crate::{
    drivers::{
        DriverError,
        linux::process_counter::{Counts, ProcessCounter},
    },
    plugins::{Plugin, Window},
};

/// Counts the processes by state, as the original did.
#[derive(Debug)]
pub struct Processes(pub ProcessCounter);

impl Plugin for Processes {
    type Sample = Counts;

    fn read(&mut self, sample: &mut Counts) -> Result<(), DriverError> {
        *sample = self.0.take()?;
        Ok(())
    }

    fn view(window: Window<'_, Counts>) -> impl Serialize {
        // A tracing stop, a dead process and an idle kernel thread count nowhere. The observer
        // finds itself running, and sleeps otherwise.
        let observer = u64::from(window.now.observer_runs);
        let &Counts {
            running,
            sleeping,
            waiting,
            stopped,
            zombie,
            ..
        } = window.now;
        let (running, sleep) = (
            running.saturating_sub(observer),
            sleeping + waiting + observer,
        );
        View {
            all: running + sleep + stopped + zombie,
            running,
            sleep,
            stopped,
            zombie,
        }
    }
}

#[derive(Serialize)]
struct View {
    /// Sum of the four other fields. Idle kernel threads (I), tracing stops (t) and dead processes
    /// (X) count nowhere.
    all: u64,
    /// Processes in state R, the agent itself left out.
    running: u64,
    /// Processes in the states S and D, the agent itself included.
    sleep: u64,
    /// Processes in state T, stopped by a signal.
    stopped: u64,
    /// Processes in state Z: ended, and not yet waited for by their parent.
    zombie: u64,
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::symlink,
        process::{Child, Command},
        time::{Duration, Instant},
    };

    use nix::{
        sys::signal::{Signal, kill},
        unistd::Pid,
    };

    use super::*;
    use crate::drivers::Root;

    fn json(counts: &Counts) -> String {
        serde_json::to_string(&Processes::view(Window {
            before: None,
            now: counts,
        }))
        .unwrap()
    }

    #[test]
    fn states_are_summed_as_in_the_original() {
        let dir = tempfile::tempdir().unwrap();
        let states = ["S", "D", "R", "R", "T", "t", "Z", "I", "X", "P", "7", ""];
        for (pid, state) in (1..).zip(states) {
            fs::create_dir_all(dir.path().join(format!("proc/{pid}"))).unwrap();
            fs::write(
                dir.path().join(format!("proc/{pid}/stat")),
                format!("{pid} (a) b) {state} 1 1\n"),
            )
            .unwrap();
        }
        symlink("3", dir.path().join("proc/self")).unwrap();
        let mut counts = Counts {
            running: 99,
            ..Counts::default()
        };
        Processes(ProcessCounter::new(&Root::at(dir.path())))
            .read(&mut counts)
            .unwrap();
        assert_eq!(
            json(&counts),
            r#"{"all":6,"running":1,"sleep":3,"stopped":1,"zombie":1}"#
        );
    }

    struct Children(Vec<Child>);

    impl Drop for Children {
        fn drop(&mut self) {
            for child in &mut self.0 {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }

    #[test]
    fn planted_children_are_found() {
        let spawn = |program: &str| Command::new(program).arg("60").spawn().unwrap();
        let mut children = Children((0..8).map(|_| spawn("sleep")).collect());
        for child in &children.0[..5] {
            kill(Pid::from_raw(child.id() as i32), Signal::SIGSTOP).unwrap();
        }
        for child in &mut children.0[5..] {
            child.kill().unwrap();
        }
        let mut processes = Processes(ProcessCounter::new(&Root::host()));
        let mut counts = Counts::default();
        let deadline = Instant::now() + Duration::from_secs(10);
        while counts.stopped < 5 || counts.zombie < 3 {
            assert!(Instant::now() < deadline, "{counts:?}");
            processes.read(&mut counts).unwrap();
        }
    }
}
