//! Prometheus itself.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use rtstat_test_support::{ChildInTime, Rtstatd, connect};

use super::scrape::get;

/// A running Prometheus, ended with the test.
struct Prometheus {
    child: Child,
    address: SocketAddr,
}

impl Prometheus {
    fn scraping(target: SocketAddr, token: &str, folder: &std::path::Path) -> Self {
        // It cannot be told to take any port, so one is looked for.
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let config = format!(
            "global: {{scrape_interval: 2s}}\nscrape_configs:\n- job_name: rtstat\n  authorization: {{credentials: {token}}}\n  \
             static_configs: [{{targets: ['{target}']}}]\n"
        );
        let path = folder.join("prometheus.yml");
        fs::write(&path, config).unwrap();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", path.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.join("data").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("log")).unwrap())
            .spawn()
            .expect("prometheus is in Debian's package prometheus");
        Self { child, address }
    }

    /// The results of a query.
    fn query(&self, query: &str) -> Vec<Value> {
        if connect(self.address).is_err() {
            return Vec::new();
        }
        let (_, body) = get(self.address, &format!("/api/v1/query?query={query}"), "");
        let json: String = body.lines().filter(|line| line.starts_with('{')).collect();
        let Ok(answer) = serde_json::from_str::<Value>(&json) else {
            return Vec::new();
        };
        answer["data"]["result"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.child.end();
    }
}

#[test]
fn prometheus_scrapes_it() {
    let server = Rtstatd::start(&["ws"], &["--metrics", "-a", "secret"]);
    let folder = tempfile::tempdir().unwrap();
    let prometheus = Prometheus::scraping(server.address(), "secret", folder.path());
    let deadline = Instant::now() + Duration::from_secs(60);
    let wait_for = |query: &str| loop {
        if let Some(first) = prometheus.query(query).first() {
            return first["value"][1].as_str().unwrap().parse::<f64>().unwrap();
        }
        let log = fs::read_to_string(folder.path().join("log")).unwrap();
        assert!(Instant::now() < deadline, "{query} has no result: {log}");
        std::thread::sleep(Duration::from_millis(200));
    };
    // A busy machine may miss the first scrapes' time.
    assert_eq!(wait_for("up%3D%3D1"), 1.0);
    let total = fs::read_to_string("/proc/meminfo").unwrap();
    let kib: f64 = total.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert_eq!(wait_for("node_memory_MemTotal_bytes"), kib * 1024.0);
    // A rate, as node_exporter's dashboards ask for it; a processor spends a second in a second,
    // but the instants that Prometheus notes are those of its questions.
    let busy = wait_for("sum(irate(node_cpu_seconds_total%7Bcpu=%220%22%7D[60s]))");
    assert!((0.1..10.0).contains(&busy), "{busy}");
    assert!(wait_for("count(node_filesystem_size_bytes)") >= 1.0);
}
