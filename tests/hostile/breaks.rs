//! What breaks around the program: it is killed, stopped and run out of descriptors, and goes on or comes back.

use std::process::Command;

use nix::sys::signal::Signal;

use super::{
    agent::{Agent, eventually},
    client::Client,
    watcher::Watcher,
};

const WELCOME: &str = concat!("Welcome::Rt-Stat v.", env!("CARGO_PKG_VERSION"), "\n");

#[test]
fn a_killed_server_starts_again_on_the_same_socket_file() {
    let folder = tempfile::tempdir().unwrap();
    let scheme = format!("raw+unix:{}", folder.path().join("s").display());
    let greeted = || {
        let stream = std::os::unix::net::UnixStream::connect(folder.path().join("s")).unwrap();
        Client::over(stream).line() == WELCOME
    };
    let agent = Agent::start(&[&scheme], &[]);
    assert!(greeted());
    agent.end(Signal::SIGKILL);
    let again = Agent::start(&[&scheme], &[]);
    assert!(greeted());
    assert_eq!(again.end(Signal::SIGTERM).code(), Some(0));
}

#[test]
fn no_burst_of_late_pushes_follows_a_stop() {
    let agent = Agent::start(&["raw"], &[]);
    let mut client = Client::connect(agent.address("raw"));
    client.send("plugins::_meta\ninterval::0.5\nstart\n");
    let mut mono = || {
        let line = client.line();
        let json = line.strip_prefix("Push::")?.to_owned();
        serde_json::from_str::<serde_json::Value>(&json).unwrap()["_meta"]["mono"].as_f64()
    };
    let mut times: Vec<f64> = Vec::new();
    while times.len() < 2 {
        times.extend(mono());
    }
    agent.signal(Signal::SIGSTOP);
    std::thread::sleep(std::time::Duration::from_secs(3));
    agent.signal(Signal::SIGCONT);
    while times.len() < 6 {
        times.extend(mono());
    }
    let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let late: Vec<&f64> = gaps.iter().filter(|gap| **gap > 2.0).collect();
    assert_eq!(late.len(), 1, "{gaps:?}");
    // One push at once for those that were missed, then the old rhythm: at most one gap is shorter than an interval.
    let short = gaps.iter().filter(|gap| **gap < 0.4).count();
    assert!(short <= 1, "{gaps:?}");
}

#[test]
fn when_descriptors_run_out_sessions_go_on_and_service_recovers() {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 64; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_rtstatd")]);
    let agent = Agent::start_as(command, &["raw"], &["--max-clients", "0"]);
    let watcher = Watcher::start(agent.address("raw"));
    let crowd: Vec<Client> = (0..100).map(|_| Client::connect(agent.address("raw"))).collect();
    agent.logged("no connection can be accepted for now, those that are open go on");
    watcher.next();
    watcher.next();
    let lines = agent.log().lines().count();
    assert!(lines < 200, "{lines} lines");
    drop(crowd);
    eventually("service after the crowd", || {
        let mut client = Client::connect(agent.address("raw"));
        (client.line() == WELCOME).then_some(())
    });
    agent.logged("connections are accepted again");
    watcher.finish();
}

/// Standard error is closed, full, or a pipe that nobody reads: lines are lost, sessions are not.
#[test]
fn a_journal_that_is_gone_stops_nothing() {
    let agent = Agent::start(&["raw"], &[]);
    let address = agent.address("raw");
    drop(agent);
    for redirection in ["2>&-", "2>/dev/full"] {
        let script = format!("exec \"$0\" server --listen raw://{address} {redirection}");
        let mut child = Command::new("sh").args(["-c", &script, env!("CARGO_BIN_EXE_rtstatd")]).spawn().unwrap();
        let greeted = eventually("the greeting", || {
            let stream = std::net::TcpStream::connect(address).ok()?;
            Some(Client::over(stream).line())
        });
        assert_eq!(greeted, WELCOME, "{redirection}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
