//! Client sessions over WebSocket and raw TCP: their actors, their tokens and their limits.

pub mod connection;
pub mod frame_limit;
pub mod info;
pub mod permits;
pub mod raw;
pub mod scheduler;
pub mod supervisor;
pub mod tokens;
pub mod websocket;
pub mod write_loop;
