//! `sens`: temperatures, fans and watts.
//!
//! Each chip is asked on its own: one that does not answer keeps the figures that it had, with
//! their age in `stale`. Disks are not asked unless the operator wants it: some stop working for
//! seconds to answer.

use std::{sync::Arc, time::Duration};

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    drivers::{
        DriverError, Root,
        linux::sensors::{Energy, Measured, measure, sources},
    },
    plugins::{
        FieldUnits, Plugin, Window,
        families::Families,
        figures::{Celsius, Decimal, MICROJOULES},
    },
    system::deadline_pool::DeadlinePool,
};

/// After this the others are shown without it.
const DEADLINE: Duration = Duration::from_secs(2);

/// Chips that are not asked by default: NVMe disks stall for it, and sleeping disks are woken.
pub const OFF_BY_DEFAULT: [&str; 2] = ["nvme", "drivetemp"];

/// The calls to the chips. They outlive the plugin, as a stuck thread does.
pub type Calls = Arc<DeadlinePool<Measured>>;

/// Reads temperatures, fans and power. A reading costs a thread for each chip, for as long as that
/// takes to answer.
#[derive(Debug)]
pub struct Sens {
    root: Root,
    off: Vec<String>,
    calls: Calls,
}

impl Sens {
    /// Reads below `root`, without the chips whose names are in `off`.
    #[must_use]
    pub fn new(root: &Root, off: Vec<String>, calls: Calls) -> Self {
        Self {
            root: root.clone(),
            off,
            calls,
        }
    }

    /// Why there are no figures here, if there are none.
    #[must_use]
    pub fn reason(root: &Root, off: &[String]) -> Option<String> {
        sources(root, off)
            .is_empty()
            .then(|| "no sensor is known to this kernel".into())
    }
}

/// One reading.
#[derive(Debug, Default)]
pub struct Sample {
    temperatures: Vec<Temperature>,
    fans: Vec<Fan>,
    energy: Vec<Energy>,
}

#[derive(Debug, Serialize)]
struct Temperature {
    #[serde(skip)]
    place: Place,
    /// Name of the chip or type of the thermal zone, followed by the device where several have the
    /// same name.
    chip: String,
    /// The chip's label for the sensor (temp*_label), or its number, such as temp1.
    label: String,
    /// Temperature (temp*_input).
    c: Celsius,
    /// Temperature that the chip calls too high (temp*_max). Null where the chip has no such limit.
    max: Option<Celsius>,
    /// Temperature that the chip calls critical (temp*_crit). Null where the chip has no such
    /// limit.
    crit: Option<Celsius>,
    /// Age of the temperature while the chip does not answer. Absent while it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    stale: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Fan {
    #[serde(skip)]
    place: Place,
    /// The chip's label for the fan (fan*_label), or its number, such as fan1.
    label: String,
    /// Speed of the fan (fan*_input).
    rpm: u64,
    #[serde(skip)]
    stale: bool,
}

/// What node_exporter's labels `chip` and `sensor` say.
#[derive(Debug)]
struct Place {
    chip: String,
    sensor: String,
}

impl Plugin for Sens {
    type Sample = Sample;

    const UNITS: FieldUnits = &[
        ("t.*.c", "°C"),
        ("t.*.max", "°C"),
        ("t.*.crit", "°C"),
        ("t.*.stale", "s"),
        ("fan.*.rpm", "1/min"),
        ("w.*", "W"),
    ];

    const FAMILIES: Option<fn(&Self::Sample, &mut Families)> = Some(families);

    fn read(&mut self, sample: &mut Sample) -> Result<(), DriverError> {
        *sample = Sample::default();
        let sources = sources(&self.root, &self.off);
        let call = |source: &_| {
            let source = Clone::clone(source);
            (format!("{source:?}"), move || measure(&source))
        };
        let answers = self
            .calls
            .call_all(sources.iter().map(call).collect(), DEADLINE);
        for (source, answer) in sources.iter().zip(answers) {
            let Measured {
                temperatures,
                fans,
                energy,
            } = answer.value.unwrap_or_default();
            let stale = answer.stale.map(|age| age.as_secs());
            let place = |sensor| Place {
                chip: source.id.clone(),
                sensor,
            };
            sample
                .temperatures
                .extend(temperatures.into_iter().map(|found| Temperature {
                    place: place(found.sensor),
                    chip: source.chip.clone(),
                    label: found.label,
                    c: Celsius::from_milli(found.milli_c),
                    max: found.max_milli_c.map(Celsius::from_milli),
                    crit: found.crit_milli_c.map(Celsius::from_milli),
                    stale,
                }));
            sample.fans.extend(fans.into_iter().map(|found| Fan {
                place: place(found.sensor),
                label: found.label,
                rpm: found.rpm,
                stale: stale.is_some(),
            }));
            sample.energy.extend(energy.filter(|_| stale.is_none()));
        }
        Ok(())
    }

