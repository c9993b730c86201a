//! `gpu`: graphics cards whose drivers show figures as files. NVIDIA's needs a plugin of the operator's own.

use serde::{Serialize, Serializer, ser::SerializeSeq};

use super::{
    Plugin, Window,
    figures::{Celsius, Decimal, MICROJOULES, rate_of},
};
use crate::drivers::{
    DriverError, Root,
    linux::gpus::{Gpu as Card, cards, read},
};

/// The plugin.
#[derive(Debug)]
pub struct Gpu(Root);

impl Gpu {
    /// Reads below `root`.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        Self(root.clone())
    }

    /// Why there are no figures here, if there are none.
    #[must_use]
    pub fn reason(root: &Root) -> Option<String> {
        cards(root).is_empty().then(|| "no graphics card whose driver shows figures in /sys".into())
    }
}

impl Plugin for Gpu {
    type Sample = Vec<Card>;

    fn read(&mut self, sample: &mut Vec<Card>) -> Result<(), DriverError> {
        sample.clear();
        sample.extend(cards(&self.0).iter().map(|card| read(card)));
        Ok(())
    }

    fn view(window: Window<'_, Vec<Card>>) -> impl Serialize {
        (!window.now.is_empty()).then_some(Rows(window))
    }
}

struct Rows<'a>(Window<'a, Vec<Card>>);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Window { before, now } = self.0;
        let mut rows = serializer.serialize_seq(Some(now.len()))?;
        for (index, card) in now.iter().enumerate() {
            let used = before.and_then(|(before, over)| {
                let before = before.get(index).filter(|before| before.name == card.name)?;
                rate_of(before.energy_uj, card.energy_uj, MICROJOULES, over)
            });
            rows.serialize_element(&Row {
                name: &card.name,
                busy: card.busy_percent.map(Decimal::hundredths),
                vram_used: card.memory_used_bytes,
                vram: card.memory_bytes,
                c: card.milli_c.map(Celsius::from_milli),
                w: card.power_uw.map(|power| Decimal::ratio(power, MICROJOULES)).or(used),
            })?;
        }
        rows.end()
    }
}

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    /// A ratio.
    busy: Option<Decimal>,
    /// Bytes.
    vram_used: Option<u64>,
    vram: Option<u64>,
    c: Option<Celsius>,
    w: Option<Decimal>,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn power_is_told_or_comes_from_energy() {
        let cards = |energy_uj| {
            vec![
                Card { name: "a".into(), busy_percent: Some(7), power_uw: Some(12_340_000), ..Card::default() },
                Card { name: "b".into(), energy_uj: Some(energy_uj), milli_c: Some(41_960), ..Card::default() },
            ]
        };
        let (before, now) = (cards(1_000_000), cards(4_000_000));
        let view = |before| serde_json::to_value(Gpu::view(Window { before, now: &now })).unwrap();
        let a = json!({"name": "a", "busy": 0.07, "vram_used": null, "vram": null, "c": null, "w": 12.34});
        let b = json!({"name": "b", "busy": null, "vram_used": null, "vram": null, "c": 42, "w": 1.5});
        assert_eq!(view(Some((&before, Duration::from_secs(2)))), json!([a, b]));
        assert_eq!(view(None)[1]["w"], Value::Null);
    }
}
