//! Connections before anybody speaks a protocol: sockets, peers, and who is admitted.

pub mod admission;
pub mod connections;
pub mod forwarded_for;
pub mod origin_policy;
pub mod peer;
pub mod proxy_protocol;
pub mod socket;
pub mod stream;