    fn view(window: Window<'_, Sample>) -> impl Serialize {
        let Sample {
            temperatures,
            fans,
            energy,
        } = window.now;
        (!temperatures.is_empty() || !fans.is_empty() || !energy.is_empty()).then_some(View {
            t: temperatures,
            fan: fans,
            w: Watts(window),
        })
    }
}

/// Names and labels of node_exporter's `hwmon`, `thermal_zone` and `rapl` collectors. A chip that
/// does not answer has no rows: what it said last is no figure of this scrape.
fn families(sample: &Sample, out: &mut Families) {
    const LABEL: &str = "The chip's name for a sensor, as a label";
    for found in sample
        .temperatures
        .iter()
        .filter(|found| found.stale.is_none())
    {
        let Place { chip, sensor } = &found.place;
        if let Some(zone) = sensor.strip_prefix("thermal_zone") {
            let labels = [("zone", zone), ("type", found.chip.as_str())];
            out.gauge(
                "node_thermal_zone_temp",
                "Degrees Celsius of a zone",
                &labels,
                found.c.degrees(),
            );
            continue;
        }
        let labels = [("chip", chip.as_str()), ("sensor", sensor.as_str())];
        let degrees = |limit: Option<Celsius>| limit.map(Celsius::degrees);
        out.gauge(
            "node_hwmon_temp_celsius",
            "Degrees Celsius",
            &labels,
            found.c.degrees(),
        );
        out.gauge(
            "node_hwmon_temp_max_celsius",
            "Where it is too hot",
            &labels,
            degrees(found.max),
        );
        out.gauge(
            "node_hwmon_temp_crit_celsius",
            "Where it breaks",
            &labels,
            degrees(found.crit),
        );
        let [chip, sensor] = labels;
        out.gauge(
            "node_hwmon_sensor_label",
            LABEL,
            &[chip, ("label", found.label.as_str()), sensor],
            1.0,
        );
    }
    for Fan {
        place: Place { chip, sensor },
        label,
        rpm,
        ..
    } in sample.fans.iter().filter(|found| !found.stale)
    {
        let labels = [("chip", chip.as_str()), ("sensor", sensor.as_str())];
        out.gauge("node_hwmon_fan_rpm", "Turns a minute", &labels, *rpm as f64);
        let [chip, sensor] = labels;
        out.gauge(
            "node_hwmon_sensor_label",
            LABEL,
            &[chip, ("label", label.as_str()), sensor],
            1.0,
        );
    }
    for (index, energy) in sample.energy.iter().enumerate() {
        let family = match energy.domain.as_str() {
            "package" => "node_rapl_package_joules_total",
            "core" => "node_rapl_core_joules_total",
            "uncore" => "node_rapl_uncore_joules_total",
            "dram" => "node_rapl_dram_joules_total",
            "psys" => "node_rapl_psys_joules_total",
            _ => continue,
        };
        let before = || {
            sample
                .energy
                .iter()
                .take(index)
                .filter(|other| other.domain == energy.domain)
                .count()
        };
        let number = energy
            .number
            .map_or_else(|| before().to_string(), |number| number.to_string());
        let path = format!("/sys/class/powercap/{}", energy.zone);
        let labels = [("index", number.as_str()), ("path", path.as_str())];
        let joules = energy.used_uj as f64 / MICROJOULES as f64;
        out.counter(
            family,
            "Energy used, which begins at 0 again",
            &labels,
            joules,
        );
    }
}

#[derive(Serialize)]
struct View<'a> {
    /// Temperatures in the order of the devices, which stays the same after a restart.
    t: &'a [Temperature],
    /// Fans in the same order.
    fan: &'a [Fan],
    /// Power of each energy domain of the processors (package, core, dram and others), from
    /// energy_uj in /sys/class/powercap and summed over packages. Null without an earlier reading,
    /// and once after the counter wrapped.
    w: Watts<'a>,
}

/// The energy used over the window by each domain, summed over packages.
struct Watts<'a>(Window<'a, Sample>);

