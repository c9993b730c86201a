//! The load generator: many WebSocket clients in one thread, on one edge-triggered epoll set.
//!
//! One `recv` per wake-up of a client, no allocation per push, no lock: what it costs falls on the
//! kernel, not on the figures of the server, which are read from the server's own CPU clock.

use std::{
    net::{Ipv4Addr, SocketAddrV4, TcpStream},
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    sys::{
        epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout},
        resource::{Resource, getrlimit, setrlimit},
        socket::{
            AddressFamily, MsgFlags, SockFlag, SockType, SockaddrIn, connect, recv, send,
            setsockopt, socket, sockopt,
        },
    },
};

use crate::{Result, frame, stats};

/// Connections that may wait for their greeting at once, well below any backlog.
const IN_FLIGHT: usize = 1024;
/// How long a greeting may take before the bench gives up.
const GREETING: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Connecting,
    Upgrading,
    Open,
    Lost,
}

#[derive(Debug)]
struct Client {
    stream: TcpStream,
    state: State,
    /// When it began to connect.
    begun: Instant,
    /// Between its pushes.
    interval: Duration,
    /// When its first push came.
    first: Option<Instant>,
    pushes: u32,
    /// The start of a frame that has not come whole.
    carry: Vec<u8>,
}

/// When the clients of a fleet start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phases {
    /// As close together as one thread can send.
    Together,
    /// Evenly over one interval.
    Spread,
}

/// What a fleet has seen since it started.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Arrivals {
    /// Pushes of all clients.
    pub pushes: u64,
    /// Bytes of the last push, without its frame.
    pub push_bytes: usize,
    /// Milliseconds from `first + n * interval` to the arrival of push n, all clients.
    pub lateness_ms: Vec<f64>,
    /// Pushes which should have come and did not.
    pub missed: u64,
    /// Fewest and most pushes of one client.
    pub spread: (u32, u32),
    /// Clients whose connection ended.
    pub lost: usize,
}

/// Clients of one server.
pub struct Fleet {
    epoll: Epoll,
    port: u16,
    clients: Vec<Client>,
    buffer: Vec<u8>,
    open: usize,
    pushes: u64,
    push_bytes: usize,
    lateness_ms: Vec<f64>,
    /// Milliseconds from connect to greeting, of each client that got one.
    pub connect_ms: Vec<f64>,
    /// The first `Error::` that a server answered.
    refusal: Option<String>,
    last_text: Vec<u8>,
}

impl Fleet {
    /// A fleet without clients, for the server at 127.0.0.1:`port`.
    ///
    /// # Errors
    /// When the system gives no epoll set.
    pub fn new(port: u16) -> Result<Self> {
        Ok(Self {
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            port,
            clients: Vec::new(),
            buffer: vec![0; 256 * 1024],
            open: 0,
            pushes: 0,
            push_bytes: 0,
            lateness_ms: Vec::new(),
            connect_ms: Vec::new(),
            refusal: None,
            last_text: Vec::new(),
        })
    }

    /// Connects `count` more clients, `rate` a second, and waits for all their greetings.
    ///
    /// # Errors
    /// When one is refused, lost, or not greeted in time.
    pub fn connect(&mut self, count: usize, rate: f64) -> Result<()> {
        let begin = Instant::now();
        let before = self.clients.len();
        while self.open < before + count {
            let due = (begin.elapsed().as_secs_f64() * rate) as usize + 1;
            while self.clients.len() < before + due.min(count)
                && self.clients.len() - self.open < IN_FLIGHT
            {
                self.begin_client(None)?;
            }
            self.pump(Duration::from_millis(1))?;
            self.check()?;
            let limit = GREETING.as_secs_f64() + count as f64 / rate;
            if begin.elapsed().as_secs_f64() > limit {
                return Err(format!(
                    "{} of {count} clients got no greeting",
                    before + count - self.open
                )
                .into());
            }
        }
        Ok(())
    }

