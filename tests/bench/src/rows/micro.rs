//! The sampling code itself, beside the bare system calls that it cannot do without.

use std::{
    fs::{self, File},
    io::Write,
    os::{fd::OwnedFd, unix::fs::FileExt},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use nix::{
    dir::Dir,
    fcntl::{OFlag, openat},
    sys::stat::Mode,
    time::{ClockId, clock_gettime},
    unistd::read,
};
use rtstat::testing::{
    drivers::{Root, linux::process_counter::ProcessCounter},
    plugins::{
        builtin::{cpu_stat::CpuStat, meminfo::Meminfo, uptime::Uptime},
        sample::{Pooled, Reading, Source},
    },
};
use rtstat_test_support::ChildInTime;

use crate::{
    Result,
    options::Options,
    stats::median,
    table::{Row, bound, short},
};

/// Rounds in which the two sides alternate.
const ROUNDS: u32 = 20;

/// CPU of this thread for one `work`, µs.
fn cost(times: u32, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let clock = || clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from);
    let before = clock()?;
    for _ in 0..times {
        work()?;
    }
    Ok(clock()?.saturating_sub(before).as_secs_f64() * 1e6 / f64::from(times))
}

/// Medians of two sides that take turns: the bare one, the other, their ratio.
fn compare(
    times: u32,
    pause: Duration,
    mut bare: impl FnMut() -> Result<()>,
    mut other: impl FnMut() -> Result<()>,
    rounds: u32,
) -> Result<(f64, f64, f64)> {
    let (mut bares, mut others) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        thread::sleep(pause);
        bares.push(cost(times, &mut bare)?);
        thread::sleep(pause);
        others.push(cost(times, &mut other)?);
    }
    let ratios: Vec<f64> = others
        .iter()
        .zip(&bares)
        .map(|(other, bare)| other / bare)
        .collect();
    Ok((median(&bares), median(&others), median(&ratios)))
}

/// One plugin, its last sample, and the JSON of the newest window.
struct Sampled {
    source: Box<dyn Source>,
    before: Option<Reading>,
    json: Vec<u8>,
    at: Duration,
}

impl Sampled {
    fn new(source: Box<dyn Source>) -> Self {
        Self {
            source,
            before: None,
            json: Vec::new(),
            at: Duration::ZERO,
        }
    }

    fn step(&mut self, encode: bool) -> Result<()> {
        self.at += Duration::from_secs(1);
        let now = self.source.sample(self.at)?;
        if encode {
            self.json.clear();
            now.write_json(self.before.as_deref(), &mut self.json)?;
        }
        self.before = Some(now);
        Ok(())
    }
}

/// The legacy plugins without the process walk, in the zone `tz` or else the one of `root`.
fn legacy(root: &Root, tz: Option<&str>) -> [Sampled; 3] {
    let sources: [Box<dyn Source>; 3] = [
        Box::new(Pooled::new(CpuStat::new(root))),
        Box::new(Pooled::new(Meminfo::new(root))),
        Box::new(Pooled::new(Uptime::new(root, tz))),
    ];
    sources.map(Sampled::new)
}

/// The legacy plugins without the process walk against their preads: row 8.
pub fn files(options: &Options) -> Result<Vec<Row>> {
    let files =
        ["stat", "meminfo", "loadavg", "uptime"].map(|name| File::open(format!("/proc/{name}")));
    let files = files.into_iter().collect::<std::io::Result<Vec<_>>>()?;
    let mut buffer = vec![0; 256 * 1024];
    let mut bare = || {
        for file in &files {
            file.read_at(&mut buffer, 0)?;
        }
        Ok(())
    };
    let mut sampled = legacy(&Root::host(), None);
    let mut step = |encode| sampled.iter_mut().try_for_each(|one| one.step(encode));
    let times = options.scale.repeats / ROUNDS;
    let alone = compare(
        times.max(1),
        Duration::ZERO,
        &mut bare,
        || step(false),
        ROUNDS,
    )?;
    let whole = compare(
        times.max(1),
        Duration::ZERO,
        &mut bare,
        || step(true),
        ROUNDS,
    )?;
    Ok(vec![
        Row::ratio(
            8,
            "cpu_stat, meminfo, uptime: a sample against bare preads",
            alone,
            " µs",
            Some(bound(1.3, 1.6, " ×")),
        ),
        Row::ratio(8, "the same with its JSON", whole, " µs", None),
    ])
}

/// A walk over /proc with nothing but the system calls: list, and open, read and close each `stat`.
struct BareWalk {
    list: Dir,
    folder: OwnedFd,
    name: Vec<u8>,
    line: [u8; 2048],
    found: u32,
}

impl BareWalk {
    fn new() -> Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let list = Dir::open("/proc", flags, Mode::empty())?;
        let folder = openat(&list, ".", flags, Mode::empty())?;
        Ok(Self {
            list,
            folder,
            name: Vec::new(),
            line: [0; 2048],
            found: 0,
        })
    }

    fn walk(&mut self) -> Result<()> {
        self.found = 0;
        for entry in self.list.iter() {
            let entry = entry?;
            let pid = entry.file_name().to_bytes();
            if !pid.first().is_some_and(u8::is_ascii_digit) {
                continue;
            }
            self.name.clear();
            self.name.extend_from_slice(pid);
            self.name.extend_from_slice(b"/stat");
            // A process may have ended since it was listed.
            if let Ok(file) = openat(
                &self.folder,
                self.name.as_slice(),
                OFlag::O_RDONLY,
                Mode::empty(),
            ) {
                read(&file, &mut self.line)?;
                self.found += 1;
            }
        }
        Ok(())
    }
}

