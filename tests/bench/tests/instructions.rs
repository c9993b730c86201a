//! Instruction counts of one push and of one sample, which do not depend on the machine's mood:
//! callgrind counts them in the release build.

#[cfg(test)]
mod counts {
    use std::{process::Command, time::Duration};

    use rtstat_test_support::CommandInTime;

    /// A build or a count is not judged by its time, but it has an end.
    const LIMIT: Duration = Duration::from_secs(1800);

    /// User instructions of one push into a clear socket, of one sample of three legacy plugins
    /// with JSON on the two processors of the fixture `vm-6.18`, and of one client from its request
    /// to its greeting (both ends). Measured with Rust 1.95 on x86_64; the margin is a quarter.
    const PUSH: f64 = 79.0;
    const SAMPLE: f64 = 35_000.0;
    const CONNECT: f64 = 40_000.0;
    const MARGIN: f64 = 1.25;

    const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

    fn instructions(program: &str, what: &str, times: u32) -> f64 {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("counts");
        let output = Command::new("valgrind")
            .args([
                "--tool=callgrind",
                &format!("--callgrind-out-file={}", out.display()),
            ])
            .args([
                program,
                what,
                &times.to_string(),
                &format!("{ROOT}/tests/fixtures/proc/vm-6.18"),
            ])
            .output_within(LIMIT)
            .expect("valgrind runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let counts = std::fs::read_to_string(out).unwrap();
        let total = counts.lines().find_map(|line| {
            line.strip_prefix("totals: ")
                .or(line.strip_prefix("summary: "))
        });
        total
            .and_then(|total| total.split_whitespace().next())
            .unwrap()
            .parse()
            .unwrap()
    }

    /// What one more costs.
    fn each(program: &str, what: &str) -> f64 {
        let (few, many) = (20, 60);
        (instructions(program, what, many) - instructions(program, what, few))
            / f64::from(many - few)
    }

    #[test]
    fn a_push_a_sample_and_a_connect_cost_no_more_instructions_than_they_did() {
        let build = [
            "build",
            "--release",
            "--package",
            "rtstat-bench",
            "--bin",
            "instructions",
        ];
        let built = Command::new(env!("CARGO"))
            .args(build)
            .current_dir(ROOT)
            .output_within(LIMIT)
            .expect("cargo runs");
        assert!(
            built.status.success(),
            "{}",
            String::from_utf8_lossy(&built.stderr)
        );
        let target = std::path::Path::new(env!("CARGO_BIN_EXE_bench"))
            .ancestors()
            .nth(2)
            .unwrap();
        let program = target.join("release/instructions");
        let program = program.to_str().unwrap();
        let [push, sample, connect] = ["push", "sample", "connect"].map(|what| each(program, what));
        println!("instructions: {push} a push, {sample} a sample, {connect} a connect");
        assert!(
            push > 0.0 && push < PUSH * MARGIN,
            "{push} instructions a push, {PUSH} before"
        );
        assert!(
            sample > 0.0 && sample < SAMPLE * MARGIN,
            "{sample} instructions a sample, {SAMPLE} before"
        );
        assert!(
            connect > 0.0 && connect < CONNECT * MARGIN,
            "{connect} instructions a connect, {CONNECT} before"
        );
    }
}
