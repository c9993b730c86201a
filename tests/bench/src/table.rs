//! The table: figure, ratio to the floor, target, ceiling, verdict.

use std::fmt::{self, Display};

/// What a figure should reach and must not exceed: smaller is better everywhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    /// What is wanted.
    pub target: f64,
    /// What keeps the matter open when exceeded.
    pub ceiling: f64,
    /// The unit of both, as it is printed behind the number.
    pub unit: &'static str,
}

/// A shorthand for a [`Bound`].
#[must_use]
pub const fn bound(target: f64, ceiling: f64, unit: &'static str) -> Bound {
    Bound {
        target,
        ceiling,
        unit,
    }
}

/// What a figure is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The target is reached.
    Reached,
    /// The target is not reached, the ceiling is not exceeded.
    Within,
    /// The ceiling is exceeded.
    Missed,
    /// Shown without a bound.
    Shown,
    /// Not measured, with the reason in place of the figure.
    NotRun,
}

impl Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Reached => "reached",
            Self::Within => "within ceiling",
            Self::Missed => "MISSED",
            Self::Shown => "shown",
            Self::NotRun => "not run",
        })
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The number of the figure; several lines may share one.
    pub number: u8,
    /// What is measured.
    pub what: String,
    /// The figure, with its unit.
    pub figure: String,
    /// The floor's, where there is one.
    pub floor: String,
    /// The figure over the floor's.
    pub ratio: Option<f64>,
    /// What it is held to.
    pub bound: Option<Bound>,
    /// What it is worth.
    pub verdict: Verdict,
}

impl Row {
    /// A figure held to `bound`, in the bound's own unit.
    #[must_use]
    pub fn absolute(number: u8, what: impl Into<String>, value: f64, bound: Bound) -> Self {
        Self {
            number,
            what: what.into(),
            figure: format!("{}{}", short(value), bound.unit),
            floor: String::new(),
            ratio: None,
            bound: Some(bound),
            verdict: judge(value, bound),
        }
    }

    /// Medians of floor, figure and ratio, the ratio held to `bound`.
    #[must_use]
    pub fn ratio(
        number: u8,
        what: impl Into<String>,
        medians: (f64, f64, f64),
        unit: &str,
        bound: Option<Bound>,
    ) -> Self {
        let (floor, figure, ratio) = medians;
        Self {
            number,
            what: what.into(),
            figure: format!("{}{unit}", short(figure)),
            floor: format!("{}{unit}", short(floor)),
            ratio: Some(ratio),
            bound,
            verdict: bound.map_or(Verdict::Shown, |bound| judge(ratio, bound)),
        }
    }

    /// A figure without a bound.
    #[must_use]
    pub fn shown(number: u8, what: impl Into<String>, figure: impl Into<String>) -> Self {
        Self {
            number,
            what: what.into(),
            figure: figure.into(),
            floor: String::new(),
            ratio: None,
            bound: None,
            verdict: Verdict::Shown,
        }
    }

    /// A row that could not be measured.
    #[must_use]
    pub fn not_run(number: u8, what: impl Into<String>, why: impl Display) -> Self {
        let why = why.to_string();
        let why = why.lines().next().unwrap_or_default().to_owned();
        Self {
            verdict: Verdict::NotRun,
            ..Self::shown(number, what, why)
        }
    }

    /// The same with the floor's figure beside it.
    #[must_use]
    pub fn beside(mut self, floor: impl Into<String>) -> Self {
        self.floor = floor.into();
        self
    }

    fn cells(&self) -> [String; 8] {
        let limit = |value: fn(&Bound) -> f64| {
            self.bound
                .as_ref()
                .map(|bound| format!("{}{}", short(value(bound)), bound.unit))
                .unwrap_or_default()
        };
        [
            self.number.to_string(),
            self.what.clone(),
            self.figure.clone(),
            self.floor.clone(),
            self.ratio
                .map(|ratio| format!("{ratio:.2} ×"))
                .unwrap_or_default(),
            limit(|bound| bound.target),
            limit(|bound| bound.ceiling),
            self.verdict.to_string(),
        ]
    }
}

fn judge(value: f64, bound: Bound) -> Verdict {
    if value <= bound.target {
        Verdict::Reached
    } else if value <= bound.ceiling {
        Verdict::Within
    } else {
        Verdict::Missed
    }
}

/// Three significant digits are more than a shared machine can tell.
#[must_use]
pub fn short(value: f64) -> String {
    let digits = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        0.0 => 0,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

const HEAD: [&str; 8] = [
    "#", "what", "rtstatd", "floor", "ratio", "target", "ceiling", "verdict",
];

/// The rows as a table that is also Markdown.
#[must_use]
pub fn render(rows: &[Row]) -> String {
    let mut lines = vec![HEAD.map(str::to_owned)];
    lines.extend(rows.iter().map(Row::cells));
    let widths: Vec<usize> = (0..HEAD.len())
        .map(|column| {
            lines
                .iter()
                .filter_map(|line| line.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut out = String::new();
    for (number, line) in lines.iter().enumerate() {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        out += &format!("| {} |\n", cells.join(" | "));
        if number == 0 {
            let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
            out += &format!("| {} |\n", rules.join(" | "));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        let limits = bound(1.05, 1.15, " ×");
        for (value, verdict) in [
            (1.05, Verdict::Reached),
            (1.1, Verdict::Within),
            (1.151, Verdict::Missed),
            (f64::NAN, Verdict::Missed),
        ] {
            assert_eq!(judge(value, limits), verdict, "{value}");
        }
    }

    #[test]
    fn shortens() {
        for (value, text) in [
            (0.0, "0"),
            (0.034, "0.03"),
            (1.5, "1.5"),
            (22.04, "22"),
            (123.4, "123"),
            (1200.0, "1200"),
        ] {
            assert_eq!(short(value), text);
        }
    }

    #[test]
    fn renders_markdown_of_one_width() {
        let rows = [
            Row::ratio(
                1,
                "CPU per push",
                (6.5, 7.0, 1.08),
                " µs",
                Some(bound(1.05, 1.15, " ×")),
            ),
            Row::not_run(11, "peers", "glances is not installed\nsecond line"),
        ];
        let text = render(&rows);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(
            lines
                .iter()
                .all(|line| line.chars().count() == lines[0].chars().count()),
            "{text}"
        );
        assert!(
            lines[2].contains("| 7 µs")
                && lines[2].contains("1.08 ×")
                && lines[2].contains("within ceiling")
        );
        assert!(lines[3].contains("glances is not installed") && !text.contains("second line"));
    }
}
