//! The parts that tests, the fuzz targets and the bench use from outside, under the paths where they
//! stand. No program may depend on them: what only this module passes on changes without notice.

/// Settings and the command line.
pub mod config {
    pub use crate::config::{Config, Environment, Trusted, cli, settings};
}

/// The kernel's files.
pub mod drivers {
    pub use crate::drivers::{DriverError, Root, linux};
}

/// The page, and the upgrade of a connection.
pub mod http {
    pub use crate::http::{connection, static_files};
}

/// Peers and what is known of them.
pub mod net {
    pub use crate::net::{connections, forwarded_for, origin_policy, peer, proxy_protocol, stream};
}

/// Keys, from samples to JSON.
pub mod plugins {
    pub use crate::plugins::{
        About, Kind, Plugin, Window, builtin, catalog, exec, families, registry, sample, worker,
    };
}

/// Texts and rules.
pub mod protocol {
    pub use crate::protocol::{
        CloseReason, MAX_MESSAGE, decode, encode_reply, escape_json_into, key_set, session,
    };
}

/// Frames, and who gets one when.
pub mod push {
    pub use crate::push::{broadcaster, frame, frame_cache, outbox};
}

/// Snapshots and their times.
pub mod sampling {
    pub use crate::sampling::{Sampling, latest_reading, plugin_manager, schedule, snapshot};
}

/// Sessions and their rules.
pub mod session {
    pub use crate::session::{connection, frame_limit, info, raw, supervisor};
}

/// Clocks.
pub mod system {
    pub use crate::system::clock;
}
