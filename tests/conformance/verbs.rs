//! What goes beyond the original, as a client sees it: slots that a token takes, `plugins` and
//! `info`.

use rtstat_test_support::{
    Client, Got, PATIENCE, Rtstatd, unescaped,
    websocket::{CLOSE, FIN, Frame},
};
use serde_json::Value;

/// A raw session.
struct Session(Client);

impl Session {
    /// Connects and takes the greeting.
    fn open(server: &Rtstatd) -> Self {
        let mut session = Self(Client::connect(server.address()));
        assert!(session.line().starts_with("Welcome::"));
        session
    }

    fn send(&mut self, lines: &str) {
        self.0.send(lines);
    }

    /// The next line without its newline; empty at the end.
    fn line(&mut self) -> String {
        let line = self.0.line();
        assert!(line.is_empty() || line.ends_with('\n'), "{line}");
        line.trim_end_matches('\n').to_owned()
    }

    /// The next line that is no push.
    fn answer(&mut self) -> String {
        loop {
            let line = self.line();
            if !line.starts_with("Push::") {
                return line;
            }
        }
    }

    /// The top-level keys of the next push, in their order.
    fn push_keys(&mut self) -> Vec<String> {
        let line = self.line();
        let argument = line.strip_prefix("Push::");
        let json = argument_json(argument.unwrap_or_else(|| panic!("no push: {line}")));
        let map: Value = serde_json::from_str(&json).unwrap();
        let mut keys: Vec<_> = map.as_object().unwrap().keys().cloned().collect();
        keys.sort_by_key(|key| json.find(&format!("\"{key}\":")));
        keys
    }
}

/// The JSON of an argument that the original's page reads whole.
fn argument_json(argument: &str) -> String {
    let cut = argument.contains("::");
    assert!(!cut, "the original's page would cut {argument}");
    unescaped(argument)
}

#[test]
fn with_a_token_the_right_one_takes_the_slot() {
    let server = Rtstatd::start(&["raw"], &["-a", "secret", "-c", "1"]);
    let mut first = Session::open(&server);
    let mut second = Session::open(&server);
    first.send("auth::secret\nauth::secret\nversion\n");
    assert!(first.answer().starts_with("Version::"));
    second.send("auth::wrong\n");
    assert_eq!(second.answer(), "Error::Auth failed");
    second.send("auth::secret\nversion\n");
    assert_eq!(second.answer(), "Error::Too many clients");
    assert_eq!(second.answer(), "");
    // A session that lost its authorization may take it again.
    first.send("auth::wrong\nauth::secret\ninterval::1\nversion\n");
    assert_eq!(first.answer(), "Error::Auth failed");
    assert!(first.answer().starts_with("Version::"));
}

#[test]
fn without_a_slot_a_web_socket_is_closed_1013() {
    let server = Rtstatd::start(&["ws"], &["-a", "secret", "-c", "1"]);
    let mut sockets = [
        Client::websocket(server.address()),
        Client::websocket(server.address()),
    ];
    let mut said = Vec::new();
    for socket in &mut sockets {
        socket.send_text("auth::secret");
        socket.send_text("version");
        for _ in 0..2 {
            let Got::Some(frame) = socket.read_for(PATIENCE, Frame::take) else {
                panic!("nothing after {said:?}")
            };
            said.push(String::from_utf8_lossy(&frame.payload).into_owned());
        }
    }
    assert!(said[1].starts_with("Version::"), "{said:?}");
    assert_eq!(said[3], "Error::Too many clients\n");
    let Got::Some(close) = sockets[1].read_for(PATIENCE, Frame::take) else {
        panic!("no close")
    };
    assert_eq!((close.head, close.close().0), (FIN | CLOSE, Some(1013)));
}

