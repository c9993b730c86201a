//! The PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt): the first bytes of a
//! connection, in which a trusted proxy names the client that it forwards.
//!
//! Only the header is read from the socket, so that TLS, HTTP or lines behind it begin with their
//! own first byte. A connection that begins with anything else is left as it is.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use crate::net::stream::Stream;

const V1: &[u8] = b"PROXY ";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Longest header of version 1, CRLF included.
const MAX_V1: usize = 107;

/// Longest address block of version 2 that is accepted, in bytes: the addresses and the TLVs that
/// proxies usually add.
const MAX_V2: usize = 2048;

/// Reads the PROXY header of `stream`, if there is one, and returns the client that it names. Waits
/// for the first byte; the caller sets the deadline.
///
/// # Errors
/// When the header is broken or too long, or the connection ends in it.
pub(crate) async fn take_header(stream: &Stream) -> io::Result<Option<IpAddr>> {
    let mut start = [0; V2.len()];
    let first = stream.peek(&mut start).await?;
    match start.get(..first).and_then(|start| start.first()) {
        Some(b'P') if matches(stream, V1).await? => take_v1(stream).await,
        Some(b'\r') if matches(stream, V2).await? => take_v2(stream).await,
        _ => Ok(None),
    }
}

/// Whether the stream begins with `signature`, which then is read. Bytes are read as they match: a
/// peek at bytes that are left in the socket would return at once, again and again. What was read
/// cannot be put back, so a mismatch behind the first bytes is an error.
async fn matches(stream: &Stream, signature: &[u8]) -> io::Result<bool> {
    let mut rest = signature;
    let mut buffer = [0; V2.len()];
    while !rest.is_empty() {
        let window = buffer.get_mut(..rest.len()).unwrap_or_default();
        let count = stream.peek(window).await?;
        let seen = window.get(..count).unwrap_or_default();
        if seen.is_empty() || !rest.starts_with(seen) {
            return if rest.len() == signature.len() {
                Ok(false)
            } else {
                Err(Broken.into())
            };
        }
        take(stream, window.get_mut(..count).unwrap_or_default()).await?;
        rest = rest.get(count..).unwrap_or_default();
    }
    Ok(true)
}

async fn take(stream: &Stream, mut buffer: &mut [u8]) -> io::Result<()> {
    while !buffer.is_empty() {
        match stream.read(buffer).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => buffer = buffer.get_mut(count..).unwrap_or_default(),
        }
    }
    Ok(())
}

async fn take_v1(stream: &Stream) -> io::Result<Option<IpAddr>> {
    let mut line = Vec::with_capacity(MAX_V1);
    let mut buffer = [0; MAX_V1 - V1.len()];
    while !line.ends_with(b"\n") {
        let room = buffer
            .get_mut(..(MAX_V1 - V1.len()).saturating_sub(line.len()))
            .unwrap_or_default();
        let seen = if room.is_empty() {
            0
        } else {
            stream.peek(room).await?
        };
        if seen == 0 {
            return Err(Broken.into());
        }
        let seen = room.get(..seen).unwrap_or_default();
        let wanted = seen
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(seen.len(), |end| end + 1);
        let part = room.get_mut(..wanted).unwrap_or_default();
        take(stream, part).await?;
        line.extend_from_slice(part);
    }
    Ok(parse_v1(&line)?)
}

async fn take_v2(stream: &Stream) -> io::Result<Option<IpAddr>> {
    let mut head = [0; 4];
    take(stream, &mut head).await?;
    let [command, family, high, low] = head;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > MAX_V2 {
        return Err(Broken.into());
    }
    let mut block = vec![0; length];
    take(stream, &mut block).await?;
    Ok(parse_v2(command, family, &block)?)
}

/// A PROXY header that breaks its grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("broken PROXY header")]
pub struct Broken;

impl From<Broken> for io::Error {
    fn from(fault: Broken) -> Self {
        Self::new(io::ErrorKind::InvalidData, fault)
    }
}

/// The client in a header of version 1, from behind `PROXY ` to its CRLF; none where the proxy names
/// no client.
///
/// # Errors
/// When the header is malformed.
pub fn parse_v1(line: &[u8]) -> Result<Option<IpAddr>, Broken> {
    let line = std::str::from_utf8(line)
        .ok()
        .and_then(|line| line.strip_suffix("\r\n"))
        .ok_or(Broken)?;
    let mut words = line.split(' ');
    let family = words.next();
    if family == Some("UNKNOWN") {
        return Ok(None);
    }
    let mut address = || {
        words
            .next()
            .and_then(|word| word.parse::<IpAddr>().ok())
            .ok_or(Broken)
    };
    let (client, proxy) = (address()?, address()?);
    let ports = words
        .by_ref()
        .take(2)
        .filter(|word| word.parse::<u16>().is_ok())
        .count();
    let family_fits = match family {
        Some("TCP4") => client.is_ipv4() && proxy.is_ipv4(),
        Some("TCP6") => client.is_ipv6() && proxy.is_ipv6(),
        _ => false,
    };
    if family_fits && ports == 2 && words.next().is_none() {
        Ok(Some(client.to_canonical()))
    } else {
        Err(Broken)
    }
}

