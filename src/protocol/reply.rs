//! What the server says: replies, error texts and the reasons it closes for. The texts are the wire
//! format.

/// An answer to a command. A push is not one: it is encoded once for many (see [`super::encode`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply<'a> {
    /// The greeting, at once after the connection or the upgrade.
    Welcome,
    /// The server's version.
    Version,
    /// A command or a message was refused.
    Error(ErrorText),
    /// What this server is and offers: a JSON object.
    Info(&'a [u8]),
}

/// Every error text; those of the original byte for byte, its grammar included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorText {
    /// A name nobody knows, or a blank message.
    UnknownCommand,
    /// A WebSocket message of no bytes.
    UnknownMessage,
    /// `auth` without a token.
    TokenNotSet,
    /// A wrong token, or any where none is configured.
    AuthFailed,
    /// A command that needs authorization came without.
    NotAuthorized,
    /// `start` while started.
    AlreadyStarted,
    /// `start` before any interval.
    IntervalUnset,
    /// `stop` while not started.
    NotStarted,
    /// `interval` without a number.
    IntervalNotSet,
    /// `interval` with something that is no number, is zero, or is beyond all floats.
    IntervalNotPositive,
    /// `interval` below 0.5 s.
    IntervalTooSmall,
    /// All slots of max-clients are taken.
    TooManyClients,
    /// The address holds as many connections as max-per-address lets it.
    TooManyFromAddress,
    /// Longer than [`super::MAX_MESSAGE`].
    TooLong,
    /// A raw line that is not UTF-8.
    NotUtf8,
    /// `plugins` with a name that is unknown or repeated.
    UnknownPlugin,
    /// A web page of another origin.
    Origin,
    /// The configuration leaves the server unable to serve this session.
    Misconfigured,
}

impl ErrorText {
    /// The text as it goes out. None holds a backslash, two adjacent colons or anything a peer
    /// sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownCommand => "Unknown command",
            Self::UnknownMessage => "Unknown message",
            Self::TokenNotSet => "Auth command has 1 required parameter: string token (not set)",
            Self::AuthFailed => "Auth failed",
            Self::NotAuthorized => "Not authorized",
            Self::AlreadyStarted => "Already started",
            Self::IntervalUnset => "Interval is not set",
            Self::NotStarted => "Not started",
            Self::IntervalNotSet => {
                "Interval command has 1 required parameter: int interval (not set)"
            }
            Self::IntervalNotPositive => {
                "Interval command has 1 required parameter: int interval (not positive float)"
            }
            Self::IntervalTooSmall => "Interval command has must be equal or greater than 0.5",
            Self::TooManyClients => "Too many clients",
            Self::TooManyFromAddress => "Too many connections from this address",
            Self::TooLong => "Message too long",
            Self::NotUtf8 => "Message is not valid UTF-8",
            Self::UnknownPlugin => "Unknown plugin",
            Self::Origin => "Origin not allowed, see --allow-origin",
            Self::Misconfigured => "Server is misconfigured",
        }
    }
}

/// Why a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The client said `quit` or `exit`.
    Quit,
    /// The client closed, or ended its stream, and has its answers.
    PeerClosed,
    /// The connection broke, or its peer no longer answers.
    PeerLost,
    /// All slots of max-clients are taken.
    TooManyClients,
    /// The address holds as many connections as max-per-address lets it.
    TooManyFromAddress,
    /// A message longer than [`super::MAX_MESSAGE`].
    TooLong,
    /// A binary message.
    Binary,
    /// A WebSocket text that is not UTF-8.
    NotUtf8,
    /// Frames that break RFC 6455.
    BadFrame,
    /// A web page of another origin.
    Origin,
    /// Too many wrong tokens.
    AuthFailures,
    /// Not authorized in time, or pushed out by newer ones that wait for it.
    AuthDeadline,
    /// The token that opened the session is no longer valid.
    TokenRevoked,
    /// The peer did not read for too long.
    SlowPeer,
    /// The configuration leaves the server unable to serve this session.
    Misconfigured,
    /// A fault of this program ended the session.
    Fault,
    /// The server stops.
    GoingAway,
}

impl CloseReason {
    /// The code of the WebSocket close frame (RFC 6455, section 7.4.1, and the IANA registry for
    /// 1013); none where there is nobody left to tell, or the client's own close frame is answered
    /// instead.
    #[must_use]
    pub(crate) const fn websocket_code(self) -> Option<u16> {
        match self {
            Self::PeerClosed | Self::PeerLost => None,
            Self::Quit => Some(1000),
            Self::GoingAway => Some(1001),
            Self::BadFrame => Some(1002),
            Self::Binary => Some(1003),
            Self::NotUtf8 => Some(1007),
            Self::Origin | Self::AuthFailures | Self::AuthDeadline | Self::TokenRevoked => {
                Some(1008)
            }
            Self::TooLong => Some(1009),
            Self::Misconfigured | Self::Fault => Some(1011),
            Self::TooManyClients | Self::TooManyFromAddress | Self::SlowPeer => Some(1013),
        }
    }

    /// The error line that goes out before the close, on both transports.
    #[must_use]
    pub(crate) const fn last_words(self) -> Option<ErrorText> {
        match self {
            Self::TooManyClients => Some(ErrorText::TooManyClients),
            Self::TooManyFromAddress => Some(ErrorText::TooManyFromAddress),
            Self::TooLong => Some(ErrorText::TooLong),
            Self::Origin => Some(ErrorText::Origin),
            Self::AuthDeadline | Self::TokenRevoked => Some(ErrorText::NotAuthorized),
            Self::Misconfigured => Some(ErrorText::Misconfigured),
            _ => None,
        }
    }

    /// For the journal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quit => "quit",
            Self::PeerClosed => "closed by the client",
            Self::PeerLost => "connection lost",
            Self::TooManyClients => "too many clients",
            Self::TooManyFromAddress => {
                "too many connections from this address (--max-per-address)"
            }
            Self::TooLong => "message too long",
            Self::Binary => "binary message",
            Self::NotUtf8 => "message is not valid UTF-8",
            Self::BadFrame => "broken WebSocket frame",
            Self::Origin => "origin not allowed",
            Self::AuthFailures => "too many wrong tokens",
            Self::AuthDeadline => "not authorized in time",
            Self::TokenRevoked => "token no longer valid",
            Self::SlowPeer => "the client did not read",
            Self::Misconfigured => "server is misconfigured",
            Self::Fault => "fault in the server",
            Self::GoingAway => "server stops",
        }
    }
}

impl std::fmt::Display for CloseReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_codes() {
        for (reason, code) in [
            (CloseReason::Quit, Some(1000)),
            (CloseReason::GoingAway, Some(1001)),
            (CloseReason::BadFrame, Some(1002)),
            (CloseReason::Binary, Some(1003)),
            (CloseReason::NotUtf8, Some(1007)),
            (CloseReason::Origin, Some(1008)),
            (CloseReason::AuthFailures, Some(1008)),
            (CloseReason::TooLong, Some(1009)),
            (CloseReason::TooManyClients, Some(1013)),
            (CloseReason::PeerLost, None),
        ] {
            assert_eq!(reason.websocket_code(), code, "{reason}");
        }
    }
}
