//! Signals while sessions are watching: what ends them, and what does not.

use std::time::Instant;

use nix::sys::{
    resource::{Resource, getrlimit, setrlimit},
    signal::Signal,
};

use rtstat_test_support::{Client, Rtstatd, config_file, rtstatd};

/// A close frame with code 1001: going away.
const GOING_AWAY: [u8; 4] = [0x88, 2, 3, 0xe9];

#[test]
fn a_thousand_sessions_end_in_good_order() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let words = [
            "server",
            "-c",
            "0",
            "--listen",
            "ws://127.0.0.1:0",
            "--listen",
            "raw://127.0.0.1:0",
        ];
        let program = Rtstatd::managed(rtstatd(&words));
        let (ws, raw) = (program.listener("ws"), program.listener("raw"));
        let script = "interval::0.5\nstart\n";
        let mut websockets: Vec<_> = (0..500)
            .map(|_| Client::websocket_lines(ws, script))
            .collect();
        let mut raws: Vec<_> = (0..500).map(|_| Client::raw(raw, script)).collect();
        for client in websockets.iter_mut().chain(&mut raws) {
            client.line_with("Push::");
        }
        let told = Instant::now();
        program.signal(signal);
        for mut client in websockets {
            assert!(client.rest().ends_with(&GOING_AWAY), "{signal}");
        }
        for mut client in raws {
            // A last push that was begun is whole.
            assert!(
                client.rest().last().is_none_or(|byte| *byte == b'\n'),
                "{signal}"
            );
        }
        let (status, said) = program.ended();
        assert_eq!(status.code(), Some(0), "{said}");
        assert!(
            !said.contains("before every client had closed its connection"),
            "{said}"
        );
        eprintln!("{signal}: 1,000 sessions ended within {:?}", told.elapsed());
    }
}

#[test]
fn a_client_that_does_not_close_does_not_keep_the_program() {
    let program = Rtstatd::managed(rtstatd(&["server", "--listen", "ws://127.0.0.1:0"]));
    let mut clients: Vec<_> = (0..5)
        .map(|_| Client::websocket_lines(program.listener("ws"), "version"))
        .collect();
    for client in &mut clients {
        client.line_with("Version::");
    }
    let (status, _) = program.stop();
    assert_eq!(status.code(), Some(0));
    // Only now do they read, and find their close frame.
    for mut client in clients {
        assert!(client.rest().ends_with(&GOING_AWAY));
    }
}

#[test]
fn sessions_go_on_over_a_reload() {
    let folder = tempfile::tempdir().unwrap();
    let path = config_file(&folder, "");
    let listeners = [
        "--listen",
        "ws://127.0.0.1:0",
        "--listen",
        "raw://127.0.0.1:0",
    ];
    // From a folder that is nobody's home.
    let mut command = rtstatd(&[&["server", "--config", &path], &listeners[..]].concat());
    command.current_dir("/proc");
    let mut program = Rtstatd::managed(command);
    let script = "plugins::uptime,_meta\ninterval::0.5\nstart\n";
    let mut clients = [
        Client::raw(program.listener("raw"), script),
        Client::websocket_lines(program.listener("ws"), script),
    ];
    // Both are in before the limit is lowered.
    for client in &mut clients {
        client.line_with("Welcome::");
    }
    for toml in ["max_clients = 1", "max_clients = 'x'"] {
        std::fs::write(&path, toml).unwrap();
        program.signal(Signal::SIGHUP);
        program.wait_for("RELOADING=1");
        program.wait_for("READY=1");
        for client in &mut clients {
            client.push();
        }
    }
    for client in &mut clients {
        assert!(
            client.push()["_meta"]["seq"].as_u64() >= Some(3),
            "it was started again"
        );
    }
}

#[test]
fn tokens_change_over_a_reload() {
    let folder = tempfile::tempdir().unwrap();
    let path = config_file(&folder, "[tokens]\nwall = 'one'\nphone = 'two'");
    let mut program = Rtstatd::managed(rtstatd(&[
        "server",
        "--config",
        &path,
        "--listen",
        "raw://127.0.0.1:0",
    ]));
    let address = program.listener("raw");
    let mut reload = |toml: &str| {
        std::fs::write(&path, toml).unwrap();
        program.signal(Signal::SIGHUP);
        program.wait_for("RELOADING=1");
        program.wait_for("READY=1");
    };
    let script = "info\ninterval::0.5\nplugins::uptime\nstart\n";
    let mut wall = Client::raw(address, &format!("auth::one\n{script}"));
    let mut phone = Client::raw(address, &format!("auth::two\n{script}"));
    assert!(wall.line_with("Info::").contains(r#""token":"wall""#));
    assert!(phone.line_with("Info::").contains(r#""token":"phone""#));
    let mut waiting = Client::raw(address, "version\n");
    waiting.line_with("Version::");

    reload("[tokens]\nwall = 'one'");
    wall.push();
    phone.line_with("Error::Not authorized");
    phone.rest();

    reload("");
    waiting.rest();
    wall.push();
    wall.push();
    Client::raw(address, script).push();
}
