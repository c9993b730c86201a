//! The table of settings: the names of each on the command line, in the environment and in the file,
//! its valid values and its default. Errors, `--check` and the tests of the man pages read it.

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The key in the file, with its table: `plugins.dir`.
    pub key: &'static str,
    /// The option, or nothing where there is none.
    pub option: Option<&'static str>,
    /// Whether several values may be given.
    pub list: bool,
    /// What a valid value is, as errors say it after "expected".
    pub expected: &'static str,
    /// The default as it would be written in the file; empty where there is none.
    pub default: &'static str,
}

impl Setting {
    /// The variable of the environment: `RTSTAT_` and the key.
    pub fn variable(&self) -> String {
        format!("RTSTAT_{}", self.key.to_ascii_uppercase().replace('.', "_"))
    }
}

const fn one(
    key: &'static str,
    option: &'static str,
    expected: &'static str,
    default: &'static str,
) -> Setting {
    Setting {
        key,
        option: Some(option),
        list: false,
        expected,
        default,
    }
}

const fn many(key: &'static str, option: &'static str, expected: &'static str) -> Setting {
    Setting {
        key,
        option: Some(option),
        list: true,
        expected,
        default: "[]",
    }
}

/// Every setting, in the order of the manual. Tokens with names have a table of their own,
/// `[tokens]`.
pub const SETTINGS: &[Setting] = &[
    one(
        "interface",
        "--interface",
        "an IPv4 address, an IPv6 address or localhost",
        "\"0.0.0.0\"",
    ),
    one("port", "--port", "1 to 65535", "8000"),
    one("web_sockets", "--web-sockets", BOOL, "false"),
    many(
        "listen",
        "--listen",
        "ws://ADDR:PORT, raw://ADDR:PORT, wss://ADDR:PORT, raws://ADDR:PORT, ws+unix:PATH or raw+unix:PATH, \
         IPv6 in brackets",
    ),
    one("auth_token", "--auth-token", "up to 1024 bytes of text", ""),
    many(
        "auth_token_file",
        "--auth-token-file",
        "the path of a file with one token",
    ),
    one(
        "max_clients",
        "--max-clients",
        "0 to 1000000, 0 = no limit",
        "10",
    ),
    one(
        "max_per_address",
        "--max-per-address",
        "0 to 1000000, 0 = no limit",
        "0",
    ),
    one(
        "exit_on_idle",
        "--exit-on-idle",
        "0 to 31536000 seconds, 0 = never",
        "0",
    ),
    one("public", "--public", "the path of a folder", ""),
    one("user", "--user", "the name of a user", ""),
    many(
        "allow_origin",
        "--allow-origin",
        "scheme://host[:port], null or *",
    ),
    many(
        "allow_host",
        "--allow-host",
        "a host name or address without a port, or *",
    ),
    one("tls_cert", "--tls-cert", "the path of a PEM file", ""),
    one("tls_key", "--tls-key", "the path of a PEM file", ""),
    many(
        "trust_proxy",
        "--trust-proxy",
        "unix, an address or a network like 10.0.0.0/8 or fd00::/8",
    ),
    one("metrics", "--metrics", BOOL, "false"),
    Setting {
        key: "plugins.default",
        option: None,
        list: true,
        expected: "the name of a plugin: letters, digits, _ and -",
        default: "[]",
    },
    Setting {
        key: "plugins.dir",
        option: None,
        list: false,
        expected: "the path of a folder",
        default: "\"/etc/rtstat/plugins.d\"",
    },
    Setting {
        key: "plugins.top_command_lines",
        option: None,
        list: false,
        expected: BOOL,
        default: "false",
    },
    Setting {
        key: "plugins.network_filesystems",
        option: None,
        list: false,
        expected: BOOL,
        default: "false",
    },
    Setting {
        key: "plugins.sensors_off",
        option: None,
        list: true,
        expected: "the name of a sensor chip, as sens shows it",
        default: "[]",
    },
    Setting {
        key: "plugins.units",
        option: None,
        list: true,
        expected: "the name of a systemd unit",
        default: "[]",
    },
];

const BOOL: &str = "true or false";

/// The setting of this key.
pub fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}
