//! The network interfaces of the machine: the namespace of the first process, since a service may
//! have one of its own.
//!
//! /sys/class/net (Documentation/ABI/testing/sysfs-class-net) shows the interfaces of *our*
//! namespace. It is asked only where that is the machine's; otherwise names have to do.

use std::{
    collections::HashMap,
    fs,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::drivers::{
    DriverError, Root,
    linux::{
        file::{KernelFile, read_once},
        name::Name,
        net_dev::{Counters, parse},
        text::{decimal, lines},
    },
    note::Note,
};

/// Where the machine's network is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// `proc/1/net`, or `proc/self/net` where the first process is hidden from us.
    pub folder: &'static str,
    /// Whether our own namespace is the one that is read, so that sysfs and sysctl speak of the
    /// same interfaces.
    pub ours: bool,
    /// Whether our own is read for want of the machine's, which may be another.
    pub instead: bool,
}

impl Network {
    /// Looks below `root`. A folder of /proc/PID/net has an inode for each namespace.
    #[must_use]
    pub fn find(root: &Root) -> Self {
        let inode = |folder| {
            fs::metadata(root.path(format!("{folder}/dev")))
                .ok()
                .map(|file| (file.dev(), file.ino()))
        };
        let (host, own) = (inode("proc/1/net"), inode("proc/self/net"));
        match host {
            Some(host) => Self {
                folder: "proc/1/net",
                ours: own.is_none_or(|own| own == host),
                instead: false,
            },
            None => Self {
                folder: "proc/self/net",
                ours: true,
                instead: true,
            },
        }
    }
}

/// One interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: Name,
    /// What it carried; none for a reading in which a known interface shows zeros all over, which
    /// is a slip of the driver and not a figure.
    pub counters: Option<Counters>,
    /// What sysfs tells of it.
    pub link: Link,
    /// Whether it is a part of the machine's total.
    pub in_total: bool,
}

/// What sysfs tells of an interface; nothing where it speaks of others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Link {
    /// Whether it can carry anything.
    pub up: Option<bool>,
    /// Its speed, of those that have one.
    pub mbps: Option<u64>,
    /// Whether its driver says that it is up: those of the loopback and of tunnels say nothing.
    pub said_up: Option<bool>,
    hardware: bool,
}

/// The interfaces, rescanned by every reading.
#[derive(Debug)]
pub struct Interfaces {
    dev: KernelFile,
    class: Option<PathBuf>,
    bonds: PathBuf,
    /// The links as they were last time, by name, with when their speed was asked for.
    links: HashMap<Name, (Link, Instant)>,
    before: HashMap<Name, Counters>,
    buffer: Vec<u8>,
    /// Whether they are our own namespace's, the machine's being hidden.
    pub own: bool,
}

