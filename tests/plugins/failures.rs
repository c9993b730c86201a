//! What goes wrong, in words, and what it costs.

use std::{fs, path::Path, time::Duration};

use rtstat::testing::{
    drivers::DriverError,
    plugins::{
        exec::{self, definition::Definition},
        registry::{Execution, Make},
        worker::{WorkerInbox, inbox},
    },
    sampling::schedule::SLOT,
};

use serde_json::Value;

use rtstat_test_support::CommandInTime;

use super::definitions::{Folder, watch};

#[test]
fn every_failure_says_why() {
    const CASES: [(&str, &str, &str); 15] = [
        (
            "absent",
            "command = ['/no/such/program']",
            "it cannot be started: No such file or directory (os error 2)",
        ),
        ("status", "command = 'echo 1; exit 3'", "exit status 3"),
        ("signal", "command = 'kill -SEGV $$'", "killed by SIGSEGV"),
        (
            "hang",
            "command = 'sleep 1000'\ntimeout = 0.2",
            "it did not end within 0.2 s",
        ),
        ("empty", "command = 'true'", "it printed nothing"),
        (
            "words",
            "command = 'echo load is high'",
            "its output is not JSON: expected value at line 1 column 1",
        ),
        (
            "two",
            "command = 'echo 1; echo 2'",
            "its output is not JSON: trailing characters at line 2 column 1",
        ),
        (
            "long",
            "command = 'yes'",
            "its output is longer than 65536 bytes",
        ),
        (
            "deep",
            "command = 'printf %040d 0 | tr 0 [; printf %040d 0 | tr 0 ]'",
            "its JSON is nested deeper than 32",
        ),
        ("noise", "command = 'yes >&2'", "it floods its output"),
        (
            "silent",
            "command = 'sleep 1000'\nmode = 'stream'\ntimeout = 0.2",
            "it printed no line for 0.2 s",
        ),
        (
            "ended",
            "command = 'exit 4'\nmode = 'stream'",
            "it ended: exit status 4",
        ),
        (
            "line",
            "command = 'yes | tr -d \"\\n\"'\nmode = 'stream'",
            "its output is longer than 65536 bytes",
        ),
        (
            "flood",
            "command = 'yes 1'\nmode = 'stream'\ninterval = 0.5",
            "it floods its output",
        ),
        (
            "broken",
            "command = 'echo {; sleep 1000'\nmode = 'stream'",
            "its output is not JSON: EOF while parsing an object at line 1 column 1",
        ),
    ];
    let folder = Folder::new();
    let mut names = vec!["_meta"];
    for (name, text, _) in CASES {
        folder.define(name, text);
        names.push(name);
    }
    let server = folder.serve();
    let mut client = watch(&server, &names.join(","));
    for (name, _, reason) in CASES {
        let push = client.push_with(|push| push["_meta"]["err"][name].is_string());
        assert_eq!(push["_meta"]["err"][name], reason, "{name}");
    }
    let push = client.push_with(|push| CASES.iter().all(|(name, ..)| push[name].is_null()));
    assert!(push["_meta"]["err"].is_object());
    drop(client);
    folder.wait_for_no_children();
}

/// Each gives a figure until a file tells it to go wrong, in a way of its own.
const TURNS: [(&str, &str, &str); 6] = [
    (
        "crash",
        "command = 'test ! -e FILE || kill -SEGV $$; echo 7'\ninterval = 2",
        "killed by SIGSEGV",
    ),
    (
        "hang",
        "command = 'test ! -e FILE || sleep 1000; echo 7'\ninterval = 2\ntimeout = 1",
        "it did not end within 1 s",
    ),
    (
        "words",
        "command = 'test ! -e FILE || printf high; echo 7'\ninterval = 2",
        "its output is not JSON: expected value at line 1 column 1",
    ),
    (
        "long",
        "command = 'test ! -e FILE || yes; echo 7'\ninterval = 2",
        "its output is longer than 65536 bytes",
    ),
    (
        "ended",
        "command = 'until test -e FILE; do echo 7; sleep 0.1; done; exit 4'\nmode = 'stream'\ninterval = 2",
        "it ended: exit status 4",
    ),
    (
        "silent",
        "command = 'until test -e FILE; do echo 7; sleep 0.1; done; sleep 1000'\nmode = 'stream'\ninterval = 2\ntimeout = 1",
        "it printed no line for 1 s",
    ),
];

