//! What a Munin plugin prints for `config` (Munin's plugin reference, "Attributes").

use std::{collections::BTreeMap, time::Duration};

use crate::plugins::exec::{fault::Fault, munin::formula::Formula};

/// The most fields of a plugin. A page could not show more.
const MAX_FIELDS: usize = 1000;

/// The fields of all graphs.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Graphs {
    fields: BTreeMap<(String, String), Field>,
    oddities: Vec<String>,
}

/// One field.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Field {
    /// Shown to people.
    pub label: String,
    /// The graph's axis label, or the definition's unit.
    pub unit: String,
    /// How its values become figures.
    pub source_type: SourceType,
    /// The time that rates refer to.
    pub period: Period,
    /// Applied to its figures before they are shown.
    pub formula: Option<Formula>,
    /// Figures below are unknown, as in Munin.
    pub min: Option<f64>,
    /// Figures above are unknown, as in Munin.
    pub max: Option<f64>,
    /// Figures outside need attention.
    pub warning: Bounds,
    /// Figures outside are critical.
    pub critical: Bounds,
}

/// RRDtool's data source types, see rrdcreate(1).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum SourceType {
    /// A level.
    #[default]
    Gauge,
    /// Only grows; the figure is its growth per second.
    Counter,
    /// May also fall; the figure is its change per second.
    Derive,
    /// Set to 0 by each reading; the figure is the value per second.
    Absolute,
}

/// Munin's `graph_period`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// The default.
    #[default]
    Second,
    /// Rates are per minute.
    Minute,
    /// Rates are per hour.
    Hour,
}

impl Period {
    fn parse(text: &str) -> Self {
        match text {
            "minute" => Self::Minute,
            "hour" => Self::Hour,
            _ => Self::Second,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
        }
    }

    fn secs(self) -> f64 {
        match self {
            Self::Second => 1.0,
            Self::Minute => 60.0,
            Self::Hour => 3600.0,
        }
    }
}

/// The range of normal values.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Lower limit.
    pub below: Option<f64>,
    /// Upper limit.
    pub above: Option<f64>,
}

impl Bounds {
    /// `max`, `min:`, `:max` or `min:max`.
    fn parse(text: &str) -> Self {
        match text.split_once(':') {
            Some((below, above)) => Self {
                below: number(below),
                above: number(above),
            },
            None => Self {
                below: None,
                above: number(text),
            },
        }
    }
}

impl Field {
    /// The figure of the value `now`; `since` is an earlier value and the time from it. None where a
    /// counter fell: it was reset, and what it had counted before is unknown.
    pub(super) fn figure(&self, now: f64, since: Option<(f64, Duration)>) -> Option<f64> {
        let per_second =
            |amount: f64, time: Duration| (!time.is_zero()).then(|| amount / time.as_secs_f64());
        let figure = match (self.source_type, since) {
            (SourceType::Gauge, _) => Some(now),
            (_, None) => None,
            (SourceType::Counter, Some((before, _))) if now < before => None,
            (SourceType::Counter | SourceType::Derive, Some((before, time))) => {
                per_second(now - before, time)
            }
            (SourceType::Absolute, Some((_, time))) => per_second(now, time),
        };
        let inside = |figure: &f64| {
            self.min.is_none_or(|min| *figure >= min) && self.max.is_none_or(|max| *figure <= max)
        };
        figure.filter(inside).map(|figure| self.in_period(figure))
    }

    /// Converts a rate per second into one per graph period. Gauges stay.
    fn in_period(&self, figure: f64) -> f64 {
        if self.source_type == SourceType::Gauge {
            figure
        } else {
            figure * self.period.secs()
        }
    }

    /// A bound in the unit of the figures that are shown; `name` is the field's. None where the
    /// formula needs other fields too.
    pub(super) fn bound(&self, name: &str, bound: Option<f64>) -> Option<f64> {
        let bound = self.in_period(bound?);
        match &self.formula {
            Some(formula) => formula.result(|field| (field == name).then_some(bound)),
            None => Some(bound),
        }
    }

