//! `rtstatd check-plugin`: runs one of the operator's programs as the server would, and reports what
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
            definition::{Definition, Mode},
            entry,
        },
        registry::{Execution, Make},
        sample::Reading,
        worker::inbox,
    },
};

/// The longest wait between two runs, whose difference the rates are. Usually it is the interval.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Runs the program of `definition` and returns a report and whether the plugin is usable.
#[must_use]
pub(crate) fn report(definition: &Definition, slot: Duration) -> (String, bool) {
    let mut out = String::new();
    let about = serde_json::to_string(&definition.about()).unwrap_or_default();
    // Writing to a String cannot fail.
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(out, "{key:10}{value}");
    };
    line("plugin", &definition.name);
    line("file", &definition.path.display().to_string());
    line(
        "runs",
        &format!("{}: {}", definition.mode.name(), definition.words.join(" ")),
    );
    line("info", &about);
    let Execution::Worker { make, .. } = entry(definition.clone(), slot).execution else {
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
    let (_worker, inbox) = inbox().map_err(|error| DriverError::Program(error.to_string()))?;
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
    // A single value has no rates.
    if definition.mode == Mode::Once {
        first
            .write_json(None, &mut json)
            .map_err(|error| DriverError::Program(error.to_string()))?;
        line("value", &String::from_utf8_lossy(&json));
        return Ok(());
    }
    thread::sleep(definition.interval.min(LONGEST_WAIT));
    // The interval has to pass for the back-off, though we did not wait that long.
    let (second, _) = timed(definition.interval)?;
    second
        .write_json(Some(&*first), &mut json)
        .map_err(|error| DriverError::Program(error.to_string()))?;
    line("value", &String::from_utf8_lossy(&json));
    Ok(())
}
