//! Web pages of other origins and other names: what they get, and nothing more.

use rtstat_test_support::{Client, Rtstatd};

const WELCOME: &str = concat!("Welcome::Rt-Stat v.", env!("CARGO_PKG_VERSION"), "\n");

#[test]
fn a_page_of_another_origin_gets_one_error_and_no_slot() {
    let agent = Rtstatd::start_as_this_user(
        &["ws"],
        &["--max-clients", "1", "--allow-origin", "http://wall:8080"],
    );
    let address = agent.listener("ws");
    for origin in [
        "http://evil.example",
        "null",
        "http://127.0.0.1.evil.example",
        "http://wall",
    ] {
        let mut page =
            Client::upgrade(address, &format!("Host: {address}\r\nOrigin: {origin}\r\n"));
        assert!(page.head().starts_with("HTTP/1.1 101 "), "{origin}");
        page.send(b"\x81\x85\0\0\0\0start");
        assert_eq!(
            page.text(),
            "Error::Origin not allowed, see --allow-origin\n",
            "{origin}"
        );
        assert_eq!(page.close_code(), 1008, "{origin}");
        page.half_close();
        assert_eq!(page.rest(), b"", "{origin}");
        agent.logged(&format!("origin {origin} not allowed, see --allow-origin"));
    }
    // The one slot is still free, for each in its turn.
    for origin in [
        "Origin: http://127.0.0.1:3000\r\n",
        "Origin: http://wall:8080\r\n",
        "",
    ] {
        let mut page = Client::upgrade(address, &format!("Host: {address}\r\n{origin}"));
        page.head();
        assert_eq!(page.text(), WELCOME, "{origin}");
        page.send(b"\x81\x84\0\0\0\0quit");
        assert_eq!(page.close_code(), 1000);
        page.half_close();
        page.rest();
    }
}

#[test]
fn a_name_that_is_not_this_machines_is_refused_until_allowed() {
    let agent = Rtstatd::start_as_this_user(&["ws"], &["--allow-host", "wall.example"]);
    let address = agent.listener("ws");
    let mut page = Client::upgrade(
        address,
        "Host: rebound.example:8000\r\nOrigin: http://rebound.example:8000\r\n",
    );
    let head = page.head();
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
    assert!(
        head.contains("content-security-policy: default-src 'none'"),
        "{head}"
    );
    assert!(
        String::from_utf8(page.rest())
            .unwrap()
            .contains("--allow-host")
    );
    agent.logged("host rebound.example:8000 not allowed, see --allow-host");
    let mut metrics = Client::connect(address);
    metrics.send("GET /metrics HTTP/1.1\r\nHost: rebound.example\r\n\r\n");
    assert!(metrics.head().starts_with("HTTP/1.1 403 "));
    for host in ["localhost", "wall.example:80", "127.0.0.1", "[::1]:7"] {
        let mut page = Client::upgrade(address, &format!("Host: {host}\r\n"));
        assert!(page.head().starts_with("HTTP/1.1 101 "), "{host}");
        assert_eq!(page.text(), WELCOME);
    }
    let mut twice = Client::upgrade(address, "Host: localhost\r\nHost: rebound.example\r\n");
    assert!(twice.head().starts_with("HTTP/1.1 400 "));
}

#[test]
fn with_a_token_every_page_and_name_may_try() {
    let agent = Rtstatd::start_as_this_user(&["ws"], &["-a", "secret"]);
    let mut page = Client::upgrade(
        agent.listener("ws"),
        "Host: any.example\r\nOrigin: null\r\n",
    );
    assert!(page.head().starts_with("HTTP/1.1 101 "));
    assert_eq!(page.text(), WELCOME);
    page.send(b"\x81\x85\0\0\0\0start");
    assert_eq!(page.text(), "Error::Not authorized\n");
}

#[test]
fn a_proxy_over_a_unix_socket_has_chosen_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let _agent = Rtstatd::start_as_this_user(&[&format!("ws+unix:{}", path.display())], &[]);
    let connect = || Client::over(rtstat_test_support::connect_unix(&path).unwrap());
    let mut page = connect();
    page.ask_upgrade("/", "Host: any.example\r\nOrigin: https://any.example\r\n");
    assert!(page.head().starts_with("HTTP/1.1 101 "));
    assert_eq!(page.text(), WELCOME);
    let mut page = connect();
    page.ask_upgrade("/", "Host: any.example\r\nOrigin: https://evil.example\r\n");
    assert!(page.head().starts_with("HTTP/1.1 101 "));
    assert_eq!(
        page.text(),
        "Error::Origin not allowed, see --allow-origin\n"
    );
}
