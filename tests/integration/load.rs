//! Figures under a load that is planted, against the kernel's files read by hand and the usual
//! tools.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write,
    net::{TcpListener, UdpSocket},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;

use rtstat_test_support::{
    ChildInTime, Client, CommandInTime, PATIENCE, Rtstatd, connect, rtstatd,
};

use crate::namespaces::{again_in, may};

/// Pushes to look at until one is taken between two equal answers of a tool.
const TRIES: usize = 60;

/// A process that ends with the test.
struct Planted(Child);

impl Drop for Planted {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn watch(plugins: &str) -> (Rtstatd, Client) {
    let program = Rtstatd::managed(rtstatd(&["server", "--listen", "raw://127.0.0.1:0"]));
    let client = Client::raw(
        program.listener("raw"),
        &format!("plugins::{plugins}\ninterval::0.5\nstart\nversion\n"),
    );
    (program, client)
}

/// What a tool prints.
fn told(command: &str, words: &[&str]) -> String {
    let output = Command::new(command)
        .args(words)
        .env("LC_ALL", "C")
        .output_in_time()
        .unwrap_or_else(|error| {
            panic!("{command}: {error}");
        });
    assert!(output.status.success(), "{command}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Sums the growth that pushes tell of in figures that are rates, until one that begins after the
/// load was over.
#[derive(Default)]
struct Sums(BTreeMap<String, f64>);

/// Seconds since the epoch.
fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs_f64()
}

/// Whether the window of a push began after that instant.
fn begins_after(push: &Value, instant: f64) -> bool {
    push["_meta"]["ts"].as_f64().unwrap() - push["_meta"]["dt"].as_f64().unwrap() > instant + 0.01
}

impl Sums {
    fn add(&mut self, push: &Value, figures: &[(&str, &Value)]) {
        let window = push["_meta"]["dt"].as_f64().unwrap();
        for (name, rate) in figures {
            *self.0.entry((*name).into()).or_default() += rate.as_f64().unwrap_or(0.0) * window;
        }
    }
}

/// The fields of each line of a kernel table that begins with a name, by that name.
fn table(path: &str, name_at: usize) -> BTreeMap<String, Vec<u64>> {
    let text = fs::read_to_string(path).unwrap().replace(':', " ");
    let lines = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let named = lines.filter(|words| words.len() > name_at + 5);
    named
        .map(|words| {
            let fields = words[name_at + 1..]
                .iter()
                .map(|word| word.parse().unwrap_or(0))
                .collect();
            (words[name_at].to_owned(), fields)
        })
        .collect()
}

/// Kilobytes read and written since boot, by device.
fn iostat() -> BTreeMap<String, (u64, u64)> {
    let text = told("iostat", &["-d", "-k"]);
    let mut lines = text.lines().skip_while(|line| !line.starts_with("Device"));
    let head: Vec<_> = lines.next().unwrap().split_whitespace().collect();
    let column = |name| head.iter().position(|column| *column == name).unwrap();
    let (read, written) = (column("kB_read"), column("kB_wrtn"));
    let lines = lines
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|words| words.len() > written);
    lines
        .map(|words| {
            (
                words[0].to_owned(),
                (
                    words[read].parse().unwrap(),
                    words[written].parse().unwrap(),
                ),
            )
        })
        .collect()
}

const BLOCK: usize = 1 << 20;
const BLOCKS: usize = 64;

/// Writes a file past the page cache, and reads it so.
fn write_and_read(path: &Path) {
    let mut aligned = vec![0_u8; 2 * BLOCK];
    let start = aligned.as_ptr().align_offset(4096);
    let block = &mut aligned[start..start + BLOCK];
    let direct = |options: &mut fs::OpenOptions| {
        options
            .custom_flags(nix::libc::O_DIRECT)
            .open(path)
            .unwrap()
    };
    let mut file = direct(File::options().write(true).create_new(true));
    for _ in 0..BLOCKS {
        file.write_all(block).unwrap();
    }
    file.sync_all().unwrap();
    let mut file = direct(File::options().read(true));
    for _ in 0..BLOCKS {
        std::io::Read::read_exact(&mut file, block).unwrap();
    }
}

#[test]
fn a_busy_disk_is_as_busy_as_diskstats_and_iostat_say() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (before, iostat_before) = (table("/proc/diskstats", 2), iostat());
    let (_program, mut client) = watch("_meta,disk");
    client.line_with("Version::");
    // The first window has begun; what comes now is in the pushes.
    let begun = table("/proc/diskstats", 2);
    let load = std::thread::spawn(move || write_and_read(&folder.path().join("load")));
    let mut sums = Sums::default();
    let mut over: Option<(f64, BTreeMap<_, _>)> = None;
    loop {
        let push = client.push();
        let devices = push["disk"]["dev"].as_object().unwrap();
        let (mut total_read, mut total_written) = (0.0, 0.0);
        for (device, rates) in devices {
            for field in ["r", "w", "ri", "wi"] {
                sums.add(&push, &[(&format!("{device} {field}"), &rates[field])]);
            }
            let share = rates["util"].as_f64().unwrap_or(0.0);
            assert!((0.0..=1.0).contains(&share), "{rates}");
            total_read += rates["r"].as_f64().unwrap_or(0.0);
            total_written += rates["w"].as_f64().unwrap_or(0.0);
        }
        // No byte is in the total twice: it is no more than all devices together.
        assert!(
            push["disk"]["total"]["r"].as_f64().unwrap() <= total_read + 1.0,
            "{push}"
        );
        assert!(
            push["disk"]["total"]["w"].as_f64().unwrap() <= total_written + 1.0,
            "{push}"
        );
        match &over {
            Some((ended, _)) if begins_after(&push, *ended) => break,
            Some(_) => {}
            None if load.is_finished() => over = Some((now(), table("/proc/diskstats", 2))),
            None => {}
        }
    }
    load.join().unwrap();
    let (_, least) = over.unwrap();
    let (after, iostat_after) = (table("/proc/diskstats", 2), iostat());
    let planted = (BLOCK * BLOCKS) as f64;
    let mut seen = Vec::new();
    for (device, last) in &least {
        // Reads, sectors read, and the same for writes; the kernel's sectors have 512 bytes
        // whatever the disk's have.
        for (name, field, unit) in [
            ("r", 2, 512.0),
            ("w", 6, 512.0),
            ("ri", 0, 1.0),
            ("wi", 4, 1.0),
        ] {
            let Some(&sum) = sums.0.get(&format!("{device} {name}")) else {
                continue;
            };
            let grown = |from: &BTreeMap<String, Vec<u64>>, to: &[u64]| {
                from.get(device).map_or(0, |from| to[field] - from[field]) as f64 * unit
            };
            let (low, high) = (grown(&begun, last), grown(&before, &after[device]));
            // Rates have three digits or more, windows a millisecond.
            assert!(
                low * 0.97 - 64.0 <= sum && sum <= high * 1.03 + 64.0,
                "{device} {name}: {sum}, counted {low} to {high}"
            );
            if unit > 1.0 && low >= planted {
                seen.push(format!("{device} {name}"));
            }
        }
        if let (Some(before), Some(after)) = (iostat_before.get(device), iostat_after.get(device)) {
            for (name, kib) in [("r", after.0 - before.0), ("w", after.1 - before.1)] {
                let sum = sums
                    .0
                    .get(&format!("{device} {name}"))
                    .copied()
                    .unwrap_or(0.0);
                assert!(
                    sum <= kib as f64 * 1024.0 * 1.03 + 4096.0,
                    "{device} {name}: {sum}, iostat {kib} kB"
                );
            }
        }
    }
    let both = |kind: &str| seen.iter().any(|name| name.ends_with(kind));
    assert!(
        both(" r") && both(" w"),
        "the load is not to be seen: {seen:?}, {:?}",
        sums.0
    );
}