/// Sleeping processes of our own; killed when dropped.
pub struct Sleepers(Vec<Child>);

impl Sleepers {
    /// Starts `count` of them.
    ///
    /// # Errors
    /// When the machine allows no more.
    pub fn start(count: usize) -> Result<Self> {
        let mut sleepers = Self(Vec::new());
        for _ in 0..count {
            let child = Command::new("sleep")
                .arg("3600")
                .stdin(Stdio::null())
                .spawn()?;
            sleepers.0.push(child);
        }
        Ok(sleepers)
    }
}

impl Drop for Sleepers {
    fn drop(&mut self) {
        // Each fails only when the process has ended already.
        for child in &mut self.0 {
            let _ = child.kill();
        }
        for child in &mut self.0 {
            child.end();
        }
    }
}

/// The process walk against a bare one, hot and after a second of sleep: row 9.
pub fn walk(options: &Options) -> Result<Vec<Row>> {
    let _sleepers = Sleepers::start(options.scale.processes[0])?;
    let mut bare = BareWalk::new()?;
    let census = ProcessCounter::new(&Root::host());
    let mut walk = || census.retake().map(|_| ()).map_err(Into::into);
    bare.walk()?;
    let found = f64::from(bare.found);
    let times = (options.scale.repeats / ROUNDS / 5).max(1);
    let hot = compare(times, Duration::ZERO, || bare.walk(), &mut walk, ROUNDS)?;
    let pause = if options.scale.repeats < 100 {
        Duration::from_millis(50)
    } else {
        Duration::from_secs(1)
    };
    let rounds = if options.scale.repeats < 100 {
        1
    } else {
        ROUNDS
    };
    let cold = compare(1, pause, || bare.walk(), &mut walk, rounds)?;
    let each = |(bare, other, ratio): (f64, f64, f64)| (bare / found, other / found, ratio);
    let limits = Some(bound(1.1, 1.3, " ×"));
    Ok(vec![
        Row::ratio(
            9,
            format!("process walk, {found} processes, each, hot"),
            each(hot),
            " µs",
            limits,
        ),
        Row::ratio(
            9,
            format!("process walk, {found} processes, each, after sleep"),
            each(cold),
            " µs",
            limits,
        ),
    ])
}

/// What a sample costs on machines of other sizes: row 18.
pub fn sizes(options: &Options) -> Result<Vec<Row>> {
    let times = options.scale.repeats.min(500);
    let mut rows = Vec::new();
    for cpus in [8, 32, 128, 256] {
        let dir = tempfile::tempdir()?;
        machine(dir.path(), cpus)?;
        let root = Root::at(dir.path());
        let mut sampled = legacy(&root, Some("UTC"));
        let each = cost(times, || {
            sampled.iter_mut().try_for_each(|one| one.step(true))
        })?;
        let bytes: usize = sampled.iter().map(|one| one.json.len()).sum();
        rows.push(Row::shown(
            18,
            format!("sample and JSON, fixture of {cpus} processors"),
            format!(
                "{} µs, {} ns each, {bytes} bytes",
                short(each),
                short(each * 1e3 / f64::from(cpus))
            ),
        ));
    }
    let mut sleepers = Vec::new();
    for more in [0, options.scale.processes[0], options.scale.processes[1]] {
        sleepers.push(Sleepers::start(more)?);
        let mut bare = BareWalk::new()?;
        bare.walk()?;
        let census = ProcessCounter::new(&Root::host());
        let all = cost((times / 10).max(1), || {
            census.retake().map(|_| ()).map_err(Into::into)
        })?;
        let found = f64::from(bare.found);
        rows.push(Row::shown(
            18,
            format!("process walk, {found} processes"),
            format!("{} µs, {} µs each", short(all), short(all / found)),
        ));
    }
    Ok(rows)
}

/// The kernel files of a machine with `cpus` busy processors, below `dir`.
fn machine(dir: &std::path::Path, cpus: u32) -> Result<()> {
    let proc = dir.join("proc");
    fs::create_dir(&proc)?;
    let mut stat = File::create(proc.join("stat"))?;
    writeln!(
        stat,
        "cpu  10132153 290696 3084719 46828483 16683 0 25195 0 175628 0"
    )?;
    for cpu in 0..cpus {
        writeln!(
            stat,
            "cpu{cpu} 1393280 32966 572056 13343292 6130 0 17875 0 23933 0"
        )?;
    }
    writeln!(
        stat,
        "intr 1462898 {}",
        "0 ".repeat(100 + 8 * cpus as usize)
    )?;
    writeln!(
        stat,
        "ctxt 115315\nbtime 1700000000\nprocesses 86031\nprocs_running 6\nprocs_blocked 2"
    )?;
    fs::copy("/proc/meminfo", proc.join("meminfo"))?;
    fs::write(proc.join("loadavg"), "0.71 0.33 0.20 1/1009 4242\n")?;
    fs::write(proc.join("uptime"), "93241.12 1492853.11\n")?;
    Ok(())
}
