//! The original's figures against what the kernel and the usual tools say, under a load that is
//! planted.

use std::{
    collections::BTreeMap,
    fs,
    process::{Child, Command},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

use rtstat_test_support::{ChildInTime, Client, Rtstatd, rtstatd};

/// Pushes to look at until one is taken between two equal counts of our own: processes come and go
/// on any machine.
const TRIES: usize = 60;

/// Processes that end with the test.
struct Planted(Vec<Child>);

impl Drop for Planted {
    fn drop(&mut self) {
        for child in &mut self.0 {
            child.end();
        }
    }
}

/// Processes by their state's letter, as ps shows it.
fn states() -> BTreeMap<char, u64> {
    let mut states = BTreeMap::new();
    for entry in fs::read_dir("/proc").unwrap() {
        let path = entry.unwrap().path();
        let number = path
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .bytes()
            .all(|byte| byte.is_ascii_digit());
        // A process may end meanwhile.
        let stat = if number {
            fs::read_to_string(path.join("stat")).ok()
        } else {
            None
        };
        if let Some(state) = stat.and_then(|stat| stat.rsplit_once(") ")?.1.chars().next()) {
            *states.entry(state).or_default() += 1;
        }
    }
    states
}

/// The fields of each numbered processor in /proc/stat.
fn processors() -> BTreeMap<String, Vec<u64>> {
    let stat = fs::read_to_string("/proc/stat").unwrap();
    let lines = stat.lines().filter_map(|line| line.split_once(' '));
    let lines = lines.filter(|(name, _)| name.starts_with("cpu") && *name != "cpu");
    lines
        .map(|(name, fields)| {
            (
                name.into(),
                fields
                    .split(' ')
                    .map(|field| field.parse().unwrap())
                    .collect(),
            )
        })
        .collect()
}

fn kilobytes(name: &str) -> u64 {
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap();
    let line = meminfo
        .lines()
        .find(|line| line.split(':').next() == Some(name))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn watch() -> (Rtstatd, Client) {
    let program = Rtstatd::managed(rtstatd(&["server", "--listen", "raw://127.0.0.1:0"]));
    let client = Client::raw(program.listener("raw"), "interval::0.5\nstart\n");
    (program, client)
}

#[test]
fn a_stopped_process_and_a_zombie_are_counted_as_ps_counts_them() {
    let stopped = Command::new("sleep").arg("600").spawn().unwrap();
    kill(
        Pid::from_raw(i32::try_from(stopped.id()).unwrap()),
        Signal::SIGSTOP,
    )
    .unwrap();
    let _planted = Planted(vec![stopped, Command::new("true").spawn().unwrap()]);
    let (_program, mut client) = watch();
    client.push();
    let mut seen = Vec::new();
    for _ in 0..TRIES {
        let before = states();
        let push = client.push();
        let after = states();
        let count =
            |states: &BTreeMap<char, u64>, letter| states.get(&letter).copied().unwrap_or(0);
        let figures = |states: &BTreeMap<char, u64>| json!({ "stopped": count(states, 'T'), "zombie": count(states, 'Z') });
        let awake_of = |states: &BTreeMap<char, u64>| {
            ['R', 'S', 'D']
                .map(|state| count(states, state))
                .iter()
                .sum::<u64>()
        };
        let told = &push["processes"];
        let awake = told["running"].as_u64().unwrap() + told["sleep"].as_u64().unwrap();
        let all = told["all"].as_u64().unwrap();
        assert_eq!(
            all,
            awake + told["stopped"].as_u64().unwrap() + told["zombie"].as_u64().unwrap(),
            "{told}"
        );
        let told = json!({ "stopped": told["stopped"], "zombie": told["zombie"] });
        let planted = count(&before, 'T') >= 1 && count(&before, 'Z') >= 1;
        let equal = told == figures(&before) && told == figures(&after);
        // A few come and go while we count.
        let few = 5 + awake_of(&before).abs_diff(awake_of(&after));
        if planted && equal && awake.abs_diff(awake_of(&before)) <= few {
            return;
        }
        seen.push((
            figures(&before),
            awake_of(&before),
            told,
            awake,
            figures(&after),
            awake_of(&after),
        ));
    }
    panic!("never what we count, before, told and after: {seen:?}");
}

#[test]
fn a_busy_processor_is_as_busy_as_the_kernel_says() {
    let busy = Command::new("sh")
        .args(["-c", "while :; do :; done"])
        .spawn()
        .unwrap();
    let _planted = Planted(vec![busy]);
    let program = Rtstatd::managed(rtstatd(&["server", "--listen", "raw://127.0.0.1:0"]));
    // Both windows begin and end within the time that a message takes; long ones make that small.
    let before = processors();
    let mut client = Client::raw(program.listener("raw"), "interval::4\nstart\n");
    let push = client.push();
    let after = processors();
    let mut most: f64 = 0.0;
    for (name, before) in &before {
        let passed: Vec<u64> = after[name]
            .iter()
            .zip(before)
            .map(|(after, before)| after - before)
            .collect();
        let total: u64 = passed.iter().take(7).sum();
        let ratio = |fields: &[usize]| {
            fields.iter().map(|field| passed[*field]).sum::<u64>() as f64 / total as f64
        };
        let told = |field: &str| push["cpu_stat"][name][field].as_f64().unwrap();
        for (field, expected) in [
            ("usage", 1.0 - ratio(&[3])),
            ("user", ratio(&[0, 1])),
            ("system", ratio(&[2, 5, 6])),
            ("iowait", ratio(&[4, 5, 6])),
        ] {
            assert!(
                (told(field) - expected).abs() < 0.1,
                "{name} {field}: {} told, {expected} counted",
                told(field)
            );
        }
        most = most.max(told("usage"));
    }
    assert!(most > 0.2, "nobody was busy: {push}");
}

#[test]
fn memory_and_load_are_the_kernels() {
    let (_program, mut client) = watch();
    client.push();
    let mut seen = Vec::new();
    for _ in 0..TRIES {
        let loads = || fs::read_to_string("/proc/loadavg").unwrap();
        let (before, push, after) = (loads(), client.push(), loads());
        let (memory, swap) = (&push["meminfo"]["memory"], &push["meminfo"]["swap"]);
        let number = |value: &Value| value.as_u64().unwrap();
        assert_eq!(number(&memory["total"]), kilobytes("MemTotal"));
        assert_eq!(number(&swap["total"]), kilobytes("SwapTotal"));
        assert_eq!(
            number(&memory["used"]) + number(&memory["free"]),
            number(&memory["total"])
        );
        let parts =
            ["apps", "free", "buffers", "cached", "swapCached"].map(|part| number(&memory[part]));
        assert_eq!(
            parts.iter().sum::<u64>(),
            number(&memory["total"]),
            "{memory}"
        );
        let off = number(&memory["free"]).abs_diff(kilobytes("MemFree"));
        let told =
            ["la1", "la5", "la15"].map(|load| push["uptime"][load].as_str().unwrap().to_owned());
        let ours: Vec<_> = before.split(' ').take(3).collect();
        if off < kilobytes("MemTotal") / 20
            && told == *ours
            && before.split(' ').take(3).eq(after.split(' ').take(3))
        {
            return;
        }
        seen.push((told, before, off));
    }
    panic!("never what the kernel says: {seen:?}");
}
