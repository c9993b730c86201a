//! Which web pages may connect: rules over the `Origin` and `Host` headers of a request. Pure, no
//! request is seen here.
//!
//! A browser lets any page open a WebSocket to any server and tells the server only the page's
//! origin (RFC 6455 §10.2); and a page whose own name was pointed at this machine's address is of
//! the "same origin" (DNS rebinding), which only the name in `Host` betrays. Programs that are no
//! browsers send what they like; they are what tokens are for.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The origins and host names that one configuration allows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OriginPolicy {
    /// Origins that may connect, as browsers send them, in lower case; `*` is every one.
    pub allow_origin: Vec<String>,
    /// Names of this machine, in lower case and without port, beside those it knows itself; `*` is
    /// every one.
    pub allow_host: Vec<String>,
    /// A session needs a token, without which no page can do harm: both rules are off.
    pub token_needed: bool,
}

impl OriginPolicy {
    /// Whether a page of the origin `origin` may open a session on a server that the request called
    /// `host`.
    ///
    /// It may when it came from a server of the same name, whatever its port.
    #[must_use]
    pub fn admits_origin(&self, origin: &str, host: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        let listed = |allowed: &String| allowed == "*" || *allowed == origin;
        let same = || {
            origin
                .split_once("://")
                .is_some_and(|(_, page)| same_name(page, host))
        };
        self.token_needed || self.allow_origin.iter().any(listed) || same()
    }

    /// Whether `host` may stand in the Host header of a request over TCP. `nodename` is called only
    /// where nothing else decides.
    #[must_use]
    pub fn admits_host(&self, host: &str, nodename: impl FnOnce() -> String) -> bool {
        if self.token_needed {
            return true;
        }
        let Some(name) = name_of(host) else {
            return false;
        };
        let listed = |allowed: &String| allowed == "*" || *allowed == name;
        is_address(&name) || self.allow_host.iter().any(listed) || is_own(&name, &nodename())
    }
}

fn same_name(one: &str, other: &str) -> bool {
    name_of(one).is_some_and(|one| name_of(other).is_some_and(|other| one == other))
}

/// The name or address in `name[:port]`, in lower case and without the dot that may end a full
/// name; none where there is no name or what follows it is no port.
fn name_of(authority: &str) -> Option<String> {
    let end = match authority.strip_prefix('[') {
        Some(v6) => v6.find(']')? + 2,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (name, port) = authority.split_at_checked(end)?;
    let port_fits = match port.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_digit()),
        None => port.is_empty(),
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    (port_fits && !name.is_empty()).then(|| name.to_ascii_lowercase())
}

fn is_address(name: &str) -> bool {
    let v6 = || {
        name.strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
    };
    name.parse::<Ipv4Addr>().is_ok() || v6().is_some_and(|v6| v6.parse::<Ipv6Addr>().is_ok())
}

