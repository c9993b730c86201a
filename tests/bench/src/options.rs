//! The command line of the bench, and how large each run is.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use crate::{Result, program::Program};

/// What `--help` prints.
pub const HELP: &str = "\
Measures rtstatd beside a bare epoll broadcaster and other monitors, and prints one table.

Usage: tests/bench/run [OPTIONS]

  --quick           every row at a small size, in less than a minute: for its shape, not for its figures
  --rows LIST       only these figures, for example 1-3,14
  --pairs N         interleaved pairs for each figure, at least 1 [default: 5]
  --rtstatd PATH    another rtstatd than the one built here
  --help            this text
";

/// How large, how long, how often.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    /// Interleaved pairs.
    pub pairs: usize,
    /// The large, the middle and the small number of clients.
    pub clients: [usize; 3],
    /// Between two pushes of a client.
    pub interval: Duration,
    /// Measured intervals of a push row.
    pub window: u32,
    /// How long an idle server is watched.
    pub idle: Duration,
    /// Silent sessions of the idle rows.
    pub silent: usize,
    /// How long a steady client is watched.
    pub steady: Duration,
    /// How long after the clients left memory is read.
    pub leave: Duration,
    /// Clients that never read, and how long.
    pub stalled: (usize, Duration),
    /// Processes beside the peers, and in the large row.
    pub processes: [usize; 2],
    /// Repetitions of a micro measurement.
    pub repeats: u32,
}

impl Scale {
    /// The sizes that the figures are defined for.
    #[must_use]
    pub fn full() -> Self {
        Self {
            pairs: 5,
            clients: [10_000, 1000, 100],
            interval: Duration::from_secs(1),
            window: 5,
            idle: Duration::from_secs(60),
            silent: 1000,
            steady: Duration::from_secs(60),
            leave: Duration::from_secs(10),
            stalled: (200, Duration::from_secs(20)),
            processes: [200, 1000],
            repeats: 2000,
        }
    }

    /// Small enough for all rows in less than a minute.
    #[must_use]
    pub fn quick() -> Self {
        Self {
            pairs: 1,
            clients: [60, 30, 10],
            interval: Duration::from_millis(500),
            window: 1,
            idle: Duration::from_secs(1),
            silent: 20,
            steady: Duration::from_secs(2),
            leave: Duration::from_millis(200),
            stalled: (5, Duration::from_secs(1)),
            processes: [10, 20],
            repeats: 20,
        }
    }
}

/// What the command line asks for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The sizes.
    pub scale: Scale,
    /// The figures wanted; none for all.
    pub rows: Option<BTreeSet<u8>>,
    /// The yardstick.
    pub floor: Program,
    /// What is measured.
    pub rtstatd: Program,
}

impl Options {
    /// Reads the arguments; none when help is wanted. `programs` is where floor and rtstatd were
    /// built.
    ///
    /// # Errors
    /// With a text for the reader when an argument is not understood.
    pub fn parse(
        arguments: impl IntoIterator<Item = String>,
        programs: &std::path::Path,
    ) -> Result<Option<Self>> {
        let mut arguments = arguments.into_iter();
        let mut options = Self {
            scale: Scale::full(),
            rows: None,
            floor: Program::floor(programs.join("floor")),
            rtstatd: Program::rtstatd(programs.join("rtstatd")),
        };
        let mut pairs = None;
        while let Some(argument) = arguments.next() {
            let mut value = || {
                arguments
                    .next()
                    .ok_or_else(|| format!("{argument} needs a value, see --help"))
            };
            match argument.as_str() {
                "--help" | "-h" => return Ok(None),
                "--quick" => options.scale = Scale::quick(),
                "--rows" => options.rows = Some(rows(&value()?)?),
                "--pairs" => pairs = Some(value()?),
                "--rtstatd" => options.rtstatd = Program::rtstatd(PathBuf::from(value()?)),
                other => return Err(format!("unknown argument {other:?}, see --help").into()),
            }
        }
        if let Some(text) = pairs {
            options.scale.pairs = text
                .parse()
                .ok()
                .filter(|pairs| *pairs > 0)
                .ok_or(format!("--pairs {text}: a number from 1 is wanted"))?;
        }
        Ok(Some(options))
    }

    /// Whether the figure `number` is wanted.
    #[must_use]
    pub fn wants(&self, number: u8) -> bool {
        self.rows.as_ref().is_none_or(|rows| rows.contains(&number))
    }
}

fn rows(list: &str) -> Result<BTreeSet<u8>> {
    let mut rows = BTreeSet::new();
    for part in list.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        match (from.parse(), to.parse()) {
            (Ok(from @ 1..=18), Ok(to @ 1..=18)) if from <= to => rows.extend(from..=to),
            _ => {
                return Err(format!(
                    "--rows {list}: figures from 1 to 18 are wanted, for example 1-3,14"
                )
                .into());
            }
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parse(line: &str) -> Result<Option<Options>> {
        Options::parse(
            line.split_ascii_whitespace().map(str::to_owned),
            Path::new("/built"),
        )
    }

    #[test]
    fn takes_what_help_says() {
        let options = parse("--quick --rows 1-3,14 --pairs 2 --rtstatd /x/rtstatd")
            .unwrap()
            .unwrap();
        assert_eq!(
            options.scale,
            Scale {
                pairs: 2,
                ..Scale::quick()
            }
        );
        assert_eq!(
            options
                .rows
                .as_ref()
                .unwrap()
                .iter()
                .copied()
                .collect::<Vec<_>>(),
            [1, 2, 3, 14]
        );
        assert!(options.wants(14) && !options.wants(4));
        assert_eq!(options.rtstatd.path, Path::new("/x/rtstatd"));
        assert_eq!(options.floor.path, Path::new("/built/floor"));
        assert!(parse("").unwrap().unwrap().wants(18));
        assert!(parse("--pairs 3 --help").unwrap().is_none());
    }

    #[test]
    fn says_what_is_wrong() {
        for (line, part) in [
            ("--rows", "needs a value"),
            ("--rows 0", "from 1 to 18"),
            ("--rows 5-2", "from 1 to 18"),
            ("--rows 1,x", "from 1 to 18"),
            ("--pairs 0", "from 1"),
            ("--fast", "unknown argument"),
        ] {
            assert!(
                parse(line).unwrap_err().to_string().contains(part),
                "{line}"
            );
        }
    }
}
