//! The wire as text and as rules; no IO, no clock, no actor.
//!
//! A message is a command name and arguments, separated by `::` and ended by a newline; over
//! WebSocket one text message is one such line. [`decode`](decode::decode) reads what clients send, as generously
//! as the original server; [`command`] says what it asks for; [`session`] decides what happens;
//! [`reply`] and [`encode`] write the answer so that the original's browser client and a client
//! that follows the README read it alike.

pub mod command;
pub mod decode;
pub mod encode;
pub mod key_set;
pub mod reply;
pub mod session;

#[cfg(test)]
mod vectors;

pub use crate::protocol::{
    decode::MAX_MESSAGE,
    encode::{encode_reply, escape_json_into},
    reply::{CloseReason, ErrorText, Reply},
};