#[test]
fn file_systems_are_as_full_as_df_says() {
    let (_program, mut client) = watch("fs");
    let push = loop {
        let push = client.push();
        if push["fs"].is_array() {
            break push;
        }
    };
    let mut compared = 0;
    for row in push["fs"].as_array().unwrap() {
        let point = row["mnt"].as_str().unwrap();
        if row["size"].is_null() {
            continue;
        }
        let text = told("df", &["-B1", "--output=size,used,avail,target", point]);
        let words: Vec<_> = text.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(words[3..].join(" "), point);
        assert_eq!(
            row["size"].as_u64().unwrap().to_string(),
            words[0],
            "{point}"
        );
        for (field, word) in [("used", words[1]), ("avail", words[2])] {
            let (told, df) = (row[field].as_u64().unwrap(), word.parse::<u64>().unwrap());
            // Files come and go between the two.
            let slack = (row["size"].as_u64().unwrap() / 10).max(64 << 20);
            assert!(
                told.abs_diff(df) <= slack,
                "{point} {field}: {told}, df {df}"
            );
        }
        compared += 1;
    }
    assert!(compared > 0, "{push}");
}

/// The options of unshare(1) for a network of one's own, in which nobody else has a socket. The
/// first process is asked about the network, so that of the namespace has to be in it, too.
const OWN_NETWORK: [&str; 5] = ["--net", "--mount", "--pid", "--fork", "--mount-proc"];

