//! The built-in keys, and how each is sampled.

use std::{path::Path, sync::Arc, time::Duration};

use crate::{
    drivers::{DriverError, Root, linux::process_counter::ProcessCounter, note::Note},
    plugins::{
        About, FieldUnits,
        Kind::{self, Gauge, Rate, Table},
        Plugin,
        builtin::{
            containers::Ct,
            cpu::Cpu,
            cpu_stat::CpuStat,
            disk::Disk,
            filesystems::{Calls as FsCalls, Fs},
            gpu::Gpu,
            mem::Mem,
            meminfo::Meminfo,
            net::Net,
            pressure::Psi,
            processes::Processes,
            procs::Procs,
            self_stats::{Counters, SelfStats},
            sensors::{Calls as SensCalls, OFF_BY_DEFAULT, Sens},
            sockets::Sock,
            top::Top,
            units::Units,
            uptime::Uptime,
        },
        sample::{Pooled, Reading, Source},
        worker::{WorkerInbox, inbox},
    },
};

/// What the built-in keys need from the configuration and the server.
#[derive(Debug, Clone)]
pub struct Options {
    /// What the server counts about itself.
    pub counters: Arc<Counters>,
    /// Whether `fs` shows file systems of other machines too.
    pub network_filesystems: bool,
    /// Whether `top` shows command lines, which may contain secrets.
    pub command_lines: bool,
    /// Names of sensor chips that are not read.
    pub sensors_off: Vec<String>,
    /// The units that `units` shows; all services where the list is empty.
    pub units: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            command_lines: false,
            counters: Arc::default(),
            network_filesystems: false,
            sensors_off: OFF_BY_DEFAULT.map(String::from).to_vec(),
            units: Vec::new(),
        }
    }
}

/// What is known of a built-in key before anything of it is opened.
pub(crate) struct BuiltIn {
    /// The top-level key.
    pub(crate) name: &'static str,
    kind: Kind,
    unit: &'static str,
    /// Minimum time between two samples, in seconds.
    min_interval: f64,
    /// One of the original's keys: the default choice, which no failure turns into null.
    pub(crate) legacy: bool,
    open: fn(&Machine<'_>) -> Opened,
}

/// What a plugin is opened with.
struct Machine<'a> {
    root: &'a Root,
    options: &'a Options,
    /// Shared, so that two keys cost one walk over the processes.
    processes: ProcessCounter,
}

/// A plugin that is ready to be sampled.
struct Opened {
    execution: Execution,
    units: FieldUnits,
    reason: Option<String>,
    note: Note,
}

/// Every built-in key, in the order of the wire: the original's keys first, in its order.
pub(crate) const BUILT_IN: [BuiltIn; 18] = [
    legacy("cpu_stat", Rate, "ratio", 0.05, |m| {
        inline(CpuStat::new(m.root))
    }),
    legacy("meminfo", Gauge, "kB", 0.05, |m| {
        inline(Meminfo::new(m.root))
    }),
    legacy("processes", Gauge, "", 0.5, |m| {
        inline(Processes(m.processes.clone()))
    }),
    legacy("uptime", Gauge, "", 0.05, |m| {
        let timezone = std::env::var("TZ").ok();
        inline(Uptime::new(m.root, timezone.as_deref()))
    }),
    key("cpu", Rate, "ratio", 0.05, |m| inline(Cpu::new(m.root))),
    key("mem", Gauge, "B", 0.05, |m| inline(Mem::new(m.root))),
    key("psi", Gauge, "%", 0.05, |m| {
        let mut psi = Psi::new(m.root);
        let reason = psi.reason();
        inline(psi).null_because(reason)
    }),
    key("disk", Rate, "", 0.05, |m| {
        inline(Disk::new(m.root)).null_because(Disk::reason(m.root))
    }),
    key("fs", Table, "B", 10.0, |m| {
        let (root, network) = (m.root.clone(), m.options.network_filesystems);
        let (calls, note) = (FsCalls::default(), Note::default());
        let of_worker = note.clone();
        let make = move || Fs::new(&root, network, Arc::clone(&calls)).noting(&of_worker);
        Opened {
            note,
            ..worker(make)
        }
    }),
    key("net", Rate, "", 0.05, |m| inline(Net::new(m.root))),
    key("sock", Gauge, "", 0.05, |m| inline(Sock::new(m.root))),
    key("sens", Gauge, "°C", 10.0, |m| {
        let (root, off) = (m.root.clone(), m.options.sensors_off.clone());
        let calls = SensCalls::default();
        worker(move || Sens::new(&root, off.clone(), Arc::clone(&calls)))
            .null_because(Sens::reason(m.root, &m.options.sensors_off))
    }),
    key("procs", Gauge, "", 1.0, |m| {
        inline(Procs(m.processes.clone()))
    }),
    key("top", Table, "", 1.0, |m| {
        let (root, command_lines) = (m.root.clone(), m.options.command_lines);
        worker(move || Top::new(&root, command_lines))
    }),
    key("units", Table, "", 2.0, |m| {
        let (root, units) = (m.root.clone(), m.options.units.clone());
        worker(move || Units::new(&root, units.clone())).null_because(Units::reason(m.root))
    }),
    key("ct", Table, "", 1.0, |m| {
        let root = m.root.clone();
        worker(move || Ct::new(&root)).null_because(Ct::reason(m.root))
    }),
    key("gpu", Table, "", 1.0, |m| {
        let root = m.root.clone();
        worker(move || Gpu::new(&root)).null_because(Gpu::reason(m.root))
    }),
    key("self", Gauge, "", 0.05, |m| {
        inline(SelfStats::new(m.root, Arc::clone(&m.options.counters)))
    }),
];

