//! `top`: the processes that use most of the processors, the memory and the disks.
//!
//! A process is known by its id and its start together, since ids are used again. Names are the
//! kernel's short ones: command lines hold secrets and are read only where the operator asks for
//! them.

use std::{
    cmp::Reverse,
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use nix::time::{ClockId, clock_gettime};
use serde::Serialize;

use crate::{
    drivers::{
        DriverError, Root,
        linux::{
            name::{Name, text},
            page_size_bytes,
            pid_files::{disk_bytes, effective_uid, unit},
            pid_stat::parse,
            processes::Processes,
        },
    },
    plugins::{FieldUnits, Plugin, Window, figures::Decimal},
};

/// Rows of each list.
const ROWS: usize = 10;

/// Clock ticks in a second of one processor.
const TICKS: u64 = 100;

/// The plugin. A reading costs two small files for each process, and two more for each new one.
#[derive(Debug)]
pub struct Top {
    processes: Processes,
    command_lines: bool,
    owners: HashMap<u32, (Identity, Owner)>,
    /// Since when the owners are kept.
    since: Instant,
}

/// A process changes its user, its unit or its title and keeps its name: ask again after this.
const TRUSTED: Duration = Duration::from_secs(10);

impl Top {
    /// Reads below `root`, with or without command lines.
    #[must_use]
    pub fn new(root: &Root, command_lines: bool) -> Self {
        Self {
            processes: Processes::new(root),
            command_lines,
            owners: HashMap::new(),
            since: Instant::now(),
        }
    }

    /// Whose the process is. This changes when another program is run in it, which its name shows.
    fn owner(&mut self, process: &Process) -> Owner {
        let identity = Identity {
            start_ticks: process.start_ticks,
            name: process.name,
        };
        if let Some((known, owner)) = self.owners.get(&process.pid)
            && *known == identity
        {
            return owner.clone();
        }
        let uid = self
            .processes
            .file(process.pid, "status")
            .and_then(effective_uid);
        let unit = self
            .processes
            .whole_file(process.pid, "cgroup")
            .and_then(unit)
            .map(|unit| text(unit).into());
        let command = self.command_lines.then(|| {
            self.processes
                .file(process.pid, "cmdline")
                .and_then(command_line)
        });
        let owner = Owner {
            uid,
            unit,
            command: command.flatten(),
        };
        self.owners.insert(process.pid, (identity, owner.clone()));
        owner
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Identity {
    start_ticks: u64,
    name: Name,
}

#[derive(Debug, Clone, Default)]
struct Owner {
    uid: Option<u32>,
    unit: Option<Arc<str>>,
    command: Option<Arc<str>>,
}

/// The longest command line that is shown, in bytes.
const COMMAND_BYTES: usize = 256;

/// The arguments with blanks between them; none for a kernel thread.
fn command_line(bytes: &[u8]) -> Option<Arc<str>> {
    let shown = bytes.get(..COMMAND_BYTES).unwrap_or(bytes);
    let text: Vec<u8> = shown
        .iter()
        .map(|byte| if *byte == 0 { b' ' } else { *byte })
        .collect();
    let text = String::from_utf8_lossy(text.trim_ascii());
    (!text.is_empty()).then(|| text.into())
}

/// One process.
#[derive(Debug, Clone, Default)]
pub struct Process {
    pid: u32,
    start_ticks: u64,
    name: Name,
    state: u8,
    resident_pages: u64,
    usage: Usage,
    owner: Owner,
}

/// What a process has used since its start.
#[derive(Debug, Clone, Copy, Default)]
struct Usage {
    cpu_ticks: u64,
    /// Bytes read and written; none where we may not know.
    disk: Option<(u64, u64)>,
    /// Grows when the use of a child that ended is added to `disk`.
    reaped_faults: u64,
}

impl Usage {
    /// Of a process that has just started.
    const fn none() -> Self {
        Self {
            cpu_ticks: 0,
            disk: Some((0, 0)),
            reaped_faults: 0,
        }
    }
}

/// All processes of one moment.
#[derive(Debug, Default)]
pub struct Sample {
    /// When the walk began, in ticks after boot. A process that started later is new to it.
    begun_ticks: u64,
    /// By id.
    processes: Vec<Process>,
}

impl Sample {
    /// What is known of `process` from this earlier walk; nothing used yet where it started later.
    fn before(&self, process: &Process) -> Option<Usage> {
        let found = self
            .processes
            .binary_search_by_key(&process.pid, |known| known.pid);
        let known = found.ok().and_then(|index| self.processes.get(index));
        match known.filter(|known| known.start_ticks == process.start_ticks) {
            Some(known) => Some(known.usage),
            None => (process.start_ticks >= self.begun_ticks).then(Usage::none),
        }
    }
}

impl Plugin for Top {
    type Sample = Sample;

    const UNITS: FieldUnits = &[
        ("*.*.start", "tick"),
        ("*.*.cpu", "ratio"),
        ("*.*.rss", "B"),
        ("*.*.rd", "B/s"),
        ("*.*.wr", "B/s"),
    ];

    fn read(&mut self, sample: &mut Sample) -> Result<(), DriverError> {
        let Sample {
            begun_ticks,
            processes,
        } = sample;
        *begun_ticks = boot_ticks();
        processes.clear();
        self.processes.walk(|pid, line| {
            let Ok(stat) = parse(line) else { return };
            processes.push(Process {
                pid,
                start_ticks: stat.start_ticks,
                name: Name::new(stat.name),
                state: stat.state,
                resident_pages: stat.resident_pages,
                usage: Usage {
                    cpu_ticks: stat.user_ticks.saturating_add(stat.system_ticks),
                    disk: None,
                    reaped_faults: stat.reaped_faults,
                },
                owner: Owner::default(),
            });
        })?;
        processes.sort_unstable_by_key(|process| process.pid);
        if self.since.elapsed() >= TRUSTED {
            self.owners.clear();
            self.since = Instant::now();
        }
        for process in &mut *processes {
            // Kernel threads and the dead hold no memory, and do no reading and writing of their
            // own.
            if process.resident_pages > 0 {
                process.usage.disk = self.processes.file(process.pid, "io").and_then(disk_bytes);
            }
            process.owner = self.owner(process);
        }
        self.owners.retain(|pid, _| {
            processes
                .binary_search_by_key(pid, |process| process.pid)
                .is_ok()
        });
        Ok(())
    }

    fn view(window: Window<'_, Sample>) -> impl Serialize {
        let rows: Vec<Row<'_>> = window
            .now
            .processes
            .iter()
            .map(|process| Row::between(window.before, process))
            .collect();
        View {
            cpu: window
                .before
                .map(|_| most(&rows, |row| row.cpu.unwrap_or_default())),
            mem: most(&rows, |row| row.rss),
            io: window.before.map(|_| most(&rows, |row| row.moved_bytes)),
        }
    }
}

/// Time since boot, suspended time included, as the kernel tells when a process started.
fn boot_ticks() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::ZERO, Duration::from);
    u64::try_from(now.as_nanos() * u128::from(TICKS) / 1_000_000_000).unwrap_or(u64::MAX)
}

/// The rows in which `figure` is largest, the largest first, without those that have nothing of it.
fn most<'a, T: Ord + Default>(rows: &[Row<'a>], figure: impl Fn(&Row<'a>) -> T) -> Vec<Row<'a>> {
    let nothing = T::default();
    let mut sorted: Vec<_> = rows.iter().filter(|row| figure(row) > nothing).collect();
    sorted.sort_by_key(|row| Reverse(figure(row)));
    sorted.into_iter().take(ROWS).copied().collect()
}

#[derive(Serialize)]
struct View<'a> {
    /// Up to 10 processes that use the most processor time, the largest first. Null without an
    /// earlier reading.
    cpu: Option<Vec<Row<'a>>>,
    /// Up to 10 processes that use the most memory, the largest first.
    mem: Vec<Row<'a>>,
    /// Up to 10 processes that read and write the most, the largest first. Null without an earlier
    /// reading.
    io: Option<Vec<Row<'a>>>,
}