    /// Whether its values begin at 0 and grow. Those of [`SourceType::Derive`] do where their figures may
    /// not be below zero.
    pub(super) fn only_grows(&self) -> bool {
        self.source_type == SourceType::Counter
            || self.source_type == SourceType::Derive && self.min.is_some_and(|min| min >= 0.0)
    }
}

impl Graphs {
    /// Parses the output of `config`. `unit` takes precedence over the graphs' own.
    ///
    /// # Errors
    /// When nothing in it is what a Munin plugin prints.
    pub fn parse(text: &str, unit: &str) -> Result<Self, Fault> {
        let mut graphs = Self::default();
        let mut units: BTreeMap<String, String> = BTreeMap::new();
        let mut periods: BTreeMap<String, Period> = BTreeMap::new();
        let mut graph = String::new();
        let mut known = false;
        for line in text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let (key, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            // A bare `#` would begin a comment.
            let value = &*value.trim().replace("\\#", "#");
            match (key, key.split_once('.')) {
                ("multigraph", _) => value.clone_into(&mut graph),
                ("graph_vlabel", _) => drop(units.insert(graph.clone(), value.into())),
                ("graph_period", _) => drop(periods.insert(graph.clone(), Period::parse(value))),
                (_, Some((field, attribute))) => graphs.set(&graph, field, attribute, value)?,
                _ => known |= key.starts_with("graph_") || key == "host_name" || key == "update",
            }
            known |= matches!(key, "multigraph" | "graph_vlabel" | "graph_period");
        }
        if !known && graphs.fields.is_empty() {
            return Err(Fault::NotMunin(
                "no graph and no field in its answer to `config`".into(),
            ));
        }
        for ((graph, _), field) in &mut graphs.fields {
            field.period = periods.get(graph).copied().unwrap_or_default();
            let label = |label: &String| label.replace("${graph_period}", field.period.name());
            let own = units.get(graph).map(label).unwrap_or_default();
            field.unit = if unit.is_empty() { own } else { unit.into() };
        }
        Ok(graphs)
    }

    fn set(&mut self, graph: &str, name: &str, attribute: &str, value: &str) -> Result<(), Fault> {
        if self.fields.len() >= MAX_FIELDS {
            return Err(Fault::NotMunin(format!("more than {MAX_FIELDS} fields")));
        }
        let new = || Field {
            label: name.into(),
            ..Field::default()
        };
        let field = self
            .fields
            .entry((graph.into(), name.into()))
            .or_insert_with(new);
        match attribute {
            "label" => value.clone_into(&mut field.label),
            "type" => match value.to_ascii_uppercase().as_str() {
                "GAUGE" => field.source_type = SourceType::Gauge,
                "COUNTER" => field.source_type = SourceType::Counter,
                "DERIVE" => field.source_type = SourceType::Derive,
                "ABSOLUTE" => field.source_type = SourceType::Absolute,
                _ => {
                    return Err(Fault::NotMunin(format!(
                        "the type of a field ({}) is unknown",
                        shown(name)
                    )));
                }
            },
            "min" => field.min = number(value),
            "max" => field.max = number(value),
            "warning" => field.warning = Bounds::parse(value),
            "critical" => field.critical = Bounds::parse(value),
            "cdef" => match Formula::parse(value) {
                Some(formula) => field.formula = Some(formula),
                None => self.has_no_effect(name, attribute),
            },
            "sum" | "stack" | "special_stack" => self.has_no_effect(name, attribute),
            // Colours, lines, descriptions: how Munin draws.
            _ => {}
        }
        Ok(())
    }

    fn has_no_effect(&mut self, name: &str, attribute: &str) {
        self.oddities.push(format!(
            "{}.{attribute} is Munin's arithmetic and has no effect here",
            shown(name)
        ));
    }