/// The same for version 2, from its command, its family and its address block.
///
/// # Errors
/// When the header is malformed.
pub fn parse_v2(command: u8, family: u8, block: &[u8]) -> Result<Option<IpAddr>, Broken> {
    match (command, family) {
        // LOCAL: a connection of the proxy's own, as for health checks. Its block is ignored.
        (0x20, _) => Ok(None),
        // Both addresses and ports, then TLVs.
        (0x21, 0x11) => {
            let (client, _) = block
                .split_first_chunk::<4>()
                .filter(|_| block.len() >= 12)
                .ok_or(Broken)?;
            Ok(Some(Ipv4Addr::from(*client).into()))
        }
        (0x21, 0x21) => {
            let (client, _) = block
                .split_first_chunk::<16>()
                .filter(|_| block.len() >= 36)
                .ok_or(Broken)?;
            Ok(Some(IpAddr::from(Ipv6Addr::from(*client)).to_canonical()))
        }
        // Unix sockets, datagrams and unspecified or reserved families.
        (0x21, _) => Ok(None),
        _ => Err(Broken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1() {
        for (line, expected) in [
            (
                "TCP4 192.0.2.7 10.0.0.1 4711 8000\r\n",
                Ok(Some("192.0.2.7")),
            ),
            (
                "TCP6 2001:db8::7 ::1 4711 8000\r\n",
                Ok(Some("2001:db8::7")),
            ),
            (
                "TCP6 ::ffff:192.0.2.7 ::1 4711 8000\r\n",
                Ok(Some("192.0.2.7")),
            ),
            ("UNKNOWN\r\n", Ok(None)),
            ("UNKNOWN ffff::1 ffff::2 1 2\r\n", Ok(None)),
            ("TCP4 192.0.2.7 10.0.0.1 4711 8000\n", Err(Broken)),
            ("TCP4 192.0.2.7 10.0.0.1 4711 80000\r\n", Err(Broken)),
            ("TCP4 192.0.2.7 10.0.0.1 4711\r\n", Err(Broken)),
            ("TCP4 192.0.2.7 10.0.0.1 4711 8000 x\r\n", Err(Broken)),
            ("TCP4 2001:db8::7 ::1 4711 8000\r\n", Err(Broken)),
            ("TCP6 192.0.2.7 10.0.0.1 1 2\r\n", Err(Broken)),
            ("UDP4 192.0.2.7 10.0.0.1 1 2\r\n", Err(Broken)),
            ("TCP4 a b 1 2\r\n", Err(Broken)),
            ("\r\n", Err(Broken)),
            ("", Err(Broken)),
        ] {
            let found =
                parse_v1(line.as_bytes()).map(|client| client.map(|address| address.to_string()));
            assert_eq!(
                found,
                expected.map(|client| client.map(String::from)),
                "{line:?}"
            );
        }
        assert_eq!(parse_v1(b"TCP4 \xff\r\n"), Err(Broken));
    }

    #[test]
    fn version_2() {
        let v4: Vec<u8> = [[192, 0, 2, 7], [10, 0, 0, 1], [1, 2, 3, 4]].concat();
        let mut v6 = vec![0; 36];
        v6[0] = 0x20;
        for (command, family, block, expected) in [
            (0x21, 0x11, v4.as_slice(), Ok(Some("192.0.2.7"))),
            (
                0x21,
                0x11,
                &[v4.as_slice(), b"extension"].concat(),
                Ok(Some("192.0.2.7")),
            ),
            (0x21, 0x21, &v6, Ok(Some("2000::"))),
            (0x20, 0x11, &v4, Ok(None)),
            (0x20, 0x00, &[], Ok(None)),
            (0x21, 0x00, &[], Ok(None)),
            (0x21, 0x31, &[0; 216], Ok(None)),
            (0x21, 0x11, &v4[..11], Err(Broken)),
            (0x21, 0x21, &v6[..35], Err(Broken)),
            (0x22, 0x11, &v4, Err(Broken)),
            (0x11, 0x11, &v4, Err(Broken)),
        ] {
            let found = parse_v2(command, family, block)
                .map(|client| client.map(|address| address.to_string()));
            assert_eq!(
                found,
                expected.map(|client| client.map(String::from)),
                "{command:x} {family:x}"
            );
        }
    }
}
