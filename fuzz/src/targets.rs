//! What is fuzzed, and what must hold for any bytes.

use std::{fs, hint::black_box, path::Path, time::Duration};

use rtstat::testing::{
    config::Config,
    drivers::{
        Root,
        linux::{
            arcstats,
            cgroups::Cgroups,
            dbus::{self, Incoming},
            diskstats, failed_units, gpus,
            host::Host,
            interfaces::Interfaces,
            loadavg,
            localtime::LocalTime,
            meminfo, mounts, net_dev,
            online::OnlineFile,
            pid_files, pid_stat, pressure,
            processes::Processes,
            sensors,
            skipped::Skipped,
            sockets, stat, uptime,
            users::Users,
            vmstat,
        },
    },
    net::{forwarded_for, origin_policy::OriginPolicy, proxy_protocol},
    plugins::exec::{definition::Definition, json, munin},
    protocol::{
        CloseReason, MAX_MESSAGE,
        decode::decode,
        encode_reply, escape_json_into,
        key_set::PluginSet,
        session::{Action, Session, Verdict},
    },
    session::frame_limit::take_frame,
};

/// Keeps the optimizer from leaving out what is only looked at.
fn seen<T>(value: T) {
    let _ = black_box(value);
}

/// A message: no panic, and nothing longer than a message may be is read. What we would push is one
/// line without a second separator, and reads back as the same JSON.
pub fn decoder(data: &[u8]) {
    assert!(data.len() <= MAX_MESSAGE + 1 || decode(data).is_err());
    if let Ok(message) = decode(data) {
        message.arguments().for_each(seen);
    }
    let mut line = b"Push::".to_vec();
    escape_json_into(data, &mut line);
    let argument = line.get(6..).unwrap_or_default();
    assert!(!argument.contains(&b'\n') && !argument.windows(2).any(|pair| pair == b"::"));
    // Blanks at the end are trimmed by every reader; JSON has none.
    let whole = std::str::from_utf8(data)
        .ok()
        .filter(|text| text.trim_ascii_end() == *text && !text.ends_with(['\0', '\x0b']));
    if let (Some(text), Ok(message)) = (whole.filter(|text| !text.is_empty()), decode(&line)) {
        let colons = |text: &str| text.replace(r"\u003a", ":");
        let read: Vec<_> = message
            .arguments()
            .map(|argument| colons(&argument))
            .collect();
        assert_eq!(read, [colons(text)]);
    }
}

