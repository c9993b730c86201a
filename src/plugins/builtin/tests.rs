//! The built-in keys on machines that we do not have: the trees of `tests/fixtures/proc`, whose
//! README tells where each comes from.
//!
//! A tree has an `expected.json` with the keys that it is about; every figure in there has to be in
//! the push. A tree with the folders `before` and `now` is read a second later from the other one.

use std::{collections::BTreeMap, fmt::Write, fs, path::Path, time::Duration};

use serde_json::Value;

use crate::{
    drivers::{
        Root,
        linux::{
            skipped::Skipped,
            stat::{Stat, parse_cpus},
        },
    },
    plugins::{Plugin, Window, builtin::cpu_stat::CpuStat, registry::built_in, sample::Reading},
};

fn trees() -> BTreeMap<String, (Root, Root, BTreeMap<String, Value>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/proc");
    let tree = |entry: fs::DirEntry| {
        let path = entry.path();
        let expected = fs::read(path.join("expected.json")).unwrap();
        let (before, now) = match path.join("now") {
            now if now.is_dir() => (path.join("before"), now),
            _ => (path.clone(), path),
        };
        let name = entry.file_name().into_string().unwrap();
        (
            name,
            (
                Root::at(before),
                Root::at(now),
                serde_json::from_slice(&expected).unwrap(),
            ),
        )
    };
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| tree(entry.unwrap()))
        .collect()
}

fn sampled(root: &Root, key: &str, at: u64) -> Reading {
    let mut entry = built_in(root)
        .into_iter()
        .find(|entry| entry.name == key)
        .unwrap();
    entry
        .execution
        .sample(Duration::from_secs(at))
        .unwrap_or_else(|error| panic!("{key}: {error}"))
}

/// What is expected and not found, with the way to it.
fn missing(expected: &Value, found: &Value, way: &str) -> Vec<String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            let absent = Value::String("nothing".into());
            let each = |(key, value): (&String, &Value)| {
                missing(
                    value,
                    found.get(key).unwrap_or(&absent),
                    &format!("{way}.{key}"),
                )
            };
            expected.iter().flat_map(each).collect()
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            let each =
                |(index, (expected, found))| missing(expected, found, &format!("{way}[{index}]"));
            expected
                .iter()
                .zip(found)
                .enumerate()
                .flat_map(each)
                .collect()
        }
        _ if expected == found => Vec::new(),
        _ => vec![format!("{way}: expected {expected}, found {found}")],
    }
}

#[test]
fn every_tree_gives_the_figures_that_it_should() {
    let mut wrong = Vec::new();
    let trees = trees();
    assert!(trees.len() >= 20, "{:?}", trees.keys());
    for (tree, (before, now, keys)) in &trees {
        for (key, expected) in keys {
            let (before, now) = (sampled(before, key, 1), sampled(now, key, 2));
            let mut json = Vec::new();
            now.write_json(Some(&*before), &mut json).unwrap();
            let found: Value = serde_json::from_slice(&json).unwrap();
            wrong.extend(missing(expected, &found, &format!("{tree}: {key}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a tree lacks is an error or null, and never a panic or broken JSON.
#[test]
fn every_key_survives_every_tree() {
    for (tree, (before, now, _)) in &trees() {
        for root in [before, now] {
            for mut entry in built_in(root) {
                let Ok(reading) = entry.execution.sample(Duration::ZERO) else {
                    continue;
                };
                let mut json = Vec::new();
                reading.write_json(None, &mut json).unwrap();
                assert!(
                    serde_json::from_slice::<Value>(&json).is_ok(),
                    "{tree}: {}",
                    entry.name
                );
            }
        }
    }
}

/// 256 processors, of which every seventh is off.
#[test]
fn many_processors_are_all_in_the_push() {
    let stat = |ticks: u64| {
        let mut text = String::from("cpu  0 0 0 0\n");
        for id in (0..256).filter(|id| id % 7 != 3) {
            writeln!(text, "cpu{id} {} 0 0 {}", ticks * id, ticks * (255 - id)).unwrap();
        }
        let mut stat = Stat::default();
        parse_cpus(text.as_bytes(), &mut stat, &mut Skipped::default()).unwrap();
        stat
    };
    let (before, now) = (stat(1), stat(2));
    let window = Window {
        before: Some((&before, Duration::from_secs(1))),
        now: &now,
    };
    let json = serde_json::to_value(CpuStat::view(window)).unwrap();
    let cpus = json.as_object().unwrap();
    assert_eq!(cpus.len(), 219);
    for (name, shares) in cpus {
        let id: f64 = name.trim_start_matches("cpu").parse().unwrap();
        assert!(
            (shares["usage"].as_f64().unwrap() - id / 255.0).abs() <= 0.005,
            "{name}: {shares}"
        );
    }
}