/// localhost, the node name or its first label, each of these two also as multicast DNS has it.
fn is_own(name: &str, nodename: &str) -> bool {
    let nodename = nodename.to_ascii_lowercase();
    let label = nodename.split('.').next().unwrap_or_default();
    let bare = name.strip_suffix(".local").unwrap_or(name);
    let known = |own: &str| !own.is_empty() && (name == own || bare == own);
    name == "localhost" || known(&nodename) || known(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin_policy(origins: &[&str], hosts: &[&str], token_needed: bool) -> OriginPolicy {
        let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        OriginPolicy {
            allow_origin: owned(origins),
            allow_host: owned(hosts),
            token_needed,
        }
    }

    #[test]
    fn origins() {
        for (allowed, token, origin, host, expected) in [
            (
                &[][..],
                false,
                "http://10.0.0.1:8000",
                "10.0.0.1:8000",
                true,
            ),
            (&[], false, "http://10.0.0.1", "10.0.0.1:8000", true),
            (
                &[],
                false,
                "https://Server.Example.ORG:8443",
                "server.example.org",
                true,
            ),
            (
                &[],
                false,
                "http://server.example.org.",
                "server.example.org:8000",
                true,
            ),
            (&[], false, "http://[::1]:8000", "[::1]:8001", true),
            (&[], false, "http://evil.example", "10.0.0.1:8000", false),
            (
                &[],
                false,
                "http://10.0.0.1.evil.example",
                "10.0.0.1",
                false,
            ),
            (
                &[],
                false,
                "http://evil.example:10.0.0.1",
                "10.0.0.1",
                false,
            ),
            (
                &[],
                false,
                "http://evil.example@10.0.0.1",
                "10.0.0.1",
                false,
            ),
            (&[], false, "http://10.0.0.1/", "10.0.0.1", false),
            (&[], false, "http://localhost:3000", "127.0.0.1:8000", false),
            (&[], false, "null", "10.0.0.1:8000", false),
            (&[], false, "null", "null", false),
            (&[], false, "", "10.0.0.1", false),
            (&[], false, "", "", false),
            (&[], false, "://", "", false),
            (&[], false, "file://", "10.0.0.1", false),
            (&[], false, "10.0.0.1", "10.0.0.1", false),
            (&["null"], false, "null", "10.0.0.1", true),
            (&["null"], false, "http://evil.example", "10.0.0.1", false),
            (&["*"], false, "http://evil.example", "10.0.0.1", true),
            (&["*"], false, "null", "10.0.0.1", true),
            (
                &["http://wall:8080"],
                false,
                "http://wall:8080",
                "10.0.0.1",
                true,
            ),
            (
                &["http://wall:8080"],
                false,
                "HTTP://WALL:8080",
                "10.0.0.1",
                true,
            ),
            (
                &["http://wall:8080"],
                false,
                "http://wall",
                "10.0.0.1",
                false,
            ),
            (
                &["http://wall:8080"],
                false,
                "https://wall:8080",
                "10.0.0.1",
                false,
            ),
            (
                &["http://a", "http://b"],
                false,
                "http://b",
                "10.0.0.1",
                true,
            ),
            (&[], true, "http://evil.example", "10.0.0.1", true),
            (&[], true, "null", "10.0.0.1", true),
        ] {
            assert_eq!(
                origin_policy(allowed, &[], token).admits_origin(origin, host),
                expected,
                "{origin:?} to {host:?}"
            );
        }
    }

    #[test]
    fn hosts() {
        let full = "Pebble.example.org";
        for (allowed, token, nodename, host, expected) in [
            (&[][..], false, full, "10.0.0.1", true),
            (&[], false, full, "10.0.0.1:8000", true),
            (&[], false, full, "[::1]:8000", true),
            (&[], false, full, "[2001:db8::1]", true),
            (&[], false, full, "localhost:8000", true),
            (&[], false, full, "LOCALHOST.", true),
            (&[], false, full, "pebble", true),
            (&[], false, full, "pebble.example.org:8000", true),
            (&[], false, full, "pebble.local", true),
            (&[], false, full, "pebble.example.org.local", true),
            (&[], false, full, "pebble.example.com", false),
            (&[], false, full, "example.org", false),
            (&[], false, full, "local", false),
            (&[], false, full, "localhost.evil.example", false),
            (&[], false, full, "10.0.0.1.evil.example", false),
            (&[], false, full, "evil.example", false),
            (&[], false, full, "2001:db8::1", false),
            (&[], false, full, "[2001:db8::1", false),
            (&[], false, full, "[evil.example]", false),
            (&[], false, full, "", false),
            (&[], false, full, ":8000", false),
            (&[], false, full, "10.0.0.1:80x", false),
            (&[], false, "", "", false),
            (&[], false, "", ".local", false),
            (&["srv.example"], false, full, "srv.example:8000", true),
            (&["srv.example"], false, full, "SRV.example", true),
            (&["srv.example"], false, full, "www.srv.example", false),
            (&["*"], false, full, "evil.example", true),
            (&[], true, full, "evil.example", true),
            (&[], true, full, "", true),
        ] {
            assert_eq!(
                origin_policy(&[], allowed, token).admits_host(host, || nodename.to_owned()),
                expected,
                "{host:?} at {nodename:?}"
            );
        }
    }
}