#[test]
fn a_failure_takes_the_last_value_away_at_once_and_a_success_gives_the_next() {
    let folder = Folder::new();
    let wrong = folder.path().join("wrong");
    let mut names = vec!["_meta"];
    for (name, text, _) in TURNS {
        folder.define(name, &text.replace("FILE", wrong.to_str().unwrap()));
        names.push(name);
    }
    let server = folder.serve();
    let mut client = watch(&server, &names.join(","));
    let all_well = |push: &Value| TURNS.iter().all(|(name, ..)| push[name] == 7);
    client.push_with(all_well);
    fs::write(&wrong, "").unwrap();
    for (name, _, reason) in TURNS {
        // The reason and null come in one push: the last value is too young yet to go by itself.
        let push = client.push_with(|push| {
            assert_eq!(
                push[name].is_null(),
                push["_meta"]["err"][name].is_string(),
                "{name}: {push}"
            );
            push[name].is_null()
        });
        assert_eq!(push["_meta"]["err"][name], reason, "{push}");
    }
    fs::remove_file(&wrong).unwrap();
    client.push_with(all_well);
}

#[test]
fn a_stream_whose_child_dies_is_null_with_the_next_push() {
    let folder = Folder::new();
    // Its readings are far apart: the end of the child is told when it comes, not when the next
    // reading is due.
    folder.define(
        "lone",
        "command = 'echo 7; exec sleep 1000'\nmode = 'stream'\ninterval = 60\ntimeout = 900",
    );
    let server = folder.serve();
    let mut client = watch(&server, "_meta,lone");
    client.push_with(|push| push["lone"] == 7);
    let child = nix::unistd::Pid::from_raw(i32::try_from(folder.children()[0]).unwrap());
    nix::sys::signal::kill(child, nix::sys::signal::Signal::SIGKILL).unwrap();
    let push = client.push_with(|push| push["lone"].is_null());
    assert_eq!(push["_meta"]["err"]["lone"], "it ended: killed by SIGKILL");
}

#[test]
fn a_slow_program_that_has_not_failed_keeps_its_last_value() {
    let folder = Folder::new();
    let slow = folder.path().join("slow");
    let text = format!(
        "command = 'test ! -e {0} || sleep 1.2; echo 7'\ninterval = 0.5",
        slow.display()
    );
    folder.define("slow", &text);
    let server = folder.serve();
    let mut client = watch(&server, "_meta,slow");
    client.push_with(|push| push["slow"] == 7);
    fs::write(&slow, "").unwrap();
    // Its age is told once it is more than two intervals, and the value stands.
    let push = client.push_with(|push| push["_meta"]["stale"]["slow"].is_number());
    assert_eq!(
        (&push["slow"], &push["_meta"]["err"]),
        (&Value::from(7), &serde_json::json!({})),
        "{push}"
    );
}

/// What reads a definition on a worker, and its inbox.
fn made(
    text: &str,
) -> (
    Box<Make>,
    WorkerInbox,
    rtstat::testing::plugins::worker::WorkerHandle,
) {
    let definition = Definition::parse(Path::new("/x/many.toml"), text).unwrap();
    let Execution::Worker { make, .. } = exec::entry(definition, SLOT).execution else {
        panic!("no worker")
    };
    let (worker, inbox) = inbox().unwrap();
    (make, inbox, worker)
}

#[test]
fn failures_are_paced_and_a_success_ends_that() {
    let folder = tempfile::tempdir().unwrap();
    let (runs, ok) = (folder.path().join("runs"), folder.path().join("ok"));
    let text = format!(
        "command = 'echo x >> {}; cat {}'\ninterval = 0.5",
        runs.display(),
        ok.display()
    );
    let (make, inbox, _worker) = made(&text);
    let count = || {
        fs::read_to_string(&runs)
            .unwrap_or_default()
            .lines()
            .count()
    };
    let at = |millis| Duration::from_millis(millis);
    let mut source = make(&inbox);
    // Runs are allowed at 0, 1, 3, 7, 15, 31, 63, 123, 183 …: the pause doubles up to a minute.
    let mut expected = 0;
    for (millis, runs) in [
        (0, 1),
        (500, 1),
        (1_000, 2),
        (2_900, 2),
        (3_000, 3),
        (6_900, 3),
        (7_000, 4),
        (15_000, 5),
    ] {
        assert!(source.sample(at(millis)).is_err());
        assert_eq!(count(), runs, "at {millis} ms");
        expected = runs;
    }
    // A new worker does not start anew.
    let mut source = make(&inbox);
    assert!(source.sample(at(16_000)).is_err());
    assert_eq!(count(), expected);
    fs::write(&ok, "5").unwrap();
    assert!(source.sample(at(31_000)).is_ok());
    let reading = source.sample(at(31_300)).unwrap();
    assert_eq!(
        (reading.at(), count()),
        (at(31_000), expected + 1),
        "sooner than its interval"
    );
    assert!(source.sample(at(31_500)).is_ok());
    fs::remove_file(&ok).unwrap();
    assert!(source.sample(at(32_000)).is_err());
    assert!(source.sample(at(33_000)).is_err());
    assert_eq!(
        count(),
        expected + 4,
        "the first pause after a success is the shortest"
    );
}

