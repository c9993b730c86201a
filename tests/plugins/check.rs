//! `rtstatd check-plugin`, and the examples that it is to be tried with.

use std::{
    fs,
    process::{Command, Output},
};

use rtstat_test_support::CommandInTime;

use super::definitions::Folder;

/// The program's answer about one definition of the folder.
fn check(folder: &Folder, name: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rtstatd"));
    command
        .args(["check-plugin", name])
        .env("RTSTAT_PLUGINS_DIR", folder.path());
    command.output_in_time().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The rest of the line that begins with a word.
fn line<'a>(output: &'a Output, word: &str) -> &'a str {
    let found = text(&output.stdout)
        .lines()
        .find_map(|line| line.strip_prefix(word));
    found
        .unwrap_or_else(|| panic!("no {word}: {output:?}"))
        .trim()
}

#[test]
fn a_good_plugin_is_shown_as_a_page_gets_it() {
    let folder = Folder::new();
    folder.define(
        "queue",
        "command = 'echo \"{ \\\"value\\\": 7 }\"; echo careful >&2'\nunit = 'jobs'\nwarn = 5",
    );
    let output = check(&folder, "queue");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(line(&output, "plugin"), "queue");
    assert_eq!(line(&output, "value"), r#"{"value":7}"#);
    assert_eq!(line(&output, "usable"), "yes");
    assert_eq!(
        line(&output, "info"),
        r#"{"kind":"gauge","unit":"jobs","min_interval":5.0,"default":false,"warn":5.0}"#
    );
    assert!(line(&output, "time").ends_with(" ms"));
    assert!(
        text(&output.stderr).contains("plugin queue: standard error: careful"),
        "{output:?}"
    );
    folder.wait_for_no_children();
}

#[test]
fn a_bad_one_is_told_why_and_fails() {
    let folder = Folder::new();
    folder.define("crash", "command = 'exit 3'");
    folder.define(
        "silent",
        "command = 'sleep 1000'\nmode = 'stream'\ntimeout = 0.2",
    );
    folder.define("typo", "comand = 'true'");
    folder.define("cpu", "command = 'echo 1'");
    for (name, code, reason) in [
        ("crash", 69, "no: exit status 3"),
        ("silent", 69, "no: it printed no line for 0.2 s"),
    ] {
        let output = check(&folder, name);
        assert_eq!(
            (output.status.code(), line(&output, "usable")),
            (Some(code), reason),
            "{name}"
        );
        assert_eq!(line(&output, "value"), "null");
    }
    for (name, code, reason) in [
        (
            "typo",
            78,
            "typo.toml:1: unknown key comand; the nearest known key is command\n",
        ),
        (
            "cpu",
            78,
            "cpu.toml: the name cpu is taken by a built-in key: rename the file\n",
        ),
        (
            "absent",
            78,
            "absent.toml: cannot be read: No such file or directory (os error 2)\n",
        ),
    ] {
        let output = check(&folder, name);
        assert_eq!(output.status.code(), Some(code), "{name}");
        assert!(text(&output.stderr).ends_with(reason), "{output:?}");
    }
    folder.wait_for_no_children();
}

#[test]
fn a_slow_plugin_is_warned_of_and_streams_are_checked_too() {
    let folder = Folder::new();
    folder.define("slow", "command = 'sleep 0.2; echo 1'\ninterval = 0.1");
    folder.define(
        "stream",
        "command = 'for n in 1 2 3; do echo $n; sleep 0.3; done; sleep 1000'\nmode = 'stream'",
    );
    assert_eq!(
        line(&check(&folder, "slow"), "warning"),
        "it takes longer than its interval of 0.1 s"
    );
    assert!(
        line(&check(&folder, "stream"), "value")
            .parse::<u32>()
            .is_ok()
    );
    folder.wait_for_no_children();
}

#[test]
fn the_examples_work() {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/examples");
    let folder = Folder::new();
    let mut names = Vec::new();
    for entry in fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        // Where the packages put them, and where they are here, for any user.
        let text = text.replace(
            "/usr/share/doc/rtstat/examples",
            folder.path().to_str().unwrap(),
        );
        fs::write(folder.path().join(&name), text).unwrap();
        names.extend(name.strip_suffix(".toml").map(str::to_owned));
    }
    names.sort();
    assert_eq!(names, ["reboot", "wakeup"]);
    for name in names {
        let output = check(&folder, &name);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let value: serde_json::Value = serde_json::from_str(line(&output, "value")).unwrap();
        assert!(value["value"].is_number(), "{value}");
    }
}
