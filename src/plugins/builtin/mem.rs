//! `mem`: memory and swap in bytes, with what is really in use.
//!
//! `used` is what programs could not have: the total without the kernel's estimate of what is
//! available and without the part of ZFS's cache that can be given back, which that estimate leaves
//! out. Kernels before 3.14 estimate nothing; there it is the total without what is free, cached
//! and reclaimable, shared memory not being so.

use serde::Serialize;

use crate::{
    drivers::{
        DriverError, Root,
        linux::{
            arcstats::{Arc, ArcstatsFile},
            lxcfs::{Lxcfs, Whose},
            meminfo::{Meminfo, MeminfoFile},
            vmstat::{Vmstat, VmstatFile},
        },
        note::Note,
    },
    plugins::{
        FieldUnits, Plugin, Window,
        families::Families,
        figures::{Decimal, rate},
    },
};

/// Reads memory and swap, with the counters of their traffic.
#[derive(Debug)]
pub struct Mem {
    meminfo: MeminfoFile,
    vmstat: VmstatFile,
    arcstats: ArcstatsFile,
    lxcfs: Lxcfs,
    note: Note,
}

impl Mem {
    /// Reads below `root`.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        let lxcfs = Lxcfs::find(root);
        let note = Note::default();
        let remark = match lxcfs.whose(MEMINFO) {
            Whose::Machine => None,
            Whose::Container => Some(HOSTS_PARTS.into()),
            Whose::Host => Some("all figures are the host's".into()),
        };
        note.set("lxcfs", remark);
        Self {
            meminfo: MeminfoFile::new(root).noting(&note),
            vmstat: VmstatFile::new(root).noting(&note),
            arcstats: ArcstatsFile::new(root).noting(&note),
            lxcfs,
            note,
        }
    }
}

const MEMINFO: &str = "/proc/meminfo";
const VMSTAT: &str = "/proc/vmstat";
const ARCSTATS: &str = "/proc/spl/kstat/zfs/arcstats";
const HOSTS_PARTS: &str = "arc, arc_min, commit, commit_limit, hugetlb, oom_kill, swap.in, swap.out and zswap are the host's and left out";

/// One reading.
#[derive(Debug, Default)]
pub struct Sample {
    meminfo: Meminfo,
    vmstat: Vmstat,
    arc: Option<Arc>,
}

impl Plugin for Mem {
    type Sample = Sample;

    const UNITS: FieldUnits = &[
        ("total", "B"),
        ("available", "B"),
        ("used", "B"),
        ("free", "B"),
        ("buffers", "B"),
        ("cached", "B"),
        ("sreclaimable", "B"),
        ("shmem", "B"),
        ("arc", "B"),
        ("arc_min", "B"),
        ("dirty", "B"),
        ("writeback", "B"),
        ("anon", "B"),
        ("slab", "B"),
        ("hugetlb", "B"),
        ("commit", "B"),
        ("commit_limit", "B"),
        ("zswap", "B"),
        ("swap.total", "B"),
        ("swap.free", "B"),
        ("swap.cached", "B"),
        ("swap.in", "B/s"),
        ("swap.out", "B/s"),
    ];

    const FAMILIES: Option<fn(&Self::Sample, &mut Families)> = Some(families);

    fn read(&mut self, sample: &mut Sample) -> Result<(), DriverError> {
        sample.meminfo = self.meminfo.read()?;
        if self.lxcfs.whose(MEMINFO) == Whose::Container {
            sample.meminfo.forget_the_hosts();
        }
        let hosts = |file| self.lxcfs.differs(file, MEMINFO);
        let (hosts_vmstat, hosts_arc) = (hosts(VMSTAT), hosts(ARCSTATS));
        sample.vmstat = if hosts_vmstat {
            Vmstat::default()
        } else {
            self.vmstat.read()
        };
        sample.arc = if hosts_arc {
            None
        } else {
            self.arcstats.read()
        };
        Ok(())
    }

    fn note(&self) -> Note {
        self.note.clone()
    }

