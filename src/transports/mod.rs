//! From sockets to commands and from snapshots to sockets.
//!
//! A connection that begins with a [good upgrade request](upgrade) becomes a session at once; everything else that HTTP
//! can say, the page and refusals among it, is actix-web's, which may hand over a socket too. A session's actor is polled
//! by a [write loop](write_loop) of our own, and pushes are written by the [tick](tick) straight into the socket.

pub mod accept;
pub mod encoder;
pub mod entrance;
pub mod frame;
pub mod guard;
pub mod http;
pub mod http_stream;
pub mod link;
pub mod proxy;
pub mod raw;
pub mod scrape;
pub mod session;
pub mod socket;
pub mod stream;
pub mod tick;
pub mod turn;
pub mod upgrade;
pub mod websocket;
pub mod write_loop;
