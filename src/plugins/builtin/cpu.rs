//! `cpu`: where the processors' time goes, in all of the kernel's words, and the kernel's event
//! counters.
//!
//! The ratios are parts of the eight fields from `user` to `steal`. `guest` is inside `user`, and
//! `guest_nice` inside `nice`: they are shown beside them and are not added again. In a container
//! of lxcfs the event counters are null: they are the host's.

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    drivers::{
        DriverError, Root,
        linux::{
            lxcfs::{Lxcfs, Whose},
            online::OnlineFile,
            stat::{CpuTicks, Stat, StatFile, TICKS_A_SECOND},
        },
        note::Note,
    },
    plugins::{
        FieldUnits, Plugin, Window,
        families::Families,
        figures::{Decimal, FineRatio, rate},
    },
};

/// Reads the times and counters of all processors.
#[derive(Debug)]
pub struct Cpu {
    stat: StatFile,
    online: OnlineFile,
    whose: Whose,
    hosts_online: bool,
    note: Note,
}

impl Cpu {
    /// Reads below `root`.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        let lxcfs = Lxcfs::find(root);
        let whose = lxcfs.whose(STAT);
        let note = Note::default();
        let remark = match whose {
            Whose::Machine => None,
            Whose::Container => Some(HOSTS_EVENTS.into()),
            Whose::Host => Some(HOSTS_ALL.into()),
        };
        note.set("lxcfs", remark);
        Self {
            stat: StatFile::new(root).noting(&note),
            online: OnlineFile::new(root),
            whose,
            hosts_online: lxcfs.differs("/sys/devices/system/cpu/online", STAT),
            note,
        }
    }
}

const STAT: &str = "/proc/stat";
const HOSTS_EVENTS: &str = "ctxt, intr, forks, running and blocked are the host's and left out";
const HOSTS_ALL: &str = "all figures are the host's";

/// One reading.
#[derive(Debug, Default)]
pub struct Sample {
    stat: Stat,
    /// The kernel's list of processors that are on; empty where it is not to be had.
    online: String,
}

impl Plugin for Cpu {
    type Sample = Sample;

    const UNITS: FieldUnits = &[
        ("all.*", "ratio"),
        ("core.*.*", "ratio"),
        ("ctxt", "1/s"),
        ("intr", "1/s"),
        ("forks", "1/s"),
    ];

    const FAMILIES: Option<fn(&Self::Sample, &mut Families)> = Some(families);

    fn read(&mut self, sample: &mut Sample) -> Result<(), DriverError> {
        if self.hosts_online || self.online.read(&mut sample.online).is_err() {
            sample.online.clear();
        }
        self.stat.read(&mut sample.stat)?;
        if self.whose == Whose::Container {
            sample.stat.forget_the_hosts();
        }
        Ok(())
    }

    fn note(&self) -> Note {
        self.note.clone()
    }

    fn view(window: Window<'_, Sample>) -> impl Serialize {
        let Sample { stat: now, online } = window.now;
        let before = window.before.map(|(sample, over)| (&sample.stat, over));
        let per_second = |field: fn(&Stat) -> Option<u64>| {
            before.and_then(|(before, over)| rate(field(before), field(now), over))
        };
        View {
            n: now.cpus.len(),
            online: (!online.is_empty()).then_some(online),
            all: before.and_then(|(before, _)| {
                let spent = spent_by_all(before, now)?;
                Some(Shares::of(&spent, FineRatio::of))
            }),
            core: Cores {
                before: before.map(|(before, _)| before),
                now,
            },
            ctxt: per_second(|stat| stat.context_switches),
            intr: per_second(|stat| stat.interrupts),
            forks: per_second(|stat| stat.forks),
            running: now.running,
            blocked: now.blocked,
        }
    }
}

