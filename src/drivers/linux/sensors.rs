//! /sys/class/hwmon, /sys/class/thermal and /sys/class/powercap
//! (Documentation/hwmon/sysfs-interface.rst, Documentation/driver-api/thermal/sysfs-api.rst,
//! Documentation/power/powercap/powercap.rst): heat, fans and energy.
//!
//! Finding a source touches no device; reading one may take seconds, or for ever, on a slow or
//! broken bus.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use crate::drivers::{
    Root,
    linux::{
        sysfs::{entries, name, number, signed_number, text},
        text::decimal,
    },
};

/// Colder and hotter is no temperature but a register that does not exist (thousandths of a
/// degree).
const COLDEST_MILLI_C: i64 = -273_000;
const HOTTEST_MILLI_C: i64 = 1_000_000;

/// Faster is no fan.
const MOST_RPM: u64 = 100_000;

/// One chip, thermal zone or energy counter: what is read in one go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// Where the device stands in the machine: the same after a restart, unlike the numbers of the
    /// classes.
    pub device: PathBuf,
    /// The chip's name, with its device's where several chips share the name.
    pub chip: String,
    /// A name that no other source has, made as node_exporter makes it: the device's bus and name.
    pub id: String,
    path: PathBuf,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Chip,
    Zone,
    Energy,
}

/// What one source says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measured {
    /// Temperatures.
    pub temperatures: Vec<Temperature>,
    /// Fans.
    pub fans: Vec<Fan>,
    /// Energy.
    pub energy: Option<Energy>,
}

/// One counter of energy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Energy {
    /// The folder's name in /sys/class/powercap.
    pub zone: String,
    /// What it counts for: `package`, `core`, `dram` …
    pub domain: String,
    /// Which of several packages, where its name says so.
    pub number: Option<u64>,
    /// Microjoules since some start. It goes back to 0 at its largest number.
    pub used_uj: u64,
}

/// One fan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fan {
    /// The chip's number for it: `fan1`.
    pub sensor: String,
    /// The chip's name for it, or its number.
    pub label: String,
    /// Turns a minute.
    pub rpm: u64,
}

/// One temperature in thousandths of a degree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Temperature {
    /// The chip's number for it (`temp1`), or the zone.
    pub sensor: String,
    /// The chip's name for it.
    pub label: String,
    /// Now.
    pub milli_c: i64,
    /// Where it is too hot, by the chip.
    pub max_milli_c: Option<i64>,
    /// Where it breaks, by the chip.
    pub crit_milli_c: Option<i64>,
}

/// The sources of this machine in a stable order, without the chips whose names are in `off`.
/// Thermal zones show what chips show as well, so they are taken only where no chip has a
/// temperature: a battery or a fan is a chip, too.
#[must_use]
pub fn sources(root: &Root, off: &[String]) -> Vec<Source> {
    let found = |class: &str, prefix: &str, name_file: &str, kind| -> Vec<Source> {
        let listed = entries(&root.path(class), |name| name.starts_with(prefix));
        let source = |path: PathBuf| {
            let device = fs::canonicalize(path.join("device")).or_else(|_| fs::canonicalize(&path));
            let chip = text(&path.join(name_file))?;
            let device = device.unwrap_or_else(|_| path.clone());
            Some(Source {
                device,
                chip,
                id: String::new(),
                path,
                kind,
            })
        };
        listed
            .into_iter()
            .filter_map(source)
            .filter(|source| !off.contains(&source.chip))
            .collect()
    };
    let mut sources = found("sys/class/hwmon", "hwmon", "name", Kind::Chip);
    if !sources.iter().any(has_temperature) {
        sources.extend(found(
            "sys/class/thermal",
            "thermal_zone",
            "type",
            Kind::Zone,
        ));
    }
    let shared: Vec<_> = sources.iter().map(|source| source.chip.clone()).collect();
    for source in &mut sources {
        if shared.iter().filter(|chip| **chip == source.chip).count() > 1 {
            source.chip = format!("{} {}", source.chip, name(&source.device));
        }
    }
    // The same counters appear a second time as intel-rapl-mmio.
    sources.extend(found(
        "sys/class/powercap",
        "intel-rapl:",
        "name",
        Kind::Energy,
    ));
    sources.sort();
    name_apart(&mut sources);
    sources
}

