//! Every key that this server offers, in the order of the wire.

use std::{path::Path, sync::Arc, time::Duration};

use crate::{
    drivers::{DriverError, Root, linux::process_counter::ProcessCounter, note::Note},
    plugins::{
        About, Kind, Plugin,
        builtin::{
            containers::Ct,
            cpu::Cpu,
            cpu_stat::CpuStat,
            disk::Disk,
            filesystems::{Fs, Questions as FsQuestions},
            gpu::Gpu,
            mem::Mem,
            meminfo::Meminfo,
            net::Net,
            pressure::Psi,
            processes::Processes,
            procs::Procs,
            self_stats::{Counters, SelfStats},
            sensors::{OFF_BY_DEFAULT, Questions as SensQuestions, Sens},
            sockets::Sock,
            top::Top,
            units::Units,
            uptime::Uptime,
        },
        sample::{Pooled, Reading, Source},
        worker::{WorkerInbox, inbox},
    },
};

/// What the built-in keys need from outside.
#[derive(Debug, Clone)]
pub struct Options {
    /// What the server counts of itself.
    pub counters: Arc<Counters>,
    /// Whether file systems of other machines are shown too.
    pub network_filesystems: bool,
    /// Whether `top` shows command lines, which may hold secrets.
    pub command_lines: bool,
    /// Names of sensor chips that are left alone.
    pub sensors_off: Vec<String>,
    /// The units whose use is shown; all services of the machine where there are none.
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

/// What every server offers below `root`, with everything else as it is by default.
#[must_use]
pub fn built_in(root: &Root) -> Vec<Entry> {
    built_in_with(root, &Options::default())
}

/// What every server offers, in the order of the wire: the original's four keys in the original's
/// order, which are the default, and then the others.
#[must_use]
pub fn built_in_with(root: &Root, options: &Options) -> Vec<Entry> {
    let tz = std::env::var("TZ").ok();
    let counter = ProcessCounter::new(root);
    let (top_root, command_lines) = (root.clone(), options.command_lines);
    let (fs_root, with_network, questions) = (
        root.clone(),
        options.network_filesystems,
        FsQuestions::default(),
    );
    let mounts_note = Note::default();
    let fs_note = mounts_note.clone();
    let gpu_root = root.clone();
    let (sens_root, off, chips) = (
        root.clone(),
        options.sensors_off.clone(),
        SensQuestions::default(),
    );
    let (units_root, units) = (root.clone(), options.units.clone());
    let ct_root = root.clone();
    let mut psi = Psi::new(root);
    let no_psi = psi.reason();
    vec![
        entry::<CpuStat>(
            "cpu_stat",
            Kind::Rate,
            "ratio",
            0.05,
            Execution::inline(CpuStat::new(root)),
        )
        .by_default(),
        entry::<Meminfo>(
            "meminfo",
            Kind::Gauge,
            "kB",
            0.05,
            Execution::inline(Meminfo::new(root)),
        )
        .by_default(),
        entry::<Processes>(
            "processes",
            Kind::Gauge,
            "",
            0.5,
            Execution::inline(Processes(counter.clone())),
        )
        .by_default(),
        entry::<Uptime>(
            "uptime",
            Kind::Gauge,
            "",
            0.05,
            Execution::inline(Uptime::new(root, tz.as_deref())),
        )
        .by_default(),
        entry::<Cpu>(
            "cpu",
            Kind::Rate,
            "ratio",
            0.05,
            Execution::inline(Cpu::new(root)),
        ),
        entry::<Mem>(
            "mem",
            Kind::Gauge,
            "B",
            0.05,
            Execution::inline(Mem::new(root)),
        ),
        entry::<Psi>("psi", Kind::Gauge, "%", 0.05, Execution::inline(psi)).null_because(no_psi),
        entry::<Disk>(
            "disk",
            Kind::Rate,
            "",
            0.05,
            Execution::inline(Disk::new(root)),
        )
        .null_because(Disk::reason(root)),
        entry::<Fs>(
            "fs",
            Kind::Table,
            "B",
            10.0,
            Execution::worker(move || {
                Fs::new(&fs_root, with_network, Arc::clone(&questions)).noting(&fs_note)
            }),
        )
        .noting(mounts_note),
        entry::<Net>(
            "net",
            Kind::Rate,
            "",
            0.05,
            Execution::inline(Net::new(root)),
        ),
        entry::<Sock>(
            "sock",
            Kind::Gauge,
            "",
            0.05,
            Execution::inline(Sock::new(root)),
        ),
        entry::<Sens>(
            "sens",
            Kind::Gauge,
            "°C",
            10.0,
            Execution::worker(move || Sens::new(&sens_root, off.clone(), Arc::clone(&chips))),
        )
        .null_because(Sens::reason(root, &options.sensors_off)),
        entry::<Procs>(
            "procs",
            Kind::Gauge,
            "",
            1.0,
            Execution::inline(Procs(counter)),
        ),
        entry::<Top>(
            "top",
            Kind::Table,
            "",
            1.0,
            Execution::worker(move || Top::new(&top_root, command_lines)),
        ),
        entry::<Units>(
            "units",
            Kind::Table,
            "",
            2.0,
            Execution::worker(move || Units::new(&units_root, units.clone())),
        )
        .null_because(Units::reason(root)),
        entry::<Ct>(
            "ct",
            Kind::Table,
            "",
            1.0,
            Execution::worker(move || Ct::new(&ct_root)),
        )
        .null_because(Ct::reason(root)),
        entry::<Gpu>(
            "gpu",
            Kind::Table,
            "",
            1.0,
            Execution::worker(move || Gpu::new(&gpu_root)),
        )
        .null_because(Gpu::reason(root)),
        entry::<SelfStats>(
            "self",
            Kind::Gauge,
            "",
            0.05,
            Execution::inline(SelfStats::new(root, Arc::clone(&options.counters))),
        ),
    ]
}

fn entry<P: Plugin>(
    name: &str,
    kind: Kind,
    unit: &str,
    min_interval: f64,
    execution: Execution,
) -> Entry {
    let note = match &execution {
        Execution::Inline(source) => source.note(),
        Execution::Worker { .. } => Note::default(),
    };
    Entry {
        name: name.into(),
        about: About {
            note,
            units: P::UNITS,
            ..About::new(kind, unit, min_interval)
        },
        execution,
    }
}

/// One key of the push.
pub struct Entry {
    /// The top-level key.
    pub name: String,
    /// What `info` says of it.
    pub about: About,
    /// Where it is sampled.
    pub execution: Execution,
}

impl Entry {
    /// The same key, in the push of a session that chose nothing.
    fn by_default(mut self) -> Self {
        self.about.default = true;
        self
    }

