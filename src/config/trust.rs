//! Which proxies are believed when they name the client's address.

use std::{fmt, net::IpAddr, str::FromStr};

/// A block of addresses: an address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u32,
}

impl Network {
    /// Whether the address lies in the block. An IPv4 address written as IPv6 (`::ffff:10.0.0.1`)
    /// counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (mine, mine_bits) = bits(self.address);
        let (theirs, their_bits) = bits(address.to_canonical());
        let unmatched = mine_bits.saturating_sub(self.prefix_bits);
        mine_bits == their_bits && (mine ^ theirs).checked_shr(unmatched).unwrap_or(0) == 0
    }
}

/// The address as a number, and its width.
fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(v4) => (u32::from(v4).into(), 32),
        IpAddr::V6(v6) => (v6.into(), 128),
    }
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| ())?;
        let widest = bits(address).1;
        let digits = |prefix: &str| prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix_bits = match prefix {
            None => widest,
            Some(prefix) if digits(prefix) => prefix
                .parse()
                .ok()
                .filter(|bits| *bits <= widest)
                .ok_or(())?,
            Some(_) => return Err(()),
        };
        Ok(Self {
            address,
            prefix_bits,
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.address, self.prefix_bits)
    }
}

/// A proxy, or a block of them, that is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trusted {
    /// Whoever connects through a unix socket.
    Unix,
    /// Whoever connects from there.
    Network(Network),
}

impl FromStr for Trusted {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text == "unix" {
            Ok(Self::Unix)
        } else {
            text.parse().map(Self::Network)
        }
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
            let network: Network = block.parse().unwrap();
            assert_eq!(
                network.contains(address.parse().unwrap()),
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
            "::/129",
            "a/8",
            "UNIX",
        ] {
            assert_eq!(text.parse::<Trusted>(), Err(()), "{text}");
        }
    }
}