#[derive(Clone, Copy, Serialize)]
struct Row<'a> {
    /// Process id.
    pid: u32,
    /// Time of the start after boot. With `pid` it identifies a process, since ids are used again.
    start: u64,
    /// The kernel's name of the process (comm): up to 15 bytes, or more of a kernel worker.
    name: Name,
    /// Effective user id (Uid in /proc/PID/status). Null when the process has ended in the
    /// meantime.
    uid: Option<u32>,
    /// Innermost service or scope of systemd that the process belongs to (/proc/PID/cgroup). Null
    /// outside of any.
    unit: Option<&'a str>,
    /// First 256 bytes of the command line (/proc/PID/cmdline). Absent unless
    /// plugins.top_command_lines is set in rtstat.toml(5), and for kernel threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    cmd: Option<&'a str>,
    /// Processor time of all threads, as a share of one processor. A process that started since the
    /// earlier reading counts from zero. Null without an earlier reading.
    cpu: Option<Decimal>,
    /// Memory in use: the resident set, shared pages included.
    rss: u64,
    /// Bytes per second that the process caused to be read from disks (read_bytes in /proc/PID/io).
    /// Null without an earlier reading, and where the agent may not read that file, as for other
    /// users' processes.
    rd: Option<Decimal>,
    /// Bytes per second that the process caused to be written to disks (write_bytes in
    /// /proc/PID/io). Null like `rd`.
    wr: Option<Decimal>,
    /// True where children of the process have ended since the earlier reading: their reads and
    /// writes are then added to `rd` and `wr`. Absent otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    reaped: bool,
    /// Letter of the state, as in proc_pid_stat(5).
    st: char,
    #[serde(skip)]
    moved_bytes: u64,
}

