//! `units`: the services that have failed, and what the running ones use.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    drivers::{
        DriverError, Root,
        linux::{
            cgroups::{Cgroups, Usage},
            failed_units::{Bus, Failed},
            sysfs::name,
        },
    },
    plugins::{
        FieldUnits, Plugin, Window,
        builtin::cgroup_usage::{Busiest, Figures, families as usage_families},
        families::Families,
        figures::Decimal,
    },
};

/// The bus is asked no more often than this, and not waited for longer than that.
const ASKED_EVERY: Duration = Duration::from_secs(10);
const DEADLINE: Duration = Duration::from_secs(2);

/// More services are counted and not shown: the idle ones are left out first.
const ROWS: usize = 128;

/// The slice of the machine's services: they are in it, or in slices within it.
const SERVICES: &str = "system.slice";

/// Reads what each service uses. A reading costs some ten small files for each service.
#[derive(Debug)]
pub struct Units {
    cgroups: Option<Cgroups>,
    bus: Bus,
    /// The units to show; all services where there are none.
    allowed: Vec<String>,
    asked: Option<Instant>,
    failed: Option<Failed>,
    busiest: Busiest,
}

impl Units {
    /// Reads below `root` what the units `allowed` use, or all services where that is empty.
    #[must_use]
    pub fn new(root: &Root, allowed: Vec<String>) -> Self {
        Self {
            cgroups: Cgroups::find(root),
            bus: Bus::new(root),
            allowed,
            asked: None,
            failed: None,
            busiest: Busiest::default(),
        }
    }

    /// Why there are no figures here, if there are none.
    #[must_use]
    pub fn reason(root: &Root) -> Option<String> {
        let managed = Bus::new(root).has_manager();
        (!managed).then(|| "this machine was not started by systemd".into())
    }

    fn services(&self) -> Vec<PathBuf> {
        let Some(cgroups) = &self.cgroups else {
            return Vec::new();
        };
        let is_unit = |path: &Path| {
            [".service", ".scope"]
                .iter()
                .any(|suffix| name(path).ends_with(suffix))
        };
        let mut found = Vec::new();
        let mut slices = vec![PathBuf::from(SERVICES)];
        while let Some(slice) = slices.pop() {
            for group in cgroups.children(&slice) {
                if name(&group).ends_with(".slice") {
                    slices.push(group);
                } else if is_unit(&group)
                    && (self.allowed.is_empty()
                        || self.allowed.iter().any(|unit| unit == name(&group)))
                {
                    found.push(group);
                }
            }
        }
        found.sort_by(|a, b| name(a).cmp(name(b)));
        found
    }
}

/// One reading.
#[derive(Debug, Default)]
pub struct Sample {
    managed: bool,
    failed: Option<Failed>,
    units: Vec<(String, Usage)>,
    more: usize,
}

impl Plugin for Units {
    type Sample = Sample;

    const UNITS: FieldUnits = &[
        ("unit.*.cpu", "ratio"),
        ("unit.*.mem", "B"),
        ("unit.*.rd", "B/s"),
        ("unit.*.wr", "B/s"),
        ("unit.*.psi.*", "%"),
    ];

    const FAMILIES: Option<fn(&Self::Sample, &mut Families)> = Some(families);

    fn read(&mut self, sample: &mut Sample) -> Result<(), DriverError> {
        sample.managed = self.bus.has_manager();
        sample.units.clear();
        if !sample.managed {
            sample.failed = None;
            return Ok(());
        }
        if self
            .asked
            .is_none_or(|asked| asked.elapsed() >= ASKED_EVERY)
        {
            self.failed = self.bus.failed_units(DEADLINE).ok();
            self.asked = Some(Instant::now());
        }
        sample.failed.clone_from(&self.failed);
        let mut services = self.services();
        sample.more = 0;
        if let Some(cgroups) = &mut self.cgroups {
            sample.more = self
                .busiest
                .choose(cgroups, &mut services, ROWS, PathBuf::as_path);
            sample.units.extend(
                services
                    .iter()
                    .map(|group| (name(group).to_string(), cgroups.usage(group))),
            );
        }
        Ok(())
    }

    fn view(window: Window<'_, Sample>) -> impl Serialize {
        window.now.managed.then_some(View {
            failed: window.now.failed.as_ref().map(|failed| &*failed.names),
            failed_more: (window.now.failed.as_ref())
                .map(|failed| failed.more)
                .filter(|more| *more > 0),
            unit: Rows(window),
            more: Some(window.now.more).filter(|more| *more > 0),
        })
    }
}

/// Names of node_exporter's `systemd` collector, of which only the failed units are told: the
/// others' states are not asked for.
fn families(sample: &Sample, out: &mut Families) {
    if let Some(failed) = &sample.failed {
        let labels = [("state", "failed")];
        out.gauge(
            "node_systemd_units",
            "Units in a state",
            &labels,
            failed.names.len().saturating_add(failed.more) as f64,
        );
        for unit in &failed.names {
            let labels = [("name", unit.as_str()), ("state", "failed")];
            out.gauge(
                "node_systemd_unit_state",
                "1 where a unit is in a state",
                &labels,
                1.0,
            );
        }
    }
    for (unit, usage) in &sample.units {
        let labels = [("name", unit.as_str())];
        usage_families(&UNIT, &labels, usage, out);
        let tasks = usage.tasks.map(|tasks| tasks as f64);
        out.gauge(
            "node_systemd_unit_tasks_current",
            "Threads of a unit",
            &labels,
            tasks,
        );
    }
}

const UNIT: [&str; 4] = [
    "rtstat_unit_cpu_seconds_total",
    "rtstat_unit_memory_bytes",
    "rtstat_unit_disk_read_bytes_total",
    "rtstat_unit_disk_written_bytes_total",
];

