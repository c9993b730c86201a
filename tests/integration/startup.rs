//! From the start to the first connection, reloads, and the end, on the real program.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::Command,
};

use nix::{sys::signal::Signal, unistd::Uid};

use rtstat_test_support::{Rtstatd, config_file, connect, connect_unix, rtstatd};

const RAW: [&str; 3] = ["server", "--listen", "raw://127.0.0.1:0"];

/// The first line that a raw connection is sent.
fn greeting(address: SocketAddr) -> String {
    let mut line = String::new();
    BufReader::new(connect(address).unwrap())
        .read_line(&mut line)
        .unwrap();
    line
}

fn welcome() -> String {
    format!("Welcome::Rt-Stat v.{}\n", env!("CARGO_PKG_VERSION"))
}

#[test]
fn the_chosen_port_is_told_and_served() {
    let program = Rtstatd::managed(rtstatd(&RAW));
    let address = program.address();
    assert_eq!(greeting(address), welcome());
    let (status, said) = program.stop();
    assert_eq!(status.code(), Some(0));
    assert!(
        said.contains(&format!("INFO  listening on raw://{address}")),
        "{said}"
    );
}

#[test]
fn root_is_left_behind() {
    let program = Rtstatd::managed(rtstatd(&RAW));
    let status = program.proc("status");
    let field = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap()
            .trim()
            .to_owned()
    };
    if Uid::effective().is_root() {
        let uids = field("Uid:");
        assert!(!uids.split_whitespace().any(|uid| uid == "0"), "{uids}");
        for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
            assert_eq!(field(set), "0000000000000000", "{set}");
        }
        assert_eq!(field("NoNewPrivs:"), "1");
    } else {
        assert!(field("Uid:").starts_with(&Uid::effective().to_string()));
    }
}

#[test]
fn all_allowed_descriptors_are_available() {
    let program = Rtstatd::managed(rtstatd(&RAW));
    let limits = program.proc("limits");
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .unwrap();
    let values: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(values[3], values[4], "{line}");
}

#[test]
fn quiet_is_silent() {
    let program = Rtstatd::managed(rtstatd(&[&RAW[..], &["-q"]].concat()));
    greeting(program.address());
    let (status, said) = program.stop();
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
}

#[test]
fn a_standard_error_that_went_away_stops_nothing() {
    let (reader, writer) = std::io::pipe().unwrap();
    let program = Rtstatd::managed_unread(rtstatd(&[&RAW[..], &["-vvv"]].concat()), writer.into());
    drop(reader);
    for _ in 0..3 {
        assert_eq!(greeting(program.address()), welcome());
    }
    assert_eq!(program.stop().0.code(), Some(0));
}

#[test]
fn hangup_reads_the_configuration_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = config_file(&folder, "");
    let mut program = Rtstatd::managed(rtstatd(&[&RAW[..], &["--config", &path]].concat()));
    for (toml, said) in [
        ("max_clients = 5", "reloaded"),
        ("max_clients = 'x'", "old one stays"),
    ] {
        fs::write(&path, toml).unwrap();
        program.signal(Signal::SIGHUP);
        let report = program.wait_for("RELOADING=1");
        assert!(
            report
                .lines()
                .any(|line| line.starts_with("MONOTONIC_USEC=")),
            "{said}: {report}"
        );
        program.wait_for("READY=1");
        assert_eq!(greeting(program.address()), welcome(), "{said}");
    }
    let (status, said) = program.stop();
    assert_eq!(status.code(), Some(0));
    assert!(said.contains("configuration reloaded"), "{said}");
    let fault = format!("{path}:1: max_clients x: expected 0 to 1000000, 0 = no limit");
    assert!(said.contains(&fault), "{said}");
}

#[test]
fn a_reload_says_what_waits_for_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = config_file(&folder, "listen = 'raw://127.0.0.1:0'");
    let mut program = Rtstatd::managed(rtstatd(&["server", "--config", &path]));
    fs::write(&path, "listen = 'raw://127.0.0.1:1'").unwrap();
    program.signal(Signal::SIGHUP);
    program.wait_for("RELOADING=1");
    program.wait_for("READY=1");
    assert_eq!(greeting(program.address()), welcome());
    let (_, said) = program.stop();
    assert!(
        said.contains("WARN  listen: the new setting takes effect with the next start"),
        "{said}"
    );
}

#[test]
fn a_hangup_that_was_ignored_at_the_start_stays_so() {
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            "trap '' HUP; exec \"$0\" \"$@\"",
            env!("CARGO_BIN_EXE_rtstatd"),
        ])
        .args(RAW);
    let program = Rtstatd::managed(command);
    program.signal(Signal::SIGHUP);
    assert_eq!(greeting(program.address()), welcome());
    let (status, said) = program.stop();
    assert_eq!(status.code(), Some(0));
    assert!(!said.contains("reload"), "{said}");
}

#[test]
fn a_socket_file_is_removed_by_who_may() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let url = format!("raw+unix:{}", path.display());
    let mut words = vec!["server", "--listen", &url];
    if Uid::effective().is_root() {
        words.extend(["--user", "root"]);
    }
    let program = Rtstatd::managed(rtstatd(&words));
    let mut line = String::new();
    BufReader::new(connect_unix(&path).unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, welcome());
    assert_eq!(program.stop().0.code(), Some(0));
    assert!(!path.exists());
}
