//! A good upgrade request, recognised from its bytes.
//!
//! Nearly every connection begins with one, and HTTP's machinery of buffers, timers and date makes
//! it twice as dear as what it is. Only what is good beyond doubt is recognised here (RFC 6455
//! §4.2.1); everything else goes to the HTTP service, which knows what to answer, and which would
//! accept all that is accepted here.

use actix_http::ws::hash_key;
use bytes::Bytes;

/// Header lines of a request that is looked at. Browsers send about fifteen.
const MAX_LINES: usize = 32;

/// Letters of a key: 16 bytes in base64.
const KEY: usize = 24;

/// What a request to upgrade says of where it comes from and goes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Asked<'a> {
    /// What it calls this server.
    pub host: &'a str,
    /// The page it comes from.
    pub origins: Vec<&'a str>,
    /// What proxies say of where it comes from, in the order of its lines.
    pub forwarded: Vec<&'a str>,
}

/// A good request to upgrade.
#[derive(Debug)]
pub struct Upgrade<'a> {
    /// Who asks whom.
    pub asked: Asked<'a>,
    /// The answer that accepts it.
    pub answer: Vec<u8>,
    /// What came behind its head.
    pub early: Bytes,
}

impl<'a> Upgrade<'a> {
    /// The request at the start of `bytes`; none where it is incomplete, or anything but a plain
    /// good one.
    #[must_use]
    pub fn recognise(bytes: &'a [u8]) -> Option<Self> {
        let mut lines = [httparse::EMPTY_HEADER; MAX_LINES];
        let mut request = httparse::Request::new(&mut lines);
        let Ok(httparse::Status::Complete(length)) = request.parse(bytes) else {
            return None;
        };
        if request.method != Some("GET")
            || request.version != Some(1)
            || !request.path.is_some_and(is_plain_path)
        {
            return None;
        }
        let mut asked = Asked::default();
        let (mut hosts, mut upgrades, mut connections, mut versions, mut key) = (0, 0, 0, 0, None);
        for line in request.headers.iter() {
            let is = |name: &str| line.name.eq_ignore_ascii_case(name);
            if is("host") {
                hosts += 1;
                asked.host = text(line.value)?;
            } else if is("upgrade") {
                upgrades += 1;
                text(line.value)?
                    .eq_ignore_ascii_case("websocket")
                    .then_some(())?;
            } else if is("connection") {
                connections += 1;
                let mut upgrade = false;
                for option in text(line.value)?.split(',').map(str::trim) {
                    upgrade |= option.eq_ignore_ascii_case("upgrade");
                    (!option.eq_ignore_ascii_case("close")).then_some(())?;
                }
                upgrade.then_some(())?;
            } else if is("sec-websocket-version") {
                versions += 1;
                (line.value == b"13").then_some(())?;
            } else if is("sec-websocket-key") {
                key.replace(line.value).is_none().then_some(())?;
            } else if is("origin") {
                asked.origins.push(text(line.value)?);
            } else if is("x-forwarded-for") {
                asked.forwarded.push(text(line.value)?);
            } else if is("content-length") || is("transfer-encoding") || is("expect") {
                return None;
            }
        }
        let key = key.filter(|key| is_key(key))?;
        ([hosts, upgrades, connections, versions] == [1; 4]).then(|| Self {
            asked,
            answer: accepted(key),
            early: Bytes::copy_from_slice(bytes.get(length..).unwrap_or_default()),
        })
    }
}

/// The answer to a request with this key (RFC 6455 §4.2.2).
fn accepted(key: &[u8]) -> Vec<u8> {
    const HEAD: &[u8] =
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ";
    [HEAD, &hash_key(key), b"\r\n\r\n"].concat()
}

/// A value of visible letters; none where it has others.
fn text(value: &[u8]) -> Option<&str> {
    value
        .iter()
        .all(|byte| matches!(byte, b' '..=b'~' | b'\t'))
        .then(|| std::str::from_utf8(value).ok())?
}

/// A path without any letter over which readers of addresses could differ.
fn is_plain_path(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~?&=%".contains(&byte);
    path.starts_with('/') && path.bytes().all(plain)
}

/// 16 bytes in base64, without a stray bit at the end.
fn is_key(key: &[u8]) -> bool {
    let Some((letters, b"==")) = key.split_last_chunk::<2>() else {
        return false;
    };
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    key.len() == KEY
        && letters.iter().all(letter)
        && letters.last().is_some_and(|last| b"AQgw".contains(last))
}

#[cfg(test)]
mod tests {
    use actix_codec::Decoder;
    use actix_http::{HttpMessage, h1, ws};
    use bytes::BytesMut;

    use super::*;

    const KEY_LINE: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";

    fn request(start: &str, lines: &[&str]) -> Vec<u8> {
        format!("{start}\r\n{}\r\n\r\n", lines.join("\r\n")).into_bytes()
    }

    fn good() -> [&'static str; 5] {
        [
            "Host: a:1",
            "Upgrade: websocket",
            "Connection: Upgrade",
            KEY_LINE,
            "Sec-WebSocket-Version: 13",
        ]
    }

