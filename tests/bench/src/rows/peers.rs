//! Other monitors, and large hosts: what one viewer costs.

use std::{
    env, fs,
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rtstat_test_support::ChildInTime;

use crate::{
    Error, Result,
    fleet::{Fleet, Phases},
    meter::Meter,
    options::Options,
    rows::{micro::Sleepers, push::everything},
    stats::median,
    table::{Row, bound, short},
};

const SECOND: Duration = Duration::from_secs(1);

/// One client at 1 s beside processes, against other monitors at 1 s: row 11.
pub fn beside(options: &Options) -> Result<Vec<Row>> {
    let _sleepers = Sleepers::start(options.scale.processes[0])?;
    let names = [
        "node_exporter",
        "node_exporter without processes",
        "glances",
        "websocketd",
        "netdata",
    ];
    let mut own = Vec::new();
    let mut others: [Vec<f64>; 5] = Default::default();
    let mut absent: [Option<Error>; 5] = Default::default();
    // The peers cost seconds each, and differ by factors: three rounds are enough.
    for _ in 0..options.scale.pairs.min(3) {
        own.push(viewer(options, None)?);
        for ((name, costs), absent) in names.iter().zip(&mut others).zip(&mut absent) {
            if absent.is_none() {
                match peer(name, options) {
                    Ok(cost) => costs.push(cost),
                    Err(error) => *absent = Some(error),
                }
            }
        }
    }
    let own = median(&own);
    let count = options.scale.processes[0];
    let mut rows = vec![Row::shown(
        11,
        format!("one client at 1 s, {count} processes more"),
        format!("{} ms/s", short(own)),
    )];
    let bounds = [
        Some(bound(1.0 / 2.5, 0.5, " ×")),
        None,
        Some(bound(0.25, 0.5, " ×")),
        None,
        None,
    ];
    for (((name, costs), absent), bound) in names.iter().zip(&others).zip(&absent).zip(bounds) {
        let what = format!("the same, beside {name}");
        rows.push(match absent {
            Some(error) => Row::not_run(11, what, error),
            None => {
                let other = median(costs);
                Row::ratio(11, what, (other, own, own / other), " ms/s", bound)
            }
        });
    }
    rows.push(Row::not_run(
        11,
        "the same, beside the original (PHP)",
        "not at hand",
    ));
    Ok(rows)
}

/// Finds the command by which a session chooses its plugins.
type Choice<'a> = &'a dyn Fn(&mut Fleet) -> Result<String>;

/// rtstatd with one client: CPU in ms/s.
fn viewer(options: &Options, choice: Option<Choice<'_>>) -> Result<f64> {
    let server = options.rtstatd.start()?;
    let mut fleet = Fleet::new(server.port)?;
    fleet.connect(1, 1000.0)?;
    if let Some(choice) = choice {
        let command = choice(&mut fleet)?;
        fleet.command(&[&command])?;
    }
    fleet.start(SECOND, Phases::Together)?;
    let warm = if options.scale.interval < SECOND {
        1.2
    } else {
        2.5
    };
    fleet.pump(SECOND.mul_f64(warm))?;
    let (before, begin) = (server.meter.cpu()?, Instant::now());
    fleet.pump(window(options))?;
    let used = server.meter.cpu()?.saturating_sub(before);
    if fleet.pushes() == 0 {
        return Err("no push came".into());
    }
    Ok(used.as_secs_f64() * 1e3 / begin.elapsed().as_secs_f64())
}

/// How long one viewer is watched.
fn window(options: &Options) -> Duration {
    options.scale.interval * options.scale.window * 2
}

/// A peer's CPU in ms/s, driven once a second.
fn peer(name: &str, options: &Options) -> Result<f64> {
    let port = free_port()?;
    match name {
        "node_exporter" | "node_exporter without processes" => {
            // The collectors that give what the four legacy keys give.
            let collectors = ["cpu", "meminfo", "loadavg", "stat", "processes"]
                .map(|name| format!("--collector.{name}"));
            let walking = !name.ends_with("without processes");
            let collectors = collectors
                .iter()
                .filter(|name| walking || !name.ends_with("processes"));
            let mut command = Command::new(find(&["prometheus-node-exporter", "node_exporter"])?);
            command
                .args(["--collector.disable-defaults", "--log.level=error"])
                .args(collectors);
            command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
            let peer = Peer::start(command)?;
            let mut scraped = connect(port)?;
            peer.watch(options, || http_get(&mut scraped, "/metrics", 300))
        }
        "glances" => {
            let mut command = Command::new(find(&["glances"])?);
            command.args([
                "--stdout",
                "cpu.user,mem.used,load,uptime,processcount",
                "--time",
                "1",
                "--disable-check-update",
            ]);
            let peer = Peer::start(command)?;
            thread::sleep(options.scale.interval * 2);
            peer.watch(options, || Ok(()))
        }
        "websocketd" => {
            // As its users write it: a loop of the shell that prints a line a second.
            let script = "while :; do awk '{print $1, $2, $3}' /proc/loadavg; head -n 5 /proc/stat /proc/meminfo; sleep 1; done";
            let mut command = Command::new(find(&["websocketd"])?);
            command
                .arg("--address=127.0.0.1")
                .arg(format!("--port={port}"))
                .args(["--loglevel=error", "sh", "-c", script]);
            let peer = Peer::start(command)?;
            let mut stream = connect(port)?;
            stream.write_all(&crate::frame::request(port))?;
            let mut buffer = [0; 65_536];
            let read = stream.read(&mut buffer)?;
            if !buffer
                .get(..read)
                .unwrap_or_default()
                .starts_with(b"HTTP/1.1 101")
            {
                return Err("websocketd refused the upgrade".into());
            }
            stream.set_nonblocking(true)?;
            // What has come is thrown away, and an empty socket is no error.
            peer.watch(options, || {
                let _ = stream.read(&mut buffer);
                Ok(())
            })
        }
        "netdata" => {
            let dir = tempfile::tempdir()?;
            let config = dir.path().join("netdata.conf");
            let here = dir.path().display();
            fs::write(
                &config,
                format!(
                    "[global]\nupdate every = 1\n[directories]\ncache = {here}\nlib = {here}\nlog = {here}\n\
                     [db]\nmode = ram\n[web]\nbind to = 127.0.0.1\ndefault port = {port}\n[statsd]\nenabled = no\n"
                ),
            )?;
            let mut command = Command::new(find(&["netdata"])?);
            command.args(["-D", "-u", "root", "-c"]).arg(&config);
            let peer = Peer::start(command)?;
            thread::sleep(options.scale.interval * 5);
            // It ends a connection with its answer.
            peer.watch(options, || {
                http_get(&mut connect(port)?, "/api/v1/allmetrics?format=json", 2000)
            })
        }
        other => Err(format!("no way to start {other}").into()),
    }
}

/// A peer that runs, in a group of its own; killed with its children when dropped.
struct Peer {
    child: Child,
}

impl Peer {
    fn start(mut command: Command) -> Result<Self> {
        use std::os::unix::process::CommandExt;
        command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Ok(Self {
            child: command.spawn()?,
        })
    }

    /// CPU in ms/s of the process and of those that it started, while `once` runs each second.
    fn watch(&self, options: &Options, mut once: impl FnMut() -> Result<()>) -> Result<f64> {
        once()?;
        thread::sleep(options.scale.interval);
        let pid = self.child.id();
        let (before, begin) = (family_cpu(pid)?, Instant::now());
        while begin.elapsed() < window(options) {
            once()?;
            thread::sleep(SECOND.min(window(options)));
        }
        Ok((family_cpu(pid)? - before) * 1e3 / begin.elapsed().as_secs_f64())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        use nix::{sys::signal::Signal, unistd::Pid};
        // Fails only when all of them have ended already.
        if let Ok(group) = i32::try_from(self.child.id()) {
            let _ = nix::sys::signal::killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
        self.child.end();
    }
}

/// CPU seconds of `pid` by its clock, of what it has waited for, and of its living descendants.
fn family_cpu(pid: u32) -> Result<f64> {
    let mut sum = Meter::new(pid)?.cpu()?.as_secs_f64();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // After the name: state is field 3, cutime and cstime are 16 and 17, in hundredths of a second.
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_ascii_whitespace()
        .collect();
    sum += fields
        .iter()
        .skip(13)
        .take(2)
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let children = fs::read_to_string(task?.path().join("children")).unwrap_or_default();
        // A child may end meanwhile; its parent then counts it.
        sum += children
            .split_ascii_whitespace()
            .filter_map(|child| family_cpu(child.parse().ok()?).ok())
            .sum::<f64>();
    }
    Ok(sum)
}

fn find(names: &[&str]) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places =
        env::split_paths(&path).flat_map(|dir| names.iter().map(move |name| dir.join(name)));
    places
        .find(|place| place.is_file())
        .ok_or_else(|| format!("{} is not installed", names.join(", ")).into())
}

