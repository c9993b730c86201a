//! `gpu`: graphics cards whose drivers show figures as files. NVIDIA's needs a plugin of the
//! operator's own.

use serde::{Serialize, Serializer, ser::SerializeSeq};

use crate::{
    drivers::{
        DriverError, Root,
        linux::gpus::{Gpu as Card, cards, read},
    },
    plugins::{
        FieldUnits, Plugin, Window,
        families::Families,
        figures::{Celsius, Decimal, MICROJOULES, rate_of},
    },
};

/// Reads the graphics cards that the kernel shows below /sys.
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
        cards(root)
            .is_empty()
            .then(|| "no graphics card whose driver shows figures in /sys".into())
    }
}

impl Plugin for Gpu {
    type Sample = Vec<Card>;

    const UNITS: FieldUnits = &[
        ("*.busy", "ratio"),
        ("*.vram_used", "B"),
        ("*.vram", "B"),
        ("*.c", "°C"),
        ("*.w", "W"),
    ];

    const FAMILIES: Option<fn(&Self::Sample, &mut Families)> = Some(families);

    fn read(&mut self, sample: &mut Vec<Card>) -> Result<(), DriverError> {
        sample.clear();
        sample.extend(cards(&self.0).iter().map(|card| read(card)));
        Ok(())
    }

    fn view(window: Window<'_, Vec<Card>>) -> impl Serialize {
        (!window.now.is_empty()).then_some(Rows(window))
    }
}

/// Names of node_exporter's `drm` collector. Heat and power, which it has among the chips of
/// `hwmon`, are told by the card here, since a chip may be switched off there.
fn families(cards: &Vec<Card>, out: &mut Families) {
    for card in cards {
        let labels = [("card", card.card.as_str())];
        let figure = |value: Option<u64>| value.map(|value| value as f64);
        let millionths = |value: Option<u64>| value.map(|value| value as f64 / MICROJOULES as f64);
        let [label] = labels;
        out.gauge(
            "rtstat_gpu_info",
            "A graphics card with its model, as labels",
            &[label, ("name", &card.name)],
            1.0,
        );
        out.gauge(
            "node_drm_gpu_busy_percent",
            "How busy the card is",
            &labels,
            figure(card.busy_percent),
        );
        out.gauge(
            "node_drm_memory_vram_size_bytes",
            "The card's own memory",
            &labels,
            figure(card.memory_bytes),
        );
        let used = figure(card.memory_used_bytes);
        out.gauge(
            "node_drm_memory_vram_used_bytes",
            "The card's own memory in use",
            &labels,
            used,
        );
        let degrees = card
            .milli_c
            .map(|milli| Celsius::from_milli(milli).degrees());
        out.gauge(
            "rtstat_gpu_temperature_celsius",
            "Degrees Celsius",
            &labels,
            degrees,
        );
        out.gauge(
            "rtstat_gpu_power_watts",
            "Watts now",
            &labels,
            millionths(card.power_uw),
        );
        out.counter(
            "rtstat_gpu_energy_joules_total",
            "Energy used",
            &labels,
            millionths(card.energy_uj),
        );
    }
}

struct Rows<'a>(Window<'a, Vec<Card>>);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Window { before, now } = self.0;
        let mut rows = serializer.serialize_seq(Some(now.len()))?;
        for (index, card) in now.iter().enumerate() {
            let used = before.and_then(|(before, over)| {
                let before = before
                    .get(index)
                    .filter(|before| before.name == card.name)?;
                rate_of(before.energy_uj, card.energy_uj, MICROJOULES, over)
            });
            rows.serialize_element(&Row {
                name: &card.name,
                busy: card.busy_percent.map(Decimal::hundredths),
                vram_used: card.memory_used_bytes,
                vram: card.memory_bytes,
                c: card.milli_c.map(Celsius::from_milli),
                w: card
                    .power_uw
                    .map(|power| Decimal::ratio(power, MICROJOULES))
                    .or(used),
            })?;
        }
        rows.end()
    }
}

#[derive(Serialize)]
struct Row<'a> {
    /// Name that the driver gives (product_name), or the driver and the PCI ids.
    name: &'a str,
    /// Share of the time in which the card was busy (gpu_busy_percent). Null where the driver does
    /// not show it, and while the card sleeps.
    busy: Option<Decimal>,
    /// The card's own memory in use (mem_info_vram_used). Null like `busy`.
    vram_used: Option<u64>,
    /// Size of the card's own memory (mem_info_vram_total). Null like `busy`.
    vram: Option<u64>,
    /// Temperature of the card (temp1_input). Null like `busy`.
    c: Option<Celsius>,
    /// Power of the card (power1_average or power1_input), or its energy over the time between two
    /// readings (energy1_input). Null like `busy`, and for the latter without an earlier reading.
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
                Card {
                    name: "a".into(),
                    busy_percent: Some(7),
                    power_uw: Some(12_340_000),
                    ..Card::default()
                },
                Card {
                    name: "b".into(),
                    energy_uj: Some(energy_uj),
                    milli_c: Some(41_960),
                    ..Card::default()
                },
            ]
        };
        let (before, now) = (cards(1_000_000), cards(4_000_000));
        let view = |before| serde_json::to_value(Gpu::view(Window { before, now: &now })).unwrap();
        let a = json!({"name": "a", "busy": 0.07, "vram_used": null, "vram": null, "c": null, "w": 12.34});
        let b =
            json!({"name": "b", "busy": null, "vram_used": null, "vram": null, "c": 42, "w": 1.5});
        assert_eq!(view(Some((&before, Duration::from_secs(2)))), json!([a, b]));
        assert_eq!(view(None)[1]["w"], Value::Null);
    }
}
