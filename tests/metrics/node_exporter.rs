//! Debian's node_exporter beside us: what has one name has one meaning.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rtstat_test_support::{ChildInTime, Rtstatd, connect};

use super::scrape::ask;

struct NodeExporter {
    child: Child,
    address: SocketAddr,
}

impl NodeExporter {
    fn start() -> Self {
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let child = Command::new("prometheus-node-exporter")
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus-node-exporter is in Debian's package of that name");
        let deadline = Instant::now() + Duration::from_secs(20);
        while connect(address).is_err() {
            assert!(Instant::now() < deadline, "node_exporter does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, address }
    }
}

impl Drop for NodeExporter {
    fn drop(&mut self) {
        self.child.end();
    }
}

/// Figures by their rows, with the labels in one order.
fn rows(text: &str) -> BTreeMap<String, f64> {
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|line| {
        let (row, value) = line.rsplit_once(' ')?;
        let row = match row.split_once('{') {
            Some((name, labels)) => {
                let mut labels: Vec<_> = labels
                    .trim_end_matches('}')
                    .split("\",")
                    .map(|label| label.trim_end_matches('"'))
                    .collect();
                labels.sort_unstable();
                format!("{name} {}", labels.join(" "))
            }
            None => row.to_owned(),
        };
        Some((row, value.parse().ok()?))
    })
    .collect()
}

#[test]
fn equal_names_have_equal_figures() {
    let server = Rtstatd::start(&["ws"], &["--metrics"]);
    let theirs = NodeExporter::start();
    let theirs_before = rows(&ask(theirs.address, "1.0", "/metrics", "").1);
    let ours = rows(&ask(server.address(), "1.0", "/metrics", "").1);
    let theirs_after = rows(&ask(theirs.address, "1.0", "/metrics", "").1);
    let (mut compared, mut unknown) = (0, Vec::new());
    for (row, value) in ours.iter().filter(|(row, _)| row.starts_with("node_")) {
        let (Some(before), Some(after)) = (theirs_before.get(row), theirs_after.get(row)) else {
            unknown.push(row);
            continue;
        };
        compared += 1;
        let (low, high) = (before.min(*after), before.max(*after));
        // Levels move between three readings; counters of this machine's work do too, by little.
        let slack = if row.starts_with("node_memory_MemTotal")
            || row.starts_with("node_boot_time")
            || row.starts_with("node_network_up")
        {
            0.0
        } else if row.contains("_total") {
            1.0 + 0.02 * high.abs()
        } else if row.contains("_bytes") {
            64e6
        } else {
            8.0 + 0.1 * high.abs()
        };
        assert!(
            low - slack <= *value && *value <= high + slack,
            "{row}: {value}, node_exporter {before} to {after}"
        );
    }
    assert!(compared > 60, "{compared} compared; {unknown:?}");
    // Its version decides about a few, such as the loopback; nothing that dashboards begin with is
    // among them.
    for family in [
        "node_cpu_seconds_total",
        "node_memory_",
        "node_load",
        "node_network_receive_bytes_total",
        "node_boot",
    ] {
        assert!(
            !unknown.iter().any(|row| row.starts_with(family)
                && !row.contains("Zswap")
                && !row.ends_with("lo")),
            "{unknown:?}"
        );
    }
}