    #[test]
    fn a_browsers_request_is_recognised_with_what_it_says() {
        let mut lines = good();
        lines[1] = "upgrade:  WebSocket ";
        lines[2] = "Connection: keep-alive, Upgrade";
        let others = [
            "Origin: http://p",
            "X-Forwarded-For: 1.2.3.4, 5.6.7.8",
            "x-forwarded-for: 9.9.9.9",
            "Cookie: \u{e9}",
        ];
        let bytes = [
            &request("GET /ws?a=%20 HTTP/1.1", &[&lines[..], &others].concat())[..],
            b"\x81\x80",
        ]
        .concat();
        let upgrade = Upgrade::recognise(&bytes).unwrap();
        let forwarded = vec!["1.2.3.4, 5.6.7.8", "9.9.9.9"];
        assert_eq!(
            upgrade.asked,
            Asked {
                host: "a:1",
                origins: vec!["http://p"],
                forwarded
            }
        );
        assert_eq!(upgrade.early, &b"\x81\x80"[..]);
        // The key and its answer are the example of RFC 6455 §1.3.
        let answer = String::from_utf8(upgrade.answer).unwrap();
        assert!(
            answer.ends_with("\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"),
            "{answer}"
        );
        for length in 0..bytes.len() - 2 {
            assert!(
                Upgrade::recognise(&bytes[..length]).is_none(),
                "{length} bytes of it"
            );
        }
    }

    #[test]
    fn whatever_is_not_beyond_doubt_is_left_to_the_service() {
        let leave = |start: &str, lines: &[&str]| {
            let bytes = request(start, lines);
            assert!(
                Upgrade::recognise(&bytes).is_none(),
                "{}",
                String::from_utf8_lossy(&bytes)
            );
        };
        let start = "GET / HTTP/1.1";
        for start in [
            "POST / HTTP/1.1",
            "GET / HTTP/1.0",
            "GET http://a/ HTTP/1.1",
            "GET /\" HTTP/1.1",
            "GET * HTTP/1.1",
        ] {
            leave(start, &good());
        }
        for number in 0..good().len() {
            let mut lines = good().to_vec();
            let line = lines.remove(number);
            leave(start, &lines);
            lines.extend([line, line]);
            leave(start, &lines);
        }
        for (number, line) in [
            (0, "Host: \u{e9}"),
            (1, "Upgrade: websocket, h2c"),
            (1, "Upgrade: h2c"),
            (2, "Connection: keep-alive"),
            (2, "Connection: Upgrade, close"),
            (3, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR=="),
            (3, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j"),
            (3, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==AAAA"),
            (3, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub2-jZQ=="),
            (4, "Sec-WebSocket-Version: 8"),
        ] {
            let mut lines = good();
            lines[number] = line;
            leave(start, &lines);
        }
        for line in [
            "Content-Length: 0",
            "Transfer-Encoding: chunked",
            "Expect: 100-continue",
            "Origin: \u{e9}",
            "a b: c",
        ] {
            leave(start, &[&good()[..], &[line]].concat());
        }
        leave(start, &[&good()[..], &["X: y"; MAX_LINES]].concat());
    }

    fn one_of(lines: &[&'static str]) -> proptest::sample::Select<&'static str> {
        proptest::sample::select(lines.to_vec())
    }

    /// The service's codec needs a runtime for its clock.
    fn as_the_service_reads(bytes: &[u8]) -> actix_http::Request {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let decoded = tokio::task::LocalSet::new().block_on(&runtime, async {
            h1::Codec::default()
                .decode(&mut BytesMut::from(bytes))
                .unwrap()
                .unwrap()
        });
        let h1::Message::Item(request) = decoded else {
            panic!("no request")
        };
        request
    }

    proptest::proptest! {
        /// Requests of lines that are good or odd: what is recognised here, the service accepts and
        /// reads alike.
        #[test]
        fn the_service_accepts_whatever_is_recognised(
            start in one_of(&["GET / HTTP/1.1", "GET /?%zz HTTP/1.1", "GET // HTTP/1.1", "PUT / HTTP/1.1"]),
            host in one_of(&["Host: a", "Host:", "Host: [::1]:9", "host: a b"]),
            upgrade in one_of(&["Upgrade: websocket", "Upgrade:\tWEBSOCKET ", "Upgrade: xwebsocket", "Upgrade: a,websocket"]),
            connection in one_of(&["Connection: ,upgrade,", "Connection: keep-alive,UPGRADE", "Connection: close,upgrade"]),
            key in one_of(&[KEY_LINE, "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAB==", "Sec-WebSocket-Key: A+/zAAAAAAAAAAAAAAAAAA=="]),
            version in one_of(&["Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 013"]),
            others in proptest::collection::vec(one_of(&["Origin: b", "Origin:", "X-Forwarded-For: c", "X: y", "Expect: z"]), 0..3),
        ) {
            let bytes = request(start, &[&[host, upgrade, connection, key, version], &others[..]].concat());
            if let Some(upgrade) = Upgrade::recognise(&bytes) {
                let request = as_the_service_reads(&bytes);
                ws::handshake(request.head()).unwrap();
                proptest::prop_assert!(request.upgrade());
                let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap());
                proptest::prop_assert_eq!(header("host"), Some(upgrade.asked.host));
                proptest::prop_assert_eq!(header("origin"), upgrade.asked.origins.first().copied());
                proptest::prop_assert_eq!(header("x-forwarded-for"), upgrade.asked.forwarded.first().copied());
            }
        }
    }
}