    fn view(window: Window<'_, Sample>) -> impl Serialize {
        let Sample {
            meminfo,
            vmstat,
            arc,
        } = window.now;
        let pages_per_second = |field: fn(&Vmstat) -> Option<u64>| {
            let (before, over) = window.before?;
            rate(
                field(&before.vmstat).map(page_bytes),
                field(vmstat).map(page_bytes),
                over,
            )
        };
        let bytes = |kib: Option<u64>| kib.map(kib_bytes);
        View {
            total: bytes(meminfo.total),
            available: bytes(meminfo.available),
            used: used_bytes(meminfo, arc.as_ref()),
            free: bytes(meminfo.free),
            buffers: bytes(meminfo.buffers),
            cached: bytes(meminfo.cached),
            sreclaimable: bytes(meminfo.slab_reclaimable),
            shmem: bytes(meminfo.shmem),
            arc: arc.map(|arc| arc.size_bytes),
            arc_min: arc.and_then(|arc| arc.min_bytes),
            dirty: bytes(meminfo.dirty),
            writeback: bytes(meminfo.writeback),
            anon: bytes(meminfo.anon),
            slab: bytes(meminfo.slab),
            hugetlb: bytes(meminfo.hugetlb),
            commit: bytes(meminfo.committed),
            commit_limit: bytes(meminfo.commit_limit),
            swap: Swap {
                total: bytes(meminfo.swap_total),
                free: bytes(meminfo.swap_free),
                cached: bytes(meminfo.swap_cached),
                swapped_in: pages_per_second(|vmstat| vmstat.swapped_in_pages),
                swapped_out: pages_per_second(|vmstat| vmstat.swapped_out_pages),
            },
            zswap: bytes(meminfo.zswap),
            oom_kill: vmstat.oom_kills,
        }
    }
}

/// Names of node_exporter's `meminfo` and `vmstat` collectors.
fn families(sample: &Sample, out: &mut Families) {
    const HELP: &str = "Memory information, see proc_meminfo(5)";
    let Sample {
        meminfo, vmstat, ..
    } = sample;
    for (name, kib) in [
        ("node_memory_MemTotal_bytes", meminfo.total),
        ("node_memory_MemFree_bytes", meminfo.free),
        ("node_memory_MemAvailable_bytes", meminfo.available),
        ("node_memory_Buffers_bytes", meminfo.buffers),
        ("node_memory_Cached_bytes", meminfo.cached),
        ("node_memory_SwapCached_bytes", meminfo.swap_cached),
        ("node_memory_SwapTotal_bytes", meminfo.swap_total),
        ("node_memory_SwapFree_bytes", meminfo.swap_free),
        ("node_memory_Dirty_bytes", meminfo.dirty),
        ("node_memory_Writeback_bytes", meminfo.writeback),
        ("node_memory_AnonPages_bytes", meminfo.anon),
        ("node_memory_Shmem_bytes", meminfo.shmem),
        ("node_memory_Slab_bytes", meminfo.slab),
        ("node_memory_SReclaimable_bytes", meminfo.slab_reclaimable),
        ("node_memory_CommitLimit_bytes", meminfo.commit_limit),
        ("node_memory_Committed_AS_bytes", meminfo.committed),
        ("node_memory_Hugetlb_bytes", meminfo.hugetlb),
        ("node_memory_Zswap_bytes", meminfo.zswap),
    ] {
        out.gauge(name, HELP, &[], kib.map(|kib| kib_bytes(kib) as f64));
    }
    let figure = |value: Option<u64>| value.map(|value| value as f64);
    out.untyped(
        "node_vmstat_pswpin",
        "Pages swapped in",
        &[],
        figure(vmstat.swapped_in_pages),
    );
    out.untyped(
        "node_vmstat_pswpout",
        "Pages swapped out",
        &[],
        figure(vmstat.swapped_out_pages),
    );
    out.untyped(
        "node_vmstat_oom_kill",
        "Processes killed for lack of memory",
        &[],
        figure(vmstat.oom_kills),
    );
}

/// None where the total or what is free is not known, and where the parts are more than the whole.
fn used_bytes(meminfo: &Meminfo, arc: Option<&Arc>) -> Option<u64> {
    let spare_kib = match meminfo.available {
        Some(available) => available,
        None => {
            let parts = [
                meminfo.free?,
                meminfo.buffers.unwrap_or(0),
                meminfo.cached.unwrap_or(0),
                meminfo.slab_reclaimable.unwrap_or(0),
            ];
            let spare = parts.into_iter().fold(0, u64::saturating_add);
            spare.saturating_sub(meminfo.shmem.unwrap_or(0))
        }
    };
    let used = kib_bytes(meminfo.total?).checked_sub(kib_bytes(spare_kib))?;
    let spare_arc = arc.and_then(|arc| Some(arc.size_bytes.saturating_sub(arc.min_bytes?)));
    // The cache is in what is used. One that is larger is another machine's, or no size at all.
    Some(used - spare_arc.filter(|spare| *spare <= used).unwrap_or(0))
}