const fn key(
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    min_interval: f64,
    open: fn(&Machine<'_>) -> Opened,
) -> BuiltIn {
    BuiltIn {
        name,
        kind,
        unit,
        min_interval,
        legacy: false,
        open,
    }
}

const fn legacy(
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    min_interval: f64,
    open: fn(&Machine<'_>) -> Opened,
) -> BuiltIn {
    BuiltIn {
        legacy: true,
        ..key(name, kind, unit, min_interval, open)
    }
}

fn inline<P: Plugin>(plugin: P) -> Opened {
    let note = plugin.note();
    Opened {
        note,
        ..Opened::new::<P>(Execution::inline(plugin))
    }
}

fn worker<P: Plugin>(make: impl Fn() -> P + Send + Sync + 'static) -> Opened {
    Opened::new::<P>(Execution::worker(make))
}

impl Opened {
    fn new<P: Plugin>(execution: Execution) -> Self {
        Self {
            execution,
            units: P::UNITS,
            reason: None,
            note: Note::default(),
        }
    }

    fn null_because(self, reason: Option<String>) -> Self {
        Self { reason, ..self }
    }
}

/// The names of all built-in keys. Nothing is opened for them.
#[must_use]
pub fn names() -> [&'static str; BUILT_IN.len()] {
    BUILT_IN.map(|key| key.name)
}

/// The built-in keys below `root` with the default options.
#[must_use]
pub fn built_in(root: &Root) -> Vec<Entry> {
    built_in_with(root, &Options::default())
}

/// Opens every built-in key below `root`, in the order of the wire.
#[must_use]
pub fn built_in_with(root: &Root, options: &Options) -> Vec<Entry> {
    let machine = Machine {
        root,
        options,
        processes: ProcessCounter::new(root),
    };
    let open = |key: BuiltIn| {
        let opened = (key.open)(&machine);
        let about = About {
            units: opened.units,
            default: key.legacy,
            reason: opened.reason,
            note: opened.note,
            ..About::new(key.kind, key.unit, key.min_interval)
        };
        Entry {
            name: key.name.into(),
            about,
            execution: opened.execution,
        }
    };
    BUILT_IN.into_iter().map(open).collect()
}

/// One key of the push.
pub struct Entry {
    /// The top-level key.
    pub name: String,
    /// Its description in `info`.
    pub about: About,
    /// How it is sampled.
    pub execution: Execution,
}

/// Makes the source on a worker, which has this inbox.
pub type Make = dyn Fn(&WorkerInbox) -> Box<dyn Source> + Send + Sync;

/// How a plugin is sampled.
pub enum Execution {
    /// Inline, on the main thread: for reads that cannot block.
    Inline(Box<dyn Source>),
    /// On a worker, a thread of its own that runs while somebody watches: for reads that may block.
    Worker {
        /// Makes the source, anew for each worker.
        make: Box<Make>,
        /// Whether its samples have metrics.
        exported: bool,
        /// Whether a failure removes the last reading.
        forgets: bool,
    },
}

impl Execution {
    /// For a plugin whose reads cannot block.
    pub fn inline<P: Plugin>(plugin: P) -> Self {
        Self::Inline(Box::new(Pooled::new(plugin)))
    }

    /// For a plugin whose reads may block: `make` runs on the worker.
    pub fn worker<P: Plugin>(make: impl Fn() -> P + Send + Sync + 'static) -> Self {
        let make =
            Box::new(move |_: &WorkerInbox| Box::new(Pooled::new(make())) as Box<dyn Source>);
        Self::Worker {
            make,
            exported: P::FAMILIES.is_some(),
            forgets: false,
        }
    }

    /// Whether its samples have metrics.
    #[must_use]
    pub fn exported(&self) -> bool {
        match self {
            Self::Inline(source) => source.exported(),
            Self::Worker { exported, .. } => *exported,
        }
    }

    /// Takes one sample in the caller's thread, however long that takes.
    ///
    /// # Errors
    /// As the plugin's.
    pub fn sample(&mut self, at: Duration) -> Result<Reading, DriverError> {
        match self {
            Self::Inline(source) => source.sample(at),
            Self::Worker { make, .. } => {
                let (_worker, inbox) =
                    inbox().map_err(|error| DriverError::io(Path::new("pipe"), &error))?;
                make(&inbox).sample(at)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampled(entry: &mut Entry, at: u64) -> Reading {
        entry.execution.sample(Duration::from_secs(at)).unwrap()
    }

    #[test]
    fn the_legacy_keys_come_first_and_are_the_default() {
        let entries = built_in(&Root::host());
        let default = entries.iter().map(|entry| entry.about.default);
        assert!(default.eq((0..BUILT_IN.len()).map(|index| index < 4)));
        assert_eq!(names()[..4], ["cpu_stat", "meminfo", "processes", "uptime"]);
    }

    #[test]
    fn in_a_container_of_lxcfs_it_is_said_what_is_left_out() {
        let note = |tree: &str| {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/fixtures/proc")
                .join(tree);
            let entries = built_in(&Root::at(folder));
            let find = |key: &str| entries.iter().find(|entry| entry.name == key).unwrap();
            let cpu = &find("cpu").about;
            // Whoever watches leaves out what has a reason.
            assert_eq!(cpu.reason, None);
            let uptime = find("uptime").about.note.text();
            let reasons = ["disk", "psi"].map(|key| find(key).about.reason.clone());
            (cpu.note.text(), uptime, reasons)
        };
        let (cpu, uptime, [disk, psi]) = note("lxc-zfs");
        for (text, part) in [
            (cpu, "ctxt"),
            (uptime, "la15"),
            (disk, "diskstats"),
            (psi, "pressure"),
        ] {
            let text = text.unwrap();
            assert!(text.contains("lxcfs") && text.contains(part), "{text}");
        }
        assert_eq!(note("vm-6.18"), (None, None, [None, None]));
    }

    /// A tree of bad lines: what they take away is in the key's note.
    #[test]
    fn the_note_tells_what_a_reading_left_out() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/proc/bad-lines");
        let remarks = [
            ("cpu_stat", "proc/stat: cpu cannot be right and is left out"),
            ("cpu", "proc/stat: cpu and 1 more cannot be right"),
            ("mem", "proc/meminfo: Buffers and 2 more cannot be right"),
            ("uptime", "proc/loadavg: la5 cannot be right"),
            ("disk", "proc/diskstats: sda cannot be right"),
            ("net", "proc/1/net/dev: lo: and 1 more cannot be right"),
            ("sock", "proc/1/net/sockstat: TCP cannot be right"),
            (
                "fs",
                "/proc/1/mountinfo: the mount nonsense cannot be right",
            ),
        ];
        let mut entries = built_in(&Root::at(folder));
        for (key, remark) in remarks {
            let mut found = entries.iter_mut().filter(|entry| entry.name == key);
            let entry = found.next().unwrap();
            assert_eq!(entry.about.note.text(), None, "{key}");
            sampled(entry, 1);
            let note = entry.about.note.text().unwrap_or_default();
            assert!(note.contains(remark), "{key}: {note}");
        }
    }

    #[test]
    fn every_key_is_written_as_json_with_and_without_a_sample_before() {
        for mut entry in built_in(&Root::host()) {
            let (first, second) = (sampled(&mut entry, 1), sampled(&mut entry, 2));
            for before in [None, Some(&*first)] {
                let mut json = Vec::new();
                second.write_json(before, &mut json).unwrap();
                let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
                assert!(
                    value.is_object() || value.is_array() || value.is_null(),
                    "{}: {value}",
                    entry.name
                );
            }
        }
    }
}
