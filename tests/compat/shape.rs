//! The shape of a push: keys in their order and the kinds of values, without the figures.

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

/// A push as the original sent it on a machine with two processors.
pub const RECORDED: &str = r#"{"cpu_stat":{"cpu0":{"usage":0.07,"user":0.03,"system":0.04,"iowait":0},"cpu1":{"usage":0.08,"user":0.04,"system":0.04,"iowait":0.01}},"meminfo":{"memory":{"total":24684084,"used":3702164,"free":20981920,"apps":506188,"buffers":36728,"cached":3159248,"swapCached":0},"swap":{"total":0,"used":0,"free":0}},"processes":{"all":52,"running":0,"sleep":52,"stopped":0,"zombie":0},"uptime":{"time":"14:07:22","uptime":"16 min","users":"0","la1":"1.22","la5":"1.75","la15":"0.95"}}"#;

/// A value without its content.
#[derive(Debug, PartialEq, Eq)]
pub enum Shape {
    Object(Vec<(String, Shape)>),
    Number,
    Text,
    Other,
}

/// The shape of `json`; of the processors only the first is kept, since machines differ in their
/// number.
pub fn of(json: &str) -> Shape {
    let mut shape: Shape =
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"));
    if let Shape::Object(keys) = &mut shape {
        for (key, value) in keys {
            if let ("cpu_stat", Shape::Object(cpus)) = (key.as_str(), value) {
                assert!(
                    cpus.iter().all(|(_, cpu)| *cpu == cpus[0].1),
                    "processors differ: {json}"
                );
                cpus.truncate(1);
            }
        }
    }
    shape
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
        let mut keys = Vec::new();
        while let Some(entry) = map.next_entry()? {
            keys.push(entry);
        }
        Ok(Shape::Object(keys))
    }
    fn visit_u64<E>(self, _: u64) -> Result<Shape, E> {
        Ok(Shape::Number)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Shape, E> {
        Ok(Shape::Number)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape::Number)
    }
    fn visit_str<E>(self, _: &str) -> Result<Shape, E> {
        Ok(Shape::Text)
    }
    fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
        Ok(Shape::Other)
    }
    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Other)
    }
    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Shape, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Shape::Other)
    }
}
