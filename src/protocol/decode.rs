//! Bytes of one message to a name and arguments, as generous as the original server was.

use std::borrow::Cow;

use crate::protocol::reply::ErrorText;

/// Bytes of the longest message that is read: a raw line without its newline, a WebSocket message
/// with all its fragments.
pub const MAX_MESSAGE: usize = 4096;

/// What the original's `trim` takes off both ends of a message: space, TAB, LF, CR, NUL and VT.
const BLANKS: [char; 6] = [' ', '\t', '\n', '\r', '\0', '\x0b'];

/// Why bytes are not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// Not one byte, which only WebSocket can send: the original tells it from a blank line.
    #[error("empty message")]
    Empty,
    /// More than [`MAX_MESSAGE`] bytes.
    #[error("message longer than {MAX_MESSAGE} bytes")]
    TooLong,
    /// Not UTF-8.
    #[error("message is not valid UTF-8")]
    NotUtf8,
}

impl From<ProtocolError> for ErrorText {
    fn from(error: ProtocolError) -> Self {
        match error {
            ProtocolError::Empty => Self::UnknownMessage,
            ProtocolError::TooLong => Self::TooLong,
            ProtocolError::NotUtf8 => Self::NotUtf8,
        }
    }
}

/// A name and its arguments, still in the bytes they came in.
#[derive(Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// The command's name, ASCII letters in lower case; empty for a blank message.
    pub name: Cow<'a, str>,
    arguments: Arguments<'a>,
}

impl<'a> Message<'a> {
    /// The arguments, unescaped one by one as they are asked for.
    #[must_use]
    pub fn arguments(&self) -> Arguments<'a> {
        self.arguments.clone()
    }
}

impl std::fmt::Debug for Message<'_> {
    /// Shows no argument: it may be a token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Reads one message. A raw line may keep its newline: that tells a blank line from an empty
/// WebSocket message, which the original answered differently.
///
/// # Errors
/// When it is empty, too long or not UTF-8. Everything else is a message, if perhaps of an unknown
/// command.
pub fn decode(bytes: &[u8]) -> Result<Message<'_>, ProtocolError> {
    if bytes.is_empty() {
        return Err(ProtocolError::Empty);
    }
    if bytes.strip_suffix(b"\n").unwrap_or(bytes).len() > MAX_MESSAGE {
        return Err(ProtocolError::TooLong);
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|_| ProtocolError::NotUtf8)?
        .trim_matches(BLANKS);
    let (name, arguments) = text.split_once("::").unwrap_or((text, ""));
    let name = if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    };
    // An empty text of arguments means none: the original's page always sends `start::`.
    Ok(Message {
        name,
        arguments: Arguments {
            rest: (!arguments.is_empty()).then_some(arguments),
        },
    })
}

/// The arguments of a [`Message`], first to last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arguments<'a> {
    rest: Option<&'a str>,
}

impl<'a> Iterator for Arguments<'a> {
    type Item = Cow<'a, str>;

    fn next(&mut self) -> Option<Cow<'a, str>> {
        let rest = self.rest?;
        let (mut end, mut escapes) = (rest.len(), false);
        let mut bytes = rest.bytes().enumerate().peekable();
        while let Some((at, byte)) = bytes.next() {
            match byte {
                b'\\' => {
                    escapes = true;
                    bytes.next();
                }
                b':' if bytes.peek().is_some_and(|&(_, next)| next == b':') => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        let (argument, tail) = rest.split_at_checked(end)?;
        self.rest = tail.strip_prefix("::");
        Some(if escapes {
            Cow::Owned(unescape(argument))
        } else {
            Cow::Borrowed(argument)
        })
    }
}

/// `\n` is a newline, a backslash before anything else is dropped, and so is one at the end.
fn unescape(argument: &str) -> String {
    let mut text = String::with_capacity(argument.len());
    let mut chars = argument.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => text.extend(
                chars
                    .next()
                    .map(|escaped| if escaped == 'n' { '\n' } else { escaped }),
            ),
            plain => text.push(plain),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_message() {
        let long = vec![b'a'; MAX_MESSAGE + 1];
        let line = [&long[1..], b"\n"].concat();
        assert_eq!(decode(b""), Err(ProtocolError::Empty));
        assert_eq!(decode(b"\xff\xfe"), Err(ProtocolError::NotUtf8));
        assert_eq!(decode(b"auth::\xc3"), Err(ProtocolError::NotUtf8));
        assert_eq!(decode(&long), Err(ProtocolError::TooLong));
        assert!(decode(&long[1..]).is_ok());
        assert!(decode(&line).is_ok());
    }

    #[test]
    fn borrows_where_it_can() {
        let plain = decode(b"auth::se:cret").unwrap();
        assert!(matches!(plain.name, Cow::Borrowed("auth")));
        assert!(matches!(
            plain.arguments().next(),
            Some(Cow::Borrowed("se:cret"))
        ));
        let other = decode(b"AUTH::a\\::b").unwrap();
        assert!(matches!(other.name, Cow::Owned(_)));
        assert!(matches!(other.arguments().next(), Some(Cow::Owned(_))));
    }

    #[test]
    fn shows_no_token_when_it_is_logged() {
        assert!(!format!("{:?}", decode(b"auth::sesame").unwrap()).contains("sesame"));
    }
}
