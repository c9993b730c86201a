//! Debian's own Munin plugins, unmodified, as munin-plugins-core installs them.

use std::{path::Path, time::Duration};

use rtstat::testing::{
    plugins::{
        exec::{self, definition::Definition},
        registry::Execution,
        worker::inbox,
    },
    sampling::schedule::SLOT,
};
use serde_json::Value;

use rtstat_test_support::CommandInTime;

use super::definitions::{Folder, watch};

const FOLDER: &str = "/usr/share/munin/plugins";

/// The rows of a plugin after a first and a second reading.
fn rows(path: &str) -> (Vec<Value>, Vec<Value>) {
    assert!(
        Path::new(path).exists(),
        "{path} is in Debian's package munin-plugins-core"
    );
    let definition =
        Definition::parse(Path::new("/x/munin.toml"), &format!("munin = '{path}'")).unwrap();
    let Execution::Worker { make, .. } = exec::entry(definition, SLOT).execution else {
        panic!("no worker")
    };
    let (_worker, inbox) = inbox().unwrap();
    let mut source = make(&inbox);
    let mut sample = |secs| {
        source
            .sample(Duration::from_secs(secs))
            .unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    let (first, second) = (sample(0), sample(60));
    let list = |before: Option<&dyn rtstat::testing::plugins::sample::Sample>,
                now: &dyn rtstat::testing::plugins::sample::Sample| {
        let mut json = Vec::new();
        now.write_json(before, &mut json).unwrap();
        let value: Value = serde_json::from_slice(&json).unwrap();
        value.as_array().unwrap().clone()
    };
    (list(None, &*first), list(Some(&*first), &*second))
}

fn row<'a>(rows: &'a [Value], name: &str) -> &'a Value {
    rows.iter()
        .find(|row| row["name"] == name)
        .unwrap_or_else(|| panic!("no {name}: {rows:?}"))
}

#[test]
fn sixteen_of_debians_run() {
    let plain = [
        "cpu",
        "load",
        "memory",
        "df",
        "df_inode",
        "forks",
        "interrupts",
        "open_files",
        "open_inodes",
        "processes",
        "swap",
        "threads",
        "uptime",
        "users",
        "vmstat",
        "proc_pri",
    ];
    for name in plain {
        let (_, rows) = rows(&format!("{FOLDER}/{name}"));
        assert!(!rows.is_empty(), "{name}");
        assert!(
            rows.iter().any(|row| row["value"].is_number()),
            "{name}: {rows:?}"
        );
        assert!(
            rows.iter()
                .all(|row| row["label"].is_string() && row["unit"].is_string()),
            "{name}: {rows:?}"
        );
    }
}

#[test]
fn levels_are_shown_and_counters_become_rates() {
    let (first, second) = rows(&format!("{FOLDER}/forks"));
    assert!(
        row(&first, "forks")["value"].is_null(),
        "since boot is no rate: {first:?}"
    );
    let rate = row(&second, "forks")["value"].as_f64().unwrap();
    // Between the readings this very plugin was started; since boot it would be many thousands a
    // second.
    assert!(rate > 0.0 && rate < 100_000.0, "{rate}");
    assert_eq!(row(&second, "forks")["unit"], "forks / second");
    let (first, _) = rows(&format!("{FOLDER}/load"));
    assert!(row(&first, "load")["value"].is_number(), "{first:?}");
    let (first, _) = rows(&format!("{FOLDER}/df"));
    assert!(
        first
            .iter()
            .all(|row| row["warn"] == 92.0 && row["crit"] == 98.0 && row["unit"] == "%"),
        "{first:?}"
    );
}

#[test]
fn every_graph_of_a_multigraph_plugin_is_there() {
    let (_, rows) = rows(&format!("{FOLDER}/netstat"));
    let graphs: std::collections::BTreeSet<_> = rows
        .iter()
        .map(|row| row["graph"].as_str().unwrap())
        .collect();
    assert!(graphs.contains("netstat") && graphs.len() > 1, "{graphs:?}");
}

#[test]
fn a_wildcard_plugin_reads_the_name_of_its_link() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("if_lo");
    std::os::unix::fs::symlink(format!("{FOLDER}/if_"), &link).unwrap();
    let (_, rows) = rows(link.to_str().unwrap());
    assert!(
        row(&rows, "down")["value"].is_number() && row(&rows, "up")["value"].is_number(),
        "{rows:?}"
    );
}

/// df_abs counts kB, names bytes, and tells Munin how to get there.
#[test]
fn figures_are_in_the_unit_that_the_plugin_names() {
    let (_, rows) = rows(&format!("{FOLDER}/df_abs"));
    let found = rows.iter().find(|row| row["label"] == "/").unwrap();
    assert_eq!(found["unit"], "bytes");
    let df = std::process::Command::new("df")
        .args(["-B1", "--output=used", "/"])
        .output_in_time()
        .unwrap();
    let used: f64 = String::from_utf8(df.stdout)
        .unwrap()
        .lines()
        .nth(1)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    let told = found["value"].as_f64().unwrap();
    // Files come and go between the two.
    assert!((told / used - 1.0).abs() < 0.2, "{told}, df {used}");
}

#[test]
fn it_reaches_a_page() {
    let folder = Folder::new();
    folder.define("load1", &format!("munin = '{FOLDER}/load'\ninterval = 0.5"));
    folder.define("true", "munin = '/bin/true'");
    let server = folder.serve();
    let mut client = watch(&server, "_meta,load1,true");
    let push = client
        .push_with(|push| push["load1"].is_array() && push["_meta"]["err"]["true"].is_string());
    assert_eq!(push["load1"][0]["name"], "load");
    let reason = "not a Munin plugin's output: no graph and no field in its answer to `config`";
    assert_eq!(push["_meta"]["err"]["true"], reason);
    assert_eq!(client.info()["plugins"]["load1"]["kind"], "table");
}
