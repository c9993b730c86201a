//! What `/metrics` says of machines that we do not have: the trees of `tests/fixtures/proc`.

use std::{fs, path::Path, time::Duration};

use rtstat::testing::{
    drivers::Root,
    plugins::{
        families::{Families, plain_text},
        registry::built_in,
    },
};

use super::scrape::{figure, promtool};

/// The answer to a scrape of the machine in `root`.
fn scraped(root: &Path) -> String {
    let mut families = Families::default();
    for mut entry in built_in(&Root::at(root))
        .into_iter()
        .filter(|entry| entry.execution.exported())
    {
        if let Ok(reading) = entry.execution.sample(Duration::ZERO) {
            reading.add_families(&mut families);
        }
    }
    plain_text(&families.open_metrics().unwrap())
}

/// The newest state of each tree.
fn trees() -> Vec<(String, std::path::PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/proc");
    let newest = |entry: fs::DirEntry| {
        let path = entry.path();
        let now = path.join("now");
        (
            entry.file_name().into_string().unwrap(),
            if now.is_dir() { now } else { path },
        )
    };
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| newest(entry.unwrap()))
        .collect()
}

#[test]
fn promtool_has_nothing_to_say_of_any_tree_and_no_row_is_there_twice() {
    let trees = trees();
    assert!(trees.len() >= 20, "{trees:?}");
    for (tree, root) in trees {
        let text = scraped(&root);
        promtool(&text);
        let mut rows: Vec<_> = text
            .lines()
            .filter_map(|line| Some(line.rsplit_once(' ')?.0))
            .collect();
        let all = rows.len();
        rows.sort_unstable();
        rows.dedup();
        assert_eq!(rows.len(), all, "{tree}: {text}");
    }
}

#[test]
fn sensors_services_containers_and_cards_have_their_rows() {
    let rapl = |domain: &str, zone: &str| {
        format!(
            "node_rapl_{domain}_joules_total{{index=\"0\",path=\"/sys/class/powercap/{zone}\"}}"
        )
    };
    let docker = "name=\"dddddddddddd\",engine=\"docker\",cgroup=\"system.slice/docker-dddddddddddd\
                  0000000000000000000000000000000000000000000000000000.scope\"";
    let rows = [
        (
            "sensors",
            "node_hwmon_temp_celsius{chip=\"coretemp\",sensor=\"temp1\"}".to_owned(),
            45.0,
        ),
        (
            "sensors",
            "node_hwmon_temp_max_celsius{chip=\"coretemp\",sensor=\"temp1\"}".into(),
            100.0,
        ),
        (
            "sensors",
            "node_hwmon_temp_crit_celsius{chip=\"coretemp\",sensor=\"temp1\"}".into(),
            100.0,
        ),
        (
            "sensors",
            "node_hwmon_temp_celsius{chip=\"nct6798\",sensor=\"temp13\"}".into(),
            -62.0,
        ),
        (
            "sensors",
            "node_hwmon_sensor_label{chip=\"coretemp\",label=\"Package id 0\",sensor=\"temp1\"}"
                .into(),
            1.0,
        ),
        (
            "sensors",
            "node_hwmon_fan_rpm{chip=\"nct6798\",sensor=\"fan2\"}".into(),
            1180.0,
        ),
        ("sensors", rapl("package", "intel-rapl:0"), 123.456_789),
        ("sensors", rapl("core", "intel-rapl:0:0"), 123.456_789),
        (
            "gpu",
            "rtstat_gpu_info{card=\"card0\",name=\"amdgpu 1002:73DF\"}".into(),
            1.0,
        ),
        (
            "gpu",
            "node_drm_gpu_busy_percent{card=\"card0\"}".into(),
            12.0,
        ),
        (
            "gpu",
            "node_drm_memory_vram_size_bytes{card=\"card0\"}".into(),
            12_868_124_672.0,
        ),
        (
            "gpu",
            "node_drm_memory_vram_used_bytes{card=\"card0\"}".into(),
            1_073_741_824.0,
        ),
        (
            "gpu",
            "rtstat_gpu_temperature_celsius{card=\"card0\"}".into(),
            43.0,
        ),
        ("gpu", "rtstat_gpu_power_watts{card=\"card0\"}".into(), 31.0),
        (
            "cgroup-v2",
            "rtstat_unit_cpu_seconds_total{name=\"nginx.service\"}".into(),
            1.25,
        ),
        (
            "cgroup-v2",
            "rtstat_unit_memory_bytes{name=\"nginx.service\"}".into(),
            35e6,
        ),
        (
            "cgroup-v2",
            "rtstat_unit_disk_read_bytes_total{name=\"nginx.service\"}".into(),
            8192.0,
        ),
        (
            "cgroup-v2",
            "rtstat_unit_disk_written_bytes_total{name=\"nginx.service\"}".into(),
            4096.0,
        ),
        (
            "cgroup-v2",
            "node_systemd_unit_tasks_current{name=\"nginx.service\"}".into(),
            5.0,
        ),
        (
            "cgroup-v2",
            format!("rtstat_container_cpu_seconds_total{{{docker}}}"),
            2.5,
        ),
        (
            "cgroup-v2",
            format!("rtstat_container_memory_bytes{{{docker}}}"),
            1000.0,
        ),
        (
            "cgroup-v2",
            format!("rtstat_container_memory_limit_bytes{{{docker}}}"),
            268_435_456.0,
        ),
        (
            "cgroup-v2",
            format!("rtstat_container_threads{{{docker}}}"),
            2.0,
        ),
    ];
    let trees: std::collections::BTreeMap<_, _> = trees().into_iter().collect();
    for (tree, row, expected) in rows {
        assert_eq!(figure(&scraped(&trees[tree]), &row), expected, "{row}");
    }
}
