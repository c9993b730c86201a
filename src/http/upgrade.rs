//! The upgrade of an HTTP connection to a WebSocket session: the handshake (RFC 6455 §4.2), and
//! whether this client may have a session.

use std::rc::Rc;

use actix_http::ws::hash_key;
use actix_web::{
    HttpResponse,
    http::{Version, header},
};
use bytes::Bytes;

use crate::{
    config::error::shown,
    http::{
        request::Head,
        response::{WRONG_HOST, plain},
    },
    net::{admission::ConnectionFilter, peer::Origin, stream::Stream},
    protocol::CloseReason,
    session::{connection::SessionFactory, websocket},
    system::fair_share::TimeBudget,
};

/// Length of a key: 16 bytes in base64.
const KEY: usize = 24;

/// Whether a request asks for WebSocket. A request with content does not (RFC 9110 §7.8 lets us
/// ignore the header): its content is not a frame.
pub(super) fn is_requested(head: &Head<'_>) -> bool {
    let websocket = |value: &str| value.trim().eq_ignore_ascii_case("websocket");
    !head.has_content && head.texts("upgrade").any(websocket)
}

/// Why an upgrade is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UpgradeError {
    HttpVersion,
    Host,
    Method,
    WebSocketVersion,
    Malformed,
}

impl UpgradeError {
    /// The response that says so.
    pub fn response(self) -> HttpResponse {
        match self {
            Self::HttpVersion => plain(HttpResponse::BadRequest(), "an upgrade needs HTTP/1.1\n"),
            Self::Host => plain(HttpResponse::Forbidden(), WRONG_HOST),
            Self::Method => {
                let mut response = HttpResponse::MethodNotAllowed();
                response.insert_header((header::ALLOW, "GET"));
                plain(response, "an upgrade is a GET\n")
            }
            Self::WebSocketVersion => {
                // RFC 9110 §15.5.22: the response names what to upgrade to.
                let mut response = HttpResponse::UpgradeRequired();
                response
                    .insert_header((header::SEC_WEBSOCKET_VERSION, "13"))
                    .insert_header((header::UPGRADE, "websocket"));
                plain(response, "accepted is version 13 of WebSocket\n")
            }
            Self::Malformed => plain(HttpResponse::BadRequest(), "this is no WebSocket upgrade\n"),
        }
    }
}

/// A connection after its handshake.
pub(super) struct Upgrade {
    /// The 101 response, not sent yet: it leaves in one segment with the greeting.
    response: Vec<u8>,
    /// What the client sent behind its request.
    early: Bytes,
    /// Why the client may have no session.
    rejected: Option<CloseReason>,
}

impl Upgrade {
    /// Performs the handshake for the request at the start of `received`.
    ///
    /// # Errors
    /// When the upgrade is refused.
    pub fn accept(
        head: &Head<'_>,
        stream: &mut Stream,
        received: &[u8],
        filter: &ConnectionFilter,
    ) -> Result<Self, UpgradeError> {
        if head.version != Version::HTTP_11 {
            return Err(UpgradeError::HttpVersion);
        }
        // A page that was tricked by a name comes over TCP.
        let direct = matches!(stream.peer.origin, Origin::Tcp(_));
        let host = head.text("host");
        if direct && !filter.admits_host(host) {
            let host = head.values("host").next().unwrap_or_default();
            let host = shown(&String::from_utf8_lossy(host));
            let reason = format_args!("host {host} not allowed, see --allow-host");
            filter.log_rejected(&stream.peer, &reason);
            return Err(UpgradeError::Host);
        }
        let response = handshake(head)?;
        let rejected = admit(head, stream, filter).err();
        let early = received.get(head.length..).unwrap_or_default();
        Ok(Self {
            response,
            early: Bytes::copy_from_slice(early),
            rejected,
        })
    }

    /// Starts the session, or tells the client over WebSocket why it gets none.
    pub fn open(self, stream: Stream, sessions: &SessionFactory, turn: &Rc<TimeBudget>) {
        match self.rejected {
            None => {
                let session = websocket::session(sessions, stream, self.response, self.early);
                drop(turn.spawn(session));
            }
            Some(reason) => {
                drop(turn.spawn(websocket::reject(sessions, stream, self.response, reason)));
            }
        }
    }
}

/// The 101 response.
fn handshake(head: &Head<'_>) -> Result<Vec<u8>, UpgradeError> {
    if head.method != "GET" {
        return Err(UpgradeError::Method);
    }
    if !head.has_option("upgrade") || head.has_option("close") {
        return Err(UpgradeError::Malformed);
    }
    if head.text("sec-websocket-version") != "13" {
        return Err(UpgradeError::WebSocketVersion);
    }
    let key = head.values("sec-websocket-key").next();
    let key = key
        .filter(|key| is_key(key))
        .ok_or(UpgradeError::Malformed)?;
    const START: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ";
    Ok([START, &hash_key(key), b"\r\n\r\n"].concat())
}