    /// A client that will stop reading once told: its receive buffer is as small as the kernel
    /// allows.
    ///
    /// # Errors
    /// When it cannot connect.
    pub fn begin_client(&mut self, receive_buffer: Option<usize>) -> Result<()> {
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let descriptor = socket(AddressFamily::Inet, SockType::Stream, flags, None)?;
        if let Some(bytes) = receive_buffer {
            setsockopt(&descriptor, sockopt::RcvBuf, &bytes)?;
        }
        let address = SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.port));
        match connect(descriptor.as_raw_fd(), &address) {
            Ok(()) | Err(Errno::EINPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = EpollFlags::EPOLLIN
            | EpollFlags::EPOLLOUT
            | EpollFlags::EPOLLRDHUP
            | EpollFlags::EPOLLET;
        self.epoll.add(
            &descriptor,
            EpollEvent::new(flags, u64::try_from(self.clients.len())?),
        )?;
        self.clients.push(Client {
            stream: descriptor.into(),
            state: State::Connecting,
            begun: Instant::now(),
            interval: Duration::ZERO,
            first: None,
            pushes: 0,
            carry: Vec::new(),
        });
        Ok(())
    }

    /// Sends `commands` to all clients, each a text frame.
    ///
    /// # Errors
    /// When a client cannot take them.
    pub fn command(&mut self, commands: &[&str]) -> Result<()> {
        let bytes = texts(commands);
        for index in 0..self.clients.len() {
            self.send_in_turn(index, &bytes)?;
        }
        self.check()
    }

    /// Sends, and now and then reads what has come meanwhile.
    fn send_in_turn(&mut self, index: usize, bytes: &[u8]) -> Result<()> {
        self.send(index, bytes)?;
        if index % 64 == 63 {
            self.pump(Duration::ZERO)
        } else {
            Ok(())
        }
    }

    /// Sends `interval::` and `start` to all clients.
    ///
    /// # Errors
    /// When a client cannot take it, or was refused.
    pub fn start(&mut self, interval: Duration, phases: Phases) -> Result<()> {
        self.start_each(&[interval], phases)
    }

    /// The same with several intervals, dealt out in turns; [`Phases::Spread`] spreads over the
    /// first of them.
    ///
    /// # Errors
    /// When a client cannot take it, or was refused.
    pub fn start_each(&mut self, intervals: &[Duration], phases: Phases) -> Result<()> {
        for (client, interval) in self.clients.iter_mut().zip(intervals.iter().cycle()) {
            client.interval = *interval;
        }
        let commands: Vec<_> = intervals
            .iter()
            .map(|interval| texts(&[&format!("interval::{}", interval.as_secs_f64())]))
            .collect();
        for (index, command) in (0..self.clients.len()).zip(commands.iter().cycle()) {
            self.send_in_turn(index, command)?;
        }
        self.pump(Duration::from_millis(200))?;
        let interval = intervals.first().copied().unwrap_or_default();
        let start = texts(&["start"]);
        let begin = Instant::now();
        for index in 0..self.clients.len() {
            if phases == Phases::Spread {
                let due = begin + interval.mul_f64(index as f64 / self.clients.len() as f64);
                while Instant::now() < due {
                    self.pump(due.saturating_duration_since(Instant::now()))?;
                }
            }
            self.send(index, &start)?;
        }
        self.pump(Duration::ZERO)?;
        self.check()
    }

    fn send(&mut self, index: usize, bytes: &[u8]) -> Result<()> {
        let Some(client) = self.clients.get(index) else {
            return Ok(());
        };
        let sent = send(
            client.stream.as_raw_fd(),
            bytes,
            MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL,
        )?;
        if sent == bytes.len() {
            Ok(())
        } else {
            Err("a client's socket is full".into())
        }
    }

    /// Reads what comes for as long as `time`; zero takes what is there.
    ///
    /// # Errors
    /// When the epoll set fails.
    pub fn pump(&mut self, time: Duration) -> Result<()> {
        let until = Instant::now() + time;
        let mut events = [EpollEvent::empty(); 1024];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let wait = u16::try_from(left.as_micros().div_ceil(1000)).unwrap_or(u16::MAX);
            let count = match self.epoll.wait(&mut events, EpollTimeout::from(wait)) {
                Ok(count) => count,
                Err(Errno::EINTR) => 0,
                Err(error) => return Err(error.into()),
            };
            for event in events.iter().take(count) {
                self.handle(usize::try_from(event.data())?, event.events())?;
            }
            if Instant::now() >= until {
                return Ok(());
            }
        }
    }

    fn handle(&mut self, index: usize, flags: EpollFlags) -> Result<()> {
        let Some(client) = self.clients.get_mut(index) else {
            return Ok(());
        };
        if client.state == State::Connecting && flags.contains(EpollFlags::EPOLLOUT) {
            client.state = State::Upgrading;
            self.send(index, &frame::request(self.port))?;
        }
        if flags.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR) {
            self.read(index)?;
        }
        Ok(())
    }

    fn read(&mut self, index: usize) -> Result<()> {
        let Some(client) = self.clients.get_mut(index) else {
            return Ok(());
        };
        if client.state == State::Lost {
            return Ok(());
        }
        loop {
            let count = match recv(
                client.stream.as_raw_fd(),
                &mut self.buffer,
                MsgFlags::MSG_DONTWAIT,
            ) {
                Ok(0) | Err(Errno::ECONNRESET | Errno::EPIPE) => {
                    client.state = State::Lost;
                    return Ok(());
                }
                Ok(count) => count,
                Err(Errno::EAGAIN | Errno::EINTR) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let now = Instant::now();
            let got = self.buffer.get(..count).unwrap_or_default();
            let joined = if client.carry.is_empty() {
                None
            } else {
                client.carry.extend_from_slice(got);
                Some(std::mem::take(&mut client.carry))
            };
            let mut rest = joined.as_deref().unwrap_or(got);
            if client.state == State::Upgrading {
                let Some(head) = rest.windows(4).position(|window| window == b"\r\n\r\n") else {
                    client.carry = rest.to_vec();
                    continue;
                };
                if !rest.starts_with(b"HTTP/1.1 101") {
                    let line = rest.split(|byte| *byte == b'\r').next().unwrap_or_default();
                    self.refusal
                        .get_or_insert_with(|| String::from_utf8_lossy(line).into_owned());
                    client.state = State::Lost;
                    return Ok(());
                }
                client.state = State::Open;
                rest = rest.get(head + 4..).unwrap_or_default();
            }
            while let Some((opcode, payload)) = frame::take(&mut rest) {
                match opcode {
                    1 if payload.starts_with(b"Push::") => {
                        let first = *client.first.get_or_insert(now);
                        let due = client.interval.as_secs_f64() * f64::from(client.pushes);
                        let late = now.duration_since(first).as_secs_f64() - due;
                        self.lateness_ms.push(late * 1e3);
                        client.pushes += 1;
                        self.pushes += 1;
                        self.push_bytes = payload.len();
                    }
                    1 if payload.starts_with(b"Welcome::") => {
                        self.open += 1;
                        self.connect_ms
                            .push(now.duration_since(client.begun).as_secs_f64() * 1e3);
                    }
                    1 if payload.starts_with(b"Error::") => {
                        self.refusal.get_or_insert_with(|| {
                            String::from_utf8_lossy(payload).trim_end().to_owned()
                        });
                    }
                    1 => {
                        self.last_text.clear();
                        self.last_text.extend_from_slice(payload);
                    }
                    9 => {
                        let mut pong = Vec::new();
                        frame::write(10, payload, &mut pong);
                        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
                        // A pong that does not fit is like one that was never sent; a dead peer
                        // shows as an end.
                        let _ = send(client.stream.as_raw_fd(), &pong, flags);
                    }
                    _ => {}
                }
            }
            if !rest.is_empty() {
                client.carry = rest.to_vec();
            }
            if count < self.buffer.len() {
                return Ok(());
            }
        }
    }

    fn check(&self) -> Result<()> {
        match (&self.refusal, self.lost()) {
            (Some(refusal), _) => Err(format!("the server answered {refusal:?}").into()),
            (None, 0) => Ok(()),
            (None, lost) => Err(format!("{lost} connections ended").into()),
        }
    }

    fn lost(&self) -> usize {
        self.clients
            .iter()
            .filter(|client| client.state == State::Lost)
            .count()
    }

    /// The last answer that is neither push, greeting nor error.
    #[must_use]
    pub fn answer(&self) -> String {
        String::from_utf8_lossy(&self.last_text).into_owned()
    }

    /// How many pushes have come so far.
    #[must_use]
    pub fn pushes(&self) -> u64 {
        self.pushes
    }

    /// Lets the last `count` clients neither read nor be woken from now on.
    ///
    /// # Errors
    /// When the epoll set fails.
    pub fn stall_last(&mut self, count: usize) -> Result<()> {
        let from = self.clients.len().saturating_sub(count);
        for client in self.clients.get(from..).unwrap_or_default() {
            self.epoll
                .delete(BorrowedFd::as_fd(&client.stream.as_fd()))?;
        }
        Ok(())
    }

    /// What the first `count` clients have seen until now.
    #[must_use]
    pub fn arrivals(&self, count: usize) -> Arrivals {
        let clients = self.clients.get(..count).unwrap_or(&self.clients);
        let now = Instant::now();
        let missed = clients.iter().map(|client| {
            // A push less than half an interval behind is late, not missed.
            let interval = client.interval.as_secs_f64();
            let expected = client.first.map_or(1.0, |first| {
                ((now.duration_since(first).as_secs_f64() / interval - 0.5).floor() + 1.0).max(1.0)
            });
            (expected as u64).saturating_sub(client.pushes.into())
        });
        Arrivals {
            pushes: clients.iter().map(|client| u64::from(client.pushes)).sum(),
            push_bytes: self.push_bytes,
            missed: missed.sum(),
            spread: (
                clients
                    .iter()
                    .map(|client| client.pushes)
                    .min()
                    .unwrap_or_default(),
                clients
                    .iter()
                    .map(|client| client.pushes)
                    .max()
                    .unwrap_or_default(),
            ),
            lost: clients
                .iter()
                .filter(|client| client.state == State::Lost)
                .count(),
            lateness_ms: self.lateness_ms.clone(),
        }
    }
}

impl Arrivals {
    /// The lateness that `part` of the pushes do not exceed.
    #[must_use]
    pub fn lateness(&self, part: f64) -> f64 {
        stats::percentile(&self.lateness_ms, part)
    }
}

/// `commands` as frames.
fn texts(commands: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for command in commands {
        frame::write(1, command.as_bytes(), &mut bytes);
    }
    bytes
}

/// Allows this process and the servers that it starts the descriptors for `clients`, with some to
/// spare.
///
/// # Errors
/// When the hard limit is lower and may not be raised.
pub fn allow_descriptors(clients: usize) -> Result<()> {
    let need = u64::try_from(clients)? + 512;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < need {
        setrlimit(Resource::RLIMIT_NOFILE, need, hard.max(need)).map_err(|error| {
            format!("{clients} clients need {need} descriptors (ulimit -n), the hard limit is {hard}: {error}")
        })?;
    }
    Ok(())
}
