//! The answer itself.

use std::{
    fs,
    io::{Read, Write},
    net::SocketAddr,
    process::{Command, Stdio},
    time::Duration,
};

use rtstat_test_support::{ChildInTime, Rtstatd, Start, connect};

/// Status line and headers, and the body, of one request with these further header lines.
pub fn get(address: SocketAddr, path: &str, headers: &str) -> (String, String) {
    ask(address, "1.1", path, headers)
}

/// As [`get`], in a version of HTTP: an answer to 1.0 never comes in chunks.
pub fn ask(address: SocketAddr, version: &str, path: &str, headers: &str) -> (String, String) {
    let mut stream = connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/{version}\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// The figure of a row, which is named with its labels.
pub fn figure(text: &str, row: &str) -> f64 {
    let found = text
        .lines()
        .find_map(|line| line.strip_prefix(row)?.strip_prefix(' ')?.parse().ok());
    found.unwrap_or_else(|| panic!("no {row}: {text}"))
}

/// The number in a line of a kernel file.
fn kernel(path: &str, line: &str) -> f64 {
    let text = fs::read_to_string(path).unwrap();
    let rest = text
        .lines()
        .find_map(|found| found.strip_prefix(line))
        .unwrap();
    rest.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn off_unless_wanted() {
    let server = Rtstatd::start(&["ws"], &[]);
    assert!(
        get(server.address(), "/metrics", "")
            .0
            .starts_with("HTTP/1.1 404 ")
    );
}

#[test]
fn figures_are_the_kernels() {
    let server = Rtstatd::start(&["ws"], &["--metrics"]);
    let forks_before = kernel("/proc/stat", "processes");
    let (head, text) = get(server.address(), "/metrics", "");
    let forks_after = kernel("/proc/stat", "processes");
    assert!(
        head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"),
        "{head}"
    );
    assert_eq!(
        figure(&text, "node_boot_time_seconds"),
        kernel("/proc/stat", "btime")
    );
    assert_eq!(
        figure(&text, "node_memory_MemTotal_bytes"),
        kernel("/proc/meminfo", "MemTotal:") * 1024.0
    );
    assert!((forks_before..=forks_after).contains(&figure(&text, "node_forks_total")));
    assert!(figure(&text, "node_load1") >= 0.0);
    // user and nice of the first processor, in ticks of 10 ms, only grow.
    let user = figure(&text, "node_cpu_seconds_total{cpu=\"0\",mode=\"user\"}");
    assert!(
        user > 0.0 && user <= kernel("/proc/stat", "cpu0 ") / 100.0,
        "{user}"
    );
    assert!(text.contains("# TYPE node_cpu_seconds_total counter\n"));
    // What a worker reads is waited for.
    assert!(text.contains("node_filesystem_size_bytes{"), "{text}");
}

#[test]
fn open_metrics_for_who_takes_it() {
    let server = Rtstatd::start(&["ws"], &["--metrics"]);
    let accept = "Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.1\r\n";
    let (head, text) = get(server.address(), "/metrics", accept);
    assert!(
        head.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"),
        "{head}"
    );
    assert!(text.contains(
        "# TYPE node_cpu_seconds counter\nnode_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} "
    ));
    assert!(text.ends_with("\n# EOF\n"));
}

#[test]
fn the_token_is_needed_where_there_is_one() {
    let server = Rtstatd::start(&["ws"], &["--metrics", "-a", "secret"]);
    for headers in [
        "",
        "Authorization: Bearer wrong\r\n",
        "Authorization: Basic secret\r\n",
        "Authorization: Bearer\r\n",
    ] {
        let (head, text) = get(server.address(), "/metrics", headers);
        assert!(head.starts_with("HTTP/1.1 401 "), "{headers}: {head}");
        assert!(
            head.contains("www-authenticate: Bearer realm=\"rtstat\""),
            "{head}"
        );
        assert!(!text.contains("node_"), "{text}");
    }
    for headers in [
        "Authorization: Bearer secret\r\n",
        "authorization: bearer  secret\r\n",
    ] {
        assert!(
            get(server.address(), "/metrics", headers)
                .0
                .starts_with("HTTP/1.1 200 "),
            "{headers}"
        );
    }
    let log = server.log();
    assert!(
        log.contains("wrong token, 1 in the last minute") && !log.contains("secret"),
        "{log}"
    );
}

#[test]
fn a_scrape_leaves_no_worker_behind() {
    let server = Rtstatd::start(&["ws"], &["--metrics"]);
    for _ in 0..3 {
        get(server.address(), "/metrics", "");
    }
    let threads = format!("/proc/{}/task", server.pid());
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while fs::read_dir(&threads).unwrap().count() > 1 {
        assert!(std::time::Instant::now() < deadline, "workers live on");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Definitions of each kind, and of programs that go wrong in different ways.
const PLUGINS: [(&str, &str); 9] = [
    (
        "queue",
        r#"command = 'echo "{\"value\": 42, \"unit\": \"jobs\", \"deep\": [{\"name\": \"a \\\" b\", \"n\": -1.5}]}"'"#,
    ),
    ("Bare.Number-total", "command = 'echo 7'"),
    ("same_name", "command = 'echo 1'"),
    ("same.name", "command = 'echo 2'"),
    (
        "ticks",
        "command = 'while :; do echo 3; sleep 0.1; done'\nmode = 'stream'",
    ),
    ("forks", "munin = '/usr/share/munin/plugins/forks'"),
    ("load", "munin = '/usr/share/munin/plugins/load'"),
    ("crash", "command = 'exit 3'"),
    ("hang", "command = 'sleep 1000'\ntimeout = 900"),
];

fn with_plugins(definitions: &[(&str, &str)]) -> (Rtstatd, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(folder.path(), readable).unwrap();
    for (name, text) in definitions {
        fs::write(folder.path().join(format!("{name}.toml")), text).unwrap();
    }
    let start = Start::new(&["ws"]).options(&["--metrics"]);
    let start = start.env("RTSTAT_PLUGINS_DIR", folder.path().to_str().unwrap());
    (start.start(), folder)
}

#[test]
fn the_operators_plugins_are_told_and_one_that_hangs_holds_no_scrape_up() {
    let (server, _folder) = with_plugins(&PLUGINS);
    let forks_before = kernel("/proc/stat", "processes");
    // The second scrape begins anew: nothing of the first is shown again.
    for _ in 0..2 {
        let (_, text) = get(server.address(), "/metrics", "");
        let value = |plugin: &str, field: &str| {
            figure(
                &text,
                &format!("rtstat_plugin_value{{plugin=\"{plugin}\",field=\"{field}\"}}"),
            )
        };
        assert_eq!(
            (value("queue", "value"), value("queue", r#"deep.a \" b.n"#)),
            (42.0, -1.5)
        );
        assert_eq!(
            (value("Bare.Number-total", ""), value("ticks", "")),
            (7.0, 3.0)
        );
        assert_eq!((value("same_name", ""), value("same.name", "")), (1.0, 2.0));
        assert!(value("load", "load") >= 0.0);
        let forks = figure(
            &text,
            "rtstat_plugin_events_total{plugin=\"forks\",field=\"forks\"}",
        );
        assert!(
            (forks_before..=kernel("/proc/stat", "processes")).contains(&forks),
            "{forks}"
        );
        for (plugin, _) in PLUGINS {
            let well = !["crash", "hang"].contains(&plugin);
            let success = figure(
                &text,
                &format!("rtstat_plugin_success{{plugin=\"{plugin}\"}}"),
            );
            assert_eq!(success, f64::from(u8::from(well)), "{plugin}");
            assert_eq!(
                text.contains(&format!("_value{{plugin=\"{plugin}\"")),
                well && plugin != "forks",
                "{plugin}"
            );
        }
    }
}

#[test]
fn a_plugin_that_failed_once_is_waited_for_at_the_next_scrape() {
    let data = tempfile::tempdir().unwrap();
    fs::set_permissions(
        data.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let value = data.path().join("value");
    let text = format!(
        "command = 'sleep 0.5; cat {}'\ninterval = 0.5",
        value.display()
    );
    let (server, _folder) = with_plugins(&[("late", &text)]);
    let success = || {
        figure(
            &get(server.address(), "/metrics", "").1,
            "rtstat_plugin_success{plugin=\"late\"}",
        )
    };
    assert_eq!(success(), 0.0, "there is no file yet");
    fs::write(&value, "5").unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    // The pause after a failure is told as the failure; it ends.
    while success() == 0.0 {
        assert!(
            std::time::Instant::now() < deadline,
            "it never gave figures again"
        );
    }
}

/// Fails where promtool complains of the answer to a scrape, unless it is about a name that is
/// node_exporter's.
pub fn promtool(text: &str) {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is in Debian's package prometheus");
    promtool
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = promtool.output_in_time().unwrap();
    let said = [output.stdout, output.stderr].concat();
    for line in String::from_utf8(said).unwrap().lines() {
        // Dashboards know these names.
        let known = ["node_memory_", "node_netstat_"]
            .iter()
            .any(|prefix| line.starts_with(prefix));
        assert!(
            known
                && line.ends_with("metric names should be written in 'snake_case' not 'camelCase'"),
            "{line}"
        );
    }
}

#[test]
fn promtool_has_nothing_to_say() {
    let (server, _folder) = with_plugins(&PLUGINS);
    promtool(&get(server.address(), "/metrics", "").1);
}