/// Names and modes of node_exporter's `cpu` and `stat` collectors.
fn families(sample: &Sample, out: &mut Families) {
    const CPU: &str = "Seconds the CPUs spent in each mode";
    let seconds = |ticks: u64| ticks as f64 / TICKS_A_SECOND as f64;
    let Stat {
        cpus,
        context_switches,
        interrupts,
        forks,
        running,
        blocked,
        boot_unix_secs,
        ..
    } = &sample.stat;
    for (id, ticks) in cpus {
        let cpu = id.to_string();
        let CpuTicks {
            user,
            nice,
            system,
            idle,
            iowait,
            irq,
            softirq,
            steal,
            guest,
            guest_nice,
        } = *ticks;
        for (mode, ticks) in [
            ("idle", idle),
            ("iowait", iowait),
            ("irq", irq),
            ("nice", nice),
            ("softirq", softirq),
            ("steal", steal),
            ("system", system),
            ("user", user),
        ] {
            out.counter(
                "node_cpu_seconds_total",
                CPU,
                &[("cpu", cpu.as_str()), ("mode", mode)],
                seconds(ticks),
            );
        }
        for (mode, ticks) in [("user", guest), ("nice", guest_nice)] {
            let labels = [("cpu", cpu.as_str()), ("mode", mode)];
            out.counter(
                "node_cpu_guest_seconds_total",
                "Seconds the CPUs spent in guests",
                &labels,
                seconds(ticks),
            );
        }
    }
    let figure = |value: &Option<u64>| value.map(|value| value as f64);
    out.counter(
        "node_context_switches_total",
        "Context switches",
        &[],
        figure(context_switches),
    );
    out.counter(
        "node_intr_total",
        "Interrupts serviced",
        &[],
        figure(interrupts),
    );
    out.counter("node_forks_total", "Forks", &[], figure(forks));
    out.gauge(
        "node_procs_running",
        "Threads in runnable state",
        &[],
        figure(running),
    );
    out.gauge(
        "node_procs_blocked",
        "Threads blocked waiting for I/O",
        &[],
        figure(blocked),
    );
    out.gauge(
        "node_boot_time_seconds",
        "Boot time in seconds since 1970",
        &[],
        figure(boot_unix_secs),
    );
}

#[derive(Serialize)]
struct View<'a> {
    /// Number of processors that /proc/stat lists.
    n: usize,
    /// Numbers of the online processors as the kernel writes them, such as 0-3,8. Null where
    /// /sys/devices/system/cpu/online cannot be read.
    online: Option<&'a String>,
    /// Shares of all processors together. Null without an earlier reading, and when idle time fell
    /// by 3 seconds or more, as it does when a processor is unplugged.
    all: Option<Shares<FineRatio>>,
    /// One object of the same shares for each processor, under the kernel's name for it. Null
    /// instead of the object for a processor that was not in the earlier reading or was unplugged
    /// in between.
    core: Cores<'a>,
    /// Context switches per second. Null without an earlier reading, and in a container of lxcfs,
    /// whose /proc/stat shows those of the host.
    ctxt: Option<Decimal>,
    /// Interrupts serviced per second. Null like `ctxt`.
    intr: Option<Decimal>,
    /// Processes and threads created per second. Null like `ctxt`.
    forks: Option<Decimal>,
    /// Threads that run or are ready to run (procs_running). Null in a container of lxcfs.
    running: Option<u64>,
    /// Threads that wait for a disk (procs_blocked). Null in a container of lxcfs.
    blocked: Option<u64>,
}

/// What all processors spent together. Where their common line is bad it is summed from those that
/// are in both readings.
fn spent_by_all(before: &Stat, now: &Stat) -> Option<CpuTicks> {
    if let Some((before, now)) = before.all.zip(now.all) {
        return now.since(&before);
    }
    let each = |(index, (id, ticks)): (usize, &(u32, CpuTicks))| {
        before
            .cpu(*id, index)
            .and_then(|before| ticks.since(before))
    };
    let spent = now.cpus.iter().enumerate().filter_map(each);
    spent.reduce(|sum, spent| sum.plus(&spent))
}

/// A processor that was not there before, or was unplugged in between, is null.
struct Cores<'a> {
    before: Option<&'a Stat>,
    now: &'a Stat,
}

