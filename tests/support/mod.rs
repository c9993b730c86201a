//! What tests of the real program share.

pub mod server;
pub mod stream;
pub mod websocket;