#[test]
fn a_stream_that_keeps_failing_is_paced_too() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let text = format!(
        "command = 'echo x >> {}; echo 1; exit 1'\nmode = 'stream'",
        runs.display()
    );
    let (make, inbox, _worker) = made(&text);
    let count = || {
        fs::read_to_string(&runs)
            .unwrap_or_default()
            .lines()
            .count()
    };
    let mut source = make(&inbox);
    let mut fail_at = |secs| {
        // It may print its line before it is seen to end.
        while source.sample(Duration::from_secs(secs)).is_ok() {}
    };
    for (secs, runs) in [(1, 1), (1, 1), (2, 2), (3, 2), (4, 3), (7, 3), (8, 4)] {
        fail_at(secs);
        assert_eq!(count(), runs, "at {secs} s");
    }
}

#[test]
fn a_choice_that_changes_back_and_forth_starts_no_flood() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    for mode in ["once", "stream"] {
        let text = format!(
            "command = 'echo x >> {}; sleep 1000'\nmode = '{mode}'",
            runs.display()
        );
        let (make, inbox, worker) = made(&text);
        // Dismissed before it begins, as a worker is whose key nobody wants any more.
        drop(worker);
        for millis in [0, 1, 100, 499] {
            assert_eq!(
                make(&inbox)
                    .sample(Duration::from_millis(millis))
                    .err()
                    .unwrap()
                    .to_string(),
                "it was stopped"
            );
        }
        // The one that was started may have been ended before its first word.
        let count = || {
            fs::read_to_string(&runs)
                .unwrap_or_default()
                .lines()
                .count()
        };
        assert!(count() <= 1, "{mode}: {}", count());
        let _ = fs::remove_file(&runs);
    }
}

/// Thread, descriptors and resident KiB of this process.
fn cost() -> (usize, usize, u64) {
    let count = |folder| fs::read_dir(folder).unwrap().count();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    let kib = resident.trim().trim_end_matches(" kB").parse().unwrap();
    (count("/proc/self/task"), count("/proc/self/fd"), kib)
}

/// Alone in its process, because it counts what that holds: the caller is this very test, and the
/// binary is started again for it.
#[test]
fn ten_thousand_failures_leave_nothing_behind() {
    const INNER: &str = "RT_TEST_ALONE";
    if std::env::var_os(INNER).is_none() {
        let test = "failures::ten_thousand_failures_leave_nothing_behind";
        let alone = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .env(INNER, "1")
            .output_within(Duration::from_secs(300))
            .unwrap();
        assert!(
            alone.status.success(),
            "{}",
            String::from_utf8_lossy(&alone.stderr)
        );
        return;
    }
    let kinds = [
        "command = ['/bin/false']",
        "command = ['/bin/echo', 'no JSON']",
        "command = ['/no/such/program']",
        "command = ['/bin/false']\nmode = 'stream'",
        "command = ['/bin/echo', '{']\nmode = 'stream'",
    ];
    let fail = |rounds: std::ops::Range<u64>| {
        for kind in kinds {
            let (make, inbox, _worker) = made(kind);
            for round in rounds.clone() {
                // A new worker's source each time, as after every watcher, and each pause is over.
                let outcome = make(&inbox).sample(Duration::from_secs(round * 100));
                assert!(matches!(outcome, Err(DriverError::Program(_))), "{kind}");
            }
        }
    };
    fail(0..100);
    let before = cost();
    fail(0..2000);
    let after = cost();
    eprintln!("threads, descriptors, KiB: {before:?} before, {after:?} after 10000 failures");
    assert_eq!((before.0, before.1), (after.0, after.1));
    assert!(after.2 <= before.2 + 2048, "{before:?} {after:?}");
}
