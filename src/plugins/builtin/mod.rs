//! The plugins that come with the program, one wire key a file.

pub mod cgroup_usage;
pub mod containers;
pub mod cpu;
pub mod cpu_stat;
pub mod disk;
pub mod filesystems;
pub mod gpu;
pub mod mem;
pub mod meminfo;
pub mod net;
pub mod pressure;
pub mod processes;
pub mod procs;
pub mod self_stats;
pub mod sensors;
pub mod sockets;
#[cfg(test)]
mod tests;
pub mod top;
pub mod units;
pub mod uptime;