/// A port that was free a moment ago: these peers cannot be asked which one they took.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

fn connect(port: u16) -> Result<TcpStream> {
    let begin = Instant::now();
    loop {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            Ok(stream) => {
                stream.set_read_timeout(Some(SECOND * 5))?;
                return Ok(stream);
            }
            Err(error) if begin.elapsed() > SECOND * 10 => return Err(error.into()),
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// One request on a connection that is kept; the answer is read until `quiet_ms` bring nothing or
/// it is complete.
fn http_get(stream: &mut TcpStream, path: &str, quiet_ms: u64) -> Result<()> {
    stream.write_all(
        format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: identity\r\n\r\n")
            .as_bytes(),
    )?;
    let mut answer = Vec::new();
    let mut buffer = [0; 65_536];
    stream.set_read_timeout(Some(Duration::from_millis(quiet_ms)))?;
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Err("the peer closed the connection".into()),
            Ok(count) => answer.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(_) if answer.is_empty() => return Err("the peer did not answer".into()),
            Err(_) => break,
        }
        if complete(&answer) {
            break;
        }
    }
    if answer.starts_with(b"HTTP/1.1 200") {
        Ok(())
    } else {
        Err("the peer refused the request".into())
    }
}

/// Whether an answer has come whole, by its length or its last chunk.
fn complete(answer: &[u8]) -> bool {
    let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return false;
    };
    let text = String::from_utf8_lossy(answer.get(..head).unwrap_or_default()).to_ascii_lowercase();
    match text
        .split_once("content-length: ")
        .and_then(|(_, rest)| rest.lines().next()?.trim().parse::<usize>().ok())
    {
        Some(length) => answer.len() >= head + 4 + length,
        None => answer.ends_with(b"\r\n0\r\n\r\n"),
    }
}

