//! What one peer may send: each with its bound and its clear answer, beside a client that must not
//! notice.

use std::time::Instant;

use rtstat_test_support::{
    Client, Rtstatd, eventually,
    websocket::{Frame, masked},
};

use super::watcher::Watcher;

const WELCOME: &str = concat!("Welcome::Rt-Stat v.", env!("CARGO_PKG_VERSION"), "\n");
const VERSION: &str = concat!("Version::", env!("CARGO_PKG_VERSION"), "\n");

fn session(agent: &Rtstatd) -> Client {
    let address = agent.listener("ws");
    let mut client = Client::upgrade(address, &format!("Host: {address}\r\n"));
    assert!(client.head().starts_with("HTTP/1.1 101 "));
    assert_eq!(client.text(), WELCOME);
    client
}

fn raw(agent: &Rtstatd) -> Client {
    let mut client = Client::connect(agent.listener("raw"));
    assert_eq!(client.line(), WELCOME);
    client
}

#[test]
fn what_is_longer_than_a_message_may_be_is_refused() {
    let agent = Rtstatd::start_as_this_user(&["ws", "raw"], &[]);
    let watcher = Watcher::start(agent.listener("raw"));
    let before = agent.resident_kib();
    let mut client = raw(&agent);
    client.send("x".repeat(1_000_000));
    assert_eq!(client.line(), "Error::Message too long\n");
    assert_eq!(client.line(), "");

    let long = masked(0x81, &[b'x'; 4097]);
    // A claim of 2^62 bytes, of which none comes.
    let claim = [&[0x81, 0xff][..], &(1u64 << 62).to_be_bytes(), &[0; 4]].concat();
    let fragments = [
        masked(0x01, b"start"),
        masked(0x00, &[b'x'; 1000]).repeat(100_000 / 1000),
    ]
    .concat();
    for bytes in [long, claim, fragments] {
        let mut client = session(&agent);
        client.send(bytes);
        assert_eq!(client.text(), "Error::Message too long\n");
        assert_eq!(client.close_code(), 1009);
    }
    // Fragments of nothing, for ever.
    let mut client = session(&agent);
    client.send(masked(0x01, b"ver"));
    client.send(masked(0x00, b"").repeat(100_000));
    client.send(masked(0x80, b"sion"));
    assert_eq!(client.text(), VERSION);
    let grown = agent.resident_kib().saturating_sub(before);
    assert!(grown < 2048, "{grown} KiB more");
    watcher.finish();
}

#[test]
fn a_ping_flood_is_answered_at_a_bounded_rate() {
    let agent = Rtstatd::start_as_this_user(&["ws", "raw"], &[]);
    let watcher = Watcher::start(agent.listener("raw"));
    let mut client = session(&agent);
    for number in 0..10u8 {
        client.send(masked(0x89, &[number]));
    }
    for number in 0..10 {
        assert_eq!(
            client.frame(),
            Frame {
                head: 0x8a,
                payload: vec![number],
            },
            "ten in a row are all answered"
        );
    }
    let began = Instant::now();
    client.send(masked(0x89, b"flood").repeat(20_000));
    client.send(masked(0x81, b"version"));
    let mut pongs = 0;
    loop {
        let frame = client.frame();
        if frame.head != 0x8a {
            break assert_eq!(frame.payload, VERSION.as_bytes());
        }
        pongs += 1;
    }
    let seconds = began.elapsed().as_secs() + 2;
    assert!(pongs <= 32 * seconds, "{pongs} pongs in {seconds} s");
    watcher.finish();
}

