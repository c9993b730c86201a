//! What is fuzzed, and what must hold for any bytes.

use std::{hint::black_box, path::Path, time::Duration};

use rtstat::{
    config::Config,
    drivers::linux::{
        arcstats, diskstats, loadavg, meminfo, mounts, net_dev, pid_stat, pressure, sockets, stat, uptime, vmstat,
    },
    forwarded,
    gate::Gate,
    plugins::{
        exec::{definition::Definition, json, munin::Graphs},
        set::PluginSet,
    },
    protocol::{
        CloseReason, MAX_MESSAGE,
        decode::decode,
        encode_reply,
        session::{Action, Session, Verdict},
    },
    transports::{guard::Guard, proxy},
};

/// Keeps the optimizer from leaving out what is only looked at.
fn seen<T>(value: T) {
    let _ = black_box(value);
}

/// A message: no panic, and nothing longer than a message may be is read.
pub fn decoder(data: &[u8]) {
    assert!(data.len() <= MAX_MESSAGE || decode(data).is_err());
    let _ = black_box(decode(data));
}

/// A session driven by messages and by what others do to it, in any order.
///
/// Nothing is pushed without authorization, nothing follows a close, and no reply holds a line feed before its end.
pub fn session(data: &[u8]) {
    let (auth_required, data) = data.split_first().map_or((false, data), |(first, rest)| (first & 1 == 1, rest));
    let mut session = Session::new(auth_required, PluginSet::new());
    let catalog = |name: &str| ["cpu_stat", "meminfo", "mem", "_meta"].iter().position(|known| *known == name);
    let mut pushing = false;
    let mut closed = None::<CloseReason>;
    for event in data.split(|byte| *byte == b'\n') {
        let mut asked = false;
        let was_closed = closed.is_some();
        let actions: Vec<_> = match event.split_first() {
            Some((0, _)) => session.authorized(Verdict::Wrong).into_iter().collect(),
            Some((1, _)) => session.authorized(Verdict::Full).into_iter().collect(),
            Some((2, _)) => session.authorized(Verdict::Granted { name: "fuzz".into() }).into_iter().collect(),
            Some((3, _)) => session.deauthorize().into_iter().collect(),
            _ => session.receive(event, &catalog).into_iter().collect(),
        };
        for action in actions {
            // A deauthorization may reach a session that is closing; stopping is all that it may do then.
            assert!(!was_closed || action == Action::Stop, "{action:?} after {closed:?}");
            match action {
                Action::Reply(reply) => {
                    let mut line = Vec::new();
                    encode_reply(&reply, &mut line);
                    assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
                }
                Action::Start { interval } => {
                    assert!(session.is_authorized() && interval >= Duration::from_millis(500));
                    pushing = true;
                }
                Action::Retime(interval) => assert!(pushing && interval >= Duration::from_millis(500)),
                Action::Stop => pushing = false,
                Action::Close(reason) => {
                    pushing = false;
                    closed = Some(reason);
                }
                Action::Authorize(_) => asked = true,
                Action::Choose(_) | Action::Info => assert!(session.is_authorized()),
            }
        }
        assert!(!asked || !was_closed);
        assert_eq!(pushing, session.is_pushing());
        assert!(!pushing || session.is_authorized());
    }
}

/// The header watch, fed in pieces of every size: it passes no frame that is too long, and the pieces do not matter.
pub fn frames(data: &[u8]) {
    let Some((size, data)) = data.split_first() else { return };
    let (mut whole, mut pieces) = (Guard::default(), Guard::default());
    let mut passed = bytes::BytesMut::new();
    let judged = whole.filter(data, &mut passed);
    assert!(data.starts_with(&passed));
    let mut again = bytes::BytesMut::new();
    let mut outcome = Ok(());
    for piece in data.chunks(usize::from(*size).max(1)) {
        outcome = pieces.filter(piece, &mut again);
        if outcome.is_err() {
            break;
        }
    }
    assert_eq!((judged, passed), (outcome, again));
    assert_eq!(whole.take_complete(), pieces.take_complete());
}

/// The kernel's files. The first byte chooses which.
pub fn proc(data: &[u8]) {
    let Some((which, data)) = data.split_first() else { return };
    match which % 13 {
        0 => seen(arcstats::parse(data)),
        1 => seen(loadavg::parse(data)),
        2 => seen(meminfo::parse(data)),
        3 => seen(pid_stat::parse(data)),
        4 => seen(net_dev::parse(data, |name, counters| seen((name, counters)))),
        5 => seen(vmstat::parse(data)),
        6 => seen(mounts::parse(data)),
        7 => seen(uptime::parse(data)),
        8 => seen(sockets::parse_sockstat(data)),
        9 => seen(sockets::parse_counter(data, b"Tcp", b"RetransSegs")),
        10 => seen(diskstats::parse(data, seen)),
        11 => seen(pressure::parse(data)),
        _ => {
            let mut read = stat::Stat::default();
            seen(stat::parse(data, &mut read));
            seen(stat::parse_cpus(data, &mut read));
        }
    }
}

/// A configuration file: an error is one line that names its place.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(error) = Config::from_text(text) {
        let line = error.to_string();
        assert!(!line.is_empty() && !line.contains('\n'), "{line:?}");
    }
}

/// What plugins and their definitions say. The first byte chooses which.
pub fn plugins(data: &[u8]) {
    let Some((which, data)) = data.split_first() else { return };
    match which % 3 {
        0 => {
            if let Ok(json) = json::compact(data) {
                assert!(!json.get().contains('\n'), "{json}");
            }
        }
        1 => seen(Graphs::parse(&String::from_utf8_lossy(data), "unit")),
        _ => {
            let text = String::from_utf8_lossy(data);
            seen(Definition::parse(Path::new("/etc/rtstat/plugins.d/fuzz.toml"), &text));
        }
    }
}

/// What proxies and pages say about themselves. The first byte chooses which.
pub fn proxies(data: &[u8]) {
    let Some((which, data)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(data);
    match which % 4 {
        0 => seen(proxy::parse_v1(data)),
        1 => {
            if let [command, family, block @ ..] = data {
                seen(proxy::parse_v2(*command, *family, block));
            }
        }
        2 => seen(forwarded::client(text.lines(), |address| address.is_loopback())),
        _ => {
            let (origin, host) = text.split_once('\n').unwrap_or((&text, ""));
            let gate = Gate::default();
            assert!(!gate.admits_origin("null", host));
            let _ = black_box((gate.admits_origin(origin, host), gate.admits_host(host, || origin.to_owned())));
        }
    }
}
