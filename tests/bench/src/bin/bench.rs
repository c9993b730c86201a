//! Runs the bench and prints its table.

use std::{
    env, fs,
    io::{self, Write},
    process::ExitCode,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use rtstat_bench::{
    Result,
    fleet::allow_descriptors,
    options::{HELP, Options},
    rows, table,
};

fn main() -> ExitCode {
    match bench() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without standard error there is nobody to tell.
            let _ = writeln!(io::stderr(), "bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bench() -> Result<()> {
    let programs = env::current_exe()?
        .parent()
        .map(ToOwned::to_owned)
        .unwrap_or_default();
    let mut out = io::stdout().lock();
    let Some(options) = Options::parse(env::args().skip(1), &programs)? else {
        return Ok(out.write_all(HELP.as_bytes())?);
    };
    for program in [&options.floor, &options.rtstatd] {
        if !program.path.exists() {
            return Err(format!(
                "{} is not built: start the bench with tests/bench/run",
                program.path.display()
            )
            .into());
        }
    }
    let [most, ..] = options.scale.clients;
    allow_descriptors(most + options.scale.stalled.0)?;
    let begin = Instant::now();
    let rows = rows::all(&options, &mut |text| {
        // Progress is a courtesy: the table counts.
        let _ = writeln!(io::stderr(), "[{:4} s] {text}", begin.elapsed().as_secs());
    });
    let pairs = options.scale.pairs;
    writeln!(out, "{}; medians of {pairs} interleaved pairs\n", machine())?;
    out.write_all(table::render(&rows).as_bytes())?;
    Ok(())
}

/// What the figures belong to: date, processors, kernel, command.
fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let models: Vec<&str> = cpuinfo
        .lines()
        .filter_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map(|(_, model)| model)
        .collect();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let arguments: Vec<String> = env::args().skip(1).collect();
    format!(
        "{}, {} × {}, Linux {}, tests/bench/run {}",
        date(now / 86_400),
        models.len(),
        models.first().unwrap_or(&"unknown processor"),
        read("/proc/sys/kernel/osrelease").trim(),
        arguments.join(" "),
    )
}

/// The date of a day since 1970, after Howard Hinnant's `civil_from_days`.
fn date(days: u64) -> String {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn knows_the_calendar() {
        for (days, text) in [
            (0, "1970-01-01"),
            (19_782, "2024-02-29"),
            (20_454, "2026-01-01"),
        ] {
            assert_eq!(date(days), text);
        }
    }
}