#[test]
fn sockets_are_counted_as_ss_counts_them() {
    let name = "load::sockets_are_counted_as_ss_counts_them";
    again_in(
        name,
        &OWN_NETWORK,
        may(&["ip", "link", "set", "lo", "up"]),
        || {
            run(&["ip", "link", "set", "lo", "up"]);
            count_sockets();
        },
    );
}

fn count_sockets() {
    const PAIRS: usize = 40;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let pairs: Vec<_> = (0..PAIRS)
        .map(|_| {
            (
                connect(listener.local_addr().unwrap()).unwrap(),
                listener.accept().unwrap(),
            )
        })
        .collect();
    let datagrams: Vec<_> = (0..PAIRS)
        .map(|_| UdpSocket::bind("127.0.0.1:0").unwrap())
        .collect();
    let (_program, mut client) = watch("sock");
    let lines = |words: &[&str]| told("ss", words).lines().count();
    let ss = || {
        let tcp = lines(&["-Hta", "exclude", "time-wait"]);
        (tcp, lines(&["-Hua"]))
    };
    let mut seen = Vec::new();
    for _ in 0..TRIES {
        let (before, push, after) = (ss(), client.push(), ss());
        let count = |field: &str| usize::try_from(push["sock"][field].as_u64().unwrap()).unwrap();
        let told = (count("tcp"), count("udp"));
        assert!(told.0 > 2 * PAIRS && told.1 >= PAIRS, "{push}");
        if told == before && told == after {
            drop((pairs, datagrams));
            return;
        }
        seen.push((before, told, after));
    }
    panic!("never what ss counts, before, told and after: {seen:?}");
}

const HELD: usize = 256 << 20;

#[test]
fn memory_that_is_taken_is_used_as_free_says() {
    let (_program, mut client) = watch("mem");
    // Total, free and available bytes; the columns of procps since 3.3.10.
    let free = || {
        let text = told("free", &["-b"]);
        let line = text.lines().nth(1).unwrap();
        let words: Vec<u64> = line
            .split_whitespace()
            .skip(1)
            .map(|word| word.parse().unwrap())
            .collect();
        [words[0], words[2], words[5]]
    };
    let mut agreed = || {
        let mut seen = Vec::new();
        for _ in 0..TRIES {
            let (before, push, after) = (free(), client.push(), free());
            let mem = &push["mem"];
            let told = ["total", "free", "available"].map(|field| mem[field].as_u64().unwrap());
            let spare = told[2]
                + mem["arc"]
                    .as_u64()
                    .unwrap_or(0)
                    .saturating_sub(mem["arc_min"].as_u64().unwrap_or(0));
            assert_eq!(
                (mem["used"].as_u64(), told[0]),
                (Some(told[0].saturating_sub(spare)), before[0]),
                "{mem}"
            );
            let near = |at: usize| {
                told[at].abs_diff(before[at]) <= before[at].abs_diff(after[at]) + (16 << 20)
            };
            if near(1) && near(2) {
                return mem["used"].as_u64().unwrap();
            }
            seen.push((before, told, after));
        }
        panic!("never what free says, before, told and after: {seen:?}");
    };
    let held = std::hint::black_box(vec![1_u8; HELD]);
    let used = agreed();
    assert!(used >= HELD as u64, "{used} bytes");
    drop(held);
    agreed();
}

