//! Which units of the service manager have failed (org.freedesktop.systemd1(5)). It tells that
//! nowhere but on the bus.

use std::{
    io::{self, ErrorKind, Read, Result as IoResult, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::{
    sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket},
    unistd::geteuid,
};

use crate::drivers::{
    DriverError, Root,
    linux::dbus::{Call, Incoming, Invalid, PREFIX_BYTES, decode, length},
};

/// More names are counted and left out.
const MOST_NAMES: usize = 100;

/// Other messages may come first (our own name, signals); beyond these something is wrong.
const MOST_MESSAGES: usize = 16;

const HELLO: Call<'_> = Call {
    destination: "org.freedesktop.DBus",
    path: "/org/freedesktop/DBus",
    interface: "org.freedesktop.DBus",
    member: "Hello",
    words: None,
};

const LIST: Call<'_> = Call {
    destination: "org.freedesktop.systemd1",
    path: "/org/freedesktop/systemd1",
    interface: "org.freedesktop.systemd1.Manager",
    member: "ListUnitsFiltered",
    words: Some(&["failed"]),
};

/// The failed units.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failed {
    /// Their names, of so many at most as a message should hold.
    pub names: Vec<String>,
    /// How many are not among the names.
    pub more: usize,
}

/// The system bus of this machine.
#[derive(Debug, Clone)]
pub struct Bus {
    socket: PathBuf,
    manager: PathBuf,
}

impl Bus {
    /// Below `root`; nothing is opened yet.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        Self {
            socket: root.path("run/dbus/system_bus_socket"),
            manager: root.path("run/systemd/system"),
        }
    }

    /// Whether the machine was started by the service manager whose units these are.
    #[must_use]
    pub fn has_manager(&self) -> bool {
        self.manager.is_dir()
    }

    /// Asks for the names of the failed units, and is back by the deadline.
    ///
    /// # Errors
    /// When there is no service manager, the bus does not let us, or does not answer in time.
    pub fn failed_units(&self, deadline: Duration) -> Result<Failed, DriverError> {
        if !self.has_manager() {
            return Err(DriverError::Missing(self.manager.display().to_string()));
        }
        let mut conversation = Conversation::begin(&self.socket, Instant::now() + deadline)
            .map_err(|error| DriverError::io(&self.socket, &error))?;
        conversation
            .ask()
            .map_err(|error| DriverError::io(&self.socket, &error))
    }
}

struct Conversation {
    stream: UnixStream,
    until: Instant,
}

impl Conversation {
    /// Connecting to a listener whose queue is full would wait for ever, so it is tried without
    /// waiting.
    fn begin(path: &Path, until: Instant) -> IoResult<Self> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
        connect(
            std::os::fd::AsRawFd::as_raw_fd(&socket),
            &UnixAddr::new(path)?,
        )?;
        let stream = UnixStream::from(socket);
        stream.set_nonblocking(false)?;
        Ok(Self { stream, until })
    }

    fn ask(&mut self) -> IoResult<Failed> {
        // The user's number in decimal, and that in hexadecimal.
        let user: String = geteuid()
            .to_string()
            .bytes()
            .map(|digit| format!("{digit:02x}"))
            .collect();
        self.send(format!("\0AUTH EXTERNAL {user}\r\n").as_bytes())?;
        if !self.line()?.starts_with(b"OK ") {
            return Err(ErrorKind::PermissionDenied.into());
        }
        self.send(b"BEGIN\r\n")?;
        self.send(&HELLO.encode(1))?;
        self.send(&LIST.encode(2))?;
        for _ in 0..MOST_MESSAGES {
            let message = self.message()?;
            match decode(&message).map_err(invalid)? {
                Incoming::Return(2, mut body) => return names(&mut body).map_err(invalid),
                Incoming::Error(_) => return Err(ErrorKind::PermissionDenied.into()),
                Incoming::Return(..) | Incoming::Other => {}
            }
        }
        Err(invalid(Invalid))
    }

    fn left(&self) -> IoResult<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            Err(ErrorKind::TimedOut.into())
        } else {
            Ok(left)
        }
    }

    fn send(&mut self, bytes: &[u8]) -> IoResult<()> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write_all(bytes).map_err(timed_out)
    }

    fn fill(&mut self, mut bytes: &mut [u8]) -> IoResult<()> {
        while !bytes.is_empty() {
            self.stream.set_read_timeout(Some(self.left()?))?;
            let count = self.stream.read(bytes).map_err(timed_out)?;
            if count == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            bytes = bytes.get_mut(count..).unwrap_or_default();
        }
        Ok(())
    }

    fn line(&mut self) -> IoResult<Vec<u8>> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            let mut byte = [0];
            self.fill(&mut byte)?;
            line.extend(byte);
            if line.len() > 512 {
                return Err(invalid(Invalid));
            }
        }
        Ok(line)
    }

    fn message(&mut self) -> IoResult<Vec<u8>> {
        let mut prefix = [0; PREFIX_BYTES];
        self.fill(&mut prefix)?;
        let mut message = prefix.to_vec();
        message.resize(length(&prefix).map_err(invalid)?, 0);
        self.fill(message.get_mut(PREFIX_BYTES..).unwrap_or_default())?;
        Ok(message)
    }
}