impl Interfaces {
    /// Below `root`; opened by the first read.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        let Network {
            folder,
            ours,
            instead,
        } = Network::find(root);
        let class = root.path("sys/class/net");
        Self {
            dev: KernelFile::new(root, format!("{folder}/dev")),
            class: (ours && class.is_dir()).then_some(class),
            bonds: root.path(folder).join("bonding"),
            links: HashMap::new(),
            before: HashMap::new(),
            buffer: Vec::new(),
            own: instead,
        }
    }

    /// The same, which tells in `note` what it leaves out.
    #[must_use]
    pub fn noting(self, note: &Note) -> Self {
        Self {
            dev: self.dev.noting(note),
            ..self
        }
    }

    /// Reads the interfaces into `found`, and returns whether the total goes by names, for want of
    /// knowing the hardware.
    ///
    /// # Errors
    /// When the counters cannot be read, or are not in their form.
    pub fn read(&mut self, found: &mut Vec<Interface>) -> Result<bool, DriverError> {
        found.clear();
        self.dev.read_leniently(|bytes, skipped| {
            parse(bytes, skipped, |name, counters| {
                found.push(Interface {
                    name,
                    counters: Some(counters),
                    link: Link::default(),
                    in_total: false,
                });
            })
        })?;
        for interface in &mut *found {
            interface.counters = interface
                .counters
                .filter(|now| !self.slipped(interface.name, now));
            interface.link = self.link(interface.name);
        }
        self.before
            .retain(|name, _| found.iter().any(|interface| interface.name == *name));
        self.links
            .retain(|name, _| found.iter().any(|interface| interface.name == *name));

        let by_name = !found.iter().any(|interface| interface.link.hardware);
        let bonded = if by_name { self.bonded() } else { Vec::new() };
        for interface in found {
            interface.in_total = if by_name {
                carries_for_itself(interface.name.as_bytes()) && !bonded.contains(&interface.name)
            } else {
                interface.link.hardware
            };
        }
        Ok(by_name)
    }

    /// Zeros where there were figures the time before. A second time they are believed: the
    /// interface began anew.
    fn slipped(&mut self, name: Name, now: &Counters) -> bool {
        let before = self.before.insert(name, *now).unwrap_or(Counters::ZERO);
        *now == Counters::ZERO && before != Counters::ZERO
    }

    fn link(&mut self, name: Name) -> Link {
        let Some(class) = &self.class else {
            return Link::default();
        };
        let folder = class.join(std::ffi::OsStr::from_bytes(name.as_bytes()));
        let before = self.links.get(&name).copied();
        let mut word = |file: &str| -> Option<Vec<u8>> {
            let bytes = read_once(&folder.join(file), &mut self.buffer).ok()?;
            lines(bytes).next().map(<[u8]>::to_vec)
        };
        let state = word("operstate");
        let said_up = state.as_deref().map(|state| state == b"up");
        let up = match state.as_deref() {
            // Drivers that do not say: the carrier does.
            Some(b"unknown") => Some(word("carrier").as_deref() == Some(b"1")),
            _ => said_up,
        };
        // A link may join a bond, and get another speed, while it stays up.
        let hardware = is_hardware(&folder);
        let known = before.filter(|(link, asked)| {
            (link.up, link.hardware) == (up, hardware) && asked.elapsed() < SPEED_TRUSTED
        });
        let (mbps, asked) = known.map_or_else(
            || {
                let speed = (hardware && up == Some(true))
                    .then(|| word("speed"))
                    .flatten();
                let mbps = speed.as_deref().and_then(decimal);
                let mbps = mbps.filter(|&mbps| mbps > 0 && mbps < MBPS_UNKNOWN);
                (mbps, Instant::now())
            },
            |(link, asked)| (link.mbps, asked),
        );
        let link = Link {
            up,
            said_up,
            mbps,
            hardware,
        };
        self.links.insert(name, (link, asked));
        link
    }

    /// The members of bonds, as the bonding driver lists them.
    fn bonded(&mut self) -> Vec<Name> {
        let mut members = Vec::new();
        for bond in fs::read_dir(&self.bonds).into_iter().flatten().flatten() {
            let bytes = read_once(&bond.path(), &mut self.buffer).unwrap_or_default();
            members.extend(
                lines(bytes)
                    .filter_map(|line| line.strip_prefix(b"Slave Interface: "))
                    .map(Name::new),
            );
        }
        members
    }
}

/// How long a speed holds: some drivers ask their hardware for it.
const SPEED_TRUSTED: Duration = Duration::from_secs(1);

/// `SPEED_UNKNOWN`, as drivers without a sign give it.
const MBPS_UNKNOWN: u64 = u32::MAX as u64;

/// Whether the interface is a piece of hardware (a virtual machine's too) whose bytes no other one
/// counts. Bridges, bonds and VLANs are not hardware, so what is enslaved to them counts; a virtual
/// function whose master is hardware is counted by it, and what carries the ports of a switch (DSA)
/// by these.
fn is_hardware(folder: &Path) -> bool {
    let has = |file: &str| folder.join(file).exists();
    has("device") && !has("master/device") && !has("dsa")
}

/// Beginnings of the names that the kernel, and what brings networks, give to what carries the
/// traffic of others or stays within the machine: containers' ends, bridges, tunnels. Members of a
/// team are not told anywhere, so the team is left out.
const OTHERS: [&str; 46] = [
    "br",
    "cali",
    "cilium",
    "cni",
    "docker",
    "dummy",
    "erspan",
    "flannel",
    "fwbr",
    "fwln",
    "fwpr",
    "geneve",
    "gre",
    "ifb",
    "incusbr",
    "ip6",
    "ip_vti",
    "ipvl",
    "kube-",
    "lxcbr",
    "lxdbr",
    "macsec",
    "macv",
    "nebula",
    "nodelocaldns",
    "ovs-",
    "podman",
    "sit",
    "tailscale",
    "tap",
    "team",
    "teql",
    "tun",
    "veth",
    "virbr",
    "vlan",
    "vmbr",
    "vmnet",
    "vnet",
    "vrf",
    "vxlan",
    "wg",
    "wt0",
    "xenbr",
    "xfrm",
    "zt",
];

