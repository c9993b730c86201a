//! Heads of HTTP requests: each bound, its status and its words, which reach the client whatever it
//! still sends.

use std::time::{Duration, Instant};

use rtstat_test_support::{Client, Rtstatd};

use super::{tls::Pair, tls_client, watcher::Watcher};

/// What every answer has, the service's own included.
const SAFE: [&str; 4] = [
    "content-security-policy: default-src 'none'",
    "x-content-type-options: nosniff",
    "referrer-policy: no-referrer",
    "x-frame-options: DENY",
];

/// The status line and the text of an answer, which has the headers of everything that is served.
fn answer(bytes: &[u8]) -> (String, String) {
    let text = std::str::from_utf8(bytes).unwrap();
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {text:?}"));
    for header in SAFE {
        assert!(head.contains(header), "{header} is not in {head}");
    }
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

const LATE: &str = "the head of a request has to be complete within 10 s\n";
const LONG: &str = "the head of a request is at most 16384 bytes long\n";

#[test]
fn a_head_that_never_ends_ends_after_ten_seconds() {
    let agent = Rtstatd::start_as_this_user(&["ws", "raw"], &[]);
    let watcher = Watcher::start(agent.listener("raw"));
    let address = agent.listener("ws");
    let mut silent = Client::connect(address);
    let mut slow = Client::connect(address);
    // The second request of a connection is no other than the first.
    let mut second = Client::connect(address);
    second.send("GET /missing HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(second.head().starts_with("HTTP/1.1 404 "));
    let began = Instant::now();
    for client in [&mut slow, &mut second] {
        client.send("GET / HTTP/1.1\r\nHost: localhost\r\n");
    }
    while began.elapsed() < Duration::from_secs(8) {
        slow.send("X: y\r\n");
        second.send("X: y\r\n");
        std::thread::sleep(Duration::from_millis(500));
    }
    for client in [&mut silent, &mut slow, &mut second] {
        let rest = client.rest();
        let told = String::from_utf8_lossy(&rest)
            .rsplit("HTTP/1.1 ")
            .next()
            .unwrap()
            .to_owned();
        assert_eq!(
            answer(format!("HTTP/1.1 {told}").as_bytes()),
            ("HTTP/1.1 408 Request Timeout".into(), LATE.into())
        );
        let after = began.elapsed();
        assert!(after > Duration::from_secs(8), "closed after {after:?}");
    }
    watcher.finish();
}

#[test]
fn a_head_that_is_too_long_is_told_so_while_it_still_comes() {
    let pair = Pair::new();
    let agent = pair.agent(&["ws", "wss", "raw"], &[]);
    let watcher = Watcher::start(agent.listener("raw"));
    let before = agent.resident_kib();
    for line in [
        "X: ".to_owned() + &"y".repeat(300_000),
        "X: y\r\n".repeat(50_000),
        "z".repeat(300_000),
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{line}");
        let mut plain = Client::connect(agent.listener("ws"));
        plain.send(&request);
        let mut secured = tls_client::connect(agent.listener("wss"), tls_client::BOTH);
        secured.send(&request);
        for rest in [plain.rest(), secured.rest()] {
            let (status, text) = answer(&rest);
            assert_eq!(
                (status.as_str(), text.as_str()),
                ("HTTP/1.1 431 Request Header Fields Too Large", LONG)
            );
        }
    }
    // One that just fits.
    let mut client = Client::connect(agent.listener("ws"));
    client.send(format!(
        "GET /missing HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n",
        "y".repeat(16_000)
    ));
    assert!(client.head().starts_with("HTTP/1.1 404 "));
    let grown = agent.resident_kib().saturating_sub(before);
    assert!(grown < 2048, "{grown} KiB more");
    watcher.finish();
}

#[test]
fn what_is_no_request_is_told_so_with_every_header() {
    let agent = Rtstatd::start_as_this_user(&["ws"], &[]);
    for request in [
        "\u{16}\u{3}\u{1}\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\nHost\r\n\r\n",
    ] {
        let mut client = Client::connect(agent.listener("ws"));
        client.send(request.to_owned() + &"more of it ".repeat(3_000));
        let (status, text) = answer(&client.rest());
        assert_eq!(
            (status.as_str(), text.as_str()),
            ("HTTP/1.1 400 Bad Request", "this is no HTTP/1.1 request\n"),
            "{request:?}"
        );
    }
}

#[test]
fn refused_upgrades_are_told_so_whatever_comes_behind_them() {
    let agent = Rtstatd::start_as_this_user(&["ws"], &[]);
    for (headers, status) in [
        ("Host: evil.example\r\n", "403"),
        ("Host: a\r\nHost: b\r\n", "400"),
        ("", "400"),
    ] {
        let mut client = Client::upgrade(agent.listener("ws"), headers);
        client.send("x".repeat(20_000));
        let (told, _) = answer(&client.rest());
        assert!(told.starts_with(&format!("HTTP/1.1 {status} ")), "{told}");
    }
}
