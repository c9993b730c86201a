//! The numbers in a program's output, each with its path, for `/metrics`.
//!
//! All programs share two metric families and differ in labels, which take any text. A family for
//! each would need a name from the operator, which may be invalid or used twice.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::plugins::families::Families;

/// The most numbers of one plugin.
const MAX_FIELDS: usize = 256;

/// Numbers by path: the keys of objects and the names of list items, or the indexes of items without
/// a name, with dots between them.
#[derive(Debug, Default, PartialEq)]
pub(super) struct NumericFields(BTreeMap<String, f64>);

impl NumericFields {
    /// The numbers of a JSON text.
    pub(super) fn of(json: &str) -> Self {
        let mut fields = Self::default();
        if let Ok(value) = serde_json::from_str(json) {
            fields.walk(String::new(), &value);
        }
        fields
    }

    fn walk(&mut self, path: String, value: &Value) {
        let child = |name: &str| {
            if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            }
        };
        match value {
            Value::Number(number) => number
                .as_f64()
                .into_iter()
                .for_each(|number| self.add(path.clone(), number)),
            Value::Object(object) => object
                .iter()
                .for_each(|(key, value)| self.walk(child(key), value)),
            Value::Array(list) => list.iter().enumerate().for_each(|(index, value)| {
                let name = ["name", "label"]
                    .iter()
                    .find_map(|key| value.get(key)?.as_str());
                self.walk(
                    child(&name.map_or_else(|| index.to_string(), str::to_owned)),
                    value,
                );
            }),
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }

    /// Adds a number, unless there are too many or the path is taken.
    pub(super) fn add(&mut self, path: String, number: f64) {
        if self.0.len() < MAX_FIELDS {
            self.0.entry(path).or_insert(number);
        }
    }

    /// Adds them to the gauges.
    pub(super) fn add_gauges(&self, plugin: &str, out: &mut Families) {
        for (path, number) in &self.0 {
            let labels = [("plugin", plugin), ("field", path.as_str())];
            out.gauge(
                "rtstat_plugin_value",
                "Numbers of the operator's plugins",
                &labels,
                *number,
            );
        }
    }

    /// Adds them to the counters.
    pub(super) fn add_counters(&self, plugin: &str, out: &mut Families) {
        for (path, number) in &self.0 {
            let labels = [("plugin", plugin), ("field", path.as_str())];
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

    fn paths(json: &str) -> Vec<(String, f64)> {
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
                .map(|(path, number)| (path.to_owned(), number))
                .collect();
            assert_eq!(paths(json), expected, "{json}");
        }
    }

    #[test]
    fn there_are_not_more_than_a_scrape_can_bear() {
        let list: Vec<_> = (0..10_000).collect();
        assert_eq!(
            paths(&serde_json::to_string(&list).unwrap()).len(),
            MAX_FIELDS
        );
    }
}
