//! What children are given, and what is left of them.

use std::{
    fs,
    process::{Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use rtstat_test_support::{ChildInTime, Client, wait_until};

use super::definitions::{Folder, watch};

#[test]
fn children_inherit_no_descriptor_and_no_secret() {
    let folder = Folder::new();
    folder.define("idle", "command = ['sleep', '1000']\ntimeout = 900");
    let secret = [
        ("NOTIFY_SOCKET", "/nowhere"),
        ("WATCHDOG_USEC", "30000000"),
        ("CREDENTIALS_DIRECTORY", "/nowhere"),
        ("RTSTAT_MAX_CLIENTS", "20"),
        ("SOMETHING_ELSE", "x"),
    ];
    let server = folder.serve_with(&secret);
    // Many descriptors are open while the child starts.
    let others: Vec<_> = (0..10).map(|_| Client::connect(server.address())).collect();
    let client = watch(&server, "idle");
    wait_until("it runs", || !folder.children().is_empty());
    let child = format!("/proc/{}", folder.children()[0]);
    let fds = fs::read_dir(format!("{child}/fd")).unwrap();
    let mut fds: Vec<_> = fds
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    fds.sort();
    assert_eq!(fds, ["0", "1", "2"]);
    assert_eq!(
        fs::read_link(format!("{child}/fd/0")).unwrap().to_str(),
        Some("/dev/null")
    );
    assert_eq!(
        fs::read_link(format!("{child}/cwd")).unwrap().to_str(),
        Some("/")
    );
    let environ = fs::read_to_string(format!("{child}/environ")).unwrap();
    let allowed = [
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "TZ",
        "TMPDIR",
        "RT_TEST_MARK",
    ];
    for line in environ.split_terminator('\0') {
        assert!(allowed.contains(&line.split('=').next().unwrap()), "{line}");
    }
    drop((others, client));
    folder.wait_for_no_children();
}

/// A fork bomb that stops itself at 200 processes, all of which ignore SIGTERM.
const BOMB: &str = r#"
command = '''
trap '' TERM
n=0; while [ $n -lt 200 ]; do n=$((n+1)); sleep 1000 & done
echo "{\"n\":$n}"
while :; do sleep 1000; done
'''
mode = "stream"
"#;

#[test]
fn a_whole_group_ends_when_nobody_watches() {
    let folder = Folder::new();
    folder.define("bomb", BOMB);
    let server = folder.serve();
    let mut client = watch(&server, "bomb");
    client.push_with(|push| push["bomb"]["n"] == 200);
    assert!(folder.children().len() > 200, "{}", folder.children().len());
    drop(client);
    folder.wait_for_no_children();
}

#[test]
fn a_time_out_ends_the_whole_group() {
    let folder = Folder::new();
    folder.define(
        "hang",
        "command = 'trap \"\" TERM; (sleep 1000; echo 1) & sleep 1000; sleep 1000'\ntimeout = 0.5",
    );
    let server = folder.serve();
    let mut client = watch(&server, "_meta,hang");
    let push = client.push_with(|push| push["_meta"]["err"]["hang"].is_string());
    assert_eq!(push["_meta"]["err"]["hang"], "it did not end within 0.5 s");
    folder.wait_for_no_children();
}

/// Two generations away, in a session of its own, deaf to SIGTERM, and with a child in yet another
/// session.
const RUNAWAY: &str = r#"
command = '''
sh -c 'setsid sh -c "trap \"\" TERM; setsid sleep 1000 & sleep 1000" & wait' &
sleep 1000
'''
timeout = 2
"#;

#[test]
fn a_time_out_ends_what_has_left_the_group() {
    let folder = Folder::new();
    folder.define("runaway", RUNAWAY);
    let server = folder.serve();
    let mut client = watch(&server, "_meta,runaway");
    wait_until("all run", || folder.children().len() >= 6);
    let push = client.push_with(|push| push["_meta"]["err"]["runaway"].is_string());
    assert_eq!(push["_meta"]["err"]["runaway"], "it did not end within 2 s");
    drop(client);
    folder.wait_for_no_children();
}

#[test]
fn the_servers_end_ends_what_has_left_the_group() {
    let folder = Folder::new();
    folder.define("runaway", &RUNAWAY.replace("timeout = 2", "timeout = 900"));
    let mut server = folder.serve();
    let _client = watch(&server, "runaway");
    wait_until("all run", || folder.children().len() >= 6);
    server.end(Signal::SIGTERM);
    folder.wait_for_no_children();
}

#[test]
fn what_a_program_leaves_running_ends_with_it() {
    let folder = Folder::new();
    folder.define("leaver", "command = 'sleep 1000 & echo 7'\ninterval = 60");
    let server = folder.serve();
    let mut client = watch(&server, "leaver");
    assert_eq!(
        client.push_with(|push| !push["leaver"].is_null())["leaver"],
        7
    );
    folder.wait_for_no_children();
}

#[test]
fn a_run_that_nobody_waits_for_any_more_is_ended() {
    let folder = Folder::new();
    folder.define("slow", "command = ['sleep', '1000']\ntimeout = 900");
    let server = folder.serve();
    let mut client = watch(&server, "slow");
    wait_until("it runs", || !folder.children().is_empty());
    // Another choice, not the end of the session.
    client.send("plugins::uptime\n");
    folder.wait_for_no_children();
    // It can be watched again, once, however often the choice changes.
    for _ in 0..5 {
        client.send("plugins::slow\nplugins::uptime\n");
    }
    client.send("plugins::slow\n");
    wait_until("it runs again", || !folder.children().is_empty());
    client.push();
    client.push();
    assert_eq!(folder.children().len(), 1);
}

#[test]
fn the_servers_end_is_the_end_of_its_children() {
    let folder = Folder::new();
    folder.define("bomb", BOMB);
    folder.define(
        "slow",
        "command = 'trap \"\" TERM; sleep 1000; sleep 1000'\ntimeout = 900",
    );
    let mut server = folder.serve();
    let mut client = watch(&server, "bomb,slow");
    client.push_with(|push| push["bomb"].is_object());
    assert_eq!(server.end(Signal::SIGTERM).code(), Some(0));
    folder.wait_for_no_children();
}

#[test]
fn a_signal_to_a_command_that_serves_nobody_ends_its_children_too() {
    let cases: [(&[&str], Signal); 3] = [
        (
            &["sample", "--interval", "0.5", "--plugins", "deaf"],
            Signal::SIGINT,
        ),
        (
            &["sample", "--interval", "0.5", "--plugins", "deaf"],
            Signal::SIGTERM,
        ),
        (&["check-plugin", "deaf"], Signal::SIGINT),
    ];
    for (words, signal) in cases {
        let folder = Folder::new();
        folder.define(
            "deaf",
            "command = 'trap \"\" TERM INT; sleep 1000 & sleep 1000'\ntimeout = 900",
        );
        let mut command = Command::new(env!("CARGO_BIN_EXE_rtstatd"));
        command
            .args(words)
            .env("RTSTAT_PLUGINS_DIR", folder.path())
            .stdout(Stdio::piped());
        let mut program = command.spawn().unwrap();
        wait_until("its children run", || folder.children().len() == 3);
        // While a process is started, all of its signals are blocked for a moment.
        wait_until("SIGTERM, SIGINT and SIGHUP reach them", || {
            let mask = |child: &u32| {
                let status = fs::read_to_string(format!("/proc/{child}/status")).ok()?;
                u64::from_str_radix(
                    status
                        .lines()
                        .find_map(|line| line.strip_prefix("SigBlk:\t"))?,
                    16,
                )
                .ok()
            };
            folder
                .children()
                .iter()
                .all(|child| mask(child).is_some_and(|mask| mask & (1 << 14 | 1 << 1 | 1) == 0))
        });
        kill(Pid::from_raw(i32::try_from(program.id()).unwrap()), signal).unwrap();
        assert_eq!(
            program.wait_in_time().unwrap().code(),
            Some(128 + signal as i32),
            "{words:?}"
        );
        folder.wait_for_no_children();
    }
}

#[test]
fn nothing_runs_before_somebody_watches() {
    let folder = Folder::new();
    let touched = folder.path().join("touched");
    folder.define(
        "lazy",
        &format!("command = 'echo 1; touch {}'", touched.display()),
    );
    let server = folder.serve();
    let mut client = watch(&server, "uptime");
    client.info();
    client.push();
    client.push();
    assert!(folder.children().is_empty());
    assert!(!fs::exists(&touched).unwrap());
}
