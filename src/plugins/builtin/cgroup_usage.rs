//! What `units` and `ct` have in common: groups of processes with their use of the machine.

use std::{
    cmp::Reverse,
    collections::HashMap,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Serialize;

use crate::{
    drivers::linux::cgroups::{Cgroups, Usage},
    plugins::{
        families::{Families, Label},
        figures::{Decimal, NANOS, rate, rate_of},
    },
};

/// A group's figures over a window.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Figures {
    /// Processor time, as a share of one processor (usage_usec in cpu.stat; cpuacct.usage in
    /// version 1). Null without an earlier reading, and where the host does not count it.
    pub cpu: Option<Decimal>,
    /// Memory in use without inactive file pages, which the kernel frees first (memory.current
    /// minus inactive_file; memory.usage_in_bytes minus total_inactive_file in version 1). Null
    /// where the host does not count it.
    pub mem: Option<u64>,
    /// Bytes read from whole disks per second (io.stat; blkio.throttle.io_service_bytes in version
    /// 1). Null like `cpu`.
    pub rd: Option<Decimal>,
    /// Bytes written to whole disks per second, from the same file. Null like `cpu`.
    pub wr: Option<Decimal>,
}

impl Figures {
    /// Between two readings of the same group. A group that was begun anew has smaller counters,
    /// and no rates.
    #[must_use]
    pub fn between(before: Option<(&Usage, Duration)>, now: &Usage) -> Self {
        let rates = |field: fn(&Usage) -> Option<u64>| {
            let (before, over) = before?;
            rate(field(before), field(now), over)
        };
        Self {
            cpu: before.and_then(|(before, over)| rate_of(before.cpu_ns, now.cpu_ns, NANOS, over)),
            mem: now.memory_bytes,
            rd: rates(|usage| usage.disk_bytes.map(|bytes| bytes.0)),
            wr: rates(|usage| usage.disk_bytes.map(|bytes| bytes.1)),
        }
    }
}

/// Chooses the groups that are shown where there are too many: a list cut by name would leave out
/// the busiest.
#[derive(Debug, Default)]
pub struct Busiest(HashMap<PathBuf, u64>);

impl Busiest {
    /// Leaves `rows` of `found`, in its order: those that used most processor time since the last
    /// choice, or ever at the first one. Returns how many are left out. Costs one small file for
    /// each group, and nothing where there are no more than `rows`.
    pub fn choose<T>(
        &mut self,
        cgroups: &mut Cgroups,
        found: &mut Vec<T>,
        rows: usize,
        group: impl Fn(&T) -> &Path,
    ) -> usize {
        let more = found.len().saturating_sub(rows);
        if more == 0 {
            self.0.clear();
            return 0;
        }
        let mut used_now = HashMap::new();
        let mut order = Vec::new();
        for (index, item) in found.iter().enumerate() {
            let used = cgroups.cpu_ns(group(item)).unwrap_or(0);
            let before = self.0.get(group(item)).copied().unwrap_or(0);
            order.push((Reverse((used.saturating_sub(before), used)), index));
            used_now.insert(group(item).to_path_buf(), used);
        }
        self.0 = used_now;
        order.sort_unstable();
        let mut keep = vec![false; found.len()];
        for (_, index) in order.into_iter().take(rows) {
            if let Some(kept) = keep.get_mut(index) {
                *kept = true;
            }
        }
        let mut keep = keep.into_iter();
        found.retain(|_| keep.next().unwrap_or(false));
        more
    }
}

/// The counters of a group for `/metrics`, in families of these names: processor time, memory,
/// bytes read and written.
pub fn families(
    names: &[&'static str; 4],
    labels: &[Label<'_>],
    usage: &Usage,
    out: &mut Families,
) {
    let [cpu, memory, read, written] = *names;
    let figure = |value: Option<u64>| value.map(|value| value as f64);
    out.counter(
        cpu,
        "Processor time used",
        labels,
        usage.cpu_ns.map(|used| used as f64 / NANOS as f64),
    );
    out.gauge(
        memory,
        "Memory in use, without pages that can be given back",
        labels,
        figure(usage.memory_bytes),
    );
    out.counter(
        read,
        "Bytes read from disks",
        labels,
        figure(usage.disk_bytes.map(|bytes| bytes.0)),
    );
    out.counter(
        written,
        "Bytes written to disks",
        labels,
        figure(usage.disk_bytes.map(|bytes| bytes.1)),
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_busiest_are_kept_in_their_order() {
        let dir = tempfile::tempdir().unwrap();
        let mount = dir.path().join("sys/fs/cgroup");
        std::fs::create_dir_all(&mount).unwrap();
        std::fs::write(mount.join("cgroup.controllers"), "").unwrap();
        let mut cgroups = Cgroups::find(&crate::drivers::Root::at(dir.path())).unwrap();
        let mut busiest = Busiest::default();
        let mut chosen = |usecs: [u64; 4]| {
            let mut groups = ["a", "b", "c", "d"].map(PathBuf::from).to_vec();
            for (group, usec) in groups.iter().zip(usecs) {
                std::fs::create_dir_all(mount.join(group)).unwrap();
                let text = format!("usage_usec {usec}\n");
                std::fs::write(mount.join(group).join("cpu.stat"), text).unwrap();
            }
            let more = busiest.choose(&mut cgroups, &mut groups, 2, PathBuf::as_path);
            assert_eq!(more, 2);
            groups
        };
        assert_eq!(chosen([9, 7, 0, 8]), [Path::new("a"), Path::new("d")]);
        assert_eq!(chosen([9, 9, 1, 8]), [Path::new("b"), Path::new("c")]);
    }

    #[test]
    fn rates_need_two_readings_and_counters_that_grew() {
        let usage = |cpu_ns, read| Usage {
            cpu_ns: Some(cpu_ns),
            memory_bytes: Some(5),
            disk_bytes: Some((read, 0)),
            ..Usage::default()
        };
        let figures = |before: Option<Usage>, now: Usage| {
            let before = before
                .as_ref()
                .map(|before| (before, Duration::from_secs(2)));
            serde_json::to_value(Figures::between(before, &now)).unwrap()
        };
        let cases = [
            (
                Some(usage(0, 10)),
                usage(3_000_000_000, 20),
                json!({"cpu": 1.5, "mem": 5, "rd": 5, "wr": 0}),
            ),
            (
                Some(usage(9, 90)),
                usage(5, 20),
                json!({"cpu": null, "mem": 5, "rd": null, "wr": 0}),
            ),
            (
                None,
                usage(5, 20),
                json!({"cpu": null, "mem": 5, "rd": null, "wr": null}),
            ),
            (
                Some(Usage::default()),
                Usage::default(),
                json!({"cpu": null, "mem": null, "rd": null, "wr": null}),
            ),
        ];
        for (before, now, expected) in cases {
            assert_eq!(figures(before, now), expected);
        }
    }
}
