//! Client sessions over WebSocket and raw TCP: their actors, their tokens and their limits.

pub mod connection;
pub mod frame_limit;
pub mod info;
pub mod permits;
pub mod raw;
pub mod scheduler;
pub mod supervisor;
#[cfg(test)]
pub(crate) mod test_server;
pub mod tokens;
pub(crate) mod websocket;
mod write_loop;
