//! `ct`: the containers and what they use, by the names of their cgroups. No engine's socket is
//! touched.

use std::os::unix::ffi::OsStrExt;

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    drivers::{
        DriverError, Root,
        linux::{
            cgroups::{Cgroups, Usage},
            containers::{Container, containers},
            name,
        },
    },
    plugins::{
        FieldUnits, Plugin, Window,
        builtin::cgroup_usage::{Busiest, Figures, families as usage_families},
        families::Families,
    },
};

/// More are counted and not shown: the idle ones are left out first.
const ROWS: usize = 128;

/// The plugin. A reading costs some ten small files for each container, and the listing of all
/// groups.
#[derive(Debug)]
pub struct Ct {
    cgroups: Option<Cgroups>,
    busiest: Busiest,
}

impl Ct {
    /// Reads below `root`.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        Self {
            cgroups: Cgroups::find(root),
            busiest: Busiest::default(),
        }
    }

    /// Why there are no figures here, if there are none.
    #[must_use]
    pub fn reason(root: &Root) -> Option<String> {
        Cgroups::find(root)
            .is_none()
            .then(|| "no cgroups are mounted in /sys/fs/cgroup".into())
    }
}

/// None where there are no cgroups.
pub type Sample = Option<Shown>;

/// The containers that are shown.
#[derive(Debug, Default)]
pub struct Shown {
    rows: Vec<(Container, Usage)>,
    /// How many are not.
    more: usize,
}

impl Plugin for Ct {
    type Sample = Sample;

    const UNITS: FieldUnits = &[
        ("*.cpu", "ratio"),
        ("*.mem", "B"),
        ("*.mem_max", "B"),
        ("*.rd", "B/s"),
        ("*.wr", "B/s"),
    ];

    const FAMILIES: Option<fn(&Self::Sample, &mut Families)> = Some(families);

    fn read(&mut self, sample: &mut Sample) -> Result<(), DriverError> {
        let busiest = &mut self.busiest;
        *sample = self.cgroups.as_mut().map(|cgroups| {
            let mut found = containers(cgroups);
            let more = busiest.choose(cgroups, &mut found, ROWS, |container| &container.group);
            let with_usage = |container: Container| {
                let usage = cgroups.usage(&container.group);
                (container, usage)
            };
            let rows = found.into_iter().map(with_usage).collect();
            Shown { rows, more }
        });
        Ok(())
    }

    fn view(window: Window<'_, Sample>) -> impl Serialize {
        window.now.as_ref().map(|_| Rows(window))
    }
}

const CONTAINER: [&str; 4] = [
    "rtstat_container_cpu_seconds_total",
    "rtstat_container_memory_bytes",
    "rtstat_container_disk_read_bytes_total",
    "rtstat_container_disk_written_bytes_total",
];

/// The group is a label too: two engines may give one name.
fn families(sample: &Sample, out: &mut Families) {
    for (container, usage) in sample.iter().flat_map(|shown| &shown.rows) {
        let group = name::text(container.group.as_os_str().as_bytes());
        let labels = [
            ("name", container.name.as_str()),
            ("engine", container.engine),
            ("cgroup", group.as_str()),
        ];
        usage_families(&CONTAINER, &labels, usage, out);
        let figure = |value: Option<u64>| value.map(|value| value as f64);
        let limit = figure(usage.memory_max_bytes);
        out.gauge(
            "rtstat_container_memory_limit_bytes",
            "The tightest limit of its memory",
            &labels,
            limit,
        );
        out.gauge(
            "rtstat_container_threads",
            "Threads",
            &labels,
            figure(usage.tasks),
        );
    }
}

struct Rows<'a>(Window<'a, Sample>);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Window { before, now } = self.0;
        let mut map = serializer.serialize_map(None)?;
        let shown = now.iter().flat_map(|shown| &shown.rows);
        let last = now.as_ref().map_or(0, |shown| shown.rows.len());
        for (place, (container, usage)) in (1..).zip(shown) {
            let before = before.and_then(|(before, over)| {
                let same = before
                    .iter()
                    .flat_map(|shown| &shown.rows)
                    .find(|(before, _)| before.group == container.group)?;
                Some((&same.1, over))
            });
            let row = Row {
                engine: container.engine,
                figures: Figures::between(before, usage),
                mem_max: usage.memory_max_bytes,
                pids: usage.tasks,
                more: now
                    .as_ref()
                    .map(|shown| shown.more)
                    .filter(|more| *more > 0 && place == last),
            };
            map.serialize_entry(&container.name, &row)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct Row {
    /// What runs the container: docker, podman, containerd, cri-o, kubernetes, lxc, nspawn or
    /// libvirt.
    engine: &'static str,
    #[serde(flatten)]
    figures: Figures,
    /// The tightest memory limit on the way to the root (memory.max; hierarchical_memory_limit in
    /// version 1). Null without a limit.
    mem_max: Option<u64>,
    /// Threads of the container (pids.current). Null where the host does not count them.
    pids: Option<u64>,
    /// Number of containers that are left out because 128 are shown, in the last object. Absent
    /// elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<usize>,
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn containers_with_their_use() {
        let dir = tempfile::tempdir().unwrap();
        let mut ct = Ct::new(&Root::at(dir.path()));
        let mut now = Some(Shown::default());
        ct.read(&mut now).unwrap();
        assert_eq!(
            serde_json::to_value(Ct::view(Window {
                before: None,
                now: &now
            }))
            .unwrap(),
            Value::Null
        );

        let group = dir.path().join("sys/fs/cgroup/lxc.payload.web");
        fs::create_dir_all(&group).unwrap();
        fs::write(dir.path().join("sys/fs/cgroup/cgroup.controllers"), "").unwrap();
        let mut ct = Ct::new(&Root::at(dir.path()));
        let mut read = |usec: u64| {
            fs::write(group.join("cpu.stat"), format!("usage_usec {usec}\n")).unwrap();
            fs::write(group.join("memory.max"), "4096\n").unwrap();
            let mut sample = None;
            ct.read(&mut sample).unwrap();
            sample
        };
        let (before, now) = (read(0), read(500_000));
        let window = Window {
            before: Some((&before, Duration::from_secs(1))),
            now: &now,
        };
        let expected = json!({"engine": "lxc", "cpu": 0.5, "mem": null, "rd": null, "wr": null, "mem_max": 4096, "pids": null});
        assert_eq!(
            serde_json::to_value(Ct::view(window)).unwrap(),
            json!({"web": expected})
        );
    }
}
