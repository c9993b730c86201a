//! `rtstatd sample` in pipes and scripts.

use std::process::{Command, Stdio};

use rtstat_test_support::{ChildInTime, CommandInTime, rtstatd};

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let mut command = rtstatd(&["sample", "--interval", "0.05"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let line = child.line_in_time().unwrap();
    let push: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(push.as_object().unwrap().len(), 4);
    let output = child.output_in_time().unwrap();
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), &b""[..])
    );
}

#[test]
fn so_many_objects_of_these_keys_each_on_its_line() {
    let words = [
        "sample",
        "--interval",
        "0.05",
        "--count",
        "3",
        "--plugins",
        "uptime,meminfo",
    ];
    let output = rtstatd(&words).output_in_time().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    for line in lines.lines() {
        let push: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(
            push.as_object().unwrap().keys().collect::<Vec<_>>(),
            ["meminfo", "uptime"]
        );
        // The order of the wire, whatever the order of the option.
        assert!(line.starts_with("{\"meminfo\":"), "{line}");
    }
    assert_eq!((lines.lines().count(), output.status.code()), (3, Some(0)));
}

#[test]
fn a_full_disk_is_told() {
    let mut command = Command::new("sh");
    command.args([
        "-c",
        "exec \"$0\" sample --count 1 >/dev/full",
        env!("CARGO_BIN_EXE_rtstatd"),
    ]);
    let output = command.output_in_time().unwrap();
    let line = "error: standard output: No space left on device (os error 28)\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), line);
    assert_eq!(output.status.code(), Some(69));
}

#[test]
fn a_key_that_is_not_offered_is_refused_with_those_that_are() {
    let output = rtstatd(&["sample", "--plugins", "cpu_stat,nope"])
        .output_in_time()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with(
            "error: --plugins nope: expected one of cpu_stat, meminfo, processes, uptime, "
        ),
        "{said}"
    );
    assert_eq!((said.lines().count(), output.status.code()), (1, Some(64)));
}
