//! Conversations recorded from the original server, Rt-Stat 0.3.1, replayed against rtstatd on both
//! transports.
//!
//! `conversations/` holds what was said, with every difference that is on purpose marked and
//! explained beside it; `conversations/README` explains the notation.

#[cfg(test)]
mod conversation;
#[cfg(test)]
mod http;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod shape;

use conversation::{Conversation, Mode, parse};

fn play(text: &str, mode: Mode) {
    let conversations: Vec<Conversation> = parse(text, mode);
    assert!(!conversations.is_empty());
    for conversation in &conversations {
        replay::play(conversation, mode);
    }
}

macro_rules! conversations {
    ($($name:ident: $file:literal $modes:tt;)*) => {$(
        mod $name {
            use super::{play, Mode};
            conversations!(@modes $file $modes);
        }
    )*};
    (@modes $file:literal (both)) => {
        conversations!(@modes $file (raw));
        conversations!(@modes $file (ws));
    };
    (@modes $file:literal (raw)) => {
        #[test]
        fn raw() { play(include_str!(concat!("conversations/", $file)), Mode::Raw); }
    };
    (@modes $file:literal (ws)) => {
        #[test]
        fn ws() { play(include_str!(concat!("conversations/", $file)), Mode::Ws); }
    };
}

conversations! {
    commands: "commands.txt" (both);
    auth: "auth.txt" (both);
    interval: "interval.txt" (both);
    push: "push.txt" (both);
    limits: "limits.txt" (both);
    raw_lines: "raw.txt" (raw);
    frames: "ws.txt" (ws);
}

#[test]
fn http_requests() {
    http::play(include_str!("conversations/http.txt"));
}
