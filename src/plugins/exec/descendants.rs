//! Descendants of children that have left their process group, as with setsid(1).

use std::collections::{BTreeSet, HashSet};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::drivers::{
    Root,
    linux::{pid_stat::parse, processes::Processes},
};

/// One process.
#[derive(Debug, Clone, Copy)]
struct Process {
    id: Pid,
    parent: Pid,
    group: Pid,
}

/// Kills the descendants of the children that lead these `groups`, unless they are in one of the
/// groups. Must run before the children end: their own children then get another parent. Costs a
/// walk over all processes.
pub(super) fn kill_outside(groups: &BTreeSet<Pid>) {
    let mut processes = Vec::new();
    let pid = |number: i64| i32::try_from(number).ok().map(Pid::from_raw);
    let walked = Processes::new(&Root::host()).walk(|id, line| {
        let process = parse(line).ok().and_then(|stat| {
            Some(Process {
                id: pid(id.into())?,
                parent: pid(stat.parent.into())?,
                group: pid(stat.group)?,
            })
        });
        processes.extend(process);
    });
    // Without a list of processes none can be found.
    if walked.is_ok() {
        for descendant in outside(&processes, groups) {
            // An error means that it has ended.
            let _ = kill(descendant, Signal::SIGKILL);
        }
    }
}

/// The processes to kill.
fn outside(processes: &[Process], groups: &BTreeSet<Pid>) -> Vec<Pid> {
    let mut family: HashSet<Pid> = groups.iter().copied().collect();
    // Ids are reused, so that a parent may have the larger one: one pass is not enough.
    loop {
        let known = family.len();
        for process in processes {
            if family.contains(&process.parent) {
                family.insert(process.id);
            }
        }
        if family.len() == known {
            break;
        }
    }
    let is_outside =
        |process: &&Process| family.contains(&process.id) && !groups.contains(&process.group);
    processes
        .iter()
        .filter(is_outside)
        .map(|process| process.id)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descendants_outside_of_the_groups_are_outside() {
        let process = |(id, parent, group)| Process {
            id: Pid::from_raw(id),
            parent: Pid::from_raw(parent),
            group: Pid::from_raw(group),
        };
        let processes = [
            (1, 0, 1),
            (10, 1, 10),
            (20, 10, 20),
            (21, 20, 20),
            (5, 21, 5),
            (4, 5, 5),
            (22, 5, 20),
            (30, 10, 30),
            (31, 30, 31),
            (40, 1, 40),
        ]
        .map(process);
        let groups = BTreeSet::from([20].map(Pid::from_raw));
        let mut found = outside(&processes, &groups);
        found.sort_unstable();
        assert_eq!(found, [4, 5].map(Pid::from_raw));
        assert_eq!(outside(&processes, &BTreeSet::new()), []);
    }
}
