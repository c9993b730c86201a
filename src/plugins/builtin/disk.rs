//! `disk`: bytes, requests, latency and business of the disks, each and in total.
//!
//! The total counts whole disks only: partitions, arrays, mapped devices and volumes repeat the
//! same bytes. Loop devices and memory disks are shown once they are used.

use std::time::Duration;

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    drivers::{
        DriverError, Root,
        linux::{
            disks::{Role, Roles, disk_of_path},
            diskstats::{Disk as Counters, DiskstatsFile},
            lxcfs::{Lxcfs, Whose},
        },
        note::Note,
    },
    plugins::{
        FieldUnits, Plugin, Window,
        families::Families,
        figures::{Decimal, FineRatio, rate},
    },
};

/// Reads the counters of the disks, and remembers what each of them is.
#[derive(Debug)]
pub struct Disk {
    /// None where it tells of the host alone.
    diskstats: Option<DiskstatsFile>,
    roles: Roles,
    note: Note,
}

impl Disk {
    /// Reads below `root`.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        let note = Note::default();
        Self {
            diskstats: (!Self::is_hosts(root)).then(|| DiskstatsFile::new(root).noting(&note)),
            roles: Roles::new(root),
            note,
        }
    }

    /// Why there are no figures here, if there are none.
    #[must_use]
    pub fn reason(root: &Root) -> Option<String> {
        Self::is_hosts(root).then(|| "lxcfs: /proc/diskstats is the host's and left out".into())
    }

    fn is_hosts(root: &Root) -> bool {
        Lxcfs::find(root).whose("/proc/diskstats") == Whose::Host
    }
}

/// The devices that are shown, and whether each is in the total.
pub type Sample = Vec<(Counters, bool)>;

impl Plugin for Disk {
    type Sample = Sample;

    const UNITS: FieldUnits = &[
        ("total.*", "B/s"),
        ("dev.*.r", "B/s"),
        ("dev.*.w", "B/s"),
        ("dev.*.ri", "1/s"),
        ("dev.*.wi", "1/s"),
        ("dev.*.util", "ratio"),
        ("dev.*.r_ms", "ms"),
        ("dev.*.w_ms", "ms"),
    ];

    const FAMILIES: Option<fn(&Self::Sample, &mut Families)> = Some(families);

    fn read(&mut self, sample: &mut Sample) -> Result<(), DriverError> {
        sample.clear();
        let (roles, mut paths) = (&mut self.roles, Vec::new());
        let Some(diskstats) = &mut self.diskstats else {
            return Ok(());
        };
        diskstats.read(|disk| {
            let shown = match roles.of(disk.name) {
                Role::Whole => Some(true),
                Role::Stacked => Some(false),
                Role::Virtual => is_used(&disk).then_some(false),
                Role::Partition => None,
                Role::Path => {
                    paths.push(disk);
                    None
                }
            };
            sample.extend(shown.map(|in_total| (disk, in_total)));
        })?;
        for path in paths {
            let name = disk_of_path(path.name);
            let counts = |disk: &Counters| Some(disk.name) == name && is_used(disk);
            if !sample.iter().any(|(disk, _)| counts(disk)) {
                sample.push((path, true));
            }
        }
        Ok(())
    }

    fn note(&self) -> Note {
        self.note.clone()
    }

    fn view(window: Window<'_, Sample>) -> impl Serialize {
        View {
            total: window
                .before
                .filter(|_| !window.now.is_empty())
                .map(|(before, over)| Total::between(before, window.now, over)),
            dev: Devices(window),
        }
    }
}

fn is_used(disk: &Counters) -> bool {
    disk.reads > Some(0) || disk.writes > Some(0)
}

/// Names of node_exporter's `diskstats` collector, for the devices that are shown.
fn families(sample: &Sample, out: &mut Families) {
    let figure = |value: Option<u64>| value.map(|value| value as f64);
    let seconds = |millis: Option<u64>| millis.map(|millis| millis as f64 / 1000.0);
    for (disk, _) in sample {
        let device = disk.name.to_string();
        let labels = [("device", device.as_str())];
        for (name, help, value) in [
            (
                "node_disk_reads_completed_total",
                "Reads completed",
                figure(disk.reads),
            ),
            (
                "node_disk_read_bytes_total",
                "Bytes read",
                figure(disk.read_bytes),
            ),
            (
                "node_disk_read_time_seconds_total",
                "Seconds spent by all reads",
                seconds(disk.read_ms),
            ),
            (
                "node_disk_writes_completed_total",
                "Writes completed",
                figure(disk.writes),
            ),
            (
                "node_disk_written_bytes_total",
                "Bytes written",
                figure(disk.written_bytes),
            ),
            (
                "node_disk_write_time_seconds_total",
                "Seconds spent by all writes",
                seconds(disk.write_ms),
            ),
            (
                "node_disk_io_time_seconds_total",
                "Seconds spent doing I/O",
                seconds(disk.busy_ms),
            ),
            (
                "node_disk_io_time_weighted_seconds_total",
                "Weighted seconds spent doing I/O",
                seconds(disk.queue_ms),
            ),
        ] {
            out.counter(name, help, &labels, value);
        }
    }
}

