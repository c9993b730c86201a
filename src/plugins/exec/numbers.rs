//! What `/metrics` tells of a program's output: the numbers in it, each with the way to it.
//!
//! All plugins share two families and are told apart by labels, which take any text: a family for
//! each would have a name of the operator's, which Prometheus may not take or two plugins may
//! share.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::plugins::families::Families;

/// More numbers of one plugin are left out.
const MOST: usize = 256;

/// Numbers by the way to them: the keys of objects, names of list items and places of those without
/// one, with dots between.
#[derive(Debug, Default, PartialEq)]
pub struct NumericFields(BTreeMap<String, f64>);

impl NumericFields {
    /// The numbers of a JSON text.
    #[must_use]
    pub fn of(json: &str) -> Self {
        let mut leaves = Self::default();
        if let Ok(value) = serde_json::from_str(json) {
            leaves.walk(String::new(), &value);
        }
        leaves
    }

    fn walk(&mut self, way: String, value: &Value) {
        let further = |step: &str| {
            if way.is_empty() {
                step.to_owned()
            } else {
                format!("{way}.{step}")
            }
        };
        match value {
            Value::Number(number) => number
                .as_f64()
                .into_iter()
                .for_each(|number| self.add(way.clone(), number)),
            Value::Object(object) => object
                .iter()
                .for_each(|(key, value)| self.walk(further(key), value)),
            Value::Array(list) => list.iter().enumerate().for_each(|(place, value)| {
                let name = ["name", "label"]
                    .iter()
                    .find_map(|key| value.get(key)?.as_str());
                self.walk(
                    further(&name.map_or_else(|| place.to_string(), str::to_owned)),
                    value,
                );
            }),
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }

    /// One more number, unless there are too many or one of this way.
    pub fn add(&mut self, way: String, number: f64) {
        if self.0.len() < MOST {
            self.0.entry(way).or_insert(number);
        }
    }

    /// Adds them as levels.
    pub fn gauges(&self, plugin: &str, out: &mut Families) {
        for (way, number) in &self.0 {
            let labels = [("plugin", plugin), ("field", way.as_str())];
            out.gauge(
                "rtstat_plugin_value",
                "Numbers of the operator's plugins",
                &labels,
                *number,
            );
        }
    }

    /// Adds them as counters.
    pub fn counters(&self, plugin: &str, out: &mut Families) {
        for (way, number) in &self.0 {
            let labels = [("plugin", plugin), ("field", way.as_str())];
            out.counter(
                "rtstat_plugin_events_total",
                "Counters of Munin's plugins",
                &labels,
                *number,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(json: &str) -> Vec<(String, f64)> {
        NumericFields::of(json).0.into_iter().collect()
    }

    #[test]
    fn numbers_are_found_wherever_they_are() {
        for (json, expected) in [
            ("7", vec![("", 7.0)]),
            (
                r#"{"value":1.5,"unit":"jobs","max":null,"on":true}"#,
                vec![("value", 1.5)],
            ),
            (
                r#"{"a":{"b":[3,{"c":-4}]}}"#,
                vec![("a.b.0", 3.0), ("a.b.1.c", -4.0)],
            ),
            (
                r#"[{"label":"x y","value":1},{"name":"z","value":2}]"#,
                vec![("x y.value", 1.0), ("z.value", 2.0)],
            ),
            (r#"{"a.b":1,"a":{"b":2}}"#, vec![("a.b", 2.0)]),
            (r#""7""#, vec![]),
            ("{", vec![]),
        ] {
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(way, number)| (way.to_owned(), number))
                .collect();
            assert_eq!(ways(json), expected, "{json}");
        }
    }

    #[test]
    fn there_are_not_more_than_a_scrape_can_bear() {
        let list: Vec<_> = (0..10_000).collect();
        assert_eq!(ways(&serde_json::to_string(&list).unwrap()).len(), MOST);
    }
}