/// The rule by names.
fn carries_for_itself(name: &[u8]) -> bool {
    name != b"lo"
        && !name.contains(&b'.')
        && !OTHERS
            .iter()
            .any(|prefix| name.starts_with(prefix.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new() -> Self {
            let tree = Self(tempfile::tempdir().unwrap());
            fs::create_dir_all(tree.0.path().join("proc/1/net")).unwrap();
            tree
        }

        fn root(&self) -> Root {
            Root::at(self.0.path())
        }

        fn dev(&self, interfaces: &[(&str, u64)]) {
            let mut text = String::from("a|b\nc|d\n");
            for (name, bytes) in interfaces {
                let packets = bytes.min(&1);
                text += &format!(
                    "{name}: {bytes} {packets} 0 0 0 0 0 0 {bytes} {packets} 0 0 0 0 0 0\n"
                );
            }
            fs::write(self.0.path().join("proc/1/net/dev"), text).unwrap();
        }

        fn class(&self, name: &str, files: &[(&str, &str)], device: bool) {
            let folder = self.0.path().join("sys/class/net").join(name);
            fs::create_dir_all(&folder).unwrap();
            if device {
                fs::create_dir(folder.join("device")).unwrap();
            }
            for (file, text) in files {
                fs::write(folder.join(file), text).unwrap();
            }
        }
    }

    fn totals(found: &[Interface]) -> Vec<String> {
        found
            .iter()
            .filter(|interface| interface.in_total)
            .map(|interface| interface.name.to_string())
            .collect()
    }

    #[test]
    fn hardware_counts_and_what_is_made_of_it_does_not() {
        let tree = Tree::new();
        tree.dev(&[
            ("lo", 1),
            ("eth0", 2),
            ("eth1", 3),
            ("bond0", 5),
            ("vf0", 2),
            ("br0", 5),
        ]);
        tree.class(
            "lo",
            &[("operstate", "unknown\n"), ("carrier", "1\n")],
            false,
        );
        tree.class("eth0", &[("operstate", "up\n"), ("speed", "10000\n")], true);
        tree.class("eth1", &[("operstate", "down\n"), ("speed", "-1\n")], true);
        tree.class(
            "bond0",
            &[("operstate", "up\n"), ("speed", "20000\n")],
            false,
        );
        tree.class(
            "vf0",
            &[("operstate", "up\n"), ("speed", "4294967295\n")],
            true,
        );
        tree.class("br0", &[], false);
        let class = tree.0.path().join("sys/class/net");
        symlink(class.join("bond0"), class.join("eth0/master")).unwrap();
        symlink(class.join("eth0"), class.join("vf0/master")).unwrap();
        let mut found = Vec::new();
        assert_eq!(Interfaces::new(&tree.root()).read(&mut found), Ok(false));
        assert_eq!(totals(&found), ["eth0", "eth1"]);
        let links: Vec<_> = found
            .iter()
            .map(|interface| (interface.link.up, interface.link.mbps))
            .collect();
        assert_eq!(
            (found[0].link.said_up, found[1].link.said_up),
            (Some(false), Some(true))
        );
        let up = Some(true);
        assert_eq!(
            links,
            [
                (up, None),
                (up, Some(10000)),
                (Some(false), None),
                (up, None),
                (up, None),
                (None, None)
            ]
        );
    }

    #[test]
    fn a_link_that_stays_up_gets_another_speed_and_joins_another() {
        let tree = Tree::new();
        tree.dev(&[("eth0", 2), ("team0", 2)]);
        tree.class("eth0", &[("operstate", "up\n"), ("speed", "1000\n")], true);
        tree.class("team0", &[("operstate", "up\n")], true);
        let mut interfaces = Interfaces::new(&tree.root());
        let mut found = Vec::new();
        let mut read = |speed: &str, after: Duration| {
            let eth0 = tree.0.path().join("sys/class/net/eth0");
            fs::write(eth0.join("speed"), speed).unwrap();
            for (_, asked) in interfaces.links.values_mut() {
                *asked = asked.checked_sub(after).unwrap();
            }
            interfaces.read(&mut found).unwrap();
            (found[0].link.mbps, totals(&found))
        };
        let both = vec!["eth0".to_string(), "team0".into()];
        assert_eq!(read("1000", Duration::ZERO), (Some(1000), both.clone()));
        assert_eq!(read("100", SPEED_TRUSTED), (Some(100), both));
        let class = tree.0.path().join("sys/class/net");
        symlink(class.join("team0"), class.join("eth0/master")).unwrap();
        assert_eq!(read("100", Duration::ZERO).1, ["team0"]);
    }

    #[test]
    fn the_ports_of_a_switch_count_and_not_what_carries_them() {
        let tree = Tree::new();
        tree.dev(&[("eth0", 5), ("lan1", 2), ("lan2", 3)]);
        for name in ["eth0", "lan1", "lan2"] {
            tree.class(name, &[("operstate", "up\n")], true);
        }
        fs::create_dir(tree.0.path().join("sys/class/net/eth0/dsa")).unwrap();
        let mut found = Vec::new();
        assert_eq!(Interfaces::new(&tree.root()).read(&mut found), Ok(false));
        assert_eq!(totals(&found), ["lan1", "lan2"]);
    }

    #[test]
    fn names_decide_where_sysfs_speaks_of_another_namespace() {
        let tree = Tree::new();
        let names = [
            "lo", "eth0", "eth1", "bond0", "bond0.7", "vlan3", "veth12", "br-1", "docker0",
            "virbr0", "tun0", "tap1", "dummy0", "wlan0",
        ];
        tree.dev(&names.map(|name| (name, 9)));
        tree.class("eth0", &[("operstate", "up\n"), ("speed", "10\n")], true);
        fs::create_dir_all(tree.0.path().join("proc/self/net")).unwrap();
        fs::write(tree.0.path().join("proc/self/net/dev"), "").unwrap();
        fs::create_dir_all(tree.0.path().join("proc/1/net/bonding")).unwrap();
        fs::write(
            tree.0.path().join("proc/1/net/bonding/bond0"),
            "Mode: x\n\nSlave Interface: eth1\nMII: up\n",
        )
        .unwrap();
        let mut found = Vec::new();
        assert_eq!(Interfaces::new(&tree.root()).read(&mut found), Ok(true));
        assert_eq!(totals(&found), ["eth0", "bond0", "wlan0"]);
        assert!(
            found
                .iter()
                .all(|interface| interface.link == Link::default()),
            "{found:?}"
        );
    }

    #[test]
    fn bridges_tunnels_and_ends_of_containers_have_well_known_names() {
        let carry = [
            "eth0",
            "enp3s0f1",
            "eno1",
            "ens18",
            "wlp2s0",
            "wwan0",
            "ib0",
            "bond0",
            "usb0",
            "ppp0",
            "enx001122334455",
        ];
        let repeat = [
            "vmbr0",
            "fwpr100p0",
            "tap100i0",
            "wg0",
            "tailscale0",
            "zt5u4y6ejv",
            "cni0",
            "flannel.1",
            "cali12",
            "lxdbr0",
            "incusbr0",
            "ovs-system",
            "macvtap0",
            "vxlan42",
            "sit0",
            "ip6tnl0",
            "ip_vti0",
            "gretap0",
            "vnet3",
            "team0",
        ];
        assert_eq!(
            carry.map(|name| carries_for_itself(name.as_bytes())),
            carry.map(|_| true)
        );
        assert_eq!(
            repeat.map(|name| carries_for_itself(name.as_bytes())),
            repeat.map(|_| false)
        );
    }

    #[test]
    fn the_first_process_is_asked_where_it_can_be() {
        let tree = Tree::new();
        let own = tree.0.path().join("proc/self/net");
        fs::create_dir_all(&own).unwrap();
        let find = || Network::find(&tree.root());
        assert_eq!(
            find(),
            Network {
                folder: "proc/self/net",
                ours: true,
                instead: true
            }
        );
        tree.dev(&[]);
        let host = |ours| Network {
            folder: "proc/1/net",
            ours,
            instead: false,
        };
        assert_eq!(find(), host(true));
        fs::hard_link(tree.0.path().join("proc/1/net/dev"), own.join("dev")).unwrap();
        assert_eq!(find(), host(true));
        fs::remove_file(own.join("dev")).unwrap();
        fs::write(own.join("dev"), "").unwrap();
        assert_eq!(find(), host(false));
    }

    #[test]
    fn a_line_of_zeros_is_believed_the_second_time() {
        let tree = Tree::new();
        tree.dev(&[]);
        let mut interfaces = Interfaces::new(&tree.root());
        let mut found = Vec::new();
        let mut rx = |bytes| {
            tree.dev(&[("eth0", bytes)]);
            interfaces.read(&mut found).unwrap();
            found[0].counters.and_then(|counters| counters.rx_bytes)
        };
        let read = [0, 50, 0, 60, 0, 0, 7].map(&mut rx);
        assert_eq!(
            read,
            [Some(0), Some(50), None, Some(60), None, Some(0), Some(7)]
        );
    }

    #[test]
    fn the_running_host_is_read() {
        let mut found = Vec::new();
        Interfaces::new(&Root::host()).read(&mut found).unwrap();
        assert!(
            found
                .iter()
                .any(|interface| interface.name == Name::new(b"lo")),
            "{found:?}"
        );
    }
}
