//! What children have started and what has left their groups, as setsid(1) does: still their
//! children's children.

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

/// Kills the descendants of the children that lead these `groups`, as far as they are in none of
/// them. It has to be done before the children end: then their children are nobody's. Costs a walk
/// over all processes.
pub fn kill_strays(groups: &BTreeSet<Pid>) {
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
    // Without a list there is nobody to be found.
    if walked.is_ok() {
        for stray in strays(&processes, groups) {
            // One that is gone already is what is wanted.
            let _ = kill(stray, Signal::SIGKILL);
        }
    }
}

fn strays(processes: &[Process], groups: &BTreeSet<Pid>) -> Vec<Pid> {
    let mut family: HashSet<Pid> = groups.iter().copied().collect();
    // Numbers are used again: a parent's may be the larger one.
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
    let strayed =
        |process: &&Process| family.contains(&process.id) && !groups.contains(&process.group);
    processes
        .iter()
        .filter(strayed)
        .map(|process| process.id)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descendants_outside_of_the_groups_are_strays() {
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
        let mut found = strays(&processes, &groups);
        found.sort_unstable();
        assert_eq!(found, [4, 5].map(Pid::from_raw));
        assert_eq!(strays(&processes, &BTreeSet::new()), []);
    }
}
