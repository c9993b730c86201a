//! Limits per address, and whom proxies speak for.

use rtstat_test_support::{Client, Rtstatd, eventually};

use super::watcher::Watcher;

const WELCOME: &str = concat!("Welcome::Rt-Stat v.", env!("CARGO_PKG_VERSION"), "\n");
const CROWDED: &str = "Error::Too many connections from this address\n";

#[test]
fn one_address_holds_so_many_connections_and_no_more() {
    let agent = Rtstatd::start_as_this_user(&["raw", "ws"], &["--max-per-address", "3"]);
    let (raw, ws) = (agent.listener("raw"), agent.listener("ws"));
    let watcher = Watcher::start(raw);
    let mut held: Vec<_> = (0..2).map(|_| Client::connect(raw)).collect();
    for client in &mut held {
        assert_eq!(client.line(), WELCOME);
    }
    let mut refused = Client::connect(raw);
    refused.send("version\n");
    assert_eq!(refused.line(), CROWDED);
    assert_eq!(refused.line(), "");
    let mut page = Client::upgrade(ws, &format!("Host: {ws}\r\n"));
    assert!(page.head().starts_with("HTTP/1.1 429 "));
    assert_eq!(page.line(), "too many connections from this address\n");
    agent.logged("too many connections from this address (--max-per-address)");
    held.pop();
    eventually("a place for another connection", || {
        let mut client = Client::connect(raw);
        (client.line() == WELCOME).then_some(())
    });
    watcher.finish();
}

#[test]
fn ten_thousand_connections_leave_no_trace() {
    let agent = Rtstatd::start_as_this_user(&["raw"], &["--max-per-address", "8"]);
    let raw = agent.listener("raw");
    let watcher = Watcher::start(raw);
    let (descriptors, before) = (agent.descriptors(), agent.resident_kib());
    for _ in 0..200 {
        let flood: Vec<_> = (0..50).map(|_| Client::connect(raw)).collect();
        drop(flood);
    }
    watcher.finish();
    eventually("the descriptors of the flood to be closed", || {
        (agent.descriptors() < descriptors + 8).then_some(())
    });
    let grown = agent.resident_kib().saturating_sub(before);
    assert!(grown < 4096, "{grown} KiB more");
    assert!(
        agent.log().lines().count() < 2000,
        "{}",
        agent.log().lines().count()
    );
}

const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x09\x7f\0\0\x01\0\x01\0\x02";

#[test]
fn only_a_trusted_proxy_is_believed() {
    let options = ["--trust-proxy", "127.0.0.8/29", "--max-per-address", "2"];
    let agent = Rtstatd::start_as_this_user(&["raw", "ws"], &options);
    let (raw, ws) = (agent.listener("raw"), agent.listener("ws"));

    let mut proxy = Client::connect_from("127.0.0.9", raw);
    proxy.send("PROXY TCP4 192.0.2.7 127.0.0.1 4711 8000\r\nversion\n");
    assert_eq!(proxy.line(), WELCOME);
    assert_eq!(
        proxy.line(),
        concat!("Version::", env!("CARGO_PKG_VERSION"), "\n")
    );
    agent.logged("session opened session=1 peer=192.0.2.7 ");

    let mut second = Client::connect_from("127.0.0.10", raw);
    second.send(V2);
    assert_eq!(second.line(), WELCOME);
    agent.logged("peer=192.0.2.9 ");

    // Counters use the forwarded address, whatever the way it came.
    let mut page = Client::connect_from("127.0.0.9", ws);
    page.ask_upgrade(
        "/",
        &format!("Host: {ws}\r\nX-Forwarded-For: 1.2.3.4, 192.0.2.7\r\n"),
    );
    assert!(page.head().starts_with("HTTP/1.1 101 "));
    assert_eq!(page.text(), WELCOME);
    let mut third = Client::connect_from("127.0.0.9", raw);
    third.send("PROXY TCP4 192.0.2.7 127.0.0.1 4712 8000\r\n");
    assert_eq!(third.line(), CROWDED);
    let mut page = Client::connect_from("127.0.0.9", ws);
    page.ask_upgrade(
        "/",
        &format!("Host: {ws}\r\nX-Forwarded-For: 192.0.2.7\r\n"),
    );
    assert!(page.head().starts_with("HTTP/1.1 101 "));
    assert_eq!(page.text(), CROWDED);
    assert_eq!(page.close_code(), 1013);

    // A proxy that speaks for nobody, or says nothing, as the clients on its machine do.
    let mut silent = Client::connect_from("127.0.0.9", raw);
    assert_eq!(silent.line(), WELCOME);
    // A header in pieces, and a broken one.
    let mut pieces = Client::connect_from("127.0.0.11", raw);
    for byte in b"PROXY TCP6 2001:db8::7 ::1 1 2\r\n" {
        pieces.send([*byte]);
    }
    assert_eq!(pieces.line(), WELCOME);
    agent.logged("peer=2001:db8::7 ");
    let mut broken = Client::connect_from("127.0.0.9", raw);
    broken.send("PROXY TCP4 me you 1 2\r\n");
    assert_eq!(broken.line(), "");
    agent.logged("connection refused: broken PROXY header");

    // From anybody else it is a command that does not exist, and a header without a meaning.
    let mut liar = Client::connect(raw);
    liar.send("PROXY TCP4 192.0.2.8 127.0.0.1 4711 8000\r\n");
    assert_eq!(
        (liar.line().as_str(), liar.line().as_str()),
        (WELCOME, "Error::Unknown command\n")
    );
    let mut page = Client::upgrade(ws, &format!("Host: {ws}\r\nX-Forwarded-For: 192.0.2.8\r\n"));
    page.head();
    assert_eq!(page.text(), WELCOME);
    assert!(!agent.log().contains("192.0.2.8"), "{}", agent.log());
}

#[test]
fn a_unix_peer_counts_by_its_user_unless_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let scheme = format!("ws+unix:{}", path.display());
    let connect = |client: u8| {
        let mut page = Client::over(rtstat_test_support::connect_unix(&path).unwrap());
        page.ask_upgrade(
            "/",
            &format!("Host: a\r\nX-Forwarded-For: 192.0.2.{client}\r\n"),
        );
        let head = page.head();
        let greeted = head.starts_with("HTTP/1.1 101 ") && page.text() == WELCOME;
        (greeted, head, page)
    };
    let agent = Rtstatd::start_as_this_user(&[&scheme], &["--max-per-address", "1"]);
    let (first, ..) = connect(1);
    assert!(first);
    drop(agent);
    let agent = Rtstatd::start_as_this_user(&[&scheme], &["--max-per-address", "1"]);
    let held = connect(1);
    let (second, head, _page) = connect(2);
    assert!(
        held.0 && !second && head.starts_with("HTTP/1.1 429 "),
        "{head}"
    );
    drop(agent);
    let agent = Rtstatd::start_as_this_user(
        &[&scheme],
        &["--max-per-address", "1", "--trust-proxy", "unix"],
    );
    let (one, two) = (connect(1), connect(2));
    assert!(one.0 && two.0);
    assert!(!connect(2).0);
    agent.logged("peer=192.0.2.1 ");
}
