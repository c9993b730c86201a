//! The bench at its smallest: whether it measures every figure and prints its table, never what it
//! measures.

use std::{process::Command, time::Duration};

use rtstat_test_support::CommandInTime;

/// A build or a run of the bench is not judged by its time, but it has an end.
const LIMIT: Duration = Duration::from_secs(1800);

/// Builds rtstatd, which cargo does not do for another package's tests, beside the bench.
fn build_rtstatd() -> std::io::Result<std::process::ExitStatus> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    Command::new(env!("CARGO"))
        .args(["build", "--package", "rtstat", "--bin", "rtstatd"])
        .current_dir(root)
        .output_within(LIMIT)
        .map(|output| output.status)
}

#[test]
fn every_figure_has_its_rows() {
    assert!(build_rtstatd().expect("cargo runs").success());
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .arg("--quick")
        .output_within(LIMIT)
        .expect("the bench runs");
    let (table, said) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{said}");

    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert_eq!(
        rows[0],
        [
            "#", "what", "rtstatd", "floor", "ratio", "target", "ceiling", "verdict"
        ]
    );
    for number in 1..=18 {
        let number = number.to_string();
        let of: Vec<_> = rows.iter().filter(|row| row[0] == number).collect();
        assert!(!of.is_empty(), "no row {number}:\n{table}\n{said}");
        for row in of {
            let verdicts: &[&str] = match number.as_str() {
                // The peers may be absent, and so may the tools that look from outside.
                "10" | "11" | "15" => &["reached", "within ceiling", "MISSED", "shown", "not run"],
                _ => &["reached", "within ceiling", "MISSED", "shown"],
            };
            assert!(
                row.len() == 8 && verdicts.contains(&row[7]) && !row[2].is_empty(),
                "{row:?}\n{said}"
            );
        }
    }
}

#[test]
fn mistakes_are_told() {
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .arg("--fast")
        .output_within(LIMIT)
        .expect("the bench runs");
    assert!(!output.status.success());
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "bench: unknown argument \"--fast\", see --help\n"
    );
}