/// 16 bytes in base64, with the unused bits of the last letter zero.
fn is_key(key: &[u8]) -> bool {
    let Some((letters, b"==")) = key.split_last_chunk::<2>() else {
        return false;
    };
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    key.len() == KEY
        && letters.iter().all(letter)
        && letters.last().is_some_and(|last| b"AQgw".contains(last))
}

/// Checks the limit of the client that a trusted proxy forwards, and the origin of the page. A
/// page's script cannot read an HTTP response, so the reason is sent over WebSocket.
fn admit(
    head: &Head<'_>,
    stream: &mut Stream,
    filter: &ConnectionFilter,
) -> Result<(), CloseReason> {
    let rules = filter.rules();
    rules.forward(&mut stream.peer, head.texts("x-forwarded-for"));
    if stream.peer.forwarded.is_some()
        && !stream
            .present
            .count_by(stream.peer.source(), rules.max_per_address)
    {
        filter.log_rejected(&stream.peer, &CloseReason::TooManyFromAddress);
        return Err(CloseReason::TooManyFromAddress);
    }
    let host = head.text("host");
    for origin in head.texts("origin") {
        if !rules.origin_policy.admits_origin(origin, host) {
            let origin = shown(origin);
            let reason = format_args!("origin {origin} not allowed, see --allow-origin");
            filter.log_rejected(&stream.peer, &reason);
            return Err(CloseReason::Origin);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::lines;

    const KEY_LINE: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";

    /// The lines of a good request.
    fn good() -> [&'static str; 5] {
        [
            "Host: a:1",
            "Upgrade: websocket",
            "Connection: Upgrade",
            KEY_LINE,
            "Sec-WebSocket-Version: 13",
        ]
    }

    /// The status of the response; none where no upgrade is requested.
    fn status(start: &str, lines_of_head: &[&str]) -> Option<u16> {
        let bytes = format!("{start}\r\n{}\r\n\r\n", lines_of_head.join("\r\n"));
        let mut room = lines();
        let head = Head::parse(bytes.as_bytes(), &mut room).unwrap().unwrap();
        let outcome = is_requested(&head).then(|| handshake(&head))?;
        Some(outcome.map_or_else(|error| error.response().status().as_u16(), |_| 101))
    }

    #[test]
    fn the_key_of_the_rfc_gets_its_answer() {
        let bytes = format!("GET /ws HTTP/1.1\r\n{}\r\n\r\n", good().join("\r\n"));
        let mut room = lines();
        let head = Head::parse(bytes.as_bytes(), &mut room).unwrap().unwrap();
        let response = String::from_utf8(handshake(&head).unwrap()).unwrap();
        assert!(
            response.ends_with("\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"),
            "{response}"
        );
    }

    #[test]
    fn a_handshake_is_judged_line_by_line() {
        let get = "GET / HTTP/1.1";
        assert_eq!(status(get, &good()), Some(101));
        for (number, line, expected) in [
            (1, "upgrade:\tWebSocket ", Some(101)),
            (1, "Upgrade: h2c", None),
            (1, "Upgrade: a, websocket", None),
            (2, "Connection: keep-alive, UPGRADE", Some(101)),
            (2, "Connection: keep-alive", Some(400)),
            (2, "Connection: Upgrade, close", Some(400)),
            (2, "Connection: close\r\nConnection: Upgrade", Some(400)),
            (3, "X: y", Some(400)),
            (3, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==", Some(400)),
            (3, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j", Some(400)),
            (
                3,
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==AAAA",
                Some(400),
            ),
            (3, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub2-jZQ==", Some(400)),
            (4, "X: y", Some(426)),
            (4, "Sec-WebSocket-Version: 8", Some(426)),
            (4, "Sec-WebSocket-Version: 13, 8", Some(426)),
        ] {
            let mut changed = good();
            changed[number] = line;
            assert_eq!(status(get, &changed), expected, "{line}");
        }
        for method in ["POST", "HEAD", "PUT"] {
            assert_eq!(status(&format!("{method} / HTTP/1.1"), &good()), Some(405));
        }
    }

    #[test]
    fn a_request_with_content_is_no_upgrade() {
        for (line, expected) in [
            ("Content-Length: 0", Some(101)),
            ("Content-Length: 3", None),
            ("Transfer-Encoding: chunked", None),
        ] {
            let found = status("GET / HTTP/1.1", &[&good()[..], &[line]].concat());
            assert_eq!(found, expected, "{line}");
        }
    }
}
