//! What breaks around the program: it is killed, stopped and run out of descriptors, and goes on or
//! comes back.

use std::{os::unix::fs::MetadataExt, process::Command};

use nix::{sys::signal::Signal, unistd::Uid};

use rtstat_test_support::{
    ChildInTime, Client, CommandInTime, Rtstatd, Start, connect, connect_unix, eventually, rtstatd,
};

use super::watcher::Watcher;

const WELCOME: &str = concat!("Welcome::Rt-Stat v.", env!("CARGO_PKG_VERSION"), "\n");

#[test]
fn a_killed_server_starts_again_on_the_same_socket_file() {
    let folder = tempfile::tempdir().unwrap();
    let scheme = format!("raw+unix:{}", folder.path().join("s").display());
    let greeted = || {
        let stream = connect_unix(folder.path().join("s")).unwrap();
        Client::over(stream).line() == WELCOME
    };
    let mut agent = Rtstatd::start_as_this_user(&[&scheme], &[]);
    assert!(greeted());
    agent.end(Signal::SIGKILL);
    let mut again = Rtstatd::start_as_this_user(&[&scheme], &[]);
    assert!(greeted());
    assert_eq!(again.end(Signal::SIGTERM).code(), Some(0));
}

#[test]
fn a_killed_server_starts_again_on_the_same_port_beside_what_is_left_of_its_sessions() {
    let mut agent = Rtstatd::start_as_this_user(&["raw"], &[]);
    let address = agent.listener("raw");
    let mut left: Vec<Client> = (0..9).map(|_| Client::connect(address)).collect();
    for client in &mut left {
        client.send("interval::0.5\nstart\n");
        assert_eq!(client.line(), WELCOME);
        assert!(client.line().starts_with("Push::"));
    }
    agent.end(Signal::SIGKILL);
    let mut again = Command::new(env!("CARGO_BIN_EXE_rtstatd"));
    let mut again = again
        .args(["server", "--listen", &format!("raw://{address}")])
        .spawn()
        .unwrap();
    let greeted = eventually("the greeting of the next server", || {
        let stream = connect(address).ok()?;
        Some(Client::over(stream).line())
    });
    assert_eq!(greeted, WELCOME);
    for mut client in left {
        // Its last pushes, and then the end.
        client.rest();
    }
    again.kill().unwrap();
    again.wait_in_time().unwrap();
}

/// Nothing is written, so nothing misses the room or the right to write: every disk is read-only,
/// and the folders that programs like to write to are full.
#[test]
fn disks_that_are_full_or_read_only_are_not_noticed() {
    // The program is opened first: where it was built may lie below one of the folders.
    let inside = "set -e; exec 9<\"$0\"; mount --make-rprivate /
        for folder in /tmp /var/tmp /dev/shm /run; do
            mount -t tmpfs -o size=4k,nr_inodes=4 full $folder; ! head -c 100000 /dev/zero 2>&- >$folder/full
        done
        mount -o remount,bind,ro /; exec /proc/self/fd/9 \"$@\"";
    let unshare = || {
        let mut unshare = Command::new("unshare");
        let rights = if Uid::effective().is_root() {
            &[][..]
        } else {
            &["--user", "--map-root-user"]
        };
        unshare.args(rights).args(["--mount", "sh", "-c", inside]);
        unshare
    };
    if !unshare()
        .arg("/bin/true")
        .output_in_time()
        .is_ok_and(|made| made.status.success())
        && std::env::var_os("CI").is_none()
    {
        return eprintln!("not tested: this user may not mount in a namespace of its own");
    }
    let address = {
        let agent = Rtstatd::start_as_this_user(&["raw"], &[]);
        agent.listener("raw")
    };
    let mut server = unshare();
    server.arg(env!("CARGO_BIN_EXE_rtstatd")).args([
        "server",
        "--listen",
        &format!("raw://{address}"),
        "--user",
        "root",
    ]);
    let mut server = server.spawn().unwrap();
    let mut client = eventually("the greeting", || {
        let mut client = Client::over(connect(address).ok()?);
        (client.line() == WELCOME).then_some(client)
    });
    client.send("plugins::cpu,fs,disk,top,net,_meta\ninterval::0.5\nstart\n");
    for seq in 1..=3 {
        let push = client.line();
        assert!(push.contains(&format!("\"seq\":{seq},")), "{push}");
    }
    server.kill().unwrap();
    server.wait_in_time().unwrap();
}

#[test]
fn no_burst_of_late_pushes_follows_a_stop() {
    let agent = Rtstatd::start_as_this_user(&["raw"], &[]);
    let mut client = Client::connect(agent.listener("raw"));
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
    // Longer than the server waits for anybody who does not read.
    std::thread::sleep(std::time::Duration::from_secs(31));
    agent.signal(Signal::SIGCONT);
    while times.len() < 6 {
        times.extend(mono());
    }
    let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let late: Vec<&f64> = gaps.iter().filter(|gap| **gap > 2.0).collect();
    assert_eq!(late.len(), 1, "{gaps:?}");
    // One push at once for those that were missed, then the old rhythm: at most one gap is shorter
    // than an interval.
    let short = gaps.iter().filter(|gap| **gap < 0.4).count();
    assert!(short <= 1, "{gaps:?}");
}

#[test]
fn when_descriptors_run_out_sessions_go_on_and_service_recovers() {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 64; exec \"$0\" \"$@\""]);
    command.arg(rtstatd(&[]).get_program());
    let agent = Start::through(command, &["raw"])
        .options(&["--max-clients", "0"])
        .as_this_user()
        .start();
    let watcher = Watcher::start(agent.listener("raw"));
    let crowd: Vec<Client> = (0..100)
        .map(|_| Client::connect(agent.listener("raw")))
        .collect();
    agent.logged("no connection can be accepted for now, those that are open go on");
    watcher.next();
    watcher.next();
    let lines = agent.log().lines().count();
    assert!(lines < 200, "{lines} lines");
    drop(crowd);
    eventually("service after the crowd", || {
        let mut client = Client::connect(agent.listener("raw"));
        (client.line() == WELCOME).then_some(())
    });
    agent.logged("connections are accepted again");
    watcher.finish();
}

/// Standard error is closed, full, or a pipe that nobody reads: lines are lost, sessions are not.
#[test]
fn a_journal_that_is_gone_stops_nothing() {
    let agent = Rtstatd::start_as_this_user(&["raw"], &[]);
    let address = agent.listener("raw");
    drop(agent);
    let file = tempfile::NamedTempFile::new().unwrap();
    let of_journal = {
        let metadata = file.as_file().metadata().unwrap();
        // So systemd says that standard error is the journal's; here there may be none to connect
        // to.
        format!("JOURNAL_STREAM={}:{}", metadata.dev(), metadata.ino())
    };
    let to_file = format!("2>>{}", file.path().display());
    for (variable, redirection) in [
        ("A=b", "2>&-"),
        ("A=b", "2>/dev/full"),
        (of_journal.as_str(), to_file.as_str()),
    ] {
        let script =
            format!("export {variable}; exec \"$0\" server --listen raw://{address} {redirection}");
        let mut child = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_rtstatd")])
            .spawn()
            .unwrap();
        let greeted = eventually("the greeting", || {
            let stream = connect(address).ok()?;
            Some(Client::over(stream).line())
        });
        assert_eq!(greeted, WELCOME, "{redirection}");
        child.kill().unwrap();
        child.wait_in_time().unwrap();
    }
}
