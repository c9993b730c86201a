//! rtstat: real-time statistics of a Linux host, pushed as JSON to whoever watches.
//!
//! # The way of one push
//!
//! ```text
//!  /proc  ──pread──▶ drivers ──▶ plugins ──▶ outlet ──▶ sampling ──▶ snapshot      one sample a slot
//!                                  ▲  (may block: worker thread)      │
//!                          sampling::sampler                           ▼
//!                                                         push::frame_cache         one frame a window
//!                                                                     │
//!                          schedule ◀── push::broadcaster ────────────┤
//!                                                                     ▼
//!  client ◀──────────── socket ◀──────────── push::outbox ◀── try_write         one send a client
//!
//!  client ──▶ {server::accept, http, session} ──▶ session::scheduler ──▶ protocol::session
//!                                                                 ▲ │ Admit, Authorize, Closed
//!                                                     Order: End, │ ▼
//!                                                        Ping   session::supervisor
//! ```
//!
//! A client's message reaches its Scheduler, an actor of its own, which asks the protocol's pure
//! rules what to do. `start` puts the session into the tick's list of the 50 ms slot in which its
//! first push is due. At the slot's beginning the tick takes one [`snapshot`](sampling::snapshot)
//! of what its list asks for, encodes one frame for each different (window start, choice of
//! plugins), and writes its bytes straight into every session's socket. What a socket does not take
//! waits in the session's [`outbox`](push::outbox), where the newest push replaces an older one. A
//! link that has something to say first, or speaks TLS, is written from the tick too, in the name
//! of the session's own task.
//!
//! # What holds everywhere
//!
//! - **One thread.** Listeners, HTTP, sessions, actors and the tick live on the main arbiter; only
//!   plugins whose reads may block have a thread each, while somebody watches them.
//! - **The tick comes first.** It is no task but the future that the loop looks at before each
//!   turn, and what serves connections has 1 ms of a [turn](system::fair_share): no number of peers
//!   stands between a push and its slot.
//! - **Nobody looks, nothing runs.** Without a started session there is no tick and no sample. HTTP
//!   has no timer without a connection: actix-http's server would wake the process twice a second
//!   for its date.
//! - **A push is never early, never made up for**: due times are n × interval after `start`,
//!   rounded up to the slot.
//! - **A window is the session's own**: it holds the snapshot of its last push until the next one.
//! - **Pushes travel through no mailbox**, and no actor waits for a socket.
//! - **A peer costs a bounded amount**: one push, 16 KiB of answers beyond which it is not read, a
//!   32 KiB kernel buffer, 30 s of not reading.
//! - **Nothing is written to the host**, and no verb changes it.
//! - Wire rules are text in, text out ([`protocol`]); times are passed in
//!   ([`schedule`](sampling::schedule)); neither knows an actor.

pub mod config;
pub mod drivers;
pub mod http;
pub mod net;
pub mod oneshot;
pub mod plugins;
mod pretty_json;
pub mod protocol;
pub mod push;
pub mod sampling;
pub mod server;
pub mod session;
pub mod system;
