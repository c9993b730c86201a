//! Sockets passed as systemd passes them: descriptors from 3 on, named, for this very process.

use std::{
    net::TcpListener,
    os::fd::OwnedFd,
    process::{Command, Output, Stdio},
};

/// The program with one passed socket. A shell moves the socket from standard input to descriptor 3 and becomes the
/// program, so that `LISTEN_PID` is right.
pub fn activated(socket: impl Into<OwnedFd>, name: &str, words: &[&str]) -> Command {
    let script = "exec 3<&0 0</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$0\" \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_rtstatd")]).args(words);
    command.env_remove("NOTIFY_SOCKET").env("LISTEN_FDNAMES", name).stdin(Stdio::from(socket.into()));
    command
}

fn check(name: &str, words: &[&str]) -> Output {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    activated(listener, name, &[&["server", "--check"], words].concat()).output().unwrap()
}

#[test]
fn passed_sockets_replace_listening() {
    let output = check("websocket", &["-w", "-p", "1"]);
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(report.contains("\nlisten            the sockets passed by systemd\n"), "{report}");
    assert!(!report.contains("raw://"), "{report}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn what_cannot_be_served_is_refused() {
    let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    let output = activated(one, "websocket", &["server"]).output().unwrap();
    let line = "error: passed socket websocket (descriptor 3): it does not listen; accepted are listening stream \
                sockets (ListenStream=, Accept=no)\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), line);
    assert_eq!(output.status.code(), Some(78));
}
