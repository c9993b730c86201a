//! The program's own use of the operating system, apart from what it measures. Imports no other
//! module of the crate.

pub mod clock;
pub mod deadline_pool;
pub mod fair_share;
pub mod logging;
pub mod memory;
pub mod privileges;
pub mod rate_limit;
pub mod signals;
pub mod sysexits;
pub mod systemd;
pub mod timerfd;
