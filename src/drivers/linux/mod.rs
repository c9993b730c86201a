//! Linux: one kernel file a module, each a parser over bytes and a reader of a few lines.
//!
//! What is read every time is kept open and read by `pread` into a buffer that is reused; nothing
//! is allocated once the buffers have grown. A file cut off in the middle, or one that is not what
//! the kernel's documents say, is an error or a line left out, and never a panic.

pub mod arcstats;
pub mod cgroups;
pub mod containers;
pub mod dbus;
pub mod disks;
pub mod diskstats;
pub mod failed_units;
pub mod file;
pub mod gpus;
pub mod host;
pub mod interfaces;
pub mod loadavg;
pub mod localtime;
pub mod lxcfs;
pub mod meminfo;
pub mod mounts;
pub mod name;
pub mod net_dev;
pub mod online;
pub mod pid_files;
pub mod pid_stat;
pub mod pressure;
pub mod process_counter;
pub mod processes;
pub mod sensors;
pub mod skipped;
pub mod sockets;
pub mod space;
pub mod stat;
pub mod sysfs;
pub mod text;
pub mod uptime;
pub mod users;
pub mod vmstat;

use nix::unistd::{SysconfVar, sysconf};

/// Bytes in a page of memory, the unit of many of the kernel's counters.
#[must_use]
pub fn page_size_bytes() -> u64 {
    sysconf(SysconfVar::PAGE_SIZE)
        .ok()
        .flatten()
        .and_then(|bytes| u64::try_from(bytes).ok())
        .unwrap_or(4096)
}