/// The device in `sample`, looked for first at the index where it stood in another one.
fn find(sample: &Sample, name: &Counters, hint: usize) -> Option<Counters> {
    let same = |disk: &&(Counters, bool)| disk.0.name == name.name;
    sample
        .get(hint)
        .filter(same)
        .or_else(|| sample.iter().find(same))
        .map(|disk| disk.0)
}

#[derive(Serialize)]
struct View<'a> {
    /// Sums over the whole disks, since partitions, arrays, mapped devices and volumes repeat the
    /// same bytes. A disk that appeared or whose counters fell between the two readings has no part
    /// in them. Null without an earlier reading.
    total: Option<Total>,
    /// One object for each device under the kernel's name: disks, arrays, mapped devices and
    /// volumes, and loop and memory devices once they are used. Partitions are not listed. Null
    /// instead of the object without an earlier reading of the device, and once after its counters
    /// fell.
    dev: Devices<'a>,
}

#[derive(Serialize)]
struct Total {
    /// Bytes read per second. Null where no time has passed.
    r: Option<Decimal>,
    /// Bytes written per second. Null where no time has passed.
    w: Option<Decimal>,
}

impl Total {
    /// The sums of what each disk grew by: one that has come or began anew in between has no part
    /// in it.
    fn between(before: &Sample, now: &Sample, over: Duration) -> Self {
        let (mut read, mut written) = (0_u64, 0_u64);
        for (index, (disk, _)) in now
            .iter()
            .enumerate()
            .filter(|(_, (_, in_total))| *in_total)
        {
            let Some(before) = find(before, disk, index) else {
                continue;
            };
            let grown = (
                grown(before.read_bytes, disk.read_bytes),
                grown(before.written_bytes, disk.written_bytes),
            );
            if let (Some(more_read), Some(more_written)) = grown {
                read = read.saturating_add(more_read);
                written = written.saturating_add(more_written);
            }
        }
        Self {
            r: Decimal::rate(0, read, over),
            w: Decimal::rate(0, written, over),
        }
    }
}

fn grown(before: Option<u64>, now: Option<u64>) -> Option<u64> {
    now?.checked_sub(before?)
}

struct Devices<'a>(Window<'a, Sample>);

