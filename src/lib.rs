//! rtstat: real-time statistics of a Linux host, pushed as JSON to whoever watches.
//!
//! # Imports run one way
//!
//! **server > http > session > push > sampling > plugins, net > config > drivers, protocol, system.**
//! A module imports only what stands to its right; a test reads the imports and fails when one
//! climbs. The modules are declared below in this order. The three actors stand where their subject
//! is: [`sampling::sampler`], [`session::scheduler`] and [`session::supervisor`].
//!
//! # One push
//!
//! ```text
//!  kernel file ─▶ drivers ─▶ plugins ─▶ sampling::snapshot      one sample of a plugin in a slot
//!                    (may block: a worker, sampling::sampler)
//!                                            │
//!                                  push::frame_cache            one frame for a window and a choice
//!                                            │
//!  client ◀─ socket ◀─ push::outbox ◀─ push::broadcaster        one send for a client
//! ```
//!
//! The broadcaster keeps each started session under the 50 ms slot in which its next push is due. At
//! the slot it takes one [`snapshot`](sampling::snapshot) of all keys that the slot's sessions chose,
//! encodes one [`frame`](push::frame) for each different pair of window and choice, and writes its
//! bytes into each session's socket. What a socket does not take waits in the session's
//! [`outbox`](push::outbox), where a newer push replaces one that was not begun.
//!
//! # One command
//!
//! ```text
//!  client ─▶ server::accept ─▶ net::admission ─▶ http (upgrade) ─▶ session::{websocket, raw}
//!                                                                        │
//!            push::broadcaster ◀─ start, stop ─ session::scheduler ◀─────┤ actions
//!                                                   │                    │
//!                       session::supervisor ◀─ admit, authorize     protocol::session
//! ```
//!
//! A message reaches the session's Scheduler, which asks the pure rules of [`protocol`] what follows
//! and does it: it queues an answer, starts or stops pushes, or asks the Supervisor for a place or
//! about a token. The Supervisor ends and pings sessions. Pushes pass through no mailbox.
//!
//! # What always holds
//!
//! - **One thread serves.** Listeners, HTTP, sessions, actors and pushes share the main thread. A
//!   plugin that may block has a worker thread while somebody watches it, and each call of `fs` and
//!   `sens` that hangs keeps a thread of its own, at most 64 in either.
//! - **Pushes come first.** The event loop polls the broadcaster at the start of each turn; everything
//!   that serves connections together has 1 ms of a turn. So no number of peers delays a push beyond
//!   its slot.
//! - **Nobody looks, nothing runs.** Without a started session there is no timer and no sample, but for
//!   a request of `/metrics`, which samples once. HTTP has no timer but those of its connections.
//! - **A push is never early and never made up for.** Due times are n × interval after `start`, rounded
//!   up to the slot.
//! - **A window is the session's own.** A session holds the snapshot of its last push until the next.
//! - **No actor waits** for a socket, a file or a child.
//! - **A peer costs a bounded amount**: the push that is being written and the newest one, 2 KiB of
//!   answers beyond which its commands are not read, 8 KiB in the kernel's queue and one write of at
//!   most 8 KiB more, and 30 s without reading.
//! - **Nothing is written to the host**, and no command changes it.
//! - **Rules are pure**: the protocol is text in, actions out, and times are passed into
//!   [`schedule`](sampling::schedule). Neither knows an actor, a socket or a clock.

// In the order of the imports. The blank lines keep rustfmt from sorting them. Public is what the
// program itself needs.
pub mod server;

mod http;

mod session;

mod push;

mod sampling;

pub mod plugins;

mod net;

pub mod config;

mod drivers;

mod protocol;

pub mod system;

// Beside them: `rtstatd sample` and `rtstatd check-plugin`, and the JSON that they print.
pub mod oneshot;
mod pretty_json;

pub mod testing;
