//! The floor: the least that a broadcaster of the same frames to the same clients can cost.
//!
//! One thread, one epoll set, one sample and one encoded frame per 50 ms slot, one `send` per
//! client. It understands just enough WebSocket and just enough of the protocol (`interval`,
//! `start`, `stop`; whatever else comes is taken silently) for the load generator to treat it like
//! rtstatd. It reads the files that rtstatd reads for `plugins::cpu_stat,meminfo,uptime`, and its
//! frames have the same shape and size. No limits, no checks, no answers: whatever rtstatd costs
//! above this is the price of being a server that can be trusted.

mod peers;
mod sample;
mod websocket;

use std::{
    env,
    error::Error,
    io::{self, ErrorKind, Write},
    net::TcpListener,
    os::{
        fd::AsRawFd,
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    },
    path::Path,
};

use nix::sys::{
    epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout},
    socket::{Backlog, listen},
};

use peers::Peers;
use sample::Sampler;

/// Event number of the listener; peers use their descriptors.
const LISTENER: u64 = u64::MAX;
/// Connections taken per wake-up, so that a burst cannot hold up the slot.
const ACCEPTS: usize = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let mut sampler = Sampler::open()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    listen(&listener, Backlog::new(4096)?)?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(&listener, EpollEvent::new(EpollFlags::EPOLLIN, LISTENER))?;
    writeln!(io::stdout(), "listening on ws://{}", listener.local_addr()?)?;
    notify_ready()?;

    let mut peers = Peers::new();
    let mut events = [EpollEvent::empty(); 256];
    loop {
        let timeout = peers
            .until_due()
            .map_or(Ok(EpollTimeout::NONE), EpollTimeout::try_from)?;
        let ready = match epoll.wait(&mut events, timeout) {
            Ok(count) => events.get(..count).unwrap_or_default(),
            Err(nix::errno::Errno::EINTR) => continue,
            Err(error) => return Err(error.into()),
        };
        for event in ready {
            if event.data() == LISTENER {
                accept(&listener, &epoll, &mut peers)?;
            } else {
                peers.read(usize::try_from(event.data())?);
            }
        }
        peers.send_due(&mut sampler);
    }
}

fn accept(listener: &TcpListener, epoll: &Epoll, peers: &mut Peers) -> Result<(), Box<dyn Error>> {
    for _ in 0..ACCEPTS {
        match listener.accept() {
            Ok((stream, _)) => {
                let event =
                    EpollEvent::new(EpollFlags::EPOLLIN, u64::try_from(stream.as_raw_fd())?);
                epoll.add(&stream, event)?;
                peers.insert(stream)?;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Says `READY=1` as a service does, so that start-up is timed alike.
fn notify_ready() -> io::Result<()> {
    let Some(path) = env::var_os("NOTIFY_SOCKET") else {
        return Ok(());
    };
    let address = match path.as_encoded_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(Path::new(&path))?,
    };
    UnixDatagram::unbound()?
        .send_to_addr(b"READY=1\n", &address)
        .map(drop)
}
