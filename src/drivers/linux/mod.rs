//! Linux: one kernel file a module, each a parser over bytes and a reader of a few lines.
//!
//! What is read every time is kept open and read by `pread` into a buffer that is reused; nothing is allocated once
//! the buffers have grown. A file cut off in the middle, or one that is not what the kernel's documents say, is an
//! error or a line left out, and never a panic.

pub mod file;
pub mod host;
pub mod loadavg;
pub mod localtime;
pub mod meminfo;
pub mod pid_stat;
pub mod processes;
pub mod stat;
pub mod text;
pub mod uptime;
pub mod users;
