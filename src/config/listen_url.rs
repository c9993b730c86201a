//! Where to listen and what to speak there, as one text: `ws://127.0.0.1:8000`,
//! `raw+unix:/run/rtstat.raw`.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    str::FromStr,
};

/// What is spoken on a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// HTTP: the page for a GET, a session for an upgrade.
    WebSocket,
    /// The protocol's lines as they are.
    Raw,
}

impl fmt::Display for Transport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::WebSocket => "websocket",
            Self::Raw => "raw",
        })
    }
}

/// Where a listener is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// An address and a port; port 0 lets the kernel choose.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

/// One listener.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListenUrl {
    /// What is spoken.
    pub transport: Transport,
    /// Whether through TLS; never on a unix socket.
    pub tls: bool,
    /// Where.
    pub endpoint: Endpoint,
}

impl ListenUrl {
    /// A listener on TCP.
    pub fn tcp(transport: Transport, tls: bool, address: SocketAddr) -> Self {
        Self {
            transport,
            tls,
            endpoint: Endpoint::Tcp(address),
        }
    }

    /// The longest path that fits into a socket's name: 108 bytes with the closing NUL, unix(7).
    const LONGEST_PATH: usize = 107;
}

impl FromStr for ListenUrl {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let unix = |transport, path: &str| {
            let fits = !path.is_empty() && path.len() <= Self::LONGEST_PATH && !path.contains('\0');
            fits.then(|| Self {
                transport,
                tls: false,
                endpoint: Endpoint::Unix(path.into()),
            })
            .ok_or(())
        };
        if let Some(path) = text.strip_prefix("ws+unix:") {
            return unix(Transport::WebSocket, path);
        }
        if let Some(path) = text.strip_prefix("raw+unix:") {
            return unix(Transport::Raw, path);
        }
        let (scheme, rest) = text.split_once("://").ok_or(())?;
        let (transport, tls) = match scheme {
            "ws" => (Transport::WebSocket, false),
            "wss" => (Transport::WebSocket, true),
            "raw" => (Transport::Raw, false),
            "raws" => (Transport::Raw, true),
            _ => return Err(()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let address = match rest.strip_prefix("localhost:") {
            Some(port) => SocketAddr::new(LOCALHOST, port.parse().map_err(|_| ())?),
            None => rest.parse().map_err(|_| ())?,
        };
        Ok(Self::tcp(transport, tls, address))
    }
}

impl fmt::Display for ListenUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match (self.transport, self.tls) {
            (Transport::WebSocket, false) => "ws",
            (Transport::WebSocket, true) => "wss",
            (Transport::Raw, false) => "raw",
            (Transport::Raw, true) => "raws",
        };
        match &self.endpoint {
            Endpoint::Tcp(address) => write!(out, "{scheme}://{address}"),
            Endpoint::Unix(path) => write!(out, "{scheme}+unix:{}", path.display()),
        }
    }
}

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// An address as `--interface` takes it: with or without brackets, or `localhost`.
pub(super) fn interface(text: &str) -> Option<IpAddr> {
    if text == "localhost" {
        return Some(LOCALHOST);
    }
    match text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(bare) => bare.parse().ok().map(IpAddr::V6),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_written_forms_are_accepted_and_given_back() {
        for (text, back) in [
            ("ws://127.0.0.1:8000", "ws://127.0.0.1:8000"),
            ("raw://0.0.0.0:0", "raw://0.0.0.0:0"),
            ("wss://[::1]:443/", "wss://[::1]:443"),
            ("raws://[fe80::1%2]:1", "raws://[fe80::1%2]:1"),
            ("ws://localhost:8000", "ws://127.0.0.1:8000"),
            ("ws+unix:/run/rtstat.sock", "ws+unix:/run/rtstat.sock"),
            ("raw+unix:a b", "raw+unix:a b"),
        ] {
            assert_eq!(
                text.parse::<ListenUrl>().map(|url| url.to_string()),
                Ok(back.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let long = format!("ws+unix:/{}", "a".repeat(107));
        for text in [
            "",
            "8000",
            "ws://",
            "ws://:8000",
            "ws://1.2.3.4",
            "ws://1.2.3.4:",
            "ws://1.2.3.4:65536",
            "ws://::1:80",
            "ws://[::1]",
            "http://1.2.3.4:80",
            "WS://1.2.3.4:80",
            "ws://1.2.3.4:80/path",
            "ws://example.org:80",
            "ws+unix:",
            "wss+unix:/x",
            "ws://1.2.3.4:-1",
            "ws:// 1.2.3.4:80",
            "ws+unix:a\0b",
            &long,
        ] {
            assert_eq!(text.parse::<ListenUrl>(), Err(()), "{text}");
        }
    }

    fn any_url() -> impl Strategy<Value = ListenUrl> {
        let transport = prop_oneof![Just(Transport::WebSocket), Just(Transport::Raw)];
        let tcp = (transport.clone(), any::<bool>(), any::<SocketAddr>()).prop_map(
            |(transport, tls, mut address)| {
                if let SocketAddr::V6(v6) = &mut address {
                    v6.set_flowinfo(0);
                }
                ListenUrl::tcp(transport, tls, address)
            },
        );
        let unix = (transport, "/[ -~]{0,100}").prop_map(|(transport, path)| ListenUrl {
            transport,
            tls: false,
            endpoint: Endpoint::Unix(path.into()),
        });
        prop_oneof![tcp, unix]
    }

    proptest! {
        #[test]
        fn display_and_parse_are_inverse(url in any_url()) {
            prop_assert_eq!(url.to_string().parse(), Ok(url));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = text.parse::<ListenUrl>();
        }
    }
}