#[derive(Serialize)]
struct View<'a> {
    /// Names of the failed units, up to 100, asked from systemd over D-Bus every 10 seconds. Null
    /// while systemd or the bus does not answer.
    failed: Option<&'a [String]>,
    /// Number of failed units that are not in `failed`. Absent where none is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_more: Option<usize>,
    /// One object for each service and scope in system.slice, or for those that plugins.units
    /// names in rtstat.toml(5): of more than 128, those that used most processor time lately.
    unit: Rows<'a>,
    /// Number of services that are not in `unit`. Absent where none is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<usize>,
}

struct Rows<'a>(Window<'a, Sample>);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Window { before, now } = self.0;
        let mut map = serializer.serialize_map(Some(now.units.len()))?;
        for (unit, usage) in &now.units {
            let before = before.and_then(|(before, over)| {
                let index = before
                    .units
                    .binary_search_by(|(name, _)| name.cmp(unit))
                    .ok()?;
                before.units.get(index).map(|(_, usage)| (usage, over))
            });
            let psi = usage.pressure.map(|[cpu, memory, io]| Psi {
                cpu: Decimal::hundredths(cpu),
                memory: Decimal::hundredths(memory),
                io: Decimal::hundredths(io),
            });
            map.serialize_entry(
                unit,
                &Row {
                    figures: Figures::between(before, usage),
                    tasks: usage.tasks,
                    psi,
                },
            )?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    figures: Figures,
    /// Threads of the unit (pids.current). Null where the host does not count them.
    tasks: Option<u64>,
    /// Pressure on the unit's tasks. Null on hosts of cgroup v1 and without CONFIG_PSI.
    psi: Option<Psi>,
}

/// Percent of the last ten seconds in which some task of the unit waited.
#[derive(Serialize)]
struct Psi {
    /// Share of the last 10 seconds in which a task of the unit waited for a processor
    /// (cpu.pressure).
    cpu: Decimal,
    /// Share of the last 10 seconds in which a task of the unit waited for memory
    /// (memory.pressure).
    memory: Decimal,
    /// Share of the last 10 seconds in which a task of the unit waited for a disk (io.pressure).
    io: Decimal,
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::{Value, json};

    use super::*;

    fn json(units: &mut Units) -> Value {
        let mut sample = Sample::default();
        units.read(&mut sample).unwrap();
        serde_json::to_value(Units::view(Window {
            before: None,
            now: &sample,
        }))
        .unwrap()
    }

    #[test]
    fn a_scrape_is_told_of_the_failed_units_where_the_bus_answers() {
        let text = |names: Option<Vec<String>>| {
            let failed = names.map(|names| Failed { names, more: 0 });
            let mut out = Families::default();
            families(
                &Sample {
                    managed: true,
                    failed,
                    ..Sample::default()
                },
                &mut out,
            );
            out.open_metrics().unwrap()
        };
        let some = text(Some(vec!["a.service".into(), "b@1.mount".into()]));
        for row in [
            "node_systemd_units{state=\"failed\"} 2.0",
            "node_systemd_unit_state{name=\"a.service\",state=\"failed\"} 1.0",
            "node_systemd_unit_state{name=\"b@1.mount\",state=\"failed\"} 1.0",
        ] {
            assert!(some.lines().any(|line| line == row), "{row}: {some}");
        }
        assert!(text(Some(Vec::new())).contains("node_systemd_units{state=\"failed\"} 0.0\n"));
        assert_eq!(text(None), "# EOF\n");
    }

    #[test]
    fn services_in_slices_by_name_and_the_allowed_ones_only() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::at(dir.path());
        assert_eq!(json(&mut Units::new(&root, Vec::new())), Value::Null);
        fs::create_dir_all(dir.path().join("run/systemd/system")).unwrap();
        let mount = dir.path().join("sys/fs/cgroup");
        for group in [
            "system.slice/b.service/inner.service",
            "system.slice/system-a.slice/a@1.service",
            "system.slice/x.mount",
            "user.slice/c.service",
        ] {
            fs::create_dir_all(mount.join(group)).unwrap();
        }
        fs::write(mount.join("cgroup.controllers"), "").unwrap();
        fs::write(mount.join("system.slice/b.service/pids.current"), "4\n").unwrap();
        let row = |tasks| json!({"cpu": null, "mem": null, "rd": null, "wr": null, "tasks": tasks, "psi": null});
        let all = json!({"failed": null, "unit": {"a@1.service": row(Value::Null), "b.service": row(json!(4))}});
        assert_eq!(json(&mut Units::new(&root, Vec::new())), all);
        let one = json!({"failed": null, "unit": {"b.service": row(json!(4))}});
        assert_eq!(json(&mut Units::new(&root, vec!["b.service".into()])), one);
    }

    /// 200 services by name, of which the last one works.
    #[test]
    fn the_loaded_are_shown_before_the_idle_and_the_rest_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("run/systemd/system")).unwrap();
        let mount = dir.path().join("sys/fs/cgroup");
        for index in 0..200 {
            let group = mount.join(format!("system.slice/s{index:03}.service"));
            fs::create_dir_all(&group).unwrap();
            let used = u64::from(index == 199);
            fs::write(group.join("cpu.stat"), format!("usage_usec {used}\n")).unwrap();
        }
        fs::write(mount.join("cgroup.controllers"), "").unwrap();
        let json = json(&mut Units::new(&Root::at(dir.path()), Vec::new()));
        let units = json["unit"].as_object().unwrap();
        assert!(units.contains_key("s199.service") && units.contains_key("s000.service"));
        assert_eq!((units.len(), &json["more"]), (ROWS, &json!(72)));
        assert_eq!(json.get("failed_more"), None);
    }
}
