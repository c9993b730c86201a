//! What kind of machine this is: uname(2), os-release(5), the hypervisor and container hints.

use std::{
    fs::{self, File},
    io::Read,
};

use serde::Serialize;

use crate::drivers::{Root, linux::lxcfs::Lxcfs};

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
        let kernel = field(|name| name.release());
        let container = container(root, &kernel);
        Self {
            host: field(|name| name.nodename()),
            os: os(root),
            cpus: processors(root).max(1),
            virt: container
                .or_else(|| hypervisor(root, &first_processor))
                .unwrap_or_else(|| "none".into()),
            kernel,
        }
    }
}

/// What a file says; nothing where it cannot be read.
fn text(root: &Root, path: &str) -> String {
    let bytes = fs::read(root.path(path)).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into()
}

/// The kernel's id of this boot (random(4)), or nothing.
#[must_use]
pub fn boot_id(root: &Root) -> String {
    let text = fs::read_to_string(root.path("proc/sys/kernel/random/boot_id")).unwrap_or_default();
    text.trim().into()
}

/// The name of the distribution, from the first place of os-release(5) that tells it.
fn os(root: &Root) -> String {
    let places = ["etc/os-release", "usr/lib/os-release"];
    let mut names = places
        .into_iter()
        .filter_map(|place| pretty_name(&text(root, place)));
    names.next().unwrap_or_else(|| "Linux".into())
}

/// The last assignment counts, as in a shell.
fn pretty_name(os_release: &str) -> Option<String> {
    let value = os_release
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("PRETTY_NAME="))
        .next_back()?;
    Some(unquote(value.trim_end())).filter(|name| !name.is_empty())
}

/// A value as a shell reads it: in single quotes everything stands for itself, elsewhere a
/// backslash takes the meaning away from what follows it.
fn unquote(value: &str) -> String {
    let (mut plain, mut quote) = (String::new(), None);
    let mut chars = value.chars();
    while let Some(char) = chars.next() {
        match (char, quote) {
            ('\'' | '"', None) => quote = Some(char),
            (char, Some(open)) if char == open => quote = None,
            ('\\', None | Some('"')) => plain.extend(chars.next()),
            _ => plain.push(char),
        }
    }
    plain
}