fn has_temperature(source: &Source) -> bool {
    let is_input = |name: &str| name.starts_with("temp") && name.ends_with("_input");
    let folders = [source.path.clone(), source.path.join("device")];
    folders
        .iter()
        .any(|folder| !entries(folder, is_input).is_empty())
}

/// Gives each source its id.
fn name_apart(sources: &mut [Source]) {
    let mut taken = HashSet::new();
    for source in sources {
        let (class, bus) = (name(&source.path), source.device.parent().map_or("", name));
        let has_device = source.path.join("device").exists();
        source.id = if has_device {
            plain(&format!("{bus}_{}", name(&source.device)))
        } else {
            plain(&source.chip)
        };
        if !taken.insert(source.id.clone()) {
            source.id = format!("{}_{class}", source.id);
        }
    }
}

/// Small letters and digits, and `_` for anything else.
fn plain(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|char| {
            if char.is_ascii_alphanumeric() || char == ':' {
                char.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect();
    plain.trim_matches('_').into()
}

/// Reads a source.
#[must_use]
pub fn measure(source: &Source) -> Measured {
    match source.kind {
        Kind::Chip => chip(&source.path),
        Kind::Zone => zone(&source.path),
        Kind::Energy => energy(source),
    }
}

fn chip(path: &Path) -> Measured {
    // Before Linux 2.6.37 or so the figures stood with the device.
    let inputs = |folder: &Path| entries(folder, |name| name.ends_with("_input"));
    let (folder, found) = match inputs(path) {
        none if none.is_empty() => (path.join("device"), inputs(&path.join("device"))),
        found => (path.to_path_buf(), found),
    };
    let mut measured = Measured::default();
    for input in found {
        let Some(channel) = name(&input).strip_suffix("_input") else {
            continue;
        };
        let other = |what: &str| folder.join(format!("{channel}_{what}"));
        let label = || text(&other("label")).unwrap_or_else(|| channel.to_string());
        if is_faulty(&folder, channel) {
            continue;
        }
        if channel.starts_with("temp") {
            let limit = |what: &str| {
                signed_number(&other(what)).filter(|limit| *limit > 0 && is_temperature(limit))
            };
            measured
                .temperatures
                .extend(
                    signed_number(&input)
                        .filter(is_temperature)
                        .map(|milli_c| Temperature {
                            sensor: channel.into(),
                            label: label(),
                            milli_c,
                            max_milli_c: limit("max"),
                            crit_milli_c: limit("crit"),
                        }),
                );
        } else if channel.starts_with("fan") {
            let rpm = number(&input).filter(|&rpm| rpm < MOST_RPM);
            measured.fans.extend(rpm.map(|rpm| Fan {
                sensor: channel.into(),
                label: label(),
                rpm,
            }));
        }
    }
    measured
}

fn zone(path: &Path) -> Measured {
    let label = name(path).to_string();
    let milli_c = signed_number(&path.join("temp")).filter(is_temperature);
    let temperature = |milli_c| Temperature {
        sensor: label.clone(),
        label,
        milli_c,
        max_milli_c: None,
        crit_milli_c: None,
    };
    Measured {
        temperatures: milli_c.map(temperature).into_iter().collect(),
        ..Measured::default()
    }
}

fn energy(source: &Source) -> Measured {
    // Machines with several packages number them: package-0, package-1.
    let numbered = source
        .chip
        .rsplit_once('-')
        .and_then(|(domain, digits)| Some((domain, decimal(digits.as_bytes())?)));
    let (domain, which) = numbered.map_or((source.chip.as_str(), None), |(domain, number)| {
        (domain, Some(number))
    });
    let energy = number(&source.path.join("energy_uj")).map(|used_uj| Energy {
        zone: name(&source.path).into(),
        domain: domain.into(),
        number: which,
        used_uj,
    });
    Measured {
        energy,
        ..Measured::default()
    }
}

/// Whether the chip says that a sensor of it is broken or not connected.
#[must_use]
pub fn is_faulty(folder: &Path, channel: &str) -> bool {
    number(&folder.join(format!("{channel}_fault"))).is_some_and(|fault| fault != 0)
}

/// Whether thousandths of a degree can be a temperature.
#[must_use]
pub fn is_temperature(milli_c: &i64) -> bool {
    *milli_c > COLDEST_MILLI_C && *milli_c < HOTTEST_MILLI_C
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn write(dir: &Path, files: &[(&str, &str)]) {
        for (file, content) in files {
            let path = dir.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }

    #[test]
    fn chips_in_the_order_of_their_devices_with_their_labels_and_limits() {
        let dir = tempfile::tempdir().unwrap();
        write(
            dir.path(),
            &[
                ("sys/devices/b/hwmon/hwmon0/name", "nct6775\n"),
                ("sys/devices/b/hwmon/hwmon0/temp10_input", "-5500\n"),
                ("sys/devices/b/hwmon/hwmon0/temp2_input", "127500000\n"),
                ("sys/devices/b/hwmon/hwmon0/temp2_label", "broken\n"),
                ("sys/devices/b/hwmon/hwmon0/fan1_input", "1200\n"),
                ("sys/devices/b/hwmon/hwmon0/fan2_input", "no\n"),
                ("sys/devices/a/hwmon/hwmon1/name", "coretemp\n"),
                ("sys/devices/a/hwmon/hwmon1/temp1_input", "41250\n"),
                ("sys/devices/a/hwmon/hwmon1/temp1_label", "Package id 0\n"),
                ("sys/devices/a/hwmon/hwmon1/temp1_max", "80000\n"),
                ("sys/devices/a/hwmon/hwmon1/temp1_crit", "65261850000\n"),
                ("sys/devices/c/hwmon/hwmon2/name", "nvme\n"),
                ("sys/devices/d/hwmon/hwmon3/name", "coretemp\n"),
                ("sys/devices/d/temp1_input", "1000\n"),
                ("sys/class/thermal/thermal_zone0/type", "acpitz\n"),
            ],
        );
        let class = dir.path().join("sys/class/hwmon");
        fs::create_dir_all(&class).unwrap();
        for (hwmon, device) in [
            ("hwmon0", "b"),
            ("hwmon1", "a"),
            ("hwmon2", "c"),
            ("hwmon3", "d"),
        ] {
            let target = dir.path().join(format!("sys/devices/{device}"));
            symlink(target.join("hwmon").join(hwmon), class.join(hwmon)).unwrap();
            symlink(&target, target.join("hwmon").join(hwmon).join("device")).unwrap();
        }
        let sources = sources(&Root::at(dir.path()), &["nvme".to_string()]);
        let chips: Vec<_> = sources.iter().map(|source| source.chip.as_str()).collect();
        assert_eq!(chips, ["coretemp a", "nct6775", "coretemp d"]);
        let measured: Vec<_> = sources.iter().map(measure).collect();
        let ids: Vec<_> = sources.iter().map(|source| source.id.as_str()).collect();
        assert_eq!(ids, ["devices_a", "devices_b", "devices_d"]);
        let package = Temperature {
            sensor: "temp1".into(),
            label: "Package id 0".into(),
            milli_c: 41250,
            max_milli_c: Some(80000),
            crit_milli_c: None,
        };
        assert_eq!(
            measured[0],
            Measured {
                temperatures: vec![package],
                ..Measured::default()
            }
        );
        assert_eq!(
            measured[1].fans,
            [Fan {
                sensor: "fan1".into(),
                label: "fan1".into(),
                rpm: 1200
            }]
        );
        let temperatures: Vec<_> = measured[1..]
            .iter()
            .flat_map(|measured| &measured.temperatures)
            .collect();
        assert_eq!(
            temperatures
                .iter()
                .map(|t| (&*t.label, t.milli_c))
                .collect::<Vec<_>>(),
            [("temp10", -5500), ("temp1", 1000)]
        );
    }

    #[test]
    fn what_is_no_temperature_and_what_its_chip_calls_broken_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        write(
            dir.path(),
            &[
                ("sys/class/hwmon/hwmon0/name", "nct6775\n"),
                ("sys/class/hwmon/hwmon0/temp1_input", "-273150\n"),
                ("sys/class/hwmon/hwmon0/temp2_input", "-274000\n"),
                ("sys/class/hwmon/hwmon0/temp3_input", "45000\n"),
                ("sys/class/hwmon/hwmon0/temp3_fault", "1\n"),
                (
                    "sys/class/hwmon/hwmon0/temp4_input",
                    "-9223372036854775808\n",
                ),
                ("sys/class/hwmon/hwmon0/temp5_input", "46000\n"),
                ("sys/class/hwmon/hwmon0/temp5_fault", "0\n"),
                ("sys/class/hwmon/hwmon0/temp5_max", "0\n"),
                ("sys/class/hwmon/hwmon0/temp5_crit", "-5000\n"),
                ("sys/class/hwmon/hwmon0/fan1_input", "1200\n"),
                ("sys/class/hwmon/hwmon0/fan1_fault", "1\n"),
                ("sys/class/hwmon/hwmon0/fan2_input", "4294967295\n"),
                ("sys/class/hwmon/hwmon0/fan3_input", "0\n"),
            ],
        );
        let sources = sources(&Root::at(dir.path()), &[]);
        let Measured {
            temperatures, fans, ..
        } = measure(&sources[0]);
        let found: Vec<_> = temperatures
            .iter()
            .map(|found| (found.milli_c, found.max_milli_c, found.crit_milli_c))
            .collect();
        assert_eq!(found, [(46000, None, None)]);
        let fans: Vec<_> = fans.iter().map(|fan| (&*fan.sensor, fan.rpm)).collect();
        assert_eq!(fans, [("fan3", 0)]);
    }

    #[test]
    fn a_chip_without_a_temperature_hides_no_zone() {
        let dir = tempfile::tempdir().unwrap();
        write(
            dir.path(),
            &[
                ("sys/class/hwmon/hwmon0/name", "rpi_volt\n"),
                ("sys/class/hwmon/hwmon0/in0_lcrit_alarm", "0\n"),
                ("sys/class/thermal/thermal_zone0/type", "cpu-thermal\n"),
                ("sys/class/thermal/thermal_zone0/temp", "-1500\n"),
            ],
        );
        let sources = sources(&Root::at(dir.path()), &[]);
        let measured = sources
            .iter()
            .map(measure)
            .flat_map(|measured| measured.temperatures);
        assert_eq!(
            measured
                .map(|found| (found.sensor, found.milli_c))
                .collect::<Vec<_>>(),
            [("thermal_zone0".into(), -1500)]
        );
    }

    #[test]
    fn zones_where_there_is_no_chip_and_energy_by_domain() {
        let dir = tempfile::tempdir().unwrap();
        write(
            dir.path(),
            &[
                ("sys/class/thermal/thermal_zone0/type", "cpu-thermal\n"),
                ("sys/class/thermal/thermal_zone0/temp", "48312\n"),
                ("sys/class/thermal/cooling_device0/type", "fan\n"),
                ("sys/class/powercap/intel-rapl:0/name", "package-0\n"),
                ("sys/class/powercap/intel-rapl:0/energy_uj", "123\n"),
                ("sys/class/powercap/intel-rapl:0:0/name", "dram\n"),
                ("sys/class/powercap/intel-rapl-mmio:0/name", "package-0\n"),
            ],
        );
        let sources = sources(&Root::at(dir.path()), &[]);
        let measured: Vec<_> = sources.iter().map(measure).collect();
        let energy: Vec<_> = measured
            .iter()
            .filter_map(|measured| measured.energy.clone())
            .collect();
        let (zone, domain) = ("intel-rapl:0".into(), "package".into());
        assert_eq!(
            (sources.len(), energy),
            (
                3,
                vec![Energy {
                    zone,
                    domain,
                    number: Some(0),
                    used_uj: 123
                }]
            )
        );
        let zone = measured
            .iter()
            .find_map(|measured| measured.temperatures.first())
            .unwrap();
        assert_eq!((&*zone.label, zone.milli_c), ("thermal_zone0", 48312));
    }
}
