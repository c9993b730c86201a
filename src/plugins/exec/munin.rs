//! Munin's plugins, unmodified: the program runs with `config` once a worker and for values with each
//! reading. Counters become rates.
//!
//! The key is a list with a row for each field, of all graphs where a plugin has several
//! ("multigraph"). Figures are in the unit of their graph: its period and the field's own
//! arithmetic (`cdef`) are applied. Fields that Munin computes from others (`sum`, `stack`) are not
//! supported.

mod formula;
mod graph;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::{
    drivers::DriverError,
    plugins::{
        Plugin, Window,
        exec::{fault::Fault, numbers::NumericFields, run::Runner},
        families::Families,
    },
};
use graph::Field;
pub use graph::Graphs;

/// Where Debian and Fedora install the plugins' shared library.
const LIBRARY: &str = "/usr/share/munin";

/// The plugin of one such program.
pub(super) struct Munin {
    runner: Arc<Runner>,
    graphs: Option<Arc<Graphs>>,
}

/// One reading: what the plugin printed, and when.
#[derive(Debug, Default)]
pub struct Values {
    /// The key.
    plugin: String,
    graphs: Arc<Graphs>,
    /// In the order of the output.
    values: Vec<Value>,
    taken: Option<Instant>,
}

/// One line of values. Munin's `U` (unknown) is None.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    graph: String,
    field: String,
    value: Option<f64>,
}

impl Munin {
    pub(super) fn new(runner: Arc<Runner>) -> Self {
        Self {
            runner,
            graphs: None,
        }
    }

    /// The program's output, called with `argument`.
    fn output(&self, argument: Option<&str>) -> Result<String, Fault> {
        // What munin-node sets for its plugins.
        let host = nix::unistd::gethostname()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        // Some plugins keep what they read last. The service has a temporary folder of its own.
        let folder = std::env::temp_dir().to_string_lossy().into_owned();
        let state = format!("{folder}/rtstat-munin-{}", self.runner.definition.name);
        let mut command = self.runner.command([
            ("LC_ALL", "C"),
            ("LANG", "C"),
            ("MUNIN_LIBDIR", LIBRARY),
            ("MUNIN_PLUGSTATE", folder.as_str()),
            ("MUNIN_STATEFILE", state.as_str()),
            ("MUNIN_CAP_MULTIGRAPH", "1"),
            ("MUNIN_DEBUG", "0"),
            ("MUNIN_MASTER_IP", "-"),
            ("FQDN", host.as_str()),
            ("HOST", host.as_str()),
        ]);
        let output = self.runner.run(command.args(argument))?;
        Ok(String::from_utf8_lossy(&output).into_owned())
    }

    /// The graphs as `config` describes them.
    fn graphs(&mut self) -> Result<Arc<Graphs>, Fault> {
        if let Some(graphs) = &self.graphs {
            return Ok(Arc::clone(graphs));
        }
        let graphs = Arc::new(Graphs::parse(
            &self.output(Some("config"))?,
            &self.runner.definition.unit,
        )?);
        if let Some(oddity) = graphs.oddities().first() {
            self.runner
                .backoff
                .log_once(oddity, graphs.oddities().len() - 1);
        }
        self.graphs = Some(Arc::clone(&graphs));
        Ok(graphs)
    }
}

/// The values of a plugin's output, into `out`.
///
/// # Errors
/// When a value is no number, or there is none.
pub fn parse_values(text: &str, out: &mut Vec<Value>) -> Result<(), Fault> {
    out.clear();
    let mut graph = "";
    for line in text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (key, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        if key == "multigraph" {
            graph = value.trim();
        } else if let Some(field) = key.strip_suffix(".value") {
            // A plugin may print several values as "instant:value"; the last one counts.
            let text = value.trim().rsplit(':').next().unwrap_or_default();
            let value = text.parse().ok().filter(|value: &f64| value.is_finite());
            if value.is_none() && !matches!(text, "U" | "" | "NaN" | "nan" | "-nan") {
                return Err(Fault::NotMunin(format!(
                    "the value of a field ({}) is no number",
                    graph::shown(field)
                )));
            }
            out.push(Value {
                graph: graph.into(),
                field: field.into(),
                value,
            });
        }
    }
    if out.is_empty() {
        Err(Fault::NotMunin("no line `field.value number`".into()))
    } else {
        Ok(())
    }
}