#[test]
fn plugins_chooses_the_keys_of_the_pushes() {
    const LEGACY: [&str; 4] = ["cpu_stat", "meminfo", "processes", "uptime"];
    let server = Rtstatd::start(&["raw"], &[]);
    let mut client = Session::open(&server);
    for bad in [
        "bogus",
        "uptime,bogus",
        "uptime,uptime",
        "uptime,",
        ",",
        "UPTIME",
        "uptime ,meminfo",
    ] {
        client.send(&format!("plugins::{bad}\n"));
        assert_eq!(client.answer(), "Error::Unknown plugin", "{bad}");
    }
    client.send("plugins::uptime,meminfo\ninterval::0.5\nstart\n");
    assert_eq!(
        client.push_keys(),
        ["meminfo", "uptime"],
        "in the server's order"
    );
    client.send("plugins::nonsense\n");
    assert_eq!(client.answer(), "Error::Unknown plugin");
    assert_eq!(
        client.push_keys(),
        ["meminfo", "uptime"],
        "a refused choice changes nothing"
    );
    client.send("plugins::cpu_stat\nversion\n");
    assert!(client.answer().starts_with("Version::"));
    assert_eq!(client.push_keys(), ["cpu_stat"]);
    client.send("plugins\nversion\n");
    assert!(client.answer().starts_with("Version::"));
    assert_eq!(client.push_keys()[..4], LEGACY);
}

#[test]
fn a_long_list_of_plugins_is_refused_whole() {
    let server = Rtstatd::start(&["raw"], &[]);
    let mut client = Session::open(&server);
    let list = format!("plugins::{}\n", ["uptime"; 500].join(","));
    client.send(&(list + "version\n"));
    assert_eq!(client.answer(), "Error::Unknown plugin");
    assert!(client.answer().starts_with("Version::"));
    client.send(&format!("plugins::{}\n", ["uptime"; 10_000].join(",")));
    assert_eq!(client.answer(), "Error::Message too long");
}

#[test]
fn info_says_what_the_server_is_and_offers() {
    let server = Rtstatd::start(&["raw"], &["-c", "3"]);
    let mut client = Session::open(&server);
    client.send("info\n");
    let line = client.answer();
    let info: Value =
        serde_json::from_str(&argument_json(line.strip_prefix("Info::").unwrap())).unwrap();
    assert_eq!(info["version"], env!("CARGO_PKG_VERSION"));
    for key in ["host", "os", "kernel", "virt"] {
        assert!(info[key].is_string(), "{key}: {info}");
    }
    assert!(info["cpus"].as_u64().is_some_and(|cpus| cpus > 0), "{info}");
    assert!(info["limits"].is_object(), "{info}");
    let plugins = info["plugins"].as_object().unwrap();
    for (name, about) in plugins {
        assert!(
            about["kind"].is_string() && about["unit"].is_string(),
            "{name}: {about}"
        );
        assert!(
            about["min_interval"].is_number() && about["default"].is_boolean(),
            "{name}: {about}"
        );
    }
    for name in ["cpu_stat", "meminfo", "processes", "uptime"] {
        assert_eq!(plugins[name]["default"], true, "{name}");
    }
    assert_eq!(plugins["cpu"]["units"]["all.*"], "ratio");
    assert_eq!(plugins["net"]["units"]["if.*.rx"], "B/s");
    assert_eq!(plugins["_meta"]["units"]["stale.*"], "s");
    assert!(plugins["uptime"].get("units").is_none(), "{info}");
    // A peer that reads nothing costs one such answer.
    assert!(line.len() < 4096, "{} bytes", line.len());
    // Every name that it offers can be chosen, all at once.
    let names: Vec<_> = plugins.keys().map(String::as_str).collect();
    client.send(&format!("plugins::{}\nversion\n", names.join(",")));
    assert!(client.answer().starts_with("Version::"));
}

#[test]
fn both_need_authorization_like_start() {
    let server = Rtstatd::start(&["raw"], &["-a", "secret"]);
    let mut client = Session::open(&server);
    for line in ["plugins", "plugins::bogus", "info", "start"] {
        client.send(&format!("{line}\n"));
        assert_eq!(client.answer(), "Error::Not authorized", "{line}");
    }
}