    /// A field of a graph, as `config` described it.
    pub(super) fn field(&self, graph: &str, name: &str) -> Option<&Field> {
        self.fields.get(&(graph.to_owned(), name.to_owned()))
    }

    /// Attributes in the output that have no effect here.
    pub(super) fn oddities(&self) -> &[String] {
        &self.oddities
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim()
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
}

/// A field's name, for messages.
pub(super) fn shown(name: &str) -> String {
    name.chars()
        .filter(|char| !char.is_control())
        .take(40)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_graph_of_df() {
        let text = "graph_title Disk usage in percent\ngraph_args --upper-limit 100 -l 0\ngraph_vlabel %\n\
                    graph_scale no\n_dev_sda1.label /\n_dev_sda1.warning 92\n_dev_sda1.critical 98\n";
        let graphs = Graphs::parse(text, "").unwrap();
        let field = graphs.field("", "_dev_sda1").unwrap();
        assert_eq!(
            (field.label.as_str(), field.unit.as_str(), field.source_type),
            ("/", "%", SourceType::Gauge)
        );
        assert_eq!(
            (field.warning.above, field.critical.above),
            (Some(92.0), Some(98.0))
        );
        assert_eq!(
            Graphs::parse(text, "percent")
                .unwrap()
                .field("", "_dev_sda1")
                .unwrap()
                .unit,
            "percent"
        );
    }

    #[test]
    fn arithmetic_between_fields_is_left_out_and_said() {
        let text = "graph_title a\na.label a\na.cdef a,UN,0,a,IF\na.sum b c\nb.cdef b,8,*\n";
        let graphs = Graphs::parse(text, "").unwrap();
        let said =
            |attribute| format!("a.{attribute} is Munin's arithmetic and has no effect here");
        assert_eq!(graphs.oddities(), [said("cdef"), said("sum")]);
    }

    #[test]
    fn what_is_no_munin_plugin_is_refused() {
        assert!(matches!(
            Graphs::parse("usage: x\n", ""),
            Err(Fault::NotMunin(_))
        ));
        assert!(matches!(
            Graphs::parse("a.type LIST\n", ""),
            Err(Fault::NotMunin(_))
        ));
    }

    #[test]
    fn figures_follow_the_type_and_stay_inside_the_bounds() {
        let since = Some((10.0, Duration::from_secs(2)));
        let field = |kind, min, max| Field {
            source_type: kind,
            min,
            max,
            ..Field::default()
        };
        for (field, now, since, figure) in [
            (field(SourceType::Gauge, None, None), 3.0, None, Some(3.0)),
            (field(SourceType::Gauge, Some(4.0), None), 3.0, None, None),
            (field(SourceType::Gauge, None, Some(2.0)), 3.0, None, None),
            (field(SourceType::Counter, None, None), 14.0, None, None),
            (
                field(SourceType::Counter, None, None),
                14.0,
                since,
                Some(2.0),
            ),
            (field(SourceType::Counter, None, None), 4.0, since, None),
            (
                field(SourceType::Derive, None, None),
                4.0,
                since,
                Some(-3.0),
            ),
            (field(SourceType::Derive, Some(0.0), None), 4.0, since, None),
            (
                field(SourceType::Absolute, None, None),
                4.0,
                since,
                Some(2.0),
            ),
            (
                field(SourceType::Derive, None, None),
                4.0,
                Some((1.0, Duration::ZERO)),
                None,
            ),
        ] {
            assert_eq!(field.figure(now, since), figure, "{field:?} {now}");
        }
    }

    #[test]
    fn bounds_have_four_forms() {
        for (text, below, above) in [
            ("5", None, Some(5.0)),
            ("1:", Some(1.0), None),
            (":9", None, Some(9.0)),
            ("1:9", Some(1.0), Some(9.0)),
        ] {
            assert_eq!(Bounds::parse(text), Bounds { below, above }, "{text}");
        }
    }
}
