//! Metric families of counters and gauges, filled from samples and written by prometheus-client.

use std::fmt::{Error, Write};

use prometheus_client::{
    collector::Collector,
    encoding::{
        DescriptorEncoder, EncodeLabelSet, EncodeMetric, LabelSetEncoder, MetricEncoder, text,
    },
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};

/// Suffix of every counter: OpenMetrics demands it, and Prometheus recommends it.
const TOTAL: &str = "_total";

/// Families in the order of their first row.
#[derive(Debug, Default)]
pub struct Families(Vec<Family>);

#[derive(Debug)]
struct Family {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    rows: Vec<(Labels, f64)>,
}

/// A label of a row: a valid name and any text.
pub type Label<'a> = (&'static str, &'a str);

#[derive(Debug, Default)]
struct Labels(Vec<(&'static str, String)>);

impl EncodeLabelSet for Labels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), Error> {
        for (name, value) in &self.0 {
            let mut label = encoder.encode_label();
            let mut key = label.encode_label_key()?;
            key.write_str(name)?;
            let mut text = key.encode_label_value()?;
            text.write_str(value)?;
            text.finish()?;
        }
        Ok(())
    }
}

impl Families {
    /// Adds a row to a family of counters, whose name ends in `_total`. None adds nothing.
    pub fn counter(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[Label<'_>],
        value: impl Into<Option<f64>>,
    ) {
        let name = name.strip_suffix(TOTAL).unwrap_or(name);
        self.row(MetricType::Counter, name, help, labels, value.into());
    }

    /// Adds a row to a family of gauges. None adds nothing.
    pub fn gauge(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[Label<'_>],
        value: impl Into<Option<f64>>,
    ) {
        self.row(MetricType::Gauge, name, help, labels, value.into());
    }

    /// Adds a row to a family that node_exporter gives no type. None adds nothing.
    pub fn untyped(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[Label<'_>],
        value: impl Into<Option<f64>>,
    ) {
        self.row(MetricType::Unknown, name, help, labels, value.into());
    }

    fn row(
        &mut self,
        kind: MetricType,
        name: &'static str,
        help: &'static str,
        labels: &[Label<'_>],
        value: Option<f64>,
    ) {
        let Some(value) = value else { return };
        let row = (
            Labels(
                labels
                    .iter()
                    .map(|(name, text)| (*name, (*text).to_owned()))
                    .collect(),
            ),
            value,
        );
        match self.0.iter_mut().find(|family| family.name == name) {
            Some(family) => family.rows.push(row),
            None => self.0.push(Family {
                name,
                help,
                kind,
                rows: vec![row],
            }),
        }
    }

    /// OpenMetrics text, version 1.0.0.
    ///
    /// # Errors
    /// When the crate cannot write it.
    pub fn open_metrics(self) -> Result<String, Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut out = String::new();
        text::encode(&mut out, &registry)?;
        Ok(out)
    }
}

/// A value of any metric type.
struct Figure(MetricType, f64);

impl EncodeMetric for Figure {
    fn encode(&self, encoder: MetricEncoder<'_>) -> Result<(), Error> {
        match self.0 {
            MetricType::Counter => ConstCounter::new(self.1).encode(encoder),
            _ => ConstGauge::new(self.1).encode(encoder),
        }
    }

    fn metric_type(&self) -> MetricType {
        self.0
    }
}

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        for Family {
            name,
            help,
            kind,
            rows,
        } in &self.0
        {
            let mut metric = encoder.encode_descriptor(name, help, None, *kind)?;
            if let [(Labels(none), value)] = rows.as_slice()
                && none.is_empty()
            {
                Figure(*kind, *value).encode(metric)?;
                continue;
            }
            for (labels, value) in rows {
                Figure(*kind, *value).encode(metric.encode_family(labels)?)?;
            }
        }
        Ok(())
    }
}

/// Converts to Prometheus' older text format, version 0.0.4, which every reader of metrics accepts:
/// counters are described under their full names, and there is neither a unit nor an end mark.
#[must_use]
pub fn plain_text(open_metrics: &str) -> String {
    let counters: std::collections::HashSet<&str> = open_metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter"))
        .collect();
    let mut out = String::with_capacity(open_metrics.len());
    for line in open_metrics.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("EOF" | "UNIT"), ..) => continue,
            (Some("#"), Some(what), Some(name), Some(rest)) => {
                let rest = if (what, rest) == ("TYPE", "unknown") {
                    "untyped"
                } else {
                    rest
                };
                let ending = if counters.contains(name) { TOTAL } else { "" };
                out.extend(["# ", what, " ", name, ending, " ", rest]);
            }
            _ => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn families() -> Families {
        let mut families = Families::default();
        families.counter("a_bytes_total", "Bytes", &[("device", "sd\"a\\\n")], 1.5);
        families.gauge("b", "Level", &[], -2.0);
        families.counter("a_bytes_total", "Bytes", &[("device", "sdb")], 1e18);
        families.gauge("c", "Missing", &[], None);
        families.untyped("d", "Anything", &[], 7.0);
        families
    }

    #[test]
    fn open_metrics_text() {
        assert_eq!(
            families().open_metrics().unwrap(),
            "# HELP a_bytes Bytes\n# TYPE a_bytes counter\na_bytes_total{device=\"sd\\\"a\\\\\\n\"} 1.5\n\
             a_bytes_total{device=\"sdb\"} 1000000000000000000.0\n# HELP b Level\n# TYPE b gauge\nb -2.0\n\
             # HELP d Anything\n# TYPE d unknown\nd 7.0\n# EOF\n"
        );
    }

    #[test]
    fn plain_text_names_counters_in_full() {
        assert_eq!(
            plain_text(&families().open_metrics().unwrap()),
            "# HELP a_bytes_total Bytes\n# TYPE a_bytes_total counter\na_bytes_total{device=\"sd\\\"a\\\\\\n\"} 1.5\n\
             a_bytes_total{device=\"sdb\"} 1000000000000000000.0\n# HELP b Level\n# TYPE b gauge\nb -2.0\n\
             # HELP d Anything\n# TYPE d untyped\nd 7.0\n"
        );
    }
}
