//! Writes HTTP/1 responses. Every response gets the security headers here, whoever made it.

use std::{fmt::Write, time::SystemTime};

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    body::MessageBody,
    http::{
        StatusCode, Version,
        header::{self, HttpDate},
    },
};

/// What a browser may do with what we serve: load the page's own files and open WebSockets.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Why a request is refused whose `Host` is none of this machine's names.
pub(super) const WRONG_HOST: &str = "this machine is not known by the name in the Host header: reach it by its address, or let \
                                     the name in with --allow-host\n";

/// Why every request is refused without a valid configuration.
pub(super) const MISCONFIGURED: &str = "the server is misconfigured, see its journal\n";

/// The headers of every response.
const SECURITY_HEADERS: [(&str, &str); 4] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
];

/// A response of one short text.
pub(super) fn plain(mut response: HttpResponseBuilder, text: &'static str) -> HttpResponse {
    response.insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"));
    response.body(text)
}

/// What a response says of its connection besides its own headers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Framing {
    /// The version of the request.
    pub version: Version,
    /// Whether the connection stays open.
    pub keeps_alive: bool,
    /// Whether to leave the content out, as in the response to HEAD.
    pub without_content: bool,
}

impl Framing {
    /// The last response of a connection, to a request that may be none.
    pub const LAST: Self = Self {
        version: Version::HTTP_11,
        keeps_alive: false,
        without_content: false,
    };
}

/// The bytes of a response.
pub(super) fn encode(response: HttpResponse, framing: Framing) -> Vec<u8> {
    let (response, content) = response.into_parts();
    // None of our responses is a stream.
    let content = content.try_into_bytes().unwrap_or_default();
    let not_modified = response.status() == StatusCode::NOT_MODIFIED;
    let mut head = format!("{:?} {}\r\n", framing.version, response.status());
    let mut line = |name: &str, value: &dyn std::fmt::Display| {
        // A string takes everything.
        let _ = write!(head, "{name}: {value}\r\n");
    };
    // A response without content of its own still tells the length that GET would have, except
    // where the client has it already (RFC 9110 §15.4.5).
    if !not_modified {
        line("content-length", &content.len());
    }
    let upgrade = response.headers().contains_key(header::UPGRADE);
    match (framing.keeps_alive, framing.version) {
        (false, Version::HTTP_11) if upgrade => line("connection", &"close, upgrade"),
        (false, Version::HTTP_11) => line("connection", &"close"),
        (true, Version::HTTP_10) => line("connection", &"keep-alive"),
        _ => {}
    }
    line("date", &HttpDate::from(SystemTime::now()));
    for (name, value) in SECURITY_HEADERS {
        line(name, &value);
    }
    let mut bytes = head.into_bytes();
    for (name, value) in response.headers() {
        bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    bytes.extend(b"\r\n");
    if !framing.without_content && !not_modified {
        bytes.extend(content);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The response without its date and the security headers.
    fn text(response: HttpResponse, framing: Framing) -> String {
        let mut text = String::from_utf8(encode(response, framing)).unwrap();
        let date = text.lines().find(|line| line.starts_with("date: "));
        let date = date.unwrap().to_owned();
        assert!(date.ends_with(" GMT"), "{date}");
        let security = SECURITY_HEADERS.map(|(name, value)| format!("{name}: {value}"));
        for line in [date].into_iter().chain(security) {
            let line = line + "\r\n";
            assert!(text.contains(&line), "{line} is not in {text}");
            text = text.replace(&line, "");
        }
        text
    }

    #[test]
    fn a_response_says_whether_the_connection_stays() {
        for (version, keeps_alive, expected) in [
            (
                Version::HTTP_11,
                true,
                "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
            ),
            (
                Version::HTTP_11,
                false,
                "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi",
            ),
            (
                Version::HTTP_10,
                true,
                "HTTP/1.0 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\nhi",
            ),
            (
                Version::HTTP_10,
                false,
                "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi",
            ),
        ] {
            let framing = Framing {
                version,
                keeps_alive,
                without_content: false,
            };
            assert_eq!(text(HttpResponse::Ok().body("hi"), framing), expected);
        }
    }

    #[test]
    fn head_gets_the_length_and_not_the_content() {
        let framing = Framing {
            without_content: true,
            ..Framing::LAST
        };
        assert_eq!(
            text(HttpResponse::Ok().body("hi"), framing),
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n"
        );
    }

    #[test]
    fn not_modified_has_neither() {
        let mut response = HttpResponse::NotModified();
        response.insert_header((header::ETAG, "\"a\""));
        assert_eq!(
            text(response.finish(), Framing::LAST),
            "HTTP/1.1 304 Not Modified\r\nconnection: close\r\netag: \"a\"\r\n\r\n"
        );
    }

    #[test]
    fn an_offered_upgrade_is_an_option_of_the_connection() {
        let mut response = HttpResponse::UpgradeRequired();
        response.insert_header((header::UPGRADE, "websocket"));
        let text = text(response.finish(), Framing::LAST);
        assert!(text.contains("connection: close, upgrade\r\n"), "{text}");
    }
}