impl Serialize for Cores<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.now.cpus.len()))?;
        for (index, (id, ticks)) in self.now.cpus.iter().enumerate() {
            let before = self.before.and_then(|before| before.cpu(*id, index));
            let spent = before.and_then(|before| ticks.since(before));
            let shares = spent.map(|spent| Shares::of(&spent, Decimal::ratio));
            map.serialize_entry(&format_args!("cpu{id}"), &shares)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct Shares<R> {
    /// Share of the time in user mode, guests included.
    user: R,
    /// Share of the time in user mode at low priority, low-priority guests included.
    nice: R,
    /// Share of the time in the kernel, interrupts left out.
    system: R,
    /// Share of the time without work.
    idle: R,
    /// Share of the time without work while a disk request was pending.
    iowait: R,
    /// Share of the time servicing interrupts.
    irq: R,
    /// Share of the time servicing softirqs.
    softirq: R,
    /// Share of the time ready to run while the hypervisor ran others. 0 before Linux 2.6.11.
    steal: R,
    /// Share of the time running guests, which is a part of `user`. 0 before Linux 2.6.24.
    guest: R,
    /// Share of the time running low-priority guests, which is a part of `nice`. 0 before Linux
    /// 2.6.33.
    guest_nice: R,
}

impl<R> Shares<R> {
    /// The parts of what was `spent`, each as `ratio` of it and the whole.
    fn of(spent: &CpuTicks, ratio: fn(u64, u64) -> R) -> Self {
        let total = spent.total();
        let share = |part| ratio(part, total);
        Self {
            user: share(spent.user),
            nice: share(spent.nice),
            system: share(spent.system),
            idle: share(spent.idle),
            iowait: share(spent.iowait),
            irq: share(spent.irq),
            softirq: share(spent.softirq),
            steal: share(spent.steal),
            guest: share(spent.guest),
            guest_nice: share(spent.guest_nice),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::drivers::linux::{skipped::Skipped, stat::parse};

    fn view(before: Option<&str>, now: &str) -> Value {
        let sample = |text: &str| {
            let mut stat = Stat::default();
            parse(text.as_bytes(), &mut stat, &mut Skipped::default()).unwrap();
            Sample {
                stat,
                online: "0-1".into(),
            }
        };
        let (before, now) = (before.map(sample), sample(now));
        let before = before
            .as_ref()
            .map(|sample| (sample, Duration::from_secs(2)));
        serde_json::to_value(Cpu::view(Window { before, now: &now })).unwrap()
    }

    const BEFORE: &str = "cpu  0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 900\nintr 10 3\nctxt 100\nprocesses 5\n";
    const NOW: &str = "cpu  1 0 0 3\ncpu0 40 10 5 15 10 5 5 10 30 10\ncpu1 0 0 0 1\ncpu2 1 1 1 1\nintr 30 3\n\
        ctxt 90\nprocesses 6\nprocs_running 2\nprocs_blocked 0\n";

    #[test]
    fn guests_are_inside_and_steal_is_part_of_the_whole() {
        let expected = json!({"user": 0.4, "nice": 0.1, "system": 0.05, "idle": 0.15, "iowait": 0.1, "irq": 0.05,
            "softirq": 0.05, "steal": 0.1, "guest": 0.3, "guest_nice": 0.1});
        let view = view(Some(BEFORE), NOW);
        assert_eq!(view["core"]["cpu0"], expected);
        assert_eq!(view["all"]["user"], 0.25);
    }

    #[test]
    fn replugged_and_new_processors_are_null_and_counters_are_rates() {
        let view = view(Some(BEFORE), NOW);
        assert_eq!(
            (&view["core"]["cpu1"], &view["core"]["cpu2"]),
            (&Value::Null, &Value::Null)
        );
        assert_eq!(
            (&view["intr"], &view["ctxt"], &view["forks"]),
            (&json!(10), &Value::Null, &json!(0.5))
        );
        assert_eq!(
            (&view["running"], &view["blocked"], &view["n"]),
            (&json!(2), &json!(0), &json!(3))
        );
        assert_eq!(view["online"], "0-1");
    }

    #[test]
    fn one_busy_processor_of_256_is_seen() {
        let view = view(Some("cpu 0 0 0 0\n"), "cpu 200 0 0 51000\n");
        assert_eq!(
            (&view["all"]["user"], &view["all"]["idle"]),
            (&json!(0.0039), &json!(0.9961))
        );
    }

    /// Reported of lxcfs: an impossible number in the line of all processors.
    #[test]
    fn all_is_summed_from_the_cores_where_its_own_line_is_bad() {
        let bad = |text: &str| format!("cpu  2568500776029407000000\n{text}");
        let before = "cpu0 100 0 0 1000\ncpu1 100 0 0 1000\n";
        let now = "cpu0 120 0 0 1080\ncpu1 200 0 0 1000\n";
        let good = format!("cpu  200 0 0 2000\n{before}");
        for before in [bad(before), good] {
            let view = view(Some(&before), &bad(now));
            let figures = [&view["all"]["user"], &view["core"]["cpu0"]["user"]];
            assert_eq!(figures, [&json!(0.6), &json!(0.2)]);
        }
    }

    #[test]
    fn the_first_push_has_no_rates() {
        let view = view(None, NOW);
        let nulls = ["all", "ctxt", "intr", "forks"].map(|key| view[key].is_null());
        assert_eq!(
            (nulls, &view["core"]["cpu0"], &view["running"]),
            ([true; 4], &Value::Null, &json!(2))
        );
    }
}
