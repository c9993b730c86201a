//! What kind of machine this is: uname(2), os-release(5), the hypervisor and container hints.

use std::{
    fs::{self, File},
    io::Read,
};

use serde::Serialize;

use crate::drivers::Root;

/// So much of /proc/cpuinfo tells of the first processor; the kernel takes a while to print those
/// of a large machine.
const FIRST_PROCESSOR: u64 = 8192;

/// The machine, as `info` names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Host {
    /// Host name (uname(2)).
    pub host: String,
    /// PRETTY_NAME of os-release(5), or Linux.
    pub os: String,
    /// Release of the kernel (uname(2)).
    pub kernel: String,
    /// Number of online processors.
    pub cpus: usize,
    /// `none`, the name of the hypervisor or the container manager, or `vm` where the hypervisor
    /// has no known name.
    pub virt: String,
}

impl Host {
    /// Reads the facts once. What cannot be read is empty.
    #[must_use]
    pub fn read(root: &Root) -> Self {
        let text = |path: &str| fs::read_to_string(root.path(path)).unwrap_or_default();
        let mut first_processor = Vec::new();
        if let Ok(cpuinfo) = File::open(root.path("proc/cpuinfo")) {
            // What cannot be read says nothing, like a file that is not there.
            let _ = cpuinfo
                .take(FIRST_PROCESSOR)
                .read_to_end(&mut first_processor);
        }
        let first_processor = String::from_utf8_lossy(&first_processor);
        let name = nix::sys::utsname::uname().ok();
        let field = |pick: fn(&nix::sys::utsname::UtsName) -> &std::ffi::OsStr| {
            name.as_ref()
                .map(|name| pick(name).to_string_lossy().into_owned())
                .unwrap_or_default()
        };
        Self {
            host: field(|name| name.nodename()),
            kernel: field(|name| name.release()),
            os: pretty_name(&text("etc/os-release")).unwrap_or_else(|| "Linux".into()),
            cpus: online(&text("sys/devices/system/cpu/online")).max(1),
            virt: virt(
                &text("run/systemd/container"),
                &first_processor,
                &text("sys/class/dmi/id/sys_vendor"),
            ),
        }
    }
}

/// The kernel's id of this boot (random(4)), or nothing.
#[must_use]
pub fn boot_id(root: &Root) -> String {
    let text = fs::read_to_string(root.path("proc/sys/kernel/random/boot_id")).unwrap_or_default();
    text.trim().into()
}

fn pretty_name(os_release: &str) -> Option<String> {
    let value = os_release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim_matches(['"', '\'']).into())
}

/// Counts a list such as `0-3,8`.
fn online(list: &str) -> usize {
    let count = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        last.checked_sub(first)?.checked_add(1)
    };
    list.trim()
        .split(',')
        .filter_map(count)
        .fold(0, usize::saturating_add)
}

fn virt(container: &str, cpuinfo: &str, vendor: &str) -> String {
    let container = container.trim();
    if !container.is_empty() {
        return container.into();
    }
    let mut flags = cpuinfo.lines().filter(|line| line.starts_with("flags"));
    if !flags
        .next()
        .is_some_and(|flags| flags.split_whitespace().any(|flag| flag == "hypervisor"))
    {
        return "none".into();
    }
    let known = [
        ("QEMU", "kvm"),
        ("VMware", "vmware"),
        ("Microsoft", "hyperv"),
        ("innotek", "virtualbox"),
    ];
    let known =
        known
            .into_iter()
            .chain([("Xen", "xen"), ("Amazon", "amazon"), ("Google", "google")]);
    let mut named = known.filter(|(sign, _)| vendor.contains(sign));
    named.next().map_or("vm", |(_, name)| name).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_counted_from_ranges() {
        let all = format!("0-{}", usize::MAX);
        let nearly = format!("1-{0},1-{0}", usize::MAX);
        for (list, count) in [
            ("0\n", 1),
            ("0-1\n", 2),
            ("0-3,8,10-11\n", 7),
            ("", 0),
            ("x,3-1", 0),
            (all.as_str(), 0),
            (nearly.as_str(), usize::MAX),
        ] {
            assert_eq!(online(list), count, "{list:?}");
        }
    }

    #[test]
    fn containers_come_before_hypervisors() {
        let vm = "flags : fpu hypervisor sse\n";
        for (container, cpuinfo, vendor, name) in [
            ("systemd-nspawn\n", vm, "QEMU\n", "systemd-nspawn"),
            ("", vm, "QEMU\n", "kvm"),
            ("", vm, "", "vm"),
            ("", "flags : fpu\n", "QEMU\n", "none"),
        ] {
            assert_eq!(virt(container, cpuinfo, vendor), name);
        }
    }

    #[test]
    fn names_lose_their_quotes() {
        assert_eq!(
            pretty_name("ID=x\nPRETTY_NAME=\"Debian 12\"\n").as_deref(),
            Some("Debian 12")
        );
        assert_eq!(pretty_name("ID=x\n"), None);
    }
}