/// The processors online: in a container those of its /proc/stat, where sysfs has the host's.
fn processors(root: &Root) -> usize {
    const ONLINE: &str = "/sys/devices/system/cpu/online";
    if !Lxcfs::find(root).differs(ONLINE, "/proc/stat") {
        return online(&text(root, "sys/devices/system/cpu/online"));
    }
    let is_processor = |line: &&str| {
        line.strip_prefix("cpu")
            .is_some_and(|rest| rest.starts_with(|char: char| char.is_ascii_digit()))
    };
    text(root, "proc/stat").lines().filter(is_processor).count()
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

/// The container manager, by what managers leave in a container.
fn container(root: &Root, kernel: &str) -> Option<String> {
    let has = |path: &str| root.path(path).exists();
    let told = text(root, "run/systemd/container");
    let environment = text(root, "proc/1/environ");
    let of_init = environment
        .split('\0')
        .find_map(|variable| variable.strip_prefix("container="));
    let named = [told.trim(), of_init.unwrap_or_default()]
        .into_iter()
        .find(|name| !name.is_empty());
    if let Some(name) = named {
        return Some(name.into());
    }
    let marks = [
        (has("run/.containerenv"), "podman"),
        (has(".dockerenv"), "docker"),
        (has("run/secrets/kubernetes.io"), "kubernetes"),
        (has("proc/vz") && !has("proc/bc"), "openvz"),
        (Lxcfs::find(root).is_container(), "lxc"),
        (kernel.to_ascii_lowercase().contains("microsoft"), "wsl"),
    ];
    let mark = marks.into_iter().find(|(is_there, _)| *is_there);
    mark.map(|(_, name)| name.into())
}

/// The hypervisor. On x86 a flag of the processor says that there is one; elsewhere the makers of
/// virtual machines do, in the files that the architecture has for that.
fn hypervisor(root: &Root, cpuinfo: &str) -> Option<String> {
    let flags = cpuinfo.lines().find(|line| line.starts_with("flags"));
    if let Some(flags) = flags
        && !flags.split_whitespace().any(|flag| flag == "hypervisor")
    {
        return None;
    }
    let vendor = text(root, "sys/class/dmi/id/sys_vendor");
    let product = text(root, "sys/class/dmi/id/product_name");
    let known = by_maker(&vendor, &product, flags.is_some())
        .or_else(|| by_device_tree(root, cpuinfo))
        .or_else(|| by_sysinfo(&text(root, "proc/sysinfo")))
        .or_else(|| {
            text(root, "sys/hypervisor/type")
                .starts_with("xen")
                .then_some("xen")
        });
    known.or(flags.map(|_| "vm")).map(Into::into)
}

/// By the machine's maker and model. Some makers sell machines that are none of virtual ones, too:
/// there the model decides, unless the processor has said it already (`is_virtual`).
fn by_maker(vendor: &str, product: &str, is_virtual: bool) -> Option<&'static str> {
    let signs = [
        ("QEMU", "kvm"),
        ("KVM", "kvm"),
        ("OpenStack", "kvm"),
        ("VMware", "vmware"),
        ("innotek", "virtualbox"),
        ("VirtualBox", "virtualbox"),
        ("Xen", "xen"),
        ("Parallels", "parallels"),
        ("Apple Virtualization", "apple"),
    ];
    let models = [
        ("Microsoft", "Virtual Machine", "hyperv"),
        ("Google", "Google Compute Engine", "google"),
    ];
    let named = signs
        .into_iter()
        .find(|(sign, _)| vendor.contains(sign) || product.contains(sign));
    if let Some((_, name)) = named {
        return Some(name);
    }
    // Amazon's machines without a hypervisor are called so.
    if vendor.contains("Amazon") && (is_virtual || !product.trim_end().ends_with(".metal")) {
        return Some("amazon");
    }
    models.into_iter().find_map(|(maker, model, name)| {
        (vendor.contains(maker) && (is_virtual || product.contains(model))).then_some(name)
    })
}

/// Arm and Power.
fn by_device_tree(root: &Root, cpuinfo: &str) -> Option<&'static str> {
    let compatible = text(root, "proc/device-tree/hypervisor/compatible");
    let known = ["kvm", "xen", "vmware"];
    let named = known.into_iter().find(|name| compatible.contains(name));
    named.or_else(|| {
        let is_qemu =
            cpuinfo.contains("emulated by qemu") || root.path("proc/device-tree/fw-cfg").exists();
        is_qemu.then_some("kvm")
    })
}

