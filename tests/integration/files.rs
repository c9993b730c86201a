//! The page's files over HTTP, and what is no file.

use std::{
    fs,
    io::{Read, Write},
    net::SocketAddr,
};

use flate2::read::GzDecoder;
use rtstat_test_support::{Rtstatd, connect, rtstatd};

/// The whole answer to a request, whose head gets what every request needs.
fn ask(address: SocketAddr, line: &str, headers: &str) -> String {
    String::from_utf8_lossy(&ask_bytes(address, line, headers)).into_owned()
}

fn ask_bytes(address: SocketAddr, line: &str, headers: &str) -> Vec<u8> {
    let mut stream = connect(address).unwrap();
    let request =
        format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

/// What follows the head.
fn body(answer: &[u8]) -> &[u8] {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    &answer[end.unwrap() + 4..]
}

/// Status code, headers in small letters, body.
fn parts(answer: &str) -> (u16, Vec<(String, String)>, &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines
        .next()
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let headers = lines.filter_map(|line| line.split_once(": "));
    (
        status,
        headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.into()))
            .collect(),
        body,
    )
}

fn header(answer: &str, name: &str) -> Option<String> {
    parts(answer)
        .1
        .into_iter()
        .find(|(found, _)| found == name)
        .map(|(_, value)| value)
}

#[test]
fn every_way_to_ask_for_a_file() {
    let program = Rtstatd::managed(rtstatd(&["server", "--listen", "ws://127.0.0.1:0"]));
    let address = program.listener("ws");
    for (line, status, kind) in [
        ("GET /", 200, "text/html; charset=utf-8"),
        ("GET /monitoring.html", 200, "text/html; charset=utf-8"),
        (
            "GET /monitoring%2ehtml?x=/../y",
            200,
            "text/html; charset=utf-8",
        ),
        ("GET /client.html", 200, "text/html; charset=utf-8"),
        (
            "GET /monitoring-default-config.js",
            200,
            "text/javascript; charset=utf-8",
        ),
        ("HEAD /client.html", 200, "text/html; charset=utf-8"),
        ("GET /no-such-file", 404, "text/html; charset=utf-8"),
        ("GET /js", 404, "text/html; charset=utf-8"),
        ("GET /../Cargo.toml", 404, "text/html; charset=utf-8"),
        (
            "GET /js/%2e%2e/%2e%2e/etc/passwd",
            404,
            "text/html; charset=utf-8",
        ),
        (
            "GET /..%2f..%2fetc%2fpasswd",
            404,
            "text/html; charset=utf-8",
        ),
        ("GET //etc/passwd", 404, "text/html; charset=utf-8"),
        ("GET /%00", 404, "text/html; charset=utf-8"),
        ("GET /%ff%", 404, "text/html; charset=utf-8"),
        ("POST /", 405, "text/plain; charset=utf-8"),
        ("DELETE /client.html", 405, "text/plain; charset=utf-8"),
    ] {
        let answer = ask(address, line, "");
        let (found, _, body) = parts(&answer);
        assert_eq!(found, status, "{line}: {answer}");
        assert_eq!(
            header(&answer, "content-type").as_deref(),
            Some(kind),
            "{line}"
        );
        assert_eq!(
            header(&answer, "x-content-type-options").as_deref(),
            Some("nosniff"),
            "{line}"
        );
        assert_eq!(body.is_empty(), line.starts_with("HEAD"), "{line}");
        assert_eq!(header(&answer, "allow").is_some(), status == 405, "{line}");
    }
    let length = |line| header(&ask(address, line, ""), "content-length");
    assert_eq!(length("HEAD /client.html"), length("GET /client.html"));
}

#[test]
fn a_file_that_is_known_is_not_sent_again() {
    let program = Rtstatd::managed(rtstatd(&["server", "--listen", "ws://127.0.0.1:0"]));
    let address = program.listener("ws");
    let tag = header(&ask(address, "GET /client.html", ""), "etag").unwrap();
    for (known, status) in [
        (tag.clone(), 304),
        (format!("\"other\", W/{tag}"), 304),
        ("*".into(), 304),
        ("\"other\"".into(), 200),
    ] {
        let answer = ask(
            address,
            "GET /client.html",
            &format!("If-None-Match: {known}\r\n"),
        );
        assert_eq!(parts(&answer).0, status, "{known}");
        assert_eq!(parts(&answer).2.is_empty(), status == 304, "{known}");
    }
}