fn kib_bytes(kib: u64) -> u64 {
    kib.saturating_mul(1024)
}

fn page_bytes(pages: u64) -> u64 {
    pages.saturating_mul(crate::drivers::linux::page_size_bytes())
}

#[derive(Serialize)]
struct View {
    /// MemTotal: usable memory, without what the firmware and the kernel reserve. Null where its
    /// number cannot be right.
    total: Option<u64>,
    /// MemAvailable: the kernel's estimate of what programs can still get without swapping. Null
    /// before Linux 3.14, and where it is more than `total`.
    available: Option<u64>,
    /// `total` minus `available` and minus the part of the ZFS cache above `arc_min`, which the
    /// kernel does not count as available. Before Linux 3.14, MemTotal minus MemFree, Buffers,
    /// Cached and SReclaimable plus Shmem. Null where these are not known or are more than `total`.
    used: Option<u64>,
    /// MemFree: memory that is not used for anything. Null where the kernel does not print it, and
    /// where it is more than `total`.
    free: Option<u64>,
    /// Buffers: raw disk blocks in memory. Null where the kernel does not print it.
    buffers: Option<u64>,
    /// Cached: the page cache, shared memory included and the swap cache left out. Null where the
    /// kernel does not print it.
    cached: Option<u64>,
    /// SReclaimable: the part of `slab` that the kernel can free. Null before Linux 2.6.19.
    sreclaimable: Option<u64>,
    /// Shmem: shared memory and tmpfs, which are a part of `cached` and cannot be freed. Null
    /// before Linux 2.6.32.
    shmem: Option<u64>,
    /// Size of the ZFS cache (size in /proc/spl/kstat/zfs/arcstats). Null without ZFS.
    arc: Option<u64>,
    /// Size below which ZFS does not shrink its cache (c_min in the same file). Null without ZFS.
    arc_min: Option<u64>,
    /// Dirty: memory that waits to be written to a disk. Null where the kernel does not print it.
    dirty: Option<u64>,
    /// Writeback: memory that is being written to a disk. Null where the kernel does not print it.
    writeback: Option<u64>,
    /// AnonPages: memory of programs that no file backs. Null where the kernel does not print it.
    anon: Option<u64>,
    /// Slab: memory for the kernel's own objects. Null where the kernel does not print it.
    slab: Option<u64>,
    /// Hugetlb: memory set aside for huge pages of every size, used or not. Null before Linux 4.20.
    hugetlb: Option<u64>,
    /// Committed_AS: memory that programs have been promised. Null where the kernel does not print
    /// it.
    commit: Option<u64>,
    /// CommitLimit: what strict overcommit would promise at most. Null where the kernel does not
    /// print it.
    commit_limit: Option<u64>,
    /// Swap space.
    swap: Swap,
    /// Zswap: memory that compressed swap takes. Null before Linux 5.19.
    zswap: Option<u64>,
    /// Processes killed for lack of memory since boot (oom_kill in /proc/vmstat): a count and no
    /// rate, so that none is missed. Null before Linux 4.13.
    oom_kill: Option<u64>,
}

#[derive(Serialize)]
struct Swap {
    /// SwapTotal: size of the swap space. Null where the kernel does not print it.
    total: Option<u64>,
    /// SwapFree: unused swap space. Null where the kernel does not print it.
    free: Option<u64>,
    /// SwapCached: pages that are both in memory and in swap. Null where the kernel does not print
    /// it.
    cached: Option<u64>,
    /// Bytes read from swap per second (pswpin in /proc/vmstat). Null without an earlier reading,
    /// and where the kernel does not count them.
    #[serde(rename = "in")]
    swapped_in: Option<Decimal>,
    /// Bytes written to swap per second (pswpout in /proc/vmstat). Null without an earlier reading,
    /// and where the kernel does not count them.
    #[serde(rename = "out")]
    swapped_out: Option<Decimal>,
}

#[cfg(test)]
mod tests {
    use std::{process::Command, time::Duration};

    use serde_json::json;

    use super::*;

