//! The head of an HTTP/1 request, parsed in place: its fields, whether its framing is valid (RFC
//! 9112), and its conversion into the request that actix-web routes.
//!
//! A head is parsed without an allocation, because nearly every connection begins with an upgrade
//! that needs none. actix-http's own decoder copies each field, and its date service wakes the
//! process twice a second.

use std::{mem::MaybeUninit, net::SocketAddr};

use actix_http::Request;
use actix_web::http::{
    Method, Uri, Version,
    header::{HeaderName, HeaderValue},
};
use httparse::{Header, Status};

/// Maximum number of header lines.
const MAX_LINES: usize = 96;

/// Maximum length of a head in bytes.
pub(super) const MAX_HEAD: usize = 16 * 1024;

/// Where [`Head::parse`] puts the lines that it finds.
pub(super) type Lines<'a> = [MaybeUninit<Header<'a>>; MAX_LINES];

/// Room for the lines of a head.
pub(super) fn lines<'a>() -> Lines<'a> {
    [const { MaybeUninit::uninit() }; MAX_LINES]
}

/// Why bytes are not a request that can be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeadError {
    /// They break the grammar, or their framing is ambiguous.
    Malformed,
    /// The head exceeds [`MAX_HEAD`] or [`MAX_LINES`].
    TooLarge,
}

/// A complete head.
#[derive(Debug)]
pub(super) struct Head<'a> {
    /// Bytes up to the end of the empty line.
    pub length: usize,
    pub method: &'a str,
    target: &'a str,
    pub version: Version,
    /// Whether content follows. Nothing here reads any: the connection ends with the response.
    pub has_content: bool,
    lines: &'a [Header<'a>],
}

impl<'a> Head<'a> {
    /// Parses the head at the start of `bytes`; none while it is incomplete.
    pub fn parse(bytes: &'a [u8], lines: &'a mut Lines<'a>) -> Result<Option<Self>, HeadError> {
        let mut request = httparse::Request::new(&mut []);
        let length = match request.parse_with_uninit_headers(bytes, lines) {
            Ok(Status::Complete(length)) if length <= MAX_HEAD => length,
            Ok(Status::Partial) if bytes.len() <= MAX_HEAD => return Ok(None),
            Ok(_) | Err(httparse::Error::TooManyHeaders) => return Err(HeadError::TooLarge),
            Err(_) => return Err(HeadError::Malformed),
        };
        let mut head = Self {
            length,
            method: request.method.unwrap_or_default(),
            target: request.path.unwrap_or_default(),
            version: match request.version {
                Some(1) => Version::HTTP_11,
                _ => Version::HTTP_10,
            },
            has_content: false,
            lines: request.headers,
        };
        head.has_content = head.check_framing().ok_or(HeadError::Malformed)?;
        Ok(Some(head))
    }

    /// Whether content follows the head; none where the framing is ambiguous, by which requests are
    /// smuggled past a proxy (RFC 9112 §3.2, §6).
    fn check_framing(&self) -> Option<bool> {
        let count = |name| self.values(name).count();
        let hosts = count("host");
        if hosts > 1 || (hosts == 0 && self.version == Version::HTTP_11) {
            return None;
        }
        let encoded = count("transfer-encoding");
        match (encoded, count("content-length")) {
            (0, 0) => Some(false),
            (0, 1) => {
                let digits = self.text("content-length").trim();
                let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
                let length: u64 = digits.parse().ok().filter(|_| all_digits)?;
                Some(length > 0)
            }
            (1, 0) => {
                let chunked = self.text("transfer-encoding").trim();
                (self.version == Version::HTTP_11 && chunked.eq_ignore_ascii_case("chunked"))
                    .then_some(true)
            }
            _ => None,
        }
    }

