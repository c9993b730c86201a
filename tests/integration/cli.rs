//! What the command line answers before anything is opened.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Command, Output, Stdio},
};

use rtstat_test_support::CommandInTime;

/// The program with a clean environment and no configuration file of the machine.
fn rtstatd(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rtstatd"));
    command
        .args(words)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null());
    command
}

fn run(words: &[&str]) -> Output {
    rtstatd(words).output_in_time().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn wrong_values_are_one_line_and_an_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.toml");
    fs::write(&empty, "").unwrap();
    let open = folder.path().join("token");
    fs::write(&open, "secret").unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    let (empty, open) = (empty.to_str().unwrap(), open.to_str().unwrap());
    let open_line =
        format!("error: --auth-token-file {open}: others have access (mode 0644): chmod 0640 it\n");
    for (words, code, line) in [
        (
            vec!["-p", "0"],
            64,
            "error: --port 0: expected 1 to 65535\n",
        ),
        (
            vec!["-p", "70000"],
            64,
            "error: --port 70000: expected 1 to 65535\n",
        ),
        (
            vec!["-p", "abc"],
            64,
            "error: --port abc: expected 1 to 65535\n",
        ),
        (
            vec!["--max-clients", "-1"],
            64,
            "error: --max-clients -1: expected 0 to 1000000, 0 = no limit\n",
        ),
        (
            vec!["-a", ""],
            64,
            "error: --auth-token: the token is empty: leave it out to serve without a token\n",
        ),
        (vec!["--auth-token-file", open], 78, &open_line),
        (
            vec!["--user", "no-such-user"],
            78,
            "error: --user no-such-user: there is no such user\n",
        ),
        (
            vec!["--no-such-option"],
            64,
            "error: unexpected argument '--no-such-option' found (see rtstatd --help)\n",
        ),
        (
            vec!["--listen", "ws://192.0.2.1:0", "--user", "root"],
            69,
            "error: ws://192.0.2.1:0: this machine has no address 192.0.2.1\n",
        ),
    ] {
        let root_only = words.contains(&"root") && !nix::unistd::Uid::effective().is_root();
        let words: Vec<&str> = words
            .into_iter()
            .filter(|word| !root_only || !["--user", "root"].contains(word))
            .collect();
        let output = run(&[&["server", "--config", empty], words.as_slice()].concat());
        assert_eq!(text(&output.stderr), line, "{words:?}");
        assert_eq!(output.status.code(), Some(code), "{words:?}");
        assert!(output.stdout.is_empty(), "{words:?}");
    }
}

#[test]
fn an_address_in_use_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let output = run(&["server", "--listen", &format!("ws://{address}")]);
    let line =
        format!("error: ws://{address}: the address {address} is in use by another program\n");
    assert_eq!(text(&output.stderr), line);
    assert_eq!(output.status.code(), Some(69));
}

#[test]
fn check_prints_what_would_run_and_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("rtstat.toml");
    fs::write(
        &config,
        "max_clients = 3\nlisten = ['raw://127.0.0.1:1', 'ws://[::1]:2']\n",
    )
    .unwrap();
    let config = config.to_str().unwrap();
    let output = rtstatd(&["server", "--check", "--config", config])
        .env("RTSTAT_EXIT_ON_IDLE", "300")
        .output_in_time()
        .unwrap();
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    let report = text(&output.stdout);
    for line in [
        "listen            raw://127.0.0.1:1",
        "listen            ws://[::1]:2",
        "max_clients       3",
        "exit_on_idle      300 s",
    ] {
        assert!(
            report.lines().any(|found| found == line),
            "{line}: {report}"
        );
    }
}

#[test]
fn check_never_shows_a_token() {
    let output = run(&["server", "--check", "-a", "geheim"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(!text(&output.stdout).contains("geheim") && !text(&output.stderr).contains("geheim"));
    assert!(
        text(&output.stderr).contains("--auth-token: every local user can read a command line")
    );
    let quiet = run(&["server", "--check", "-q", "-a", "geheim"]);
    assert_eq!(text(&quiet.stderr), "");
}

#[test]
fn a_standard_error_that_is_gone_changes_nothing() {
    for redirection in ["2>&-", "2>/dev/full"] {
        let script = format!("exec \"$0\" server -p 0 {redirection}");
        let status = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_rtstatd")])
            .status_in_time()
            .unwrap();
        assert_eq!(status.code(), Some(64), "{redirection}");
    }
}

#[test]
fn help_and_version_are_answers() {
    for (word, wanted) in [
        ("--help", "Usage: rtstatd"),
        ("--version", concat!("rtstatd ", env!("CARGO_PKG_VERSION"))),
    ] {
        let output = run(&[word]);
        assert_eq!(output.status.code(), Some(0), "{word}");
        assert!(text(&output.stdout).contains(wanted), "{word}");
    }
}
