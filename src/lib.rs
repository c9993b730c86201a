//! rtstat: real-time statistics of a Linux host, pushed as JSON to whoever watches.
//!
//! # The way of one push
//!
//! ```text
//!  /proc  ──pread──▶ drivers ──▶ plugins ──▶ outlet ──▶ sampling ──▶ snapshot      one sample a slot
//!                                  ▲  (may block: worker thread)      │
//!                          actors::sampler                            ▼
//!                                                         transports::encoder       one frame a window
//!                                                                     │
//!                          schedule ◀── transports::tick ─────────────┤
//!                                                                     ▼
//!  client ◀──────────── socket ◀──────────── transports::link ◀── try_write         one send a client
//!
//!  client ──▶ transports::{accept, http, websocket, raw} ──▶ actors::scheduler ──▶ protocol::session
//!                                                                 ▲ │ Admit, Authorize, Closed
//!                                                     Order: End, │ ▼
//!                                                        Ping   actors::supervisor
//! ```
//!
//! A client's message reaches its Scheduler, an actor of its own, which asks the protocol's pure rules what to do.
//! `start` puts the session into the tick's list of the 50 ms slot in which its first push is due. At the slot's
//! beginning the tick takes one [`snapshot`] of what its list asks for, encodes one frame for each different
//! (window start, choice of plugins), and writes its bytes straight into every session's socket. What a socket does
//! not take waits in the session's [`link`](transports::link), where the newest push replaces an older one. A link that has
//! something to say first, or speaks TLS, is written from the tick too, in the name of the session's own task.
//!
//! # What holds everywhere
//!
//! - **One thread.** Listeners, HTTP, sessions, actors and the tick live on the main arbiter; only plugins whose
//!   reads may block have a thread each, while somebody watches them.
//! - **The tick comes first.** It is no task but the future that the loop looks at before each turn, and what serves
//!   connections has 1 ms of a [turn](transports::turn): no number of peers stands between a push and its slot.
//! - **Nobody looks, nothing runs.** Without a started session there is no tick and no sample; without an HTTP
//!   connection there is no HTTP service (its date timer would wake the process twice a second).
//! - **A push is never early, never made up for**: due times are n × interval after `start`, rounded up to the slot.
//! - **A window is the session's own**: it holds the snapshot of its last push until the next one.
//! - **Pushes travel through no mailbox**, and no actor waits for a socket.
//! - **A peer costs a bounded amount**: one push, 16 KiB of answers beyond which it is not read, a 32 KiB kernel
//!   buffer, 30 s of not reading.
//! - **Nothing is written to the host**, and no verb changes it.
//! - Wire rules are text in, text out ([`protocol`]); times are passed in ([`schedule`]); neither knows an actor.

pub mod actors;
pub mod admission;
pub mod alarm;
pub mod cli;
pub mod clock;
pub mod config;
pub mod config_error;
pub mod drivers;
pub mod error;
pub mod forwarded;
pub mod gate;
pub mod info;
pub mod listen;
pub mod logging;
pub mod memory;
pub mod offering;
pub mod oneshot;
pub mod peer;
pub mod plugins;
pub mod presence;
pub mod pretty;
pub mod privileges;
pub mod protocol;
pub mod sampling;
pub mod schedule;
pub mod server;
pub mod signals;
pub mod slots;
pub mod snapshot;
pub mod sysexits;
pub mod systemd;
pub mod toml_text;
pub mod transports;
pub mod web;
