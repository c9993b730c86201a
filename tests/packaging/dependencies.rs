//! What the program is made of, by `Cargo.lock`: what `cargo deny check bans licenses sources`
//! finds without a network, so that it needs no tool of its own here. Advisories need their
//! database and are asked for by hand.

use std::{collections::BTreeSet, process::Command, time::Duration};

use rtstat_test_support::CommandInTime;
use serde_json::Value;

use super::text;

/// cargo may wait for another one's lock.
const LIMIT: Duration = Duration::from_secs(600);

/// Crates that the program holds in two versions, since the libraries that want them have not met
/// yet.
const TWICE: [&str; 1] = ["getrandom"];

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .arg(arguments[0])
        .arg("--locked")
        .args(&arguments[1..])
        .output_within(LIMIT)
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Whether an SPDX expression can be met with `allowed`: every part between ANDs by one of its
/// alternatives.
fn is_met(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let expression = expression.replace(['(', ')'], "").replace('/', " OR ");
    expression.split(" AND ").all(|part| {
        part.split(" OR ")
            .any(|licence| allowed.contains(licence.trim()))
    })
}

/// Every crate that is built here, the workspace's own too.
fn packages() -> Vec<Value> {
    let metadata = cargo(&[
        "metadata",
        "--format-version=1",
        "--filter-platform=x86_64-unknown-linux-gnu",
    ]);
    let mut metadata: Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].take();
    let packages = packages.as_array().unwrap().clone();
    assert!(packages.len() > 100, "{} packages", packages.len());
    packages
}

/// Major and minor version.
fn version(text: &str) -> (u32, u32) {
    let mut numbers = text.split('.').map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

#[test]
fn no_crate_needs_a_newer_rust_than_we_say() {
    let ours = version(env!("CARGO_PKG_RUST_VERSION"));
    for package in packages() {
        if let Some(theirs) = package["rust_version"].as_str() {
            assert!(
                version(theirs) <= ours,
                "{}: Rust {theirs}",
                package["name"]
            );
        }
    }
}

#[test]
fn no_dependency_takes_any_version() {
    let packages = packages();
    let published = packages
        .iter()
        .filter(|package| package["source"].is_null() && package["publish"].is_null());
    let mut dependencies = 0;
    for dependency in published.flat_map(|package| package["dependencies"].as_array().unwrap()) {
        assert_ne!(dependency["req"], "*", "{}", dependency["name"]);
        dependencies += 1;
    }
    assert!(dependencies > 20, "{dependencies} dependencies");
}

#[test]
fn every_crate_is_from_the_registry_and_may_be_shipped() {
    let deny: toml::Table = text("deny.toml").parse().unwrap();
    let allowed = deny["licenses"]["allow"]
        .as_array()
        .unwrap()
        .iter()
        .map(|licence| licence.as_str().unwrap())
        .collect();
    for package in packages() {
        let name = &package["name"];
        let licence = package["license"].as_str().unwrap_or_default();
        assert!(
            is_met(licence, &allowed),
            "{name}: {licence:?} is not on the list of deny.toml"
        );
        let source = package["source"].as_str();
        let registry = "registry+https://github.com/rust-lang/crates.io-index";
        assert!(
            source.is_none_or(|source| source == registry),
            "{name}: from {source:?}"
        );
    }
}

#[test]
fn licences_are_expressions() {
    let allowed = BTreeSet::from(["MIT", "ISC"]);
    for (expression, met) in [
        ("MIT", true),
        ("Apache-2.0/MIT", true),
        ("Apache-2.0 OR MIT", true),
        ("(MIT OR Apache-2.0) AND ISC", true),
        ("MIT AND GPL-3.0-only", false),
        ("Apache-2.0", false),
        ("", false),
    ] {
        assert_eq!(is_met(expression, &allowed), met, "{expression}");
    }
}

#[test]
fn nothing_more_is_shipped_in_two_versions() {
    let tree = cargo(&[
        "tree",
        "--package=rtstat",
        "--duplicates",
        "--edges=normal,no-proc-macro",
        "--depth=0",
        "--prefix=none",
    ]);
    let names: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| !name.is_empty())
        .collect();
    assert_eq!(names, BTreeSet::from(TWICE));
}