#[test]
fn a_file_is_compressed_for_a_client_that_asks() {
    let program = Rtstatd::managed(rtstatd(&["server", "--listen", "ws://127.0.0.1:0"]));
    let address = program.listener("ws");
    let script = include_bytes!("../../public/js/main.js");
    for (accepted, compressed) in [
        ("", false),
        ("Accept-Encoding: gzip\r\n", true),
        ("Accept-Encoding: gzip, deflate, br, zstd\r\n", true),
        ("accept-encoding: br\r\nAccept-Encoding: gzip\r\n", true),
        ("Accept-Encoding: gzip;q=0.001\r\n", true),
        ("Accept-Encoding: identity;q=0, gzip\r\n", true),
        ("Accept-Encoding: identity;q=0.5, gzip;q=0.6\r\n", true),
        ("Accept-Encoding: identity;q=0.6, gzip;q=0.5\r\n", false),
        ("Accept-Encoding: gzip;q=0\r\n", false),
        ("Accept-Encoding: gzip;q=0, *\r\n", false),
        ("Accept-Encoding: br\r\n", false),
        ("Accept-Encoding: *;q=0\r\n", false),
        ("Accept-Encoding: gzip;q=much\r\n", false),
    ] {
        let bytes = ask_bytes(address, "GET /js/main.js", accepted);
        let answer = String::from_utf8_lossy(&bytes);
        assert_eq!(
            header(&answer, "content-encoding").as_deref(),
            compressed.then_some("gzip"),
            "{accepted}"
        );
        assert_eq!(
            header(&answer, "vary").as_deref(),
            Some("accept-encoding"),
            "{accepted}"
        );
        let mut plain = Vec::new();
        if compressed {
            GzDecoder::new(body(&bytes))
                .read_to_end(&mut plain)
                .unwrap();
            assert!(body(&bytes).len() < script.len());
        } else {
            plain.extend_from_slice(body(&bytes));
        }
        assert!(plain == script, "{accepted}");
        let length = Some(body(&bytes).len().to_string());
        assert_eq!(header(&answer, "content-length"), length, "{accepted}");
        let head = ask(address, "HEAD /js/main.js", accepted);
        assert_eq!(header(&head, "content-length"), length, "{accepted}");
        assert_eq!(parts(&head).2, "", "{accepted}");
        assert_eq!(header(&head, "etag"), header(&answer, "etag"), "{accepted}");
    }
}

#[test]
fn each_form_of_a_file_has_a_tag_of_its_own() {
    let program = Rtstatd::managed(rtstatd(&["server", "--listen", "ws://127.0.0.1:0"]));
    let address = program.listener("ws");
    let (plain, gzip) = ("", "Accept-Encoding: gzip\r\n");
    let tag = |accepted| header(&ask(address, "GET /js/main.js", accepted), "etag").unwrap();
    assert_ne!(tag(plain), tag(gzip));
    for (known, accepted, status) in [
        (tag(plain), plain, 304),
        (tag(gzip), gzip, 304),
        (tag(gzip), plain, 200),
        (tag(plain), gzip, 200),
        (format!("{}, {}", tag(plain), tag(gzip)), gzip, 304),
    ] {
        let headers = format!("If-None-Match: {known}\r\n{accepted}");
        let answer = ask(address, "GET /js/main.js", &headers);
        assert_eq!(parts(&answer).0, status, "{known} {accepted}");
        assert_eq!(header(&answer, "etag"), Some(tag(accepted)));
        assert_eq!(header(&answer, "vary").as_deref(), Some("accept-encoding"));
        let encoding = header(&answer, "content-encoding");
        assert_eq!(encoding.is_some(), status == 200 && accepted == gzip);
    }
}

#[test]
fn a_folder_in_place_of_the_built_in_files() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(
        folder.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    fs::write(folder.path().join("a b+c%.txt"), "odd name").unwrap();
    fs::write(folder.path().join("monitoring.html"), "own page").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link.txt")).unwrap();
    let public = folder.path().to_str().unwrap();
    let program = Rtstatd::managed(rtstatd(&[
        "server",
        "--listen",
        "ws://127.0.0.1:0",
        "--public",
        public,
    ]));
    let address = program.listener("ws");
    for (path, status, body) in [
        ("/", 200, "own page"),
        ("/a%20b+c%25.txt", 200, "odd name"),
        ("/a%20b%2bc%25.txt", 200, "odd name"),
        (
            "/link.txt",
            404,
            "there is no such file here; the page is at /\n",
        ),
        (
            "/client.html",
            404,
            "there is no such file here; the page is at /\n",
        ),
    ] {
        let request = format!("GET {path}");
        let answer = ask(address, &request, "Accept-Encoding: gzip\r\n");
        assert_eq!(
            (parts(&answer).0, parts(&answer).2),
            (status, body),
            "{path}"
        );
        assert_eq!(header(&answer, "content-encoding"), None);
        assert_eq!(header(&answer, "vary"), None);
    }
}