/// Every plugin for one client, beside many processes: row 17.
pub fn large(options: &Options) -> Result<Vec<Row>> {
    let count = options.scale.processes[1];
    let _sleepers = Sleepers::start(count)?;
    let without = |fleet: &mut Fleet| {
        let (verb, names) = everything(fleet)?
            .split_once("::")
            .map(|(verb, names)| (verb.to_owned(), names.to_owned()))
            .unwrap_or_default();
        let names: Vec<&str> = names.split(',').filter(|name| *name != "top").collect();
        Ok(format!("{verb}::{}", names.join(",")))
    };
    let (mut bare, mut all) = (Vec::new(), Vec::new());
    for _ in 0..options.scale.pairs.min(3) {
        bare.push(viewer(options, Some(&without))? / 10.0);
        all.push(viewer(options, Some(&everything))? / 10.0);
    }
    let what = format!("every plugin at 1 s, {count} processes more, one client");
    Ok(vec![
        Row::absolute(
            17,
            format!("{what}, without top"),
            median(&bare),
            bound(1.3, 2.0, " %"),
        ),
        Row::absolute(
            17,
            format!("{what}, with top"),
            median(&all),
            bound(3.0, 5.0, " %"),
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_a_whole_answer() {
        for (answer, whole) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", false),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
                true,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
                false,
            ),
            ("HTTP/1.1 200 OK\r\n", false),
        ] {
            assert_eq!(complete(answer.as_bytes()), whole, "{answer:?}");
        }
    }
}
