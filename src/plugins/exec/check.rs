//! `rtstatd check-plugin`: one program of the operator's, run as the server would run it, and what
//! a page would get.

use std::{
    fmt::Write,
    thread,
    time::{Duration, Instant},
};

use crate::{
    drivers::DriverError,
    plugins::{
        exec::{
            definition::{Definition, Program},
            entry,
        },
        registry::{Execution, Make},
        sample::Reading,
        worker::inbox,
    },
};

/// Rates are shown over this time, or over the interval where that is shorter.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Runs the program of `definition` and tells what came of it, a line each. The second value says
/// whether it is of use.
#[must_use]
pub fn report(definition: &Definition) -> (String, bool) {
    let mut out = String::new();
    let (mode, words) = match &definition.program {
        Program::Once(words) => ("once", words),
        Program::Stream(words) => ("stream", words),
        Program::Munin(words) => ("munin", words),
    };
    let about = serde_json::to_string(&definition.about()).unwrap_or_default();
    // Writing to a String cannot fail.
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(out, "{key:10}{value}");
    };
    line("plugin", &definition.name);
    line("file", &definition.path.display().to_string());
    line("runs", &format!("{mode}: {}", words.join(" ")));
    line("info", &about);
    let Execution::Worker { make, .. } = entry(definition.clone()).execution else {
        return (out, false);
    };
    let outcome = run(&make, definition, &mut line);
    match &outcome {
        Ok(()) => line("usable", "yes"),
        Err(fault) => {
            line("value", "null");
            line("usable", &format!("no: {fault}"));
        }
    }
    (out, outcome.is_ok())
}

fn run(
    make: &Make,
    definition: &Definition,
    line: &mut impl FnMut(&str, &str),
) -> Result<(), DriverError> {
    let (_foreman, inbox) = inbox().map_err(|error| DriverError::Program(error.to_string()))?;
    let mut source = make(&inbox);
    let mut timed = |at| -> Result<(Reading, Duration), DriverError> {
        let start = Instant::now();
        Ok((source.sample(at)?, start.elapsed()))
    };
    let (first, took) = timed(Duration::ZERO)?;
    line("time", &format!("{:.1} ms", took.as_secs_f64() * 1000.0));
    if took > definition.interval {
        line(
            "warning",
            &format!(
                "it takes longer than its interval of {} s",
                definition.interval.as_secs_f64()
            ),
        );
    }
    let mut json = Vec::new();
    // What is printed once has no rates.
    if matches!(definition.program, Program::Once(_)) {
        first
            .write_json(None, &mut json)
            .map_err(|error| DriverError::Program(error.to_string()))?;
        line("value", &String::from_utf8_lossy(&json));
        return Ok(());
    }
    thread::sleep(definition.interval.min(LONGEST_WAIT));
    // A stream's second line may have to be waited for; the program's own second run is allowed
    // now.
    let (second, _) = timed(definition.interval)?;
    second
        .write_json(Some(&*first), &mut json)
        .map_err(|error| DriverError::Program(error.to_string()))?;
    line("value", &String::from_utf8_lossy(&json));
    Ok(())
}
