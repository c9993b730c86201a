//! The answer itself.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Command, Stdio},
    time::Duration,
};

use super::server::Server;

/// Status line and headers, and the body, of one request with these further header lines.
pub fn get(address: SocketAddr, path: &str, headers: &str) -> (String, String) {
    ask(address, "1.1", path, headers)
}

/// As [`get`], in a version of HTTP: an answer to 1.0 never comes in chunks.
pub fn ask(address: SocketAddr, version: &str, path: &str, headers: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "GET {path} HTTP/{version}\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// The figure of a row, which is named with its labels.
fn figure(text: &str, row: &str) -> f64 {
    let found = text.lines().find_map(|line| line.strip_prefix(row)?.strip_prefix(' ')?.parse().ok());
    found.unwrap_or_else(|| panic!("no {row}: {text}"))
}

/// The number in a line of a kernel file.
fn kernel(path: &str, line: &str) -> f64 {
    let text = fs::read_to_string(path).unwrap();
    let rest = text.lines().find_map(|found| found.strip_prefix(line)).unwrap();
    rest.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn off_unless_wanted() {
    let server = Server::start("ws", &[]);
    assert!(get(server.address, "/metrics", "").0.starts_with("HTTP/1.1 404 "));
}

#[test]
fn figures_are_the_kernels() {
    let server = Server::start("ws", &["--metrics"]);
    let forks_before = kernel("/proc/stat", "processes");
    let (head, text) = get(server.address, "/metrics", "");
    let forks_after = kernel("/proc/stat", "processes");
    assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    assert_eq!(figure(&text, "node_boot_time_seconds"), kernel("/proc/stat", "btime"));
    assert_eq!(figure(&text, "node_memory_MemTotal_bytes"), kernel("/proc/meminfo", "MemTotal:") * 1024.0);
    assert!((forks_before..=forks_after).contains(&figure(&text, "node_forks_total")));
    assert!(figure(&text, "node_load1") >= 0.0);
    // user and nice of the first processor, in ticks of 10 ms, only grow.
    let user = figure(&text, "node_cpu_seconds_total{cpu=\"0\",mode=\"user\"}");
    assert!(user > 0.0 && user <= kernel("/proc/stat", "cpu0 ") / 100.0, "{user}");
    assert!(text.contains("# TYPE node_cpu_seconds_total counter\n"));
    // What a worker reads is waited for.
    assert!(text.contains("node_filesystem_size_bytes{"), "{text}");
}

#[test]
fn open_metrics_for_who_takes_it() {
    let server = Server::start("ws", &["--metrics"]);
    let accept = "Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.1\r\n";
    let (head, text) = get(server.address, "/metrics", accept);
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"), "{head}");
    assert!(text.contains("# TYPE node_cpu_seconds counter\nnode_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} "));
    assert!(text.ends_with("\n# EOF\n"));
}

#[test]
fn the_token_is_needed_where_there_is_one() {
    let server = Server::start("ws", &["--metrics", "-a", "secret"]);
    for headers in
        ["", "Authorization: Bearer wrong\r\n", "Authorization: Basic secret\r\n", "Authorization: Bearer\r\n"]
    {
        let (head, text) = get(server.address, "/metrics", headers);
        assert!(head.starts_with("HTTP/1.1 401 "), "{headers}: {head}");
        assert!(head.contains("www-authenticate: Bearer realm=\"rtstat\""), "{head}");
        assert!(!text.contains("node_"), "{text}");
    }
    for headers in ["Authorization: Bearer secret\r\n", "authorization: bearer  secret\r\n"] {
        assert!(get(server.address, "/metrics", headers).0.starts_with("HTTP/1.1 200 "), "{headers}");
    }
    let log = server.log.lock().unwrap().clone();
    assert!(log.contains("wrong token, 1 in the last minute") && !log.contains("secret"), "{log}");
}

#[test]
fn a_scrape_leaves_no_worker_behind() {
    let server = Server::start("ws", &["--metrics"]);
    for _ in 0..3 {
        get(server.address, "/metrics", "");
    }
    let threads = format!("/proc/{}/task", server.child.id());
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while fs::read_dir(&threads).unwrap().count() > 1 {
        assert!(std::time::Instant::now() < deadline, "workers live on");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn promtool_has_nothing_to_say() {
    let server = Server::start("ws", &["--metrics"]);
    let (_, text) = get(server.address, "/metrics", "");
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is in Debian's package prometheus");
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    for line in String::from_utf8(said).unwrap().lines() {
        // These names are node_exporter's, and dashboards know them.
        let known = ["node_memory_", "node_netstat_"].iter().any(|prefix| line.starts_with(prefix));
        assert!(known && line.ends_with("metric names should be written in 'snake_case' not 'camelCase'"), "{line}");
    }
}
