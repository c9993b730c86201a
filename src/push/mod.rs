//! Pushes: who gets which one in which slot, encoded once and written straight into the sockets.

pub mod broadcaster;
pub mod frame;
pub mod frame_cache;
pub mod outbox;
mod subscriptions;