/// A session driven by messages and by what others do to it, in any order.
///
/// Nothing is pushed without authorization, nothing follows a close, and no reply holds a line feed
/// before its end.
pub fn session(data: &[u8]) {
    let (auth_required, data) = data
        .split_first()
        .map_or((false, data), |(first, rest)| (first & 1 == 1, rest));
    let mut session = Session::new(auth_required, PluginSet::new());
    let catalog = |name: &str| {
        ["cpu_stat", "meminfo", "mem", "_meta"]
            .iter()
            .position(|known| *known == name)
    };
    let mut pushing = false;
    let mut closed = None::<CloseReason>;
    for event in data.split(|byte| *byte == b'\n') {
        let mut asked = false;
        let was_closed = closed.is_some();
        let actions: Vec<_> = match event.split_first() {
            Some((0, _)) => session.authorized(Verdict::Wrong).into_iter().collect(),
            Some((1, _)) => session.authorized(Verdict::Full).into_iter().collect(),
            Some((2, _)) => session
                .authorized(Verdict::Granted {
                    name: "fuzz".into(),
                })
                .into_iter()
                .collect(),
            Some((3, _)) => session.deauthorize().into_iter().collect(),
            _ => session.receive(event, &catalog).into_iter().collect(),
        };
        for action in actions {
            // A deauthorization may reach a session that is closing; stopping is all that it may do
            // then.
            assert!(
                !was_closed || action == Action::Stop,
                "{action:?} after {closed:?}"
            );
            match action {
                Action::Reply(reply) => {
                    let mut line = Vec::new();
                    encode_reply(&reply, &mut line);
                    assert_eq!(
                        line.iter().position(|byte| *byte == b'\n'),
                        Some(line.len() - 1)
                    );
                }
                Action::Start { interval } => {
                    assert!(session.is_authorized() && interval >= Duration::from_millis(500));
                    pushing = true;
                }
                Action::Retime(interval) => {
                    assert!(pushing && interval >= Duration::from_millis(500))
                }
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

/// The header watch, fed in pieces of every size: it passes no frame that is too long, and the
/// pieces do not matter.
pub fn frames(data: &[u8]) {
    let Some((size, data)) = data.split_first() else {
        return;
    };
    let frames = |size: usize| {
        let (mut received, mut frames) = (bytes::BytesMut::new(), Vec::new());
        for piece in data.chunks(size) {
            received.extend_from_slice(piece);
            loop {
                match take_frame(&mut received) {
                    Ok(Some(frame)) => frames.push(frame),
                    Ok(None) => break,
                    Err(reason) => return (frames, Some(reason)),
                }
            }
            assert!(received.len() < MAX_MESSAGE + 14 + size);
        }
        (frames, None)
    };
    let whole = frames(data.len().max(1));
    assert!(data.starts_with(&whole.0.concat()));
    assert_eq!(whole, frames(usize::from(*size).max(1)));
}

/// A parser by its name in the seeds.
type Part = (&'static str, fn(&[u8]));

/// The kernel's files: who reads the bytes. In the order of the first byte.
const PROC: [Part; 15] = [
    ("arcstats", |data| {
        seen(arcstats::parse(data, &mut Skipped::default()));
    }),
    ("loadavg", |data| {
        seen(loadavg::parse(data, &mut Skipped::default()));
    }),
    ("meminfo", |data| {
        seen(meminfo::parse(data, &mut Skipped::default()));
    }),
    ("pid/stat", |data| {
        seen((pid_stat::state(data), pid_stat::parse(data)));
    }),
    ("net/dev", |data| {
        seen(net_dev::parse(
            data,
            &mut Skipped::default(),
            |name, counters| seen((name, counters)),
        ));
    }),
    ("vmstat", |data| {
        seen(vmstat::parse(data, &mut Skipped::default()));
    }),
    ("mountinfo", |data| {
        seen(mounts::parse(data, &mut Skipped::default()));
    }),
    ("uptime", |data| seen(uptime::parse(data))),
    ("net/sockstat", |data| {
        seen(sockets::parse_sockstat(data, &mut Skipped::default()));
    }),
    ("net/snmp", |data| {
        seen(sockets::parse_counter(
            data,
            b"Tcp",
            b"RetransSegs",
            &mut Skipped::default(),
        ));
    }),
    ("diskstats", |data| {
        diskstats::parse(data, &mut Skipped::default(), seen);
    }),
    ("pressure", |data| {
        seen(pressure::parse(data, &mut Skipped::default()));
    }),
    ("stat", |data| {
        let mut read = stat::Stat::default();
        seen(stat::parse(data, &mut read, &mut Skipped::default()));
        seen(stat::parse_cpus(data, &mut read, &mut Skipped::default()));
    }),
    ("pid/io, status, cgroup", |data| {
        seen((
            pid_files::disk_bytes(data),
            pid_files::effective_uid(data),
            pid_files::unit(data),
        ));
    }),
    ("D-Bus", |data| {
        seen(data.first_chunk().map(dbus::length));
        if let Ok(Incoming::Return(_, mut body)) = dbus::decode(data) {
            seen(failed_units::names(&mut body));
        }
    }),
];

/// The kernel's files. The first byte chooses which.
pub fn proc(data: &[u8]) {
    choose(&PROC, data, |parse, data| parse(data));
}

/// Hands `data` behind its first byte to the reader of `table` that the byte chooses.
fn choose<R>(table: &[(&str, R)], data: &[u8], read: impl FnOnce(&R, &[u8])) {
    if let Some((which, data)) = data.split_first()
        && let Some((_, reader)) = table.get(usize::from(*which) % table.len())
    {
        read(reader, data);
    }
}

/// What reads a file below a root.
type Reader = fn(&Root);

/// Where the bytes are laid, and who reads them there. In the order of the first byte.
const FILES: [(&str, Reader); 15] = [
    ("run/utmp", |root| seen(Users::new(root).count())),
    ("run/systemd/sessions/1", |root| {
        seen(Users::new(root).count())
    }),
    ("sys/devices/system/cpu/online", |root| {
        seen((
            OnlineFile::new(root).read(&mut String::new()),
            Host::read(root),
        ))
    }),
    ("etc/os-release", |root| seen(Host::read(root))),
    ("etc/localtime", |root| {
        seen(LocalTime::new(root, None).offset_secs(1_700_000_000))
    }),
    ("sys/fs/cgroup/a/memory.current", group),
    ("sys/fs/cgroup/a/memory.stat", group),
    ("sys/fs/cgroup/a/io.stat", group),
    ("sys/fs/cgroup/a/cpu.pressure", group),
    ("proc/1/stat", |root| {
        seen(Processes::new(root).walk(|pid, line| seen((pid, line.len()))))
    }),
    ("proc/1/net/bonding/bond0", interfaces),
    ("sys/class/net/eth0/speed", interfaces),
    ("sys/class/hwmon/hwmon0/temp1_input", |root| {
        sensors::sources(root, &[])
            .iter()
            .for_each(|source| seen(sensors::measure(source)));
    }),
    ("sys/class/drm/card0/device/uevent", |root| {
        gpus::cards(root)
            .iter()
            .for_each(|card| seen(gpus::read(card)))
    }),
    ("proc/cpuinfo", |root| seen(Host::read(root))),
];

fn group(root: &Root) {
    seen(Cgroups::find(root).map(|mut groups| groups.usage(Path::new("a"))));
}

fn interfaces(root: &Root) {
    seen(Interfaces::new(root).read(&mut Vec::new()));
}

thread_local! {
    static TREE: tempfile::TempDir = tree().expect("a folder for the files");
}

/// A small machine: what must be there for the files to be looked at.
fn tree() -> std::io::Result<tempfile::TempDir> {
    let tree = tempfile::tempdir()?;
    let lay = |path: &str, bytes: &str| {
        let path = tree.path().join(path);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, bytes)
    };
    for (path, _) in FILES {
        tree.path()
            .join(path)
            .parent()
            .map_or(Ok(()), fs::create_dir_all)?;
    }
    lay("sys/fs/cgroup/cgroup.controllers", "cpu memory\n")?;
    lay("sys/class/hwmon/hwmon0/name", "chip\n")?;
    lay("sys/class/net/eth0/operstate", "up\n")?;
    lay("sys/class/net/eth0/device/uevent", "")?;
    lay(
        "proc/1/net/dev",
        "\n\n eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
    )?;
    Ok(tree)
}

/// Files that only their drivers read, below a root of our own. The first byte chooses which.
pub fn files(data: &[u8]) {
    let Some((which, data)) = data.split_first() else {
        return;
    };
    let Some((path, read)) = FILES.get(usize::from(*which) % FILES.len()) else {
        return;
    };
    TREE.with(|tree| {
        let file = tree.path().join(path);
        fs::write(&file, data).expect("the file can be written");
        read(&Root::at(tree.path()));
        fs::remove_file(&file).expect("the file can be removed");
    });
}

/// A configuration file: an error is one line that names its place.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Err(error) = Config::from_text(text) {
        let line = error.to_string();
        assert!(!line.is_empty() && !line.contains('\n'), "{line:?}");
    }
}

/// What plugins and their definitions say: who reads it. In the order of the first byte.
const PLUGINS: [Part; 3] = [
    ("JSON", |data| {
        if let Ok(json) = json::compact(data) {
            assert!(!json.get().contains('\n'), "{json}");
        }
    }),
    ("Munin", |data| {
        let text = String::from_utf8_lossy(data);
        seen((
            munin::Graphs::parse(&text, "unit"),
            munin::parse_values(&text, &mut Vec::new()),
        ));
    }),
    ("definition", |data| {
        let text = String::from_utf8_lossy(data);
        seen(Definition::parse(
            Path::new("/etc/rtstat/plugins.d/fuzz.toml"),
            &text,
        ));
    }),
];

/// What plugins and their definitions say. The first byte chooses which.
pub fn plugins(data: &[u8]) {
    choose(&PLUGINS, data, |parse, data| parse(data));
}

/// What proxies and pages say about themselves: who reads it. In the order of the first byte.
const PROXIES: [Part; 4] = [
    ("PROXY 1", |data| seen(proxy_protocol::parse_v1(data))),
    ("PROXY 2", |data| {
        if let [command, family, block @ ..] = data {
            seen(proxy_protocol::parse_v2(*command, *family, block));
        }
    }),
    ("X-Forwarded-For", |data| {
        let text = String::from_utf8_lossy(data);
        seen(forwarded_for::client(text.lines(), |address| {
            address.is_loopback()
        }));
    }),
    ("Origin and Host", |data| {
        let text = String::from_utf8_lossy(data);
        let (origin, host) = text.split_once('\n').unwrap_or((&text, ""));
        let policy = OriginPolicy::default();
        assert!(!policy.admits_origin("null", host));
        let _ = black_box((
            policy.admits_origin(origin, host),
            policy.admits_host(host, || origin.to_owned()),
        ));
    }),
];

/// What proxies and pages say about themselves. The first byte chooses which.
pub fn proxies(data: &[u8]) {
    choose(&PROXIES, data, |parse, data| parse(data));
}

/// One target.
pub struct Target {
    /// Its name, and that of its seeds.
    pub name: &'static str,
    /// Runs it.
    pub run: fn(&[u8]),
    /// What the first byte of a case chooses, by its value; empty where it chooses nothing.
    pub readers: fn() -> Vec<&'static str>,
}

/// All of them.
pub const TARGETS: [Target; 8] = [
    Target {
        name: "config",
        run: config,
        readers: Vec::new,
    },
    Target {
        name: "decoder",
        run: decoder,
        readers: Vec::new,
    },
    Target {
        name: "files",
        run: files,
        readers: || names(&FILES),
    },
    Target {
        name: "frames",
        run: frames,
        readers: Vec::new,
    },
    Target {
        name: "plugins",
        run: plugins,
        readers: || names(&PLUGINS),
    },
    Target {
        name: "proc",
        run: proc,
        readers: || names(&PROC),
    },
    Target {
        name: "proxies",
        run: proxies,
        readers: || names(&PROXIES),
    },
    Target {
        name: "session",
        run: session,
        readers: || vec!["no token needed", "token needed"],
    },
];

fn names<R>(table: &[(&'static str, R)]) -> Vec<&'static str> {
    table.iter().map(|(name, _)| *name).collect()
}
