//! From sockets to commands and from snapshots to sockets.
//!
//! actix-web does the handshake of a connection and serves the page; then the socket is taken over and becomes a
//! session: its actor is polled by a [write loop](write_loop) of our own, and pushes are written by the
//! [tick](tick) straight into the socket.

pub mod accept;
pub mod encoder;
pub mod entrance;
pub mod frame;
pub mod guard;
pub mod http;
pub mod link;
pub mod proxy;
pub mod raw;
pub mod scrape;
pub mod session;
pub mod stream;
pub mod tick;
pub mod websocket;
pub mod write_loop;