#[test]
fn a_hundred_thousand_commands_in_one_segment_are_answered_in_order() {
    let agent = Rtstatd::start_as_this_user(&["ws", "raw"], &[]);
    let watcher = Watcher::start(agent.listener("raw"));
    let before = agent.resident_kib();
    let mut client = raw(&agent);
    let mut writer = client.stream().try_clone().unwrap();
    let writing = std::thread::spawn(move || {
        use std::io::Write;
        writer
            .write_all("version\n".repeat(100_000).as_bytes())
            .unwrap();
    });
    for _ in 0..100_000 {
        assert_eq!(client.line(), VERSION);
    }
    writing.join().unwrap();
    // Switches of the interval cost no more than their lines.
    client.send("interval::1\nstart\n");
    client.send("interval::0.5\ninterval::1\n".repeat(5_000));
    client.send("version\n");
    while client.line() != VERSION {}
    // Ten thousand names: as many as fit are refused at the first that is unknown.
    client.send(format!("plugins::{}\n", vec!["x"; 2000].join(",")));
    assert_eq!(client.line(), "Error::Unknown plugin\n");
    client.send(format!("plugins::{}\n", vec!["cpu_stat"; 10_000].join(",")));
    assert_eq!(client.line(), "Error::Message too long\n");
    let grown = agent.resident_kib().saturating_sub(before);
    assert!(grown < 2048, "{grown} KiB more");
    watcher.finish();
}

/// Requests that are sent ahead of their answers wait where they are cheap: in the kernel of who
/// sends them.
#[test]
fn pipelined_requests_are_answered_one_by_one_and_cost_nothing() {
    const REQUESTS: usize = 5_000;
    let agent = Rtstatd::start_as_this_user(&["ws", "raw"], &["--metrics"]);
    let (address, watcher) = (agent.listener("ws"), Watcher::start(agent.listener("raw")));
    let before = agent.resident_kib();
    let mut peak = 0;
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let client = Client::connect(address);
            let mut writer = client.stream().try_clone().unwrap();
            let writing = std::thread::spawn(move || {
                use std::io::Write;
                let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\n\r\n");
                let _ = writer.write_all(request.repeat(REQUESTS).as_bytes());
            });
            (client, writing)
        })
        .collect();
    for (mut client, writing) in clients {
        for _ in 0..20 {
            let head = client.head();
            assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .unwrap();
            client.bytes(length.parse().unwrap());
            peak = peak.max(agent.resident_kib());
        }
        drop(client);
        writing.join().unwrap();
    }
    let grown = peak.saturating_sub(before);
    assert!(grown < 8192, "{grown} KiB more");
    watcher.finish();
}

#[test]
fn the_journal_does_not_grow_with_what_peers_do() {
    let agent = Rtstatd::start_as_this_user(&["ws", "raw"], &["--max-clients", "2"]);
    let began = Instant::now();
    let address = agent.listener("ws");
    let watcher = Watcher::start(agent.listener("raw"));
    for round in 0..300 {
        let mut page = Client::upgrade(
            address,
            "Host: localhost\r\nOrigin: http://evil.example\r\n",
        );
        page.head();
        page.half_close();
        let mut rebound = Client::upgrade(address, &format!("Host: evil{round}.example\r\n"));
        rebound.head();
        // What a library would call an error of ours.
        let mut unfinished = Client::upgrade(address, "Host: localhost\r\n");
        unfinished.send(masked(0x01, b"a").repeat(2));
        unfinished.half_close();
        unfinished.rest();
        let mut garbage = Client::connect(agent.listener("raw"));
        garbage.send("\u{1b}[2J\r\n\r\nERROR forged\n\n\n".repeat(20));
        garbage.half_close();
        garbage.rest();
    }
    eventually("the number of the lines held back", || {
        Client::upgrade(address, "Host: evil.example\r\n").head();
        agent
            .log()
            .contains("more like this were not logged")
            .then_some(())
    });
    watcher.finish();
    let log = agent.log();
    let lines = log.lines().count() as u64;
    // Four kinds of lines, ten of each at once and one a second.
    let bound = 4 * (began.elapsed().as_secs() + 12);
    assert!(lines < bound, "{lines} lines");
    assert!(!log.contains("forged"), "{log}");
}
