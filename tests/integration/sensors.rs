//! A sensor that stops answering, beside others that do not.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, Instant},
};

use nix::mount::{MsFlags, mount};
use serde_json::Value;

use rtstat_test_support::{Client, Rtstatd, rtstatd};

use crate::{
    gated_file::GatedFile,
    namespaces::{again_in, may},
};

/// Puts a folder for sensors where this machine may have none, and leaves the network's as it is.
fn plant_sensors() -> &'static Path {
    let bind = |from: &Path, to: &Path| {
        mount(Some(from), to, None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap()
    };
    let kept = tempfile::tempdir().unwrap();
    bind(Path::new("/sys/class/net"), kept.path());
    mount(
        Some("none"),
        "/sys/class",
        Some("tmpfs"),
        MsFlags::empty(),
        Some("mode=755"),
    )
    .unwrap();
    fs::create_dir("/sys/class/net").unwrap();
    bind(kept.path(), Path::new("/sys/class/net"));
    // The mount is this test's own and goes with it.
    let _ = kept.keep();
    Path::new("/sys/class/hwmon")
}

/// A chip with one temperature.
fn chip(class: &Path, number: u32, name: &str, milli_c: &str) -> std::path::PathBuf {
    let folder = class.join(format!("hwmon{number}"));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("name"), name).unwrap();
    let input = folder.join("temp1_input");
    fs::write(&input, milli_c).unwrap();
    fs::set_permissions(&input, fs::Permissions::from_mode(0o644)).unwrap();
    input
}

/// The first push with readings of the sensors: rows by the names of their chips. The pushes up to
/// it have to be on time and to have figures of everything else.
fn first_rows(program: &Rtstatd) -> impl Fn(&str) -> Value + use<> {
    let mut client = Client::raw(
        program.listener("raw"),
        "plugins::_meta,cpu_stat,mem,sens\ninterval::0.5\nstart\n",
    );
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut seq = 0;
    let push = loop {
        let push = client.push();
        seq += 1;
        assert_eq!(push["_meta"]["seq"], seq, "a push is missing");
        // The window that the program measured: a push that had waited for a sensor would cover the
        // two seconds for which sensors are waited for.
        let window = push["_meta"]["dt"].as_f64().unwrap();
        assert!(window < 1.9, "{push}");
        assert!(
            push["cpu_stat"].is_object() && push["mem"]["total"].is_number(),
            "{push}"
        );
        if push["sens"].is_object() {
            break push;
        }
        assert!(Instant::now() < deadline, "{push}");
    };
    move |chip| {
        let rows = push["sens"]["t"].as_array().unwrap();
        rows.iter()
            .find(|row| row["chip"] == chip)
            .cloned()
            .unwrap_or(Value::Null)
    }
}

/// Waits until so many of the program's threads ask a sensor; those that have answered are on their
/// way out.
fn asked_by(program: &Rtstatd, threads: usize) {
    let is_asking = |task: &fs::DirEntry| {
        fs::read(task.path().join("comm")).is_ok_and(|name| name == b"call\n")
    };
    let asking = || {
        let tasks = fs::read_dir(format!("/proc/{}/task", program.pid())).unwrap();
        tasks.flatten().filter(is_asking).count()
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    while asking() != threads {
        assert!(Instant::now() < deadline, "{} threads", asking());
        std::thread::yield_now();
    }
}

#[test]
fn a_sensor_that_stops_answering_delays_nobody_costs_one_thread_and_comes_back() {
    let name =
        "sensors::a_sensor_that_stops_answering_delays_nobody_costs_one_thread_and_comes_back";
    again_in(
        name,
        &["--mount"],
        may(&["test", "-w", "/dev/fuse"]),
        || {
            // It lives longer than the file, on which it may be waiting and could not end.
            let program = Rtstatd::managed(rtstatd(&["server", "--listen", "raw://127.0.0.1:0"]));
            let class = plant_sensors();
            chip(class, 0, "quick", "30000\n");
            let slow = GatedFile::over(&chip(class, 1, "slow", ""), "41000\n");
            let rows = first_rows(&program);
            assert_eq!(
                (&rows("quick")["c"], &rows("slow")["c"]),
                (&30.into(), &41.into())
            );

            slow.say(None);
            // Each client is a new watcher, for whom the sensors are read at once.
            for _ in 0..4 {
                let rows = first_rows(&program);
                assert_eq!(rows("quick")["c"], 30);
                let last = rows("slow");
                assert!(
                    last["c"] == 41 && last["stale"].is_u64(),
                    "the last figure, with its age: {last}"
                );
                asked_by(&program, 1);
            }

            slow.say(Some("52000\n"));
            asked_by(&program, 0);
            let rows = first_rows(&program);
            assert_eq!(
                (&rows("slow")["c"], &rows("slow")["stale"]),
                (&52.into(), &Value::Null)
            );
            assert_eq!(program.stop().0.code(), Some(0));
        },
    );
}
