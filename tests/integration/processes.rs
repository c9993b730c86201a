//! What is told of processes, and what is not.

use std::{
    fs,
    process::{Child, Command},
    time::{Duration, Instant},
};

use nix::unistd::geteuid;
use serde_json::Value;

use rtstat_test_support::{ChildInTime, Client, CommandInTime, Rtstatd, config_file, rtstatd};

use crate::namespaces::{again_in, may};

/// What must not be told: an argument, and a variable of the environment.
const SECRETS: [&str; 2] = ["--password=hush-hush", "hush-hush-too"];

/// Processes that end with the test.
struct Planted(Vec<Child>);

impl Drop for Planted {
    fn drop(&mut self) {
        for child in &mut self.0 {
            child.end();
        }
    }
}

/// A busy process with a secret in its arguments and one in its environment.
fn busy() -> Planted {
    let mut busy = Command::new("sh");
    busy.args(["-c", "while :; do :; done", SECRETS[0]])
        .env("TOKEN", SECRETS[1]);
    Planted(vec![busy.spawn().unwrap()])
}

/// What stands behind the name in a line: on the wire a backslash is two, and nothing else in JSON
/// is changed.
fn json(line: &str) -> Value {
    let (_, argument) = line.split_once("::").unwrap();
    serde_json::from_str(&argument.replace("\\\\", "\\")).unwrap()
}

/// All keys that are offered, as a choice.
fn all_keys(client: &mut Client) -> String {
    client.send("info\n");
    let info = json(&client.line_with("Info::"));
    info["plugins"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect::<Vec<_>>()
        .join(",")
}

/// The first push in which the process is among the busiest.
fn push_with(client: &mut Client, pid: u32) -> (String, Value) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let line = client.line_with("Push::");
        let push = json(&line);
        for list in ["cpu", "mem", "io"] {
            assert!(
                push["top"][list]
                    .as_array()
                    .is_none_or(|rows| rows.len() <= 20),
                "{push}"
            );
        }
        let row = push["top"]["cpu"]
            .as_array()
            .and_then(|rows| rows.iter().find(|row| row["pid"] == pid).cloned());
        if let Some(row) = row {
            return (line, row);
        }
        assert!(
            Instant::now() < deadline,
            "it is not among the busiest: {push}"
        );
    }
}

#[test]
fn arguments_and_variables_are_told_to_nobody_and_arguments_only_where_they_are_wanted() {
    let planted = busy();
    let pid = planted.0[0].id();
    let program = Rtstatd::managed(rtstatd(&["server", "--listen", "raw://127.0.0.1:0"]));
    let mut client = Client::raw(program.listener("raw"), "interval::0.5\n");
    let all = all_keys(&mut client);
    assert!(all.contains("top"), "{all}");
    client.send(format!("plugins::{all}\nstart\n"));
    let (line, row) = push_with(&mut client, pid);
    assert!(
        SECRETS.iter().all(|secret| !line.contains(secret)) && row["cmd"].is_null(),
        "{line}"
    );
    assert_eq!(row["name"], "sh");

    let folder = tempfile::tempdir().unwrap();
    let config = config_file(&folder, "[plugins]\ntop_command_lines = true\n");
    let program = Rtstatd::managed(rtstatd(&[
        "server",
        "--listen",
        "raw://127.0.0.1:0",
        "--config",
        &config,
    ]));
    let mut client = Client::raw(
        program.listener("raw"),
        "plugins::top\ninterval::0.5\nstart\n",
    );
    let (line, row) = push_with(&mut client, pid);
    assert!(
        row["cmd"].as_str().unwrap().contains(SECRETS[0]) && !line.contains(SECRETS[1]),
        "{line}"
    );
}

#[test]
fn descriptors_stay_few_however_many_processes_are_watched() {
    const MANY: usize = 150;
    let sleepers = (0..MANY).map(|_| Command::new("sleep").arg("1000").spawn().unwrap());
    let _planted = Planted(sleepers.collect());
    let program = Rtstatd::managed(rtstatd(&["server", "--listen", "raw://127.0.0.1:0"]));
    let choice = "plugins::processes,procs,top\ninterval::0.5\nstart\n";
    let mut client = Client::raw(program.listener("raw"), choice);
    for _ in 0..4 {
        let push = client.push();
        assert!(
            push["procs"]["total"].as_u64() >= Some(MANY as u64),
            "{push}"
        );
        // A walk holds the folder and one file; the rest is what the program needs anyway.
        let open = fs::read_dir(format!("/proc/{}/fd", program.pid()))
            .unwrap()
            .count();
        assert!(open < 50, "{open} descriptors");
    }
}

/// As with `ProtectProc=invisible` and in many hosts' containers: others' processes are not to be
/// seen.
#[test]
fn hidden_processes_are_said_to_be_hidden_and_the_machine_is_shown_as_far_as_it_can_be() {
    let name = "processes::hidden_processes_are_said_to_be_hidden_and_the_machine_is_shown_as_far_as_it_can_be";
    let hide = ["mount", "-t", "proc", "-o", "hidepid=2", "none", "/proc"];
    let may_hide = may(&hide);
    again_in(
        name,
        &["--mount"],
        |unshare| geteuid().is_root() && may_hide(unshare),
        || {
            assert!(
                Command::new(hide[0])
                    .args(&hide[1..])
                    .status_in_time()
                    .unwrap()
                    .success()
            );
            // Root sees everything, and gives that up.
            let program = Rtstatd::managed(rtstatd(&[
                "server",
                "--user",
                "nobody",
                "--listen",
                "raw://127.0.0.1:0",
            ]));
            let choice = "plugins::processes,procs,cpu,net,fs,sock\ninterval::0.5\nstart\n";
            let mut client = Client::raw(program.listener("raw"), choice);
            let push = loop {
                let push = client.push();
                if push["fs"].is_array() && push["cpu"]["all"].is_object() {
                    break push;
                }
            };
            assert_eq!(push["procs"]["visible"], false, "{push}");
            assert!(push["procs"]["total"].as_u64() >= Some(1), "{push}");
            // The first process cannot be asked; our own view is what is left, and said to be.
            assert!(push["net"]["if"]["lo"].is_object(), "{push}");
            let rows = push["fs"].as_array().unwrap();
            assert!(
                rows.iter().any(|row| row["mnt"] == "/")
                    && rows.iter().all(|row| row["by"] == "self"),
                "{push}"
            );
            assert_eq!(
                (&push["net"]["by"], &push["sock"]["by"]),
                (&"self".into(), &"self".into()),
                "{push}"
            );
            assert_eq!(program.stop().0.code(), Some(0));
        },
    );
}
