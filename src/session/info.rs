//! The answer to `info`: the machine, the plugins and the limits.

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    drivers::linux::host::Host,
    plugins::{About, catalog::Catalog},
    protocol::MAX_MESSAGE,
    sampling::snapshot::MAX_PUSH,
};

/// What `info` answers to every session alike.
#[derive(Debug, Clone)]
pub struct Info {
    /// The machine.
    pub host: Host,
    /// Maximum number of sessions, if limited.
    pub max_clients: Option<usize>,
}

impl Info {
    /// The JSON object of the answer. `token` is the name of the session's token, never its value.
    #[must_use]
    pub fn json(&self, catalog: &Catalog, token: Option<&str>) -> Vec<u8> {
        let answer = Answer {
            version: env!("CARGO_PKG_VERSION"),
            host: &self.host,
            token,
            plugins: Plugins(catalog),
            limits: Limits {
                min_interval: 0.5,
                max_interval: 86_400,
                max_message: MAX_MESSAGE,
                max_push: MAX_PUSH,
                max_clients: self.max_clients.unwrap_or(0),
            },
        };
        serde_json::to_vec(&answer).unwrap_or_else(|_| b"{}".to_vec())
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    /// Version of rtstatd.
    version: &'static str,
    #[serde(flatten)]
    host: &'a Host,
    /// Name of the token that the session has used. Absent without a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    /// One object for each key that can be chosen, in the order of the push.
    plugins: Plugins<'a>,
    /// What the server accepts.
    limits: Limits,
}

/// Seconds, seconds, bytes, bytes, sessions (0: no limit).
#[derive(Serialize)]
struct Limits {
    /// Shortest interval between two pushes.
    min_interval: f64,
    /// Longest interval between two pushes; a longer one counts as this.
    max_interval: u32,
    /// Longest message of a client.
    max_message: usize,
    /// Longest push; the largest keys of a longer one are null.
    max_push: usize,
    /// Sessions at a time; 0 without a limit.
    max_clients: usize,
}

struct Plugins<'a>(&'a Catalog);

impl Serialize for Plugins<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, about) in self.0.abouts() {
            let about: &About = about;
            map.serialize_entry(name, about)?;
        }
        map.end()
    }
}