/// s390x; a logical partition is as good as a machine.
fn by_sysinfo(sysinfo: &str) -> Option<&'static str> {
    let program = sysinfo
        .lines()
        .find_map(|line| line.strip_prefix("VM00 Control Program:"))?;
    let is = |name: &str| program.contains(name);
    Some(if is("KVM") {
        "kvm"
    } else if is("z/VM") {
        "zvm"
    } else {
        "vm"
    })
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

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Root) {
        let dir = tempfile::tempdir().unwrap();
        for (file, content) in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let root = Root::at(dir.path());
        (dir, root)
    }

    const VENDOR: &str = "sys/class/dmi/id/sys_vendor";
    const PRODUCT: &str = "sys/class/dmi/id/product_name";
    const VM: &str = "flags : fpu hypervisor sse\n";

    /// Written by hand after systemd-detect-virt(1) and the files of the architectures.
    #[test]
    fn hypervisors_of_every_architecture() {
        let arm = "processor : 0\nFeatures : fp asimd\n";
        let s390 = "vendor_id : IBM/S390\n";
        type Files<'a> = &'a [(&'a str, &'a str)];
        let cases: [(&str, Files<'_>, Option<&str>); 15] = [
            (VM, &[(VENDOR, "QEMU\n")], Some("kvm")),
            (VM, &[], Some("vm")),
            ("flags : fpu\n", &[(VENDOR, "QEMU\n")], None),
            (VM, &[("sys/hypervisor/type", "xen\n")], Some("xen")),
            (arm, &[(VENDOR, "QEMU\n")], Some("kvm")),
            (
                arm,
                &[(VENDOR, "Amazon EC2\n"), (PRODUCT, "c6g.large\n")],
                Some("amazon"),
            ),
            (
                arm,
                &[(VENDOR, "Amazon EC2\n"), (PRODUCT, "c6g.metal\n")],
                None,
            ),
            (
                arm,
                &[
                    (VENDOR, "Microsoft Corporation\n"),
                    (PRODUCT, "Virtual Machine\n"),
                ],
                Some("hyperv"),
            ),
            (
                arm,
                &[
                    (VENDOR, "Microsoft Corporation\n"),
                    (PRODUCT, "Surface Pro X\n"),
                ],
                None,
            ),
            (
                arm,
                &[("proc/device-tree/hypervisor/compatible", "linux,kvm\0")],
                Some("kvm"),
            ),
            (arm, &[(VENDOR, "Raspberry Pi\n")], None),
            (
                s390,
                &[("proc/sysinfo", "VM00 Control Program: KVM/Linux\n")],
                Some("kvm"),
            ),
            (
                s390,
                &[("proc/sysinfo", "VM00 Control Program: z/VM    7.3.0\n")],
                Some("zvm"),
            ),
            (s390, &[("proc/sysinfo", "LPAR Number: 7\n")], None),
            ("model : IBM pSeries (emulated by qemu)\n", &[], Some("kvm")),
        ];
        for (cpuinfo, files, expected) in cases {
            let (_dir, root) = tree(files);
            assert_eq!(hypervisor(&root, cpuinfo).as_deref(), expected, "{files:?}");
        }
    }

    #[test]
    fn a_container_of_lxcfs_has_the_processors_of_its_own_stat() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = |tree: &str| Root::at(folder.join("tests/fixtures/proc").join(tree));
        // The host has 64.
        assert_eq!(processors(&root("lxc-zfs")), 1);
    }

    #[test]
    fn containers_are_told_by_what_their_managers_leave() {
        for (file, content, kernel, expected) in [
            (
                "run/systemd/container",
                "systemd-nspawn\n",
                "6.1",
                Some("systemd-nspawn"),
            ),
            ("proc/1/environ", "A=b\0container=lxc\0", "6.1", Some("lxc")),
            (".dockerenv", "", "6.1", Some("docker")),
            ("run/.containerenv", "", "6.1", Some("podman")),
            ("run/secrets/kubernetes.io/x", "", "6.1", Some("kubernetes")),
            ("proc/vz/x", "", "6.1", Some("openvz")),
            ("x", "", "5.15.90.1-microsoft-standard-WSL2", Some("wsl")),
            ("x", "", "6.1.0-13-amd64", None),
        ] {
            let (_dir, root) = tree(&[(file, content)]);
            assert_eq!(container(&root, kernel).as_deref(), expected, "{file}");
        }
    }

    #[test]
    fn names_are_read_as_a_shell_reads_them() {
        for (value, name) in [
            ("\"Debian 12\"", Some("Debian 12")),
            ("'a \\ b'", Some("a \\ b")),
            (
                "\"The \\\"Best\\\" \\$5 \\\\ OS\"",
                Some("The \"Best\" $5 \\ OS"),
            ),
            ("Void", Some("Void")),
            ("\"\"", None),
        ] {
            let text = format!("ID=x\nPRETTY_NAME=old\nPRETTY_NAME={value}\n");
            assert_eq!(pretty_name(&text).as_deref(), name, "{value}");
        }
        assert_eq!(pretty_name("ID=x\n"), None);
        let (_dir, root) = tree(&[("usr/lib/os-release", "PRETTY_NAME=\"X 1\"\n")]);
        assert_eq!(os(&root), "X 1");
        assert_eq!(os(&Root::at("/nonexistent")), "Linux");
    }
}