impl Serialize for Watts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Window { before, now } = self.0;
        let mut domains: Vec<&str> = Vec::new();
        for Energy { domain, .. } in &now.energy {
            if !domains.contains(&domain.as_str()) {
                domains.push(domain);
            }
        }
        let mut map = serializer.serialize_map(Some(domains.len()))?;
        for domain in domains {
            let counters = |sample: &Sample| -> Vec<u64> {
                sample
                    .energy
                    .iter()
                    .filter(|energy| energy.domain == domain)
                    .map(|energy| energy.used_uj)
                    .collect()
            };
            let watts = before.and_then(|(before, over)| {
                let (before, now) = (counters(before), counters(now));
                let used: Option<Vec<u64>> = before
                    .iter()
                    .zip(&now)
                    .map(|(before, now)| now.checked_sub(*before))
                    .collect();
                let used_uj = used?
                    .iter()
                    .fold(0, |sum: u64, used| sum.saturating_add(*used));
                if before.len() != now.len() {
                    return None;
                }
                Decimal::rate_of(0, used_uj, MICROJOULES, over)
            });
            map.serialize_entry(domain, &watts)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, time::Instant};

    use nix::{sys::stat::Mode, unistd::mkfifo};
    use serde_json::{Value, json};

    use super::*;

    fn view(before: Option<&Sample>, now: &Sample) -> Value {
        let before = before.map(|sample| (sample, Duration::from_secs(2)));
        serde_json::to_value(Sens::view(Window { before, now })).unwrap()
    }

    #[test]
    fn watts_are_summed_over_packages_and_null_when_a_counter_began_anew() {
        let sample = |energy: &[(&str, u64)]| Sample {
            energy: energy
                .iter()
                .map(|(domain, used)| Energy {
                    zone: String::new(),
                    domain: (*domain).into(),
                    number: None,
                    used_uj: *used,
                })
                .collect(),
            ..Sample::default()
        };
        let before = sample(&[("package", 10_000_000), ("package", 0), ("dram", 9)]);
        let now = sample(&[("package", 11_000_000), ("package", 2_000_000), ("dram", 5)]);
        assert_eq!(
            view(Some(&before), &now)["w"],
            json!({"package": 1.5, "dram": null})
        );
        assert_eq!(
            view(None, &now)["w"],
            json!({"package": null, "dram": null})
        );
        assert_eq!(view(None, &Sample::default()), Value::Null);
    }

    #[test]
    fn a_scrape_has_no_old_figures_and_zones_by_their_own_name() {
        let temperature = |sensor: &str, stale| Temperature {
            place: Place {
                chip: "platform_x".into(),
                sensor: sensor.into(),
            },
            chip: "x".into(),
            label: "CPU".into(),
            c: Celsius::from_milli(41_960),
            max: None,
            crit: None,
            stale,
        };
        let temperatures = vec![
            temperature("temp1", Some(7)),
            temperature("thermal_zone3", None),
        ];
        let mut out = Families::default();
        families(
            &Sample {
                temperatures,
                ..Sample::default()
            },
            &mut out,
        );
        let text = out.open_metrics().unwrap();
        let rows: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(rows, [r#"node_thermal_zone_temp{zone="3",type="x"} 41.96"#]);
    }

    #[test]
    fn packages_keep_their_numbers_and_others_are_counted_in_a_scrape() {
        let energy = |zone: &str, domain: &str, number| Energy {
            zone: zone.into(),
            domain: domain.into(),
            number,
            used_uj: 2_500_000,
        };
        let energy = vec![
            energy("intel-rapl:1", "package", Some(1)),
            energy("intel-rapl:1:0", "dram", None),
            energy("intel-rapl:2:0", "dram", None),
        ];
        let mut out = Families::default();
        families(
            &Sample {
                energy,
                ..Sample::default()
            },
            &mut out,
        );
        let text = out.open_metrics().unwrap();
        let rows: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let row = |domain: &str, index: u64, zone: &str| {
            let path = format!("/sys/class/powercap/{zone}");
            format!("node_rapl_{domain}_joules_total{{index=\"{index}\",path=\"{path}\"}} 2.5")
        };
        let expected = [
            row("package", 1, "intel-rapl:1"),
            row("dram", 0, "intel-rapl:1:0"),
            row("dram", 1, "intel-rapl:2:0"),
        ];
        assert_eq!(rows, expected);
    }

    fn chip(root: &Path, number: usize, name: &str) -> std::path::PathBuf {
        let folder = root.join(format!("sys/class/hwmon/hwmon{number}"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("name"), format!("{name}\n")).unwrap();
        folder
    }

    /// A pipe without a writer stands in for a chip that refuses to be read.
    #[test]
    fn many_chips_are_read_at_once_and_one_that_fails_hides_no_other() {
        let dir = tempfile::tempdir().unwrap();
        for number in 0..23 {
            let folder = chip(dir.path(), number, "w1_slave_temp");
            fs::write(
                folder.join("temp1_input"),
                format!("{}\n", 20_000 + number * 100),
            )
            .unwrap();
        }
        mkfifo(
            &chip(dir.path(), 23, "broken").join("temp1_input"),
            Mode::S_IRUSR | Mode::S_IWUSR,
        )
        .unwrap();
        let mut sens = Sens::new(&Root::at(dir.path()), Vec::new(), Calls::default());
        let mut sample = Sample::default();
        let begun = Instant::now();
        sens.read(&mut sample).unwrap();
        assert!(begun.elapsed() < DEADLINE);
        let rows = view(None, &sample);
        assert_eq!(rows["t"].as_array().unwrap().len(), 23);
        let first = json!({"chip": "w1_slave_temp hwmon0", "label": "temp1", "c": 20, "max": null, "crit": null});
        assert!(rows["t"].as_array().unwrap().contains(&first), "{rows}");
    }
}