    #[test]
    fn used_is_what_programs_could_not_have() {
        let old = Meminfo {
            total: Some(1000),
            free: Some(100),
            buffers: Some(50),
            cached: Some(300),
            ..Meminfo::default()
        };
        let new = Meminfo {
            available: Some(600),
            ..old
        };
        let arc = |size_bytes, min_bytes| {
            Some(Arc {
                size_bytes,
                min_bytes: Some(min_bytes),
            })
        };
        let cases = [
            ("estimate", new, None, 400 * 1024),
            (
                "an estimate of nothing",
                Meminfo {
                    available: Some(0),
                    ..old
                },
                None,
                1000 * 1024,
            ),
            ("no estimate", old, None, 550 * 1024),
            (
                "shared memory",
                Meminfo {
                    shmem: Some(200),
                    slab_reclaimable: Some(30),
                    ..old
                },
                None,
                720 * 1024,
            ),
            ("cache of ZFS", new, arc(300 * 1024, 100 * 1024), 200 * 1024),
            ("cache below its minimum", new, arc(50, 100), 400 * 1024),
            ("impossible cache", new, arc(u64::MAX, 0), 400 * 1024),
        ];
        for (case, meminfo, arc, used) in cases {
            assert_eq!(used_bytes(&meminfo, arc.as_ref()), Some(used), "{case}");
        }
        let total = |total| Meminfo { total, ..old };
        for unknown in [
            // A container with less than its parts.
            total(Some(10)),
            total(None),
            Meminfo { free: None, ..old },
        ] {
            assert_eq!(used_bytes(&unknown, None), None, "{unknown:?}");
        }
    }

    /// A container of LXC on a host with ZFS: lxcfs gives one file of the pair.
    #[test]
    fn a_container_has_none_of_the_hosts_figures() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut mem = Mem::new(&Root::at(folder.join("tests/fixtures/proc/lxc-zfs")));
        let mut sample = Sample::default();
        mem.read(&mut sample).unwrap();
        let note = mem.note().text().unwrap();
        for key in ["arc", "oom_kill", "swap.in", "commit"] {
            assert!(note.contains(key), "{note}");
        }
        let mut out = Families::default();
        families(&sample, &mut out);
        let text = out.open_metrics().unwrap();
        let has = |family: &str| text.contains(family);
        assert!(
            has("node_memory_MemAvailable_bytes") && !has("node_vmstat_"),
            "{text}"
        );
        assert!(!has("node_memory_Committed_AS_bytes"), "{text}");
    }

    /// What does not change while the test runs; the rest is compared in the drivers.
    #[test]
    fn the_running_host_agrees_with_free() {
        let mut sample = Sample::default();
        Mem::new(&Root::host()).read(&mut sample).unwrap();
        let view = serde_json::to_value(Mem::view(Window {
            before: None,
            now: &sample,
        }))
        .unwrap();
        let output = Command::new("free")
            .arg("-b")
            .env("LC_ALL", "C")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let total = |line: usize| {
            text.lines()
                .nth(line)
                .unwrap()
                .split_whitespace()
                .nth(1)
                .unwrap()
                .parse()
                .unwrap()
        };
        assert_eq!(
            (view["total"].as_u64(), view["swap"]["total"].as_u64()),
            (Some(total(1)), Some(total(2))),
            "{text}"
        );
        assert!(view["used"].as_u64() < view["total"].as_u64(), "{view}");
    }

    #[test]
    fn swap_rates_are_bytes_and_what_is_not_there_is_null() {
        let sample = |pages| Sample {
            meminfo: Meminfo {
                total: Some(4),
                swap_total: Some(0),
                ..Meminfo::default()
            },
            vmstat: Vmstat {
                swapped_in_pages: Some(pages),
                oom_kills: Some(3),
                ..Vmstat::default()
            },
            arc: None,
        };
        let (before, now) = (sample(10), sample(20));
        let window = Window {
            before: Some((&before, Duration::from_secs(10))),
            now: &now,
        };
        let view = serde_json::to_value(Mem::view(window)).unwrap();
        let page = crate::drivers::linux::page_size_bytes();
        let swap = json!({"total": 0, "free": null, "cached": null, "in": page, "out": null});
        assert_eq!(
            (&view["swap"], &view["oom_kill"], &view["arc"]),
            (&swap, &json!(3), &json!(null))
        );
        let first = serde_json::to_value(Mem::view(Window {
            before: None,
            now: &now,
        }))
        .unwrap();
        assert!(first["swap"]["in"].is_null());
    }
}