    /// The same key, which is null here for `reason` (or is not, without one).
    fn null_because(mut self, reason: Option<String>) -> Self {
        self.about.reason = reason;
        self
    }

    /// The same key, whose worker tells in `note` what it leaves out.
    fn noting(mut self, note: Note) -> Self {
        self.about.note = note;
        self
    }
}

/// Makes what reads on a worker, which has these orders.
pub type Make = dyn Fn(&WorkerInbox) -> Box<dyn Source> + Send + Sync;

/// Where a plugin is sampled.
pub enum Execution {
    /// In the tick, on the main thread: reads that cannot block.
    Inline(Box<dyn Source>),
    /// On a worker thread of its own, started while somebody watches and dropped with it: reads
    /// that may block. The function is called again for each new worker, with what a reading that
    /// takes long has to listen to.
    Worker {
        /// Makes what reads.
        make: Box<Make>,
        /// Whether `/metrics` tells of it.
        exported: bool,
        /// Whether a failure takes its last figures away.
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

    /// Whether `/metrics` tells of it.
    #[must_use]
    pub fn exported(&self) -> bool {
        match self {
            Self::Inline(source) => source.exported(),
            Self::Worker { exported, .. } => *exported,
        }
    }

    /// Takes one reading here, in the caller's thread, however long that takes.
    ///
    /// # Errors
    /// Whatever the plugin's reading says.
    pub fn sample(&mut self, at: Duration) -> Result<Reading, DriverError> {
        match self {
            Self::Inline(source) => source.sample(at),
            Self::Worker { make, .. } => {
                let (_foreman, inbox) =
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
        let default: Vec<_> = entries
            .iter()
            .filter(|entry| entry.about.default)
            .map(|entry| &*entry.name)
            .collect();
        assert_eq!(default, ["cpu_stat", "meminfo", "processes", "uptime"]);
        assert!(entries.iter().take(4).all(|entry| entry.about.default));
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