impl Serialize for Devices<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Window { before, now } = self.0;
        let mut map = serializer.serialize_map(Some(now.len()))?;
        for (index, (disk, _)) in now.iter().enumerate() {
            let rates = before
                .and_then(|(before, over)| Rates::between(&find(before, disk, index)?, disk, over));
            map.serialize_entry(&disk.name, &rates)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct Rates {
    /// Bytes read per second. The kernel counts sectors of 512 bytes. Null where the kernel's number
    /// cannot be right.
    r: Option<Decimal>,
    /// Bytes written per second. Null like `r`.
    w: Option<Decimal>,
    /// Reads completed per second. Null like `r`.
    ri: Option<Decimal>,
    /// Writes completed per second. Null like `r`.
    wi: Option<Decimal>,
    /// Share of the time in which the device had a request in flight. Null like `r`, and once after
    /// the kernel's counter of 32 bits wrapped.
    util: Option<FineRatio>,
    /// Mean time that a read took, queueing included. Null when no read completed, and once after
    /// the kernel's counter of 32 bits wrapped.
    r_ms: Option<Decimal>,
    /// Mean time that a write took, queueing included. Null when no write completed, and once after
    /// the kernel's counter of 32 bits wrapped.
    w_ms: Option<Decimal>,
    /// Mean number of requests in flight. Null once after the kernel's counter of 32 bits wrapped.
    q: Option<Decimal>,
}

impl Rates {
    /// None when a count of bytes or requests fell: the device began anew. Times have 32 bits in
    /// the kernel and begin anew by themselves, every few days on a busy disk: then what is made of
    /// them is not known.
    fn between(before: &Counters, now: &Counters, over: Duration) -> Option<Self> {
        let counts: [fn(&Counters) -> Option<u64>; 4] = [
            |disk| disk.read_bytes,
            |disk| disk.written_bytes,
            |disk| disk.reads,
            |disk| disk.writes,
        ];
        let fell = |field: &fn(&Counters) -> Option<u64>| {
            field(before)
                .zip(field(now))
                .is_some_and(|(before, now)| now < before)
        };
        if counts.iter().any(fell) {
            return None;
        }
        let grown = |field: fn(&Counters) -> Option<u64>| grown(field(before), field(now));
        let rate = |field: fn(&Counters) -> Option<u64>| rate(field(before), field(now), over);
        let over_ms = u64::try_from(over.as_millis()).unwrap_or(u64::MAX);
        let each = |spent_ms: Option<u64>, requests: Option<u64>| {
            let requests = requests.filter(|&requests| requests > 0)?;
            spent_ms.map(|ms| Decimal::ratio(ms, requests))
        };
        Some(Self {
            r: rate(|disk| disk.read_bytes),
            w: rate(|disk| disk.written_bytes),
            ri: rate(|disk| disk.reads),
            wi: rate(|disk| disk.writes),
            util: grown(|disk| disk.busy_ms)
                .map(|busy_ms| FineRatio::of(busy_ms.min(over_ms), over_ms)),
            r_ms: each(grown(|disk| disk.read_ms), grown(|disk| disk.reads)),
            w_ms: each(grown(|disk| disk.write_ms), grown(|disk| disk.writes)),
            q: grown(|disk| disk.queue_ms).map(|queue_ms| Decimal::ratio(queue_ms, over_ms)),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::drivers::linux::name::Name;

    fn disk(name: &str, bytes: u64) -> Counters {
        Counters {
            name: Name::new(name.as_bytes()),
            read_bytes: Some(bytes),
            written_bytes: Some(2 * bytes),
            reads: Some(0),
            writes: Some(0),
            ..Counters::default()
        }
    }

    fn view(before: Option<&Sample>, now: &Sample) -> Value {
        let before = before.map(|sample| (sample, Duration::from_secs(2)));
        serde_json::to_value(Disk::view(Window { before, now })).unwrap()
    }

    #[test]
    fn the_total_is_of_whole_disks_that_went_on_counting() {
        let before = vec![
            (disk("sda", 100), true),
            (disk("dm-0", 100), false),
            (disk("sdb", 900), true),
        ];
        let now = vec![
            (disk("dm-0", 300), false),
            (disk("sda", 300), true),
            (disk("sdb", 10), true),
            (disk("sdc", 5000), true),
        ];
        let view = view(Some(&before), &now);
        assert_eq!(view["total"], json!({"r": 100, "w": 200}));
        assert_eq!(
            (&view["dev"]["dm-0"]["r"], &view["dev"]["sda"]["w"]),
            (&json!(100), &json!(200))
        );
        assert_eq!(
            (&view["dev"]["sdb"], &view["dev"]["sdc"]),
            (&Value::Null, &Value::Null)
        );
    }

    #[test]
    fn latency_business_and_queue() {
        let begun = Counters {
            read_ms: Some(0),
            busy_ms: Some(0),
            queue_ms: Some(0),
            ..disk("sda", 0)
        };
        let before = vec![(begun, true)];
        let busy = Counters {
            reads: Some(4),
            read_ms: Some(10),
            busy_ms: Some(1000),
            queue_ms: Some(3000),
            ..disk("sda", 0)
        };
        let view = view(Some(&before), &vec![(busy, true)]);
        let expected = json!({"r": 0, "w": 0, "ri": 2, "wi": 0, "util": 0.5, "r_ms": 2.5, "w_ms": null, "q": 1.5});
        assert_eq!(view["dev"]["sda"], expected);
    }

    #[test]
    fn a_time_that_wraps_takes_nothing_else_away() {
        let times = |ms| Counters {
            reads: Some(4),
            read_ms: Some(ms),
            busy_ms: Some(ms),
            queue_ms: Some(ms),
            ..disk("sda", 0)
        };
        let (before, now) = (
            times(u64::from(u32::MAX) - 5),
            Counters {
                reads: Some(8),
                ..times(3)
            },
        );
        let view = view(Some(&vec![(before, true)]), &vec![(now, true)]);
        let expected = json!({"r": 0, "w": 0, "ri": 2, "wi": 0, "util": null, "r_ms": null, "w_ms": null, "q": null});
        assert_eq!(view["dev"]["sda"], expected);
    }

    /// The ways to a disk are counted where the disk counts nothing itself.
    #[test]
    fn a_disk_with_several_ways_is_in_the_total_once() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("proc")).unwrap();
        let line = |name: &str, reads: u64| format!("259 0 {name} {reads} 0 8 0 0 0 0 0 0 0 0\n");
        for (disks, expected) in [
            ([("nvme0c0n1", 2), ("nvme0n1", 3)], vec![("nvme0n1", true)]),
            (
                [("nvme0c0n1", 2), ("nvme0n1", 0)],
                vec![("nvme0n1", true), ("nvme0c0n1", true)],
            ),
            (
                [("nvme1c0n1", 2), ("nvme0n1", 3)],
                vec![("nvme0n1", true), ("nvme1c0n1", true)],
            ),
        ] {
            let text = disks.map(|(name, reads)| line(name, reads)).concat();
            std::fs::write(dir.path().join("proc/diskstats"), text).unwrap();
            let mut sample = Sample::new();
            Disk::new(&Root::at(dir.path())).read(&mut sample).unwrap();
            let found: Vec<_> = sample
                .iter()
                .map(|(disk, in_total)| (disk.name.to_string(), *in_total))
                .collect();
            assert_eq!(
                found,
                expected
                    .iter()
                    .map(|(name, total)| ((*name).into(), *total))
                    .collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn the_first_push_has_no_rates() {
        assert_eq!(
            view(None, &vec![(disk("sda", 7), true)]),
            json!({"total": null, "dev": {"sda": null}})
        );
    }
}
