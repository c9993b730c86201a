//! Upgrades that are not WebSocket's version 13, and what they are told.

use std::io::{Read, Write};

use rtstat_test_support::{Rtstatd, connect, rtstatd};

const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const HOST: &str = "Host: localhost\r\n";

#[test]
fn what_is_wrong_with_an_upgrade_is_told_by_the_status() {
    let program = Rtstatd::managed(rtstatd(&["server", "--listen", "ws://127.0.0.1:0"]));
    let address = program.listener("ws");
    let version = |number| format!("Sec-WebSocket-Version: {number}\r\n");
    for (line, headers, status, told) in [
        (
            "GET / HTTP/1.1",
            [HOST, UPGRADE, &version(13)].concat(),
            400,
            None,
        ),
        (
            "GET / HTTP/1.1",
            [HOST, UPGRADE, "Sec-WebSocket-Key: short\r\n", &version(13)].concat(),
            400,
            None,
        ),
        (
            "GET / HTTP/1.1",
            [HOST, UPGRADE, KEY, &version(8)].concat(),
            426,
            Some("sec-websocket-version: 13"),
        ),
        (
            "GET / HTTP/1.1",
            [HOST, UPGRADE, KEY].concat(),
            426,
            Some("upgrade: websocket"),
        ),
        (
            "GET / HTTP/1.1",
            [UPGRADE, KEY, &version(13)].concat(),
            400,
            None,
        ),
        (
            "GET / HTTP/1.0",
            [HOST, UPGRADE, KEY, &version(13)].concat(),
            400,
            None,
        ),
        (
            "POST / HTTP/1.1",
            [HOST, UPGRADE, KEY, &version(13)].concat(),
            405,
            Some("allow: GET"),
        ),
    ] {
        let mut stream = connect(address).unwrap();
        stream
            .write_all(format!("{line}\r\n{headers}\r\n").as_bytes())
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let found = answer
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse::<u16>().ok());
        assert_eq!(found, Some(status), "{line} {headers}: {answer}");
        let told_it =
            told.is_none_or(|header| answer.lines().any(|line| line.eq_ignore_ascii_case(header)));
        assert!(told_it, "{line} {headers}: {answer}");
    }
}
