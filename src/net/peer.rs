//! The other end of a connection.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

/// The other end of a connection, as it is logged and counted by limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Where the connection comes from.
    pub origin: Origin,
    /// The client that a trusted proxy forwards.
    pub forwarded: Option<IpAddr>,
}

/// Where a connection comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Over TCP.
    Tcp(SocketAddr),
    /// Over a Unix socket, by a process of this user.
    Unix(u32),
}

/// What limits per address count by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// A client's address.
    Address(IpAddr),
    /// A local user.
    User(u32),
}

impl Peer {
    /// A peer that is not forwarded.
    #[must_use]
    pub fn direct(origin: Origin) -> Self {
        Self {
            origin,
            forwarded: None,
        }
    }

    /// What limits count by: the forwarded address where there is one.
    #[must_use]
    pub fn source(&self) -> Source {
        match (self.forwarded, self.origin) {
            (Some(address), _) => Source::Address(address.to_canonical()),
            (None, Origin::Tcp(address)) => Source::Address(address.ip().to_canonical()),
            (None, Origin::Unix(uid)) => Source::User(uid),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.forwarded, self.origin) {
            (Some(address), _) => write!(f, "{address}"),
            (None, Origin::Tcp(address)) => write!(f, "{address}"),
            (None, Origin::Unix(uid)) => write!(f, "unix:uid={uid}"),
        }
    }
}
