//! Sockets passed as systemd passes them: descriptors from 3 on, named, for this very process.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    os::fd::OwnedFd,
    process::{Command, Output, Stdio},
};

use nix::sys::signal::Signal;

use rtstat_test_support::{CommandInTime, Rtstatd, config_file, connect};

/// The program with one passed socket. A shell moves the socket from standard input to descriptor 3
/// and becomes the program, so that `LISTEN_PID` is right.
pub fn activated(socket: impl Into<OwnedFd>, name: &str, words: &[&str]) -> Command {
    let script = "exec 3<&0 0</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$0\" \"$@\"";
    let mut command = Command::new("sh");
    command
        .args(["-c", script, env!("CARGO_BIN_EXE_rtstatd")])
        .args(words);
    command
        .env_remove("NOTIFY_SOCKET")
        .env("LISTEN_FDNAMES", name)
        .stdin(Stdio::from(socket.into()));
    command
}

fn check(name: &str, words: &[&str]) -> Output {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    activated(listener, name, &[&["server", "--check"], words].concat())
        .output_in_time()
        .unwrap()
}

#[test]
fn passed_sockets_replace_listening() {
    let output = check("websocket", &["-w", "-p", "1"]);
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(
        report.contains("\nlisten            the sockets passed by systemd\n"),
        "{report}"
    );
    assert!(!report.contains("raw://"), "{report}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn what_cannot_be_served_is_refused() {
    let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    let output = activated(one, "websocket", &["server"])
        .output_in_time()
        .unwrap();
    let line = "error: passed socket websocket (descriptor 3): it does not listen; expected a listening stream \
                socket (ListenStream=, Accept=no)\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), line);
    assert_eq!(output.status.code(), Some(78));
}

/// One connection's whole answer to a request.
fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    // The server may close before it has read the request; what it said first still counts.
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn a_wrong_configuration_keeps_the_port_open_until_it_is_right() {
    let version = env!("CARGO_PKG_VERSION");
    let welcome = format!("Welcome::Rt-Stat v.{version}\nVersion::{version}\n");
    for (name, request, refused, served) in [
        (
            "raw",
            "version\nquit\n",
            "Error::Server is misconfigured\n",
            welcome.as_str(),
        ),
        (
            "websocket",
            "GET /no-such-file HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 503 ",
            "HTTP/1.1 404 ",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = config_file(&folder, "\nport = 70000");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut program =
            Rtstatd::managed(activated(listener, name, &["server", "--config", &path]));
        let fault = format!("{path}:2: port 70000: expected 1 to 65535");
        assert!(program.status.contains(&fault), "{}", program.status);
        for _ in 0..100 {
            let answer = ask(address, request);
            assert!(answer.starts_with(refused), "{name}: {answer}");
        }
        fs::write(&path, "").unwrap();
        program.signal(Signal::SIGHUP);
        program.wait_for("RELOADING=1");
        program.wait_for("READY=1");
        let answer = ask(address, request);
        assert!(answer.starts_with(served), "{name}: {answer}");
        assert_eq!(program.stop().0.code(), Some(0));
    }
}

#[test]
fn who_comes_while_an_idle_program_ends_is_served_by_the_next() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let words = ["server", "--exit-on-idle", "1"];
    let mut first = Rtstatd::managed(activated(listener.try_clone().unwrap(), "raw", &words));
    first.wait_for("STOPPING=1");
    let mut waiting = connect(address).unwrap();
    let (status, said) = first.ended();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.contains("no connection for 1 s"), "{said}");
    let second = Rtstatd::managed(activated(listener, "raw", &["server"]));
    waiting.write_all(b"quit\n").unwrap();
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("Welcome::"), "{answer}");
    assert_eq!(second.stop().0.code(), Some(0));
}
