//! The client that a trusted proxy forwards, from `X-Forwarded-For`. Pure: who is trusted is passed
//! in.

use std::net::{IpAddr, SocketAddr};

/// The client of a request that came from a trusted proxy, from all its `X-Forwarded-For` lines in
/// their order.
///
/// Every proxy appends the address that connected to it, so the list is read from its end: the first
/// address that is no trusted proxy is the client, and what precedes it was sent by the client
/// itself. None where that entry is missing or no address; the leftmost address where all are
/// trusted.
#[must_use]
pub fn client<'a>(
    lines: impl DoubleEndedIterator<Item = &'a str>,
    trusted: impl Fn(IpAddr) -> bool,
) -> Option<IpAddr> {
    let mut client = None;
    for entry in lines.rev().flat_map(|line| line.rsplit(',')) {
        let Some(address) = address(entry.trim()) else {
            break;
        };
        client = Some(address);
        if !trusted(address) {
            break;
        }
    }
    client
}

/// An address as proxies write it: bare, with a port, or in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let address: IpAddr = text.parse().ok().or_else(bare).or_else(with_port)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_the_last_address_that_is_no_proxy() {
        let trusted = |address: IpAddr| address.to_string().starts_with("10.");
        for (lines, expected) in [
            (&[][..], None),
            (&[""], None),
            (&["192.0.2.7"], Some("192.0.2.7")),
            (&["192.0.2.7:4711"], Some("192.0.2.7")),
            (&["[2001:db8::1]:4711"], Some("2001:db8::1")),
            (&["[2001:db8::1]"], Some("2001:db8::1")),
            (&["2001:db8::1"], Some("2001:db8::1")),
            (&["::ffff:192.0.2.7"], Some("192.0.2.7")),
            (&["1.2.3.4, 192.0.2.7"], Some("192.0.2.7")),
            (&["1.2.3.4,192.0.2.7 , 10.0.0.2"], Some("192.0.2.7")),
            (&["1.2.3.4", "192.0.2.7, 10.0.0.2"], Some("192.0.2.7")),
            (&["10.0.0.3, 10.0.0.2"], Some("10.0.0.3")),
            (&["unknown"], None),
            (&["unknown, 10.0.0.2"], Some("10.0.0.2")),
            (&["1.2.3.4, <script>"], None),
            (&["1.2.3.4,"], None),
        ] {
            let found = client(lines.iter().copied(), trusted).map(|address| address.to_string());
            assert_eq!(found.as_deref(), expected, "{lines:?}");
        }
    }
}
