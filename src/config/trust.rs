//! Which proxies are believed when they name the client's address.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;

/// A proxy, or a network of proxies, that is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trusted {
    /// Whoever connects through a unix socket.
    Unix,
    /// Whoever connects from there.
    Network(IpNet),
}

impl Trusted {
    /// Whether a connection from `address` is trusted. An IPv4 address written as IPv6
    /// (`::ffff:10.0.0.1`) counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match self {
            Self::Unix => false,
            Self::Network(network) => network.contains(&address.to_canonical()),
        }
    }
}

impl FromStr for Trusted {
    type Err = ();

    /// `unix`, an address, or a network in CIDR notation.
    fn from_str(text: &str) -> Result<Self, ()> {
        if text == "unix" {
            return Ok(Self::Unix);
        }
        network(text).map(Self::Network).ok_or(())
    }
}

fn network(text: &str) -> Option<IpNet> {
    let address = text.split('/').next()?;
    // ipnet reads 010.0.0.0 as 10.0.0.0, other programs as 8.0.0.0; std refuses it.
    let address: IpAddr = address.parse().ok()?;
    if text.contains('/') {
        text.parse().ok()
    } else {
        Some(address.into())
    }
}

impl fmt::Display for Trusted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix => out.write_str("unix"),
            Self::Network(network) => network.fmt(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_holds_its_addresses_and_no_other() {
        for (block, address, inside) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.7/8", "10.1.1.1", true),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("10.0.0.0/8", "::10.1.1.1", false),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "192.0.2.1", false),
            ("fd00::/8", "fdff::1", true),
            ("fd00::/8", "fe00::1", false),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("2001:db8::1", "2001:db8::1", true),
        ] {
            let trusted: Trusted = block.parse().unwrap();
            assert_eq!(
                trusted.contains(address.parse().unwrap()),
                inside,
                "{address} in {block}"
            );
        }
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0.0/+1",
            "10.0.0.0/",
            "10.0.0/8",
            "10.0.0.0/8 ",
            "010.0.0.0/8",
            "010.0.0.0",
            "::/129",
            "a/8",
            "UNIX",
        ] {
            assert_eq!(text.parse::<Trusted>(), Err(()), "{text}");
        }
    }
}
