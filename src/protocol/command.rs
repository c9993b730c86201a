//! What a message asks for.

use std::{borrow::Cow, time::Duration};

use crate::protocol::{decode::Message, reply::ErrorText};

/// Seconds: the shortest interval that is accepted, the README's protection of the server.
const MIN_INTERVAL_SECS: f64 = 0.5;

/// Seconds: longer intervals are accepted and become this.
const MAX_INTERVAL_SECS: f64 = 86_400.0;

/// A message as the session understands it. Bad arguments stay inside: authorization is checked
/// before them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command<'a> {
    /// Authorize with a token, if there is one.
    Auth(Option<Token<'a>>),
    /// Begin pushing.
    Start,
    /// End pushing.
    Stop,
    /// Push this often, or why that is no interval.
    Interval(Result<Duration, ErrorText>),
    /// End the session.
    Quit,
    /// Tell the version.
    Version,
    /// Push these keys, separated by commas; none: the default ones.
    Plugins(Option<Cow<'a, str>>),
    /// Tell what this server is and offers.
    Info,
    /// Anything else, the blank message too.
    Unknown,
}

impl<'a> From<&Message<'a>> for Command<'a> {
    /// Surplus arguments are ignored, as the original did.
    fn from(message: &Message<'a>) -> Self {
        let first = || message.arguments().next();
        match &*message.name {
            "auth" => Self::Auth(first().map(Token)),
            "start" => Self::Start,
            "stop" => Self::Stop,
            "interval" => Self::Interval(
                first()
                    .ok_or(ErrorText::IntervalNotSet)
                    .and_then(|text| parse_interval(&text)),
            ),
            "quit" | "exit" => Self::Quit,
            "version" => Self::Version,
            "plugins" => Self::Plugins(first()),
            "info" => Self::Info,
            _ => Self::Unknown,
        }
    }
}

/// A token as a client sent it; it shows itself to nobody but who compares it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token<'a>(Cow<'a, str>);

impl Token<'_> {
    /// The exact bytes, for a comparison in constant time.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

/// A PHP 8 numeric string: blanks around it, a sign, `.5`, `1.` and exponents, but no hex, `INF`,
/// `NAN` or comma.
fn parse_interval(text: &str) -> Result<Duration, ErrorText> {
    let number = text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    if !number
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
    {
        return Err(ErrorText::IntervalNotPositive);
    }
    let secs: f64 = number.parse().map_err(|_| ErrorText::IntervalNotPositive)?;
    // In the original's order: -1 is "too small", and only zero (or what is no float) is "not
    // positive".
    if secs == 0.0 || !secs.is_finite() {
        Err(ErrorText::IntervalNotPositive)
    } else if secs < MIN_INTERVAL_SECS {
        Err(ErrorText::IntervalTooSmall)
    } else {
        Ok(Duration::from_secs_f64(secs.min(MAX_INTERVAL_SECS)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::decode::decode;

    fn command(message: &str) -> Command<'_> {
        Command::from(&decode(message.as_bytes()).unwrap())
    }

    #[test]
    fn names() {
        for (message, expected) in [
            ("start::", Command::Start),
            ("StOp::x", Command::Stop),
            ("quit", Command::Quit),
            ("EXIT::x", Command::Quit),
            ("VERSION", Command::Version),
            ("info", Command::Info),
            ("plugins", Command::Plugins(None)),
            ("plugins::", Command::Plugins(None)),
            ("plugins::a,b::c", Command::Plugins(Some("a,b".into()))),
            ("auth", Command::Auth(None)),
            ("auth::", Command::Auth(None)),
            ("auth::::x", Command::Auth(Some(Token("".into())))),
            (
                "auth::a\\::b\\\\c::d",
                Command::Auth(Some(Token("a::b\\c".into()))),
            ),
            (
                "interval",
                Command::Interval(Err(ErrorText::IntervalNotSet)),
            ),
            (
                "interval::",
                Command::Interval(Err(ErrorText::IntervalNotSet)),
            ),
            (
                "interval::1::2",
                Command::Interval(Ok(Duration::from_secs(1))),
            ),
            ("version ::", Command::Unknown),
            ("version:x", Command::Unknown),
            ("ver\0sion", Command::Unknown),
            ("::start", Command::Unknown),
            (" ", Command::Unknown),
            ("\u{212a}", Command::Unknown),
        ] {
            assert_eq!(command(message), expected, "{message:?}");
        }
    }

    #[test]
    fn a_token_shows_itself_in_no_log() {
        assert_eq!(
            format!("{:?}", command("auth::sesame")),
            "Auth(Some(Token(..)))"
        );
    }
}