impl<'a> Row<'a> {
    fn between(before: Option<(&Sample, Duration)>, now: &'a Process) -> Self {
        let usage = now.usage;
        let before = before.and_then(|(sample, over)| Some((sample.before(now)?, over)));
        let cpu = before.and_then(|(before, over)| {
            Decimal::rate_of(before.cpu_ticks, usage.cpu_ticks, TICKS, over)
        });
        let disk = before.and_then(|(before, over)| Some((before.disk?, usage.disk?, over)));
        let moved =
            |((read, written), (read_now, written_now), _): ((u64, u64), (u64, u64), Duration)| {
                read_now
                    .saturating_sub(read)
                    .saturating_add(written_now.saturating_sub(written))
            };
        Self {
            pid: now.pid,
            start: now.start_ticks,
            name: now.name,
            uid: now.owner.uid,
            unit: now.owner.unit.as_deref(),
            cmd: now.owner.command.as_deref(),
            cpu,
            rss: now.resident_pages.saturating_mul(page_size_bytes()),
            rd: disk.and_then(|(before, now, over)| Decimal::rate(before.0, now.0, over)),
            wr: disk.and_then(|(before, now, over)| Decimal::rate(before.1, now.1, over)),
            reaped: before.is_some_and(|(before, _)| usage.reaped_faults > before.reaped_faults),
            st: char::from(now.state),
            moved_bytes: disk.map_or(0, moved),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn process(
        pid: u32,
        start_ticks: u64,
        cpu_ticks: u64,
        resident_pages: u64,
        read: Option<u64>,
    ) -> Process {
        Process {
            pid,
            start_ticks,
            name: Name::new(b"a"),
            state: b'S',
            resident_pages,
            usage: Usage {
                cpu_ticks,
                disk: read.map(|read| (read, 0)),
                reaped_faults: 0,
            },
            owner: Owner {
                uid: Some(7),
                unit: Some("a.service".into()),
                command: None,
            },
        }
    }

    /// A walk that began at this tick.
    fn sample(begun_ticks: u64, processes: Vec<Process>) -> Sample {
        Sample {
            begun_ticks,
            processes,
        }
    }

    fn view(before: Option<&Sample>, now: &Sample) -> Value {
        let before = before.map(|sample| (sample, Duration::from_secs(2)));
        serde_json::to_value(Top::view(Window { before, now })).unwrap()
    }

    fn pids(list: &Value) -> Vec<u64> {
        list.as_array()
            .unwrap()
            .iter()
            .map(|row| row["pid"].as_u64().unwrap())
            .collect()
    }

    #[test]
    fn the_largest_come_first_and_a_reused_id_is_another_process() {
        let before = sample(
            100,
            vec![
                process(1, 5, 100, 9, Some(0)),
                process(2, 6, 100, 1, None),
                process(3, 7, 100, 1, Some(50)),
            ],
        );
        let now = sample(
            300,
            vec![
                process(1, 5, 150, 9, Some(10)),
                process(2, 6, 300, 20, None),
                process(3, 8, 900, 1, Some(900)),
                process(4, 9, 900, 0, Some(900)),
                process(5, 9, 0, 3, Some(900)),
            ],
        );
        let view = view(Some(&before), &now);
        assert_eq!(
            (pids(&view["cpu"]), pids(&view["mem"]), pids(&view["io"])),
            (vec![2, 1], vec![2, 1, 5, 3], vec![1])
        );
        let expected = json!({"pid": 1, "start": 5, "name": "a", "uid": 7, "unit": "a.service",
            "cpu": 0.25, "rss": 9 * page_size_bytes(), "rd": 5, "wr": 0, "st": "S"});
        assert_eq!(view["cpu"][1], expected);
        assert_eq!(
            (&view["mem"][0]["rd"], &view["mem"][3]["cpu"]),
            (&Value::Null, &Value::Null)
        );
    }

    #[test]
    fn a_process_that_started_in_the_window_counts_from_zero() {
        let before = sample(100, vec![process(3, 7, 100, 1, Some(50))]);
        let now = sample(
            300,
            vec![
                process(2, 99, 40, 1, Some(8)),
                process(3, 150, 60, 1, Some(20)),
                process(4, 100, 20, 1, None),
            ],
        );
        let view = view(Some(&before), &now);
        assert_eq!(pids(&view["cpu"]), [3, 4], "2 is older than the window");
        assert_eq!(
            (&view["cpu"][0]["cpu"], &view["cpu"][1]["cpu"]),
            (&json!(0.3), &json!(0.1))
        );
        assert_eq!(pids(&view["io"]), [3]);
        assert_eq!(view["io"][0]["rd"], json!(10));
    }

    #[test]
    fn a_parent_of_children_that_ended_is_marked() {
        let reaped = |faults, read| {
            let mut process = process(1, 5, 100, 9, Some(read));
            process.usage.reaped_faults = faults;
            sample(100, vec![process])
        };
        let view = view(Some(&reaped(7, 0)), &reaped(8, 1 << 30));
        assert_eq!(view["io"][0]["reaped"], json!(true));
    }

    #[test]
    fn the_first_push_has_memory_only_and_no_list_is_longer_than_ten() {
        let processes = (1..40).map(|pid| process(pid, 1, 1, u64::from(pid), Some(1)));
        let now = sample(100, processes.collect());
        let view = view(None, &now);
        assert_eq!((&view["cpu"], &view["io"]), (&Value::Null, &Value::Null));
        assert_eq!(pids(&view["mem"]), (30..40).rev().collect::<Vec<_>>());
    }

    #[test]
    fn an_owner_is_asked_for_again_while_the_name_stays() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("proc/7");
        std::fs::create_dir_all(&folder).unwrap();
        let line = "7 (a) S 1 5 5 0 -1 0 7 8 9 10 1 2 3 4 20 0 3 0 2200 1000 240 1 1\n";
        std::fs::write(folder.join("stat"), line).unwrap();
        let mut top = Top::new(&Root::at(dir.path()), false);
        let mut read = |uid: u32, group: &str, after: Duration| {
            let status = format!("Uid:\t{uid}\t{uid}\t{uid}\t{uid}\n");
            std::fs::write(folder.join("status"), status).unwrap();
            std::fs::write(folder.join("cgroup"), group).unwrap();
            top.since = top.since.checked_sub(after).unwrap();
            let mut sample = Sample::default();
            top.read(&mut sample).unwrap();
            let owner = &sample.processes[0].owner;
            (owner.uid, owner.unit.as_deref().map(str::to_string))
        };
        let owner = |uid, unit: &str| (Some(uid), Some(unit.to_string()));
        assert_eq!(
            read(0, "0::/a.service", Duration::ZERO),
            owner(0, "a.service")
        );
        assert_eq!(read(7, "0::/b.scope", TRUSTED), owner(7, "b.scope"));
        // A path of containers in containers.
        let long = format!("0::/{}/c.service\n", "x".repeat(5000));
        assert_eq!(read(7, &long, TRUSTED), owner(7, "c.service"));
    }

    #[test]
    fn the_running_host_has_ourselves() {
        let mut top = Top::new(&Root::host(), true);
        let mut sample = Sample::default();
        for _ in 0..2 {
            top.read(&mut sample).unwrap();
            let own = sample
                .processes
                .iter()
                .find(|process| process.pid == std::process::id())
                .unwrap();
            assert_eq!(own.owner.uid, Some(nix::unistd::geteuid().as_raw()));
            assert!(
                own.resident_pages > 0 && own.usage.disk.is_some(),
                "{own:?}"
            );
            assert!(
                own.owner
                    .command
                    .as_deref()
                    .is_some_and(|line| line.contains("rtstat")),
                "{own:?}"
            );
        }
        let mut discreet = Top::new(&Root::host(), false);
        discreet.read(&mut sample).unwrap();
        assert!(
            sample
                .processes
                .iter()
                .all(|process| process.owner.command.is_none())
        );
    }

    #[test]
    fn command_lines_are_cut_and_made_text() {
        let cases: [(&[u8], Option<&str>); 4] = [
            (b"", None),
            (b"\0", None),
            (b"sh\0-c\0a b\0", Some("sh -c a b")),
            (b"\xff\0x", Some("\u{fffd} x")),
        ];
        for (bytes, text) in cases {
            assert_eq!(command_line(bytes).as_deref(), text);
        }
        assert_eq!(
            command_line(&[b'a'; 5000]).map(|text| text.len()),
            Some(COMMAND_BYTES)
        );
    }
}