/// A socket says "try again" where its time is over.
fn timed_out(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::WouldBlock {
        ErrorKind::TimedOut.into()
    } else {
        error
    }
}

fn invalid(_: Invalid) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "not a message of D-Bus")
}

/// The first of the ten values of each unit, from the body of the answer: `a(ssssssouso)`.
///
/// # Errors
/// When the body ends before its units do.
pub fn names(body: &mut super::dbus::Cursor<'_>) -> Result<Failed, Invalid> {
    let length = body.u32()? as usize;
    body.align(8)?;
    let end = body.position().saturating_add(length);
    let mut failed = Failed::default();
    while body.position() < end {
        body.align(8)?;
        let name = body.string()?;
        if failed.names.len() < MOST_NAMES {
            failed.names.push(name.to_string());
        } else {
            failed.more += 1;
        }
        for _ in 0..6 {
            body.string()?;
        }
        body.u32()?;
        body.string()?;
        body.string()?;
    }
    Ok(failed)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::net::UnixListener, thread};

    use super::*;

    /// A return to the call 2 with the units `names`.
    fn answer(names: &[&str]) -> Vec<u8> {
        let mut units = Vec::new();
        let string = |units: &mut Vec<u8>, text: &str| {
            units.resize(units.len().next_multiple_of(4), 0);
            units.extend((text.len() as u32).to_le_bytes());
            units.extend(text.bytes().chain([0]));
        };
        for name in names {
            units.resize(units.len().next_multiple_of(8), 0);
            for text in [
                name,
                "What it is",
                "loaded",
                "failed",
                "failed",
                "",
                "/unit",
            ] {
                string(&mut units, text);
            }
            units.resize(units.len().next_multiple_of(4), 0);
            units.extend([0; 4]);
            string(&mut units, "");
            string(&mut units, "/");
        }
        let mut message = b"l\x02\x01\x01".to_vec();
        message.extend((units.len() as u32 + 8).to_le_bytes());
        message.extend(b"\x09\0\0\0\x08\0\0\0\x05\x01u\0\x02\0\0\0");
        message.extend((units.len() as u32).to_le_bytes());
        message.extend([0; 4]);
        message.extend(units);
        message
    }

    /// A bus that says `greeting` to the authentication, reads both calls, and says `reply`.
    fn bus(
        greeting: &'static [u8],
        reply: Vec<u8>,
    ) -> (tempfile::TempDir, Bus, thread::JoinHandle<()>) {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("run/systemd/system")).unwrap();
        fs::create_dir_all(dir.path().join("run/dbus")).unwrap();
        let listener = UnixListener::bind(dir.path().join("run/dbus/system_bus_socket")).unwrap();
        let served = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut said = vec![0; 256];
            let length = stream.read(&mut said).unwrap();
            let user: String = geteuid()
                .to_string()
                .chars()
                .map(|digit| format!("3{digit}"))
                .collect();
            assert_eq!(
                said[..length],
                *format!("\0AUTH EXTERNAL {user}\r\n").as_bytes()
            );
            stream.write_all(greeting).unwrap();
            if greeting.starts_with(b"OK") {
                let mut calls =
                    vec![0; b"BEGIN\r\n".len() + HELLO.encode(1).len() + LIST.encode(2).len()];
                stream.read_exact(&mut calls).unwrap();
                assert_eq!(
                    calls,
                    [b"BEGIN\r\n".to_vec(), HELLO.encode(1), LIST.encode(2)].concat()
                );
                stream.write_all(&reply).unwrap();
            }
            // Hangs until the other side leaves.
            let _ = stream.read(&mut said);
        });
        let bus = Bus::new(&Root::at(dir.path()));
        (dir, bus, served)
    }

    const OK: &[u8] = b"OK 0123456789abcdef\r\n";
    const LONG: Duration = Duration::from_secs(10);

    #[test]
    fn the_names_of_failed_units_are_read() {
        let hello =
            b"l\x02\x01\x01\x08\0\0\0\x01\0\0\0\x08\0\0\0\x05\x01u\0\x01\0\0\0\x03\0\0\0:1.\0";
        let many = ["c.service"; MOST_NAMES + 7];
        for (names, more) in [(&["a.service", "b@x.mount"][..], 0), (&[], 0), (&many, 7)] {
            let (_dir, bus, served) = bus(OK, [&hello[..], &answer(names)].concat());
            let shown = names.iter().take(MOST_NAMES);
            let names = shown.map(ToString::to_string).collect();
            assert_eq!(bus.failed_units(LONG), Ok(Failed { names, more }));
            served.join().unwrap();
        }
    }

    #[test]
    fn refusals_garbage_and_the_end_are_errors() {
        let refusal = b"l\x03\x01\x01\0\0\0\0\x09\0\0\0\x08\0\0\0\x05\x01u\0\x02\0\0\0".to_vec();
        let mut cut = answer(&["a.service"]);
        cut[36..40].copy_from_slice(&u32::MAX.to_le_bytes());
        for (greeting, reply) in [
            (OK, refusal),
            (OK, b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
            (OK, cut),
            (&b"REJECTED EXTERNAL\r\n"[..], Vec::new()),
        ] {
            let (_dir, bus, served) = bus(greeting, reply);
            assert!(matches!(
                bus.failed_units(LONG),
                Err(DriverError::Io { .. })
            ));
            served.join().unwrap();
        }
    }

    #[test]
    fn a_bus_that_hangs_is_left_at_the_deadline() {
        for (greeting, reply) in [
            (&b""[..], Vec::new()),
            (OK, Vec::new()),
            (OK, answer(&["a"])[..30].to_vec()),
        ] {
            let (_dir, bus, served) = bus(greeting, reply);
            assert!(bus.failed_units(Duration::from_millis(50)).is_err());
            // On a busy machine we have left before the bus has said anything, which it minds.
            let _ = served.join();
        }
    }

    #[test]
    fn a_listener_with_a_full_queue_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bus");
        let _listener = UnixListener::bind(&path).unwrap();
        let flags = SockFlag::SOCK_NONBLOCK;
        let mut waiting = Vec::new();
        loop {
            let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None).unwrap();
            if connect(
                std::os::fd::AsRawFd::as_raw_fd(&socket),
                &UnixAddr::new(&path).unwrap(),
            )
            .is_err()
            {
                break;
            }
            waiting.push(socket);
            assert!(waiting.len() < 10_000, "the queue is never full");
        }
        assert!(Conversation::begin(&path, Instant::now() + LONG).is_err());
    }

    #[test]
    fn no_manager_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let asked = Bus::new(&Root::at(dir.path())).failed_units(LONG);
        assert!(matches!(asked, Err(DriverError::Missing(_))), "{asked:?}");
    }
}