    /// The values of all lines with this name, in their order.
    pub fn values(&self, name: &str) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        self.lines
            .iter()
            .filter(move |line| line.name.eq_ignore_ascii_case(name))
            .map(|line| line.value)
    }

    /// The same as texts; a value with other than visible ASCII characters is empty.
    pub fn texts(&self, name: &str) -> impl DoubleEndedIterator<Item = &'a str> {
        self.values(name).map(|value| {
            let visible = value.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
            let text = std::str::from_utf8(value).ok();
            text.filter(|_| visible).unwrap_or_default()
        })
    }

    /// The first of these texts, empty where there is none.
    pub fn text(&self, name: &str) -> &'a str {
        self.texts(name).next().unwrap_or_default()
    }

    /// Whether `Connection` has this option.
    pub fn has_option(&self, option: &str) -> bool {
        self.texts("connection")
            .flat_map(|value| value.split(','))
            .any(|found| found.trim().eq_ignore_ascii_case(option))
    }

    /// Whether another request may follow on the connection (RFC 9112 §9.3).
    pub fn keeps_alive(&self) -> bool {
        let wanted = self.version == Version::HTTP_11 || self.has_option("keep-alive");
        wanted && !self.has_option("close") && !self.has_content
    }

    /// The request as actix-web takes it; `peer` is its TCP address, none over a Unix socket.
    pub fn to_request(&self, peer: Option<SocketAddr>) -> Result<Request, HeadError> {
        self.convert(peer).ok_or(HeadError::Malformed)
    }

    fn convert(&self, peer: Option<SocketAddr>) -> Option<Request> {
        let mut request = Request::new();
        let head = request.head_mut();
        head.method = Method::from_bytes(self.method.as_bytes()).ok()?;
        head.uri = Uri::try_from(self.target).ok()?;
        head.version = self.version;
        head.peer_addr = peer;
        for line in self.lines {
            let name = HeaderName::from_bytes(line.name.as_bytes()).ok()?;
            let value = HeaderValue::from_bytes(line.value).ok()?;
            head.headers.append(name, value);
        }
        Some(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<T>(bytes: &[u8], look: impl FnOnce(&Head<'_>) -> T) -> Result<Option<T>, HeadError> {
        let mut lines = lines();
        Ok(Head::parse(bytes, &mut lines)?.map(|head| look(&head)))
    }

    #[test]
    fn a_head_is_complete_with_its_empty_line() {
        let head = b"GET /a?b HTTP/1.1\r\nHost: c\r\nX: 1\r\nx: 2\r\n\r\n";
        let bytes = [head, &b"GET /next"[..]].concat();
        for length in 0..head.len() {
            let outcome = parse(&bytes[..length], |_| ());
            assert_eq!(outcome, Ok(None), "{length} bytes");
        }
        let found = parse(&bytes, |head| {
            assert_eq!((head.method, head.target), ("GET", "/a?b"));
            assert_eq!(head.texts("X").collect::<Vec<_>>(), ["1", "2"]);
            (head.length, head.version, head.text("host").to_owned())
        });
        assert_eq!(
            found,
            Ok(Some((head.len(), Version::HTTP_11, "c".to_owned())))
        );
    }

    #[test]
    fn empty_lines_before_a_request_are_skipped() {
        let bytes = b"\r\n\r\nGET / HTTP/1.0\r\n\r\n";
        assert_eq!(parse(bytes, |head| head.length), Ok(Some(bytes.len())));
    }

    #[test]
    fn ambiguous_framing_is_malformed() {
        for (start, lines, has_content) in [
            ("GET / HTTP/1.1", "Host: a\r\n", Some(false)),
            ("GET / HTTP/1.0", "", Some(false)),
            ("GET / HTTP/1.1", "", None),
            ("GET / HTTP/1.1", "Host: a\r\nHost: a\r\n", None),
            ("GET / HTTP/1.0", "Host: a\r\nhost: b\r\n", None),
            ("GET / HTTP/1.0", "Content-Length: 0\r\n", Some(false)),
            ("GET / HTTP/1.0", "Content-Length: 5 \r\n", Some(true)),
            ("GET / HTTP/1.0", "Content-Length: +5\r\n", None),
            ("GET / HTTP/1.0", "Content-Length:\r\n", None),
            (
                "GET / HTTP/1.0",
                "Content-Length: 99999999999999999999\r\n",
                None,
            ),
            (
                "GET / HTTP/1.0",
                "Content-Length: 5\r\nContent-Length: 5\r\n",
                None,
            ),
            ("GET / HTTP/1.0", "Transfer-Encoding: chunked\r\n", None),
            (
                "GET / HTTP/1.1",
                "Host: a\r\nTransfer-Encoding: Chunked\r\n",
                Some(true),
            ),
            (
                "GET / HTTP/1.1",
                "Host: a\r\nTransfer-Encoding: gzip\r\n",
                None,
            ),
            (
                "GET / HTTP/1.1",
                "Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                None,
            ),
        ] {
            let bytes = format!("{start}\r\n{lines}\r\n");
            let expected = has_content.map(Some).ok_or(HeadError::Malformed);
            let found = parse(bytes.as_bytes(), |head| head.has_content);
            assert_eq!(found, expected, "{bytes}");
        }
    }

    #[test]
    fn a_head_is_bounded_in_bytes_and_in_lines() {
        let with = |lines: &str| format!("GET / HTTP/1.0\r\n{lines}\r\n").into_bytes();
        let fits = with(&format!("X: {}\r\n", "y".repeat(MAX_HEAD - 23)));
        assert_eq!(fits.len(), MAX_HEAD);
        assert_eq!(parse(&fits, |head| head.length), Ok(Some(MAX_HEAD)));
        assert_eq!(parse(&fits[..MAX_HEAD - 1], |_| ()), Ok(None));
        for bytes in [
            with(&format!("X: {}\r\n", "y".repeat(MAX_HEAD - 22))),
            "z".repeat(MAX_HEAD + 1).into_bytes(),
            with(&"X: y\r\n".repeat(MAX_LINES + 1)),
        ] {
            assert_eq!(parse(&bytes, |_| ()), Err(HeadError::TooLarge));
        }
        let most = with(&"X: y\r\n".repeat(MAX_LINES));
        assert_eq!(parse(&most, |head| head.lines.len()), Ok(Some(MAX_LINES)));
    }

    #[test]
    fn a_connection_stays_as_the_version_and_the_options_say() {
        for (head, expected) in [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", true),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n",
                false,
            ),
            (
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n",
                false,
            ),
            ("GET / HTTP/1.0\r\n\r\n", false),
            ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true),
            (
                "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
                false,
            ),
        ] {
            let found = parse(head.as_bytes(), |head| head.keeps_alive());
            assert_eq!(found, Ok(Some(expected)), "{head}");
        }
    }

    #[test]
    fn actix_gets_every_field() {
        let peer = SocketAddr::from(([127, 0, 0, 1], 7));
        let bytes = b"HEAD /a%20b HTTP/1.0\r\nAccept: x\r\nAccept: \xff\r\n\r\n";
        let request = parse(bytes, |head| head.to_request(Some(peer)).unwrap());
        let request = request.unwrap().unwrap();
        let head = request.head();
        assert_eq!(head.method, Method::HEAD);
        assert_eq!(head.uri.path(), "/a%20b");
        assert_eq!(head.version, Version::HTTP_10);
        assert_eq!(head.peer_addr, Some(peer));
        let accepted: Vec<_> = head.headers.get_all("accept").collect();
        assert_eq!(accepted, [&b"x"[..], b"\xff"]);
    }

    #[test]
    fn a_target_that_is_no_uri_is_malformed() {
        let bytes = b"GET mis|sing HTTP/1.0\r\n\r\n";
        let outcome = parse(bytes, |head| head.to_request(None).map(drop));
        assert_eq!(outcome, Ok(Some(Err(HeadError::Malformed))));
    }
}