/// Control groups that look like a container's, removed with the test.
struct Container {
    folders: Vec<PathBuf>,
}

const ID: &str = "feedfeedfeed0000000000000000000000000000000000000000000000000000";
const LIMIT: u64 = 96 << 20;
const CACHED: usize = 24 << 20;

impl Container {
    /// None where this user may not make groups that count memory.
    fn new() -> Option<Self> {
        let mount = Path::new("/sys/fs/cgroup");
        let unified = fs::read_to_string(mount.join("cgroup.controllers"));
        let (parents, limit) = match &unified {
            Ok(controllers) if controllers.contains("memory") => {
                (vec![mount.to_owned()], "memory.max")
            }
            // The tree of the service manager is where groups are looked for.
            _ => {
                let trees = ["memory", "pids", "systemd"].map(|tree| mount.join(tree));
                (
                    trees.into_iter().filter(|tree| tree.is_dir()).collect(),
                    "memory.limit_in_bytes",
                )
            }
        };
        let name = format!("docker-{ID}.scope");
        let folders: Vec<_> = parents.iter().map(|parent| parent.join(&name)).collect();
        let made = folders.iter().try_for_each(fs::create_dir);
        let container = Self { folders };
        made.and_then(|()| fs::write(container.folders[0].join(limit), LIMIT.to_string()))
            .ok()
            .map(|()| container)
    }

    /// A process in it, that has read a file and holds memory, and tells when it does.
    fn run(&self, file: &Path) -> Planted {
        let enter: String = self
            .folders
            .iter()
            .map(|folder| format!("echo $$ > {}/cgroup.procs; ", folder.display()))
            .collect();
        let python = format!(
            "held = bytearray(b'x' * {}); open('{}', 'rb').read(); print('held', flush=True); input()",
            LIMIT / 3,
            file.display()
        );
        let mut child = Command::new("sh")
            .args(["-c", &format!("{enter} exec python3 -c \"$0\""), &python])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        assert_eq!(child.line_in_time().unwrap(), "held\n");
        Planted(child)
    }

    fn number(&self, folder: usize, file: &str) -> u64 {
        let text = fs::read_to_string(self.folders[folder].join(file)).unwrap();
        text.trim().parse().unwrap()
    }

