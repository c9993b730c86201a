//! /sys/class/drm (Documentation/gpu/amdgpu/thermal.rst,
//! Documentation/ABI/testing/sysfs-driver-intel-i915-hwmon and -xe-hwmon): graphics cards whose
//! drivers show figures as files.

use std::path::{Path, PathBuf};

use crate::drivers::{
    Root,
    linux::{
        sensors::{is_faulty, is_temperature},
        sysfs::{entries, name, number, signed_number, text},
    },
};

/// Drivers that show any of the figures. NVIDIA's own shows none.
const DRIVERS: [&str; 5] = ["amdgpu", "radeon", "nouveau", "i915", "xe"];

/// No card has as much memory, or takes as much power: the register does not exist.
const MOST_BYTES: u64 = 1 << 50;
const MOST_UW: u64 = 100_000_000_000;

/// One card; what its driver does not show is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gpu {
    /// The kernel's name for it: `card0`.
    pub card: String,
    /// The driver's name for it, or the driver and the numbers of maker and model.
    pub name: String,
    /// Percent of the time in which it did anything.
    pub busy_percent: Option<u64>,
    /// Its own memory in use, and all of it, in bytes.
    pub memory_used_bytes: Option<u64>,
    /// All of its own memory.
    pub memory_bytes: Option<u64>,
    /// Thousandths of a degree.
    pub milli_c: Option<i64>,
    /// Microwatts.
    pub power_uw: Option<u64>,
    /// Microjoules used since some start.
    pub energy_uj: Option<u64>,
}