impl Plugin for Munin {
    type Sample = Values;

    const FAMILIES: Option<fn(&Self::Sample, &mut Families)> = Some(Values::families);

    fn read(&mut self, sample: &mut Values) -> Result<(), DriverError> {
        let graphs = self.graphs()?;
        sample.plugin.clone_from(&self.runner.definition.name);
        let text = self.output(None)?;
        sample.taken = Some(Instant::now());
        sample.graphs = graphs;
        parse_values(&text, &mut sample.values)?;
        Ok(())
    }

    fn view(window: Window<'_, Values>) -> impl Serialize {
        let Window { before, now } = window;
        let rows: Vec<_> = now
            .values
            .iter()
            .enumerate()
            .map(|(index, value)| now.row(value, index, before))
            .collect();
        rows
    }
}

impl Values {
    /// Adds the values as the plugin printed them: Prometheus computes the rates.
    fn families(&self, out: &mut Families) {
        let (mut levels, mut counters) = (NumericFields::default(), NumericFields::default());
        for Value {
            graph,
            field,
            value,
        } in &self.values
        {
            let Some(value) = *value else { continue };
            let path = if graph.is_empty() {
                field.clone()
            } else {
                format!("{graph}.{field}")
            };
            let grows = self
                .graphs
                .field(graph, field)
                .is_some_and(Field::only_grows);
            if grows { &mut counters } else { &mut levels }.add(path, value);
        }
        levels.add_gauges(&self.plugin, out);
        counters.add_counters(&self.plugin, out);
    }

    /// The value of the same field in this reading. `hint` is the index where it most likely is.
    fn find(&self, value: &Value, hint: usize) -> Option<f64> {
        let same = |other: &&Value| other.field == value.field && other.graph == value.graph;
        self.values
            .get(hint)
            .filter(same)
            .or_else(|| self.values.iter().find(same))?
            .value
    }

    /// The figure of a line, before its arithmetic.
    fn figure(&self, value: &Value, hint: usize, before: Option<(&Self, Duration)>) -> Option<f64> {
        let since = before.and_then(|(before, window)| {
            let elapsed = self
                .taken
                .zip(before.taken)
                .map(|(now, then)| now.saturating_duration_since(then));
            Some((before.find(value, hint)?, elapsed.unwrap_or(window)))
        });
        let field = self.graphs.field(&value.graph, &value.field);
        field.map_or(value.value, |field| field.figure(value.value?, since))
    }

    fn row<'a>(
        &'a self,
        value: &'a Value,
        hint: usize,
        before: Option<(&Self, Duration)>,
    ) -> Row<'a> {
        let field = self.graphs.field(&value.graph, &value.field);
        let of_graph = |name: &str| {
            let same =
                |(_, other): &(usize, &Value)| other.graph == value.graph && other.field == name;
            let (place, found) = self.values.iter().enumerate().find(same)?;
            self.figure(found, place, before)
        };
        let shown = match field.and_then(|field| field.formula.as_ref()) {
            Some(formula) => formula.result(of_graph),
            None => self.figure(value, hint, before),
        };
        let bound = |pick: fn(&Field) -> Option<f64>| {
            field.and_then(|field| field.bound(&value.field, pick(field)))
        };
        Row {
            graph: (!value.graph.is_empty()).then_some(value.graph.as_str()),
            name: &value.field,
            label: field.map_or(value.field.as_str(), |field| field.label.as_str()),
            value: shown,
            unit: field.map_or("", |field| field.unit.as_str()),
            max: bound(|field| field.max),
            warn: bound(|field| field.warning.above),
            crit: bound(|field| field.critical.above),
            warn_below: bound(|field| field.warning.below),
            crit_below: bound(|field| field.critical.below),
        }
    }
}

