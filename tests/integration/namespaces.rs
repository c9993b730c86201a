//! Tests that need namespaces of their own: this program again, for one test alone.

use std::{process::Command, time::Duration};

use nix::unistd::geteuid;
use rtstat_test_support::CommandInTime;

/// How long the test inside may take as a whole.
const LIMIT: Duration = Duration::from_secs(300);

const INSIDE: &str = "RT_TEST_HAS_OWN_NAMESPACES";

/// Whether this user may do what `words` say in namespaces of its own.
pub fn may<'a>(words: &'a [&'a str]) -> impl Fn(&mut Command) -> bool {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    move |unshare| {
        unshare
            .args(&words)
            .status_in_time()
            .is_ok_and(|status| status.success())
    }
}

/// Runs the test of this name again in the namespaces that these options of unshare(1) make, and
/// there `test`. What cannot be tested is told, and a failure in continuous integration.
pub fn again_in(
    name: &str,
    options: &[&str],
    possible: impl Fn(&mut Command) -> bool,
    test: impl FnOnce(),
) {
    if std::env::var_os(INSIDE).is_some() {
        return test();
    }
    let unshare = || {
        let mut unshare = Command::new("unshare");
        let rights = if geteuid().is_root() {
            &[][..]
        } else {
            &["--user", "--map-root-user"]
        };
        unshare.args(rights).args(options);
        unshare
    };
    if !possible(&mut unshare()) && std::env::var_os("CI").is_none() {
        eprintln!("not tested: this user may not do that in namespaces of its own");
        return;
    }
    let program = std::env::current_exe().unwrap();
    let again = unshare()
        .arg(program)
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .output_within(LIMIT)
        .unwrap();
    let said = [again.stdout, again.stderr].concat();
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&said));
}
