//! `procs`: all processes by state, idle kernel threads and tracing stops too, and their threads.

use serde::Serialize;

use crate::{
    drivers::{
        DriverError,
        linux::process_counter::{Counts, ProcessCounter},
    },
    plugins::{Plugin, Window},
};

/// Counts processes and threads in more states than the original.
#[derive(Debug)]
pub struct Procs(pub ProcessCounter);

#[derive(Serialize)]
struct View {
    /// Processes in any state.
    total: u64,
    /// Threads of all processes.
    threads: u64,
    /// Processes in state R: running or ready to run.
    r: u64,
    /// Processes in state S: sleeping.
    s: u64,
    /// Processes in state D: waiting for a disk or another device.
    d: u64,
    /// Processes in state I: idle kernel threads.
    i: u64,
    /// Processes in the states T and t: stopped by a signal or by a tracer.
    t: u64,
    /// Processes in state Z: ended, and not yet waited for by their parent.
    z: u64,
    /// False where processes are hidden from the agent, as by hidepid= of proc(5), so that the
    /// figures are those of a part.
    visible: bool,
}

impl Plugin for Procs {
    type Sample = Counts;

    fn read(&mut self, sample: &mut Counts) -> Result<(), DriverError> {
        *sample = self.0.take()?;
        Ok(())
    }

    fn view(window: Window<'_, Counts>) -> impl Serialize {
        let &Counts {
            running,
            sleeping,
            waiting,
            idle,
            stopped,
            traced,
            zombie,
            total,
            threads,
            visible,
            ..
        } = window.now;
        View {
            total,
            threads,
            r: running,
            s: sleeping,
            d: waiting,
            i: idle,
            t: stopped + traced,
            z: zombie,
            visible,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::drivers::Root;

    #[test]
    fn states_and_threads_are_counted_and_a_hidden_first_process_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let process = |pid: u32, state: char| {
            let line = format!(
                "{pid} (a) {state} 1 5 5 0 -1 0 7 8 9 10 140 150 17 18 20 0 3 0 2200 1000000 240 1 1\n"
            );
            fs::create_dir_all(dir.path().join(format!("proc/{pid}"))).unwrap();
            fs::write(dir.path().join(format!("proc/{pid}/stat")), line).unwrap();
        };
        for (pid, state) in (2..).zip("RSSDITtZXP".chars()) {
            process(pid, state);
        }
        let json = || {
            let mut counts = Counts::default();
            Procs(ProcessCounter::new(&Root::at(dir.path())))
                .read(&mut counts)
                .unwrap();
            serde_json::to_string(&Procs::view(Window {
                before: None,
                now: &counts,
            }))
            .unwrap()
        };
        assert_eq!(
            json(),
            r#"{"total":10,"threads":30,"r":1,"s":2,"d":1,"i":1,"t":2,"z":1,"visible":false}"#
        );
        process(1, 'S');
        assert!(json().ends_with(r#""s":3,"d":1,"i":1,"t":2,"z":1,"visible":true}"#));
    }
}