/// One field as the page gets it.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    graph: Option<&'a str>,
    name: &'a str,
    label: &'a str,
    value: Option<f64>,
    unit: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warn: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crit: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warn_below: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crit_below: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(graphs: &Arc<Graphs>, text: &str, taken: Instant) -> Values {
        let mut values = Values {
            graphs: Arc::clone(graphs),
            taken: Some(taken),
            ..Values::default()
        };
        parse_values(text, &mut values.values).unwrap();
        values
    }

    fn json(config: &str, before: Option<&str>, now: &str) -> String {
        let graphs = Arc::new(Graphs::parse(config, "").unwrap());
        let start = Instant::now();
        let before = before.map(|text| values(&graphs, text, start));
        let now = values(&graphs, now, start + Duration::from_secs(2));
        let window = Window {
            before: before
                .as_ref()
                .map(|values| (values, Duration::from_secs(9))),
            now: &now,
        };
        serde_json::to_string(&Munin::view(window)).unwrap()
    }

    #[test]
    fn gauges_are_shown_as_they_are_and_counters_as_rates() {
        let config = "graph_title A\ngraph_vlabel bytes per ${graph_period}\na.label A a\nb.type DERIVE\nb.min 0\n";
        let before = "a.value 7\nb.value 100\n";
        assert_eq!(
            json(config, None, before),
            r#"[{"name":"a","label":"A a","value":7.0,"unit":"bytes per second"},{"name":"b","label":"b","value":null,"unit":"bytes per second"}]"#
        );
        assert_eq!(
            json(config, Some(before), "b.value 150\na.value U\n"),
            r#"[{"name":"b","label":"b","value":25.0,"unit":"bytes per second"},{"name":"a","label":"A a","value":null,"unit":"bytes per second"}]"#
        );
        assert!(
            json(config, Some(before), "b.value 50\n").contains(r#""value":null"#),
            "it fell"
        );
    }

    #[test]
    fn figures_are_in_the_unit_of_their_graph() {
        let bits = "graph_vlabel bits per ${graph_period}\na.type DERIVE\na.max 125\na.warning 100\na.cdef a,8,*\n";
        assert_eq!(
            json(bits, Some("a.value 100\n"), "a.value 150\n"),
            r#"[{"name":"a","label":"a","value":200.0,"unit":"bits per second","max":1000.0,"warn":800.0}]"#
        );
        let minutes =
            "graph_period minute\ngraph_vlabel mails / ${graph_period}\na.type DERIVE\nb.label B\n";
        assert_eq!(
            json(minutes, Some("a.value 100\n"), "a.value 150\nb.value 7\n"),
            r#"[{"name":"a","label":"a","value":1500.0,"unit":"mails / minute"},{"name":"b","label":"B","value":7.0,"unit":"mails / minute"}]"#
        );
        let share = "graph_vlabel \\#\nhit.cdef hit,all,/\nhit.max 9\nall.label all\nmultigraph other\nall.label x\n";
        assert_eq!(
            json(
                share,
                None,
                "hit.value 1\nall.value 4\nmultigraph other\nall.value 2\n"
            ),
            r##"[{"name":"hit","label":"hit","value":0.25,"unit":"#"},{"name":"all","label":"all","value":4.0,"unit":"#"},{"graph":"other","name":"all","label":"x","value":2.0,"unit":""}]"##
        );
    }

    #[test]
    fn all_graphs_of_a_multigraph_plugin_are_rows() {
        let config =
            "multigraph one\na.label A\na.warning 5\nmultigraph two\na.label B\na.critical 1:9\n";
        assert_eq!(
            json(
                config,
                None,
                "multigraph one\na.value 1\nmultigraph two\na.value 2\n"
            ),
            r#"[{"graph":"one","name":"a","label":"A","value":1.0,"unit":"","warn":5.0},{"graph":"two","name":"a","label":"B","value":2.0,"unit":"","crit":9.0,"crit_below":1.0}]"#
        );
    }

    #[test]
    fn values_that_are_none_are_told_apart() {
        let mut out = Vec::new();
        parse_values(
            "# a comment\na.value 1e3\nb.value U\nc.value 1700000000:5\na.extinfo x y\n",
            &mut out,
        )
        .unwrap();
        assert_eq!(
            out.iter().map(|value| value.value).collect::<Vec<_>>(),
            [Some(1000.0), None, Some(5.0)]
        );
        assert!(matches!(
            parse_values("a.value x\n", &mut out),
            Err(Fault::NotMunin(_))
        ));
        assert!(matches!(
            parse_values("", &mut out),
            Err(Fault::NotMunin(_))
        ));
    }
}
