//! The census of all processes: one walk over /proc, shared by every plugin that counts.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::drivers::{
    DriverError, Root,
    linux::{
        pid_stat::{parse, state},
        processes::Processes,
    },
};

/// A census younger than this is the same slot's: half a slot.
const SAME_SLOT: Duration = Duration::from_millis(25);

/// What one walk counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// By the letter that `ps` shows first in its column STAT, the observer among the running.
    pub running: u64,
    /// S: waits and can be woken by a signal.
    pub sleeping: u64,
    /// D: waits for a device.
    pub waiting: u64,
    /// I: a kernel thread without work.
    pub idle: u64,
    /// T: stopped by a signal.
    pub stopped: u64,
    /// t: stopped by a debugger.
    pub traced: u64,
    /// Z: ended and not yet taken leave of.
    pub zombie: u64,
    /// Every process, those in other states too.
    pub total: u64,
    /// Their threads.
    pub threads: u64,
    /// Whether this process is among the running.
    pub observer_runs: bool,
    /// Whether all processes are seen: with `hidepid=` or ProtectProc= most are hidden, and the
    /// counts are of the rest.
    pub visible: bool,
}

/// Whoever counts processes; clones share one walk a slot.
#[derive(Debug, Clone)]
pub struct ProcessCounter(Arc<Mutex<ProcessCounterState>>);

#[derive(Debug)]
struct ProcessCounterState {
    processes: Processes,
    own: Option<u32>,
    last: Option<(Instant, Counts)>,
}

impl ProcessCounter {
    /// Below `root`; nothing is opened yet.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        let processes = Processes::new(root);
        let own = processes.own_pid();
        Self(Arc::new(Mutex::new(ProcessCounterState {
            processes,
            own,
            last: None,
        })))
    }

    /// The counts, taken anew unless another plugin has just done so. A walk costs one open, read
    /// and close for each process.
    ///
    /// # Errors
    /// When /proc itself cannot be listed.
    pub fn take(&self) -> Result<Counts, DriverError> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner).last;
        match last.filter(|(at, _)| at.elapsed() < SAME_SLOT) {
            Some((_, counts)) => Ok(counts),
            None => self.retake(),
        }
    }

    /// The counts, taken anew.
    ///
    /// # Errors
    /// When /proc itself cannot be listed.
    pub fn retake(&self) -> Result<Counts, DriverError> {
        let mut register = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = register.count()?;
        register.last = Some((Instant::now(), counts));
        Ok(counts)
    }
}

impl ProcessCounterState {
    fn count(&mut self) -> Result<Counts, DriverError> {
        let mut counts = Counts::default();
        let own = self.own;
        let walk = self.processes.walk(|pid, line| {
            let Some(letter) = state(line) else { return };
            counts.total += 1;
            counts.threads = counts
                .threads
                .saturating_add(parse(line).map_or(1, |process| process.threads));
            match letter {
                b'R' => {
                    counts.running += 1;
                    counts.observer_runs |= Some(pid) == own;
                }
                b'S' => counts.sleeping += 1,
                b'D' => counts.waiting += 1,
                b'I' => counts.idle += 1,
                b'T' => counts.stopped += 1,
                b't' => counts.traced += 1,
                b'Z' => counts.zombie += 1,
                _ => {}
            }
        })?;
        counts.visible = walk.saw_init && walk.refused == 0;
        Ok(counts)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn clones_share_a_walk_and_later_ones_see_what_is_new() {
        let dir = tempfile::tempdir().unwrap();
        let process = |pid: u32, letter: char| {
            let folder = dir.path().join(format!("proc/{pid}"));
            fs::create_dir_all(&folder).unwrap();
            let line = format!(
                "{pid} (x) {letter} 1 5 5 0 -1 0 7 8 9 10 1 2 3 4 20 0 3 0 2200 1000 240 1 1\n"
            );
            fs::write(folder.join("stat"), line).unwrap();
        };
        process(1, 'S');
        let (first, second) = {
            let census = ProcessCounter::new(&Root::at(dir.path()));
            (census.clone(), census)
        };
        let before = first.take().unwrap();
        assert_eq!(
            (
                before.sleeping,
                before.total,
                before.threads,
                before.visible
            ),
            (1, 1, 3, true)
        );
        process(2, 'Z');
        let taken = first.0.lock().unwrap().last.unwrap().0;
        let shared = second.take().unwrap();
        if taken.elapsed() < SAME_SLOT {
            assert_eq!(shared, before);
        }
        first.0.lock().unwrap().last = None;
        assert_eq!(second.take().unwrap().zombie, 1);
    }
}
