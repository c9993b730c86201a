//! What changes under a session that watches: processors, the kernel's files, the clocks, the bus,
//! and plugins that panic. Its pushes go on, each key by itself.

use std::{
    cell::Cell,
    fs,
    os::unix::{fs::symlink, net::UnixListener},
};

use rtstat::testing::{
    drivers::DriverError,
    plugins::{
        About, Kind, Plugin, Window,
        registry::{Entry, Execution},
    },
    system::clock::Clocks,
};
use serde_json::Value;

use super::in_process::{Tree, watched};

/// The keys that are read on the spot from files of the kernel.
const KEYS: &str = "cpu_stat,meminfo,processes,uptime,cpu,mem,disk,net,sock,procs";

#[test]
fn processors_come_and_go() {
    let tree = Tree::copy_of("hotplug/before");
    watched(
        (&tree.root(), Vec::new()),
        (Clocks::default(), true),
        "cpu,cpu_stat",
        async |mut client| {
            let names = |push: &Value| {
                push["cpu"]["core"]
                    .as_object()
                    .unwrap()
                    .keys()
                    .cloned()
                    .collect::<Vec<_>>()
            };
            let before = names(&client.push().await);
            for _ in 0..3 {
                tree.becomes("hotplug/now");
                let push = client.push().await;
                assert_ne!(names(&push), before, "{push}");
                assert!(push["cpu_stat"].is_object(), "{push}");
                tree.becomes("hotplug/before");
                assert_eq!(names(&client.push().await), before);
            }
        },
    );
}

#[test]
fn files_that_break_cost_their_keys_and_only_as_long() {
    let tree = Tree::copy_of("vm-6.18");
    let files = [
        "stat",
        "meminfo",
        "loadavg",
        "uptime",
        "diskstats",
        "net/dev",
        "net/sockstat",
        "vmstat",
    ];
    let files: Vec<String> = files
        .iter()
        .map(|file| format!("proc/{file}"))
        .filter(|file| tree.path(file).exists())
        .collect();
    assert!(files.len() >= 5, "{files:?}");
    watched(
        (&tree.root(), Vec::new()),
        (Clocks::default(), true),
        KEYS,
        async |mut client| {
            let told = |push: &Value| {
                let keys = push
                    .as_object()
                    .unwrap()
                    .iter()
                    .filter(|(_, value)| value.is_object());
                keys.map(|(key, _)| key.clone()).collect::<Vec<_>>()
            };
            let all = told(&client.push().await);
            assert!(all.len() >= 8, "{all:?}");
            for file in &files {
                let sound = fs::read(tree.path(file)).unwrap();
                for way in ["garbage", "nothing", "gone", "EIO"] {
                    match way {
                        "nothing" => tree.write(file, ""),
                        _ => tree.write(
                            file,
                            b"\xff\0garbage -1 99999999999999999999999\n::\n".repeat(50),
                        ),
                    }
                    if ["gone", "EIO"].contains(&way) {
                        // Who has it open finds garbage, and nothing or an error when it opens it
                        // again.
                        client.push().await;
                        fs::remove_file(tree.path(file)).unwrap();
                    }
                    if way == "EIO" {
                        symlink("/proc/self/mem", tree.path(file)).unwrap();
                    }
                    for _ in 0..2 {
                        let unhurt = told(&client.push().await);
                        // No file is read for more than half of the keys.
                        assert!(
                            unhurt.len() > all.len() / 2,
                            "{file} {way}: {unhurt:?} of {all:?}"
                        );
                    }
                    if way == "EIO" {
                        fs::remove_file(tree.path(file)).unwrap();
                    }
                    tree.write(file, &sound);
                    client.push().await;
                    let push = client.push().await;
                    assert_eq!(told(&push), all, "{file} is well again after {way}: {push}");
                }
            }
        },
    );
}

thread_local! {
    static WALL: Cell<f64> = const { Cell::new(1e9) };
    static BOOT: Cell<f64> = const { Cell::new(1e5) };
}

/// The clock on the wall is set back and forward by hours, and the machine sleeps for a night:
/// pushes come as before, at the times that the monotonic clock tells.
#[test]
fn clocks_that_jump_move_no_push() {
    let tree = Tree::copy_of("vm-6.18");
    let dials = Clocks {
        wall: || WALL.get(),
        boot: || BOOT.get(),
    };
    watched(
        (&tree.root(), Vec::new()),
        (dials, true),
        KEYS,
        async |mut client| {
            client.push().await;
            let hour = 3600.0;
            for (wall, boot) in [
                (-5.0 * hour, 0.0),
                (9.0 * hour, 0.0),
                (-1e9, 0.0),
                (1e9, 0.0),
                (8.0 * hour, 8.0 * hour),
                (0.0, 0.0),
            ] {
                WALL.set(WALL.get() + wall);
                BOOT.set(BOOT.get() + boot);
                for _ in 0..4 {
                    let before = tokio::time::Instant::now();
                    let push = client.push().await;
                    assert_eq!(
                        before.elapsed().as_millis() / 100,
                        5,
                        "a push every half second of the monotonic clock"
                    );
                    let told = (
                        push["_meta"]["ts"].as_f64().unwrap(),
                        push["_meta"]["mono"].as_f64().unwrap(),
                    );
                    assert!(
                        (told.0 - WALL.get()).abs() < 1.0 && (told.1 - BOOT.get()).abs() < 1.0,
                        "{told:?}"
                    );
                    assert!(push["cpu"].is_object() && push["net"].is_object(), "{push}");
                }
            }
        },
    );
}

struct Panics;

impl Plugin for Panics {
    type Sample = u64;

    fn read(&mut self, _: &mut u64) -> Result<(), DriverError> {
        panic!("on purpose");
    }

    fn view(_: Window<'_, u64>) -> impl serde::Serialize {}
}

#[test]
fn plugins_that_panic_on_every_call_cost_their_keys() {
    let tree = Tree::copy_of("vm-6.18");
    let entry = |name: &str, execution| Entry {
        name: name.into(),
        about: About::new(Kind::Gauge, "", 0.05),
        execution,
    };
    let more = vec![
        entry("here", Execution::inline(Panics)),
        entry("there", Execution::worker(|| Panics)),
    ];
    watched(
        (&tree.root(), more),
        (Clocks::default(), false),
        "here,there,cpu,meminfo",
        async |mut client| {
            for _ in 0..6 {
                let push = client.push().await;
                assert!(push["here"].is_null() && push["there"].is_null(), "{push}");
                assert!(
                    push["cpu"].is_object() && push["meminfo"].is_object(),
                    "{push}"
                );
            }
        },
    );
}

/// The bus is gone, hangs, and comes back with nonsense: `units` waits on its own thread, the
/// others do not wait for it.
#[test]
fn a_bus_that_is_gone_or_hangs_holds_nobody_up() {
    let tree = Tree::copy_of("vm-6.18");
    tree.becomes("cgroup-v2");
    fs::create_dir_all(tree.path("run/systemd/system")).unwrap();
    fs::create_dir_all(tree.path("run/dbus")).unwrap();
    let socket = tree.path("run/dbus/system_bus_socket");
    watched(
        (&tree.root(), Vec::new()),
        (Clocks::default(), false),
        "units,uptime",
        async |mut client| {
            for round in 0..3 {
                // Whoever connects is never answered; a connection is not even accepted.
                let hung = (round == 1).then(|| UnixListener::bind(&socket).unwrap());
                for _ in 0..5 {
                    let push = client.push().await;
                    assert!(push["uptime"].is_object(), "{push}");
                }
                drop(hung);
                let _ = fs::remove_file(&socket);
            }
        },
    );
}