/// The cards with such a driver. Costs a few small files for each card and wakes none of them.
#[must_use]
pub fn cards(root: &Root) -> Vec<PathBuf> {
    // card0 is a card, card0-HDMI-A-1 one of its sockets.
    let is_card = |name: &str| {
        name.strip_prefix("card").is_some_and(|number| {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    let mut cards = entries(&root.path("sys/class/drm"), is_card);
    cards.retain(|card| {
        uevent(&card.join("device"), "DRIVER").is_some_and(|driver| DRIVERS.contains(&&*driver))
    });
    cards
}

/// Reads a card. One that sleeps is left asleep, and has no figures.
#[must_use]
pub fn read(card: &Path) -> Gpu {
    let device = card.join("device");
    let kernels = name(card).to_string();
    let model = || {
        let driver = uevent(&device, "DRIVER").unwrap_or_default();
        uevent(&device, "PCI_ID").map_or(driver.clone(), |id| format!("{driver} {id}"))
    };
    let asleep = text(&device.join("power/runtime_status")).as_deref() == Some("suspended");
    if asleep {
        return Gpu {
            card: kernels,
            name: model(),
            ..Gpu::default()
        };
    }
    let sensors = entries(&device.join("hwmon"), |name| name.starts_with("hwmon"));
    let sensor = |file: &str| {
        let channel = file.split('_').next().unwrap_or(file);
        sensors
            .iter()
            .filter(|folder| !is_faulty(folder, channel))
            .map(|folder| folder.join(file))
            .find(|path| path.exists())
    };
    let all = number(&device.join("mem_info_vram_total")).filter(|&bytes| bytes < MOST_BYTES);
    let used = number(&device.join("mem_info_vram_used")).filter(|&bytes| bytes < MOST_BYTES);
    Gpu {
        card: kernels,
        name: text(&device.join("product_name")).unwrap_or_else(model),
        busy_percent: number(&device.join("gpu_busy_percent")).filter(|&percent| percent <= 100),
        memory_used_bytes: used.filter(|used| all.is_none_or(|all| *used <= all)),
        memory_bytes: all,
        milli_c: sensor("temp1_input")
            .and_then(|path| signed_number(&path))
            .filter(is_temperature),
        power_uw: sensor("power1_average")
            .or_else(|| sensor("power1_input"))
            .and_then(|path| number(&path))
            .filter(|&power| power < MOST_UW),
        energy_uj: sensor("energy1_input").and_then(|path| number(&path)),
    }
}

fn uevent(device: &Path, key: &str) -> Option<String> {
    let lines = text(&device.join("uevent"))?;
    lines.lines().find_map(|line| {
        line.strip_prefix(key)?
            .strip_prefix('=')
            .map(str::to_string)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn figures_that_cannot_be_are_none() {
        let dir = tempfile::tempdir().unwrap();
        let device = dir.path().join("device");
        let sensors = device.join("hwmon/hwmon0");
        fs::create_dir_all(&sensors).unwrap();
        for (folder, file, content) in [
            (&device, "uevent", "DRIVER=amdgpu\n"),
            (&device, "gpu_busy_percent", "4294967295\n"),
            (&device, "mem_info_vram_used", "18446744073709551615\n"),
            (&device, "mem_info_vram_total", "4000\n"),
            (&sensors, "temp1_input", "-273150\n"),
            (&sensors, "power1_average", "18446744073709551615\n"),
        ] {
            fs::write(folder.join(file), content).unwrap();
        }
        let found = read(dir.path());
        let figures = [found.busy_percent, found.memory_used_bytes, found.power_uw];
        assert_eq!((figures, found.milli_c), ([None; 3], None));
        assert_eq!(found.memory_bytes, Some(4000));
        fs::write(sensors.join("temp1_input"), "51000\n").unwrap();
        assert_eq!(read(dir.path()).milli_c, Some(51000));
        fs::write(sensors.join("temp1_fault"), "1\n").unwrap();
        assert_eq!(read(dir.path()).milli_c, None);
    }

    #[test]
    fn cards_with_figures_and_what_they_show() {
        let dir = tempfile::tempdir().unwrap();
        let drm = dir.path().join("sys/class/drm");
        for (file, content) in [
            ("card1/device/uevent", "DRIVER=amdgpu\nPCI_ID=1002:73DF\n"),
            ("card1/device/gpu_busy_percent", "37\n"),
            ("card1/device/mem_info_vram_used", "1000\n"),
            ("card1/device/mem_info_vram_total", "4000\n"),
            ("card1/device/hwmon/hwmon4/temp1_input", "51000\n"),
            ("card1/device/hwmon/hwmon4/power1_average", "28000000\n"),
            ("card1-DP-1/device/uevent", "DRIVER=amdgpu\n"),
            ("card0/device/uevent", "DRIVER=i915\nPCI_ID=8086:9A49\n"),
            ("card0/device/hwmon/hwmon2/energy1_input", "77\n"),
            ("card2/device/uevent", "DRIVER=nvidia\n"),
            ("card3/device/uevent", "DRIVER=amdgpu\nPCI_ID=1:2\n"),
            ("card3/device/gpu_busy_percent", "99\n"),
            ("card3/device/power/runtime_status", "suspended\n"),
            ("renderD128/device/uevent", "DRIVER=amdgpu\n"),
        ] {
            fs::create_dir_all(drm.join(file).parent().unwrap()).unwrap();
            fs::write(drm.join(file), content).unwrap();
        }
        let gpus: Vec<_> = cards(&Root::at(dir.path()))
            .iter()
            .map(|card| read(card))
            .collect();
        let amd = Gpu {
            card: "card1".into(),
            name: "amdgpu 1002:73DF".into(),
            busy_percent: Some(37),
            memory_used_bytes: Some(1000),
            memory_bytes: Some(4000),
            milli_c: Some(51000),
            power_uw: Some(28_000_000),
            energy_uj: None,
        };
        let card = |card: &str, name: &str| Gpu {
            card: card.into(),
            name: name.into(),
            ..Gpu::default()
        };
        let intel = Gpu {
            energy_uj: Some(77),
            ..card("card0", "i915 8086:9A49")
        };
        assert_eq!(gpus, [intel, amd, card("card3", "amdgpu 1:2")]);
    }
}