    /// Memory in use without the file pages that the kernel would give back first.
    fn used(&self) -> u64 {
        let unified = self.folders.len() == 1;
        let (current, inactive) = if unified {
            ("memory.current", "inactive_file ")
        } else {
            ("memory.usage_in_bytes", "total_inactive_file ")
        };
        let stat = fs::read_to_string(self.folders[0].join("memory.stat")).unwrap();
        let inactive = stat
            .lines()
            .find_map(|line| line.strip_prefix(inactive))
            .unwrap()
            .parse::<u64>()
            .unwrap();
        self.number(0, current).saturating_sub(inactive)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        for folder in &self.folders {
            // The kernel lets go of a group a moment after its last process.
            for _ in 0..100 {
                if fs::remove_dir(folder).is_ok() || !folder.exists() {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        }
    }
}

#[test]
fn a_container_under_memory_pressure_has_its_groups_figures() {
    let Some(container) = Container::new() else {
        assert!(
            std::env::var_os("CI").is_none(),
            "control groups cannot be made here"
        );
        eprintln!("not tested: this user may not make control groups that count memory");
        return;
    };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = folder.path().join("cached");
    fs::write(&file, vec![7; CACHED]).unwrap();
    let planted = container.run(&file);
    let (_program, mut client) = watch("ct");
    let pids = usize::from(container.folders.len() > 1);
    let mut seen = Vec::new();
    for _ in 0..TRIES {
        let (before, push, after) = (container.used(), client.push(), container.used());
        let Some(row) = push["ct"].get(&ID[..12]) else {
            continue;
        };
        assert_eq!(
            (&row["engine"], row["mem_max"].as_u64()),
            (&"docker".into(), Some(LIMIT)),
            "{row}"
        );
        assert_eq!(
            row["pids"].as_u64(),
            Some(container.number(pids, "pids.current")),
            "{row}"
        );
        let told = row["mem"].as_u64().unwrap();
        if told >= LIMIT / 3 && before.min(after) <= told && told <= before.max(after) {
            drop(planted);
            return;
        }
        seen.push((before, told, after));
    }
    panic!("never what the group says, before, told and after: {seen:?}");
}

/// Runs a program of iproute2 or util-linux.
fn run(words: &[&str]) {
    told(words[0], &words[1..]);
}

#[test]
fn bytes_over_a_cable_are_counted_at_both_ends_and_a_cable_may_come_and_go() {
    let name = "load::bytes_over_a_cable_are_counted_at_both_ends_and_a_cable_may_come_and_go";
    again_in(
        name,
        &OWN_NETWORK,
        may(&[
            "ip", "link", "add", "left", "type", "veth", "peer", "name", "right",
        ]),
        || {
            run(&["mount", "-t", "sysfs", "none", "/sys"]);
            run(&["ip", "link", "set", "lo", "up"]);
            let (_program, mut client) = watch("_meta,net");
            client.line_with("Version::");
            assert!(client.push()["net"]["if"]["left"].is_null());
            let other = Planted(
                Command::new("unshare")
                    .args(["--net", "sleep", "1000"])
                    .spawn()
                    .unwrap(),
            );
            let pid = other.0.id().to_string();
            run(&[
                "ip", "link", "add", "left", "type", "veth", "peer", "name", "right",
            ]);
            // Until then it is in our namespace, where it must not be set up.
            let there = || {
                fs::read_link(format!("/proc/{pid}/ns/net")).ok()
                    != fs::read_link("/proc/self/ns/net").ok()
            };
            let deadline = Instant::now() + PATIENCE;
            while !there() {
                assert!(Instant::now() < deadline, "unshare makes no network");
                std::thread::yield_now();
            }
            run(&["ip", "link", "set", "right", "netns", &pid]);
            let inside = ["nsenter", "--net", "-t", &pid, "ip"];
            for words in [
                &["addr", "add", "10.99.0.2/24", "dev", "right"][..],
                &["link", "set", "right", "up"],
            ] {
                run(&[&inside[..], words].concat());
            }
            run(&["ip", "addr", "add", "10.99.0.1/24", "dev", "left"]);
            run(&["ip", "link", "set", "left", "up"]);
            let up = |push: &Value| {
                push["net"]["if"]["left"]["up"] == true
                    && push["net"]["if"]["left"]["tx"].is_number()
            };
            while !up(&client.push()) {}

            // Received: bytes and packets; sent: the same, eight columns further.
            let counted = || table("/proc/net/dev", 0)["left"].clone();
            let before = counted();
            client.push();
            let begun = counted();
            let socket = UdpSocket::bind("10.99.0.1:0").unwrap();
            for _ in 0..2000 {
                // The other end refuses them, which the next call is told.
                let _ = socket.send_to(&[0; 1400], "10.99.0.2:9");
            }
            let ended = counted();
            assert!(ended[8] - begun[8] > 1_000_000, "{begun:?} {ended:?}");
            let mut sums = Sums::default();
            let over = now();
            loop {
                let push = client.push();
                let row = &push["net"]["if"]["left"];
                sums.add(
                    &push,
                    &[
                        ("rx", &row["rx"]),
                        ("rxp", &row["rxp"]),
                        ("tx", &row["tx"]),
                        ("txp", &row["txp"]),
                    ],
                );
                // There is no hardware here, so names decide.
                assert_eq!(
                    (&push["net"]["total"]["by"], &push["net"]["total"]["tx"]),
                    (&"name".into(), &row["tx"])
                );
                if begins_after(&push, over) {
                    break;
                }
            }
            let after = counted();
            for (field, column) in [("rx", 0), ("rxp", 1), ("tx", 8), ("txp", 9)] {
                let (low, high) = (
                    (ended[column] - begun[column]) as f64,
                    (after[column] - before[column]) as f64,
                );
                let sum = sums.0[field];
                assert!(
                    low * 0.97 - 64.0 <= sum && sum <= high * 1.03 + 64.0,
                    "{field}: {sum}, counted {low} to {high}"
                );
            }
            run(&["ip", "link", "del", "left"]);
            while !client.push()["net"]["if"]["left"].is_null() {}
            assert!(client.push()["net"]["if"]["lo"].is_object());
        },
    );
}
