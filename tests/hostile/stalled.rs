//! Peers that stop reading: what each costs, in the program and in the kernel, beside a client that
//! must not notice.

use std::{io::ErrorKind, net::TcpStream, time::Duration};

use rtstat_test_support::{Client, Rtstatd, Transport, eventually, websocket::masked};

use super::{
    tls::Pair,
    tls_client::{BOTH, TlsClient, connect},
    watcher::Watcher,
};

const WELCOME: &str = concat!("Welcome::Rt-Stat v.", env!("CARGO_PKG_VERSION"), "\n");

/// What one such peer may cost in KiB, session included.
const MOST_KIB: usize = 64;

const PEERS: usize = 24;

/// A peer over one of the four ways in.
enum Peer {
    Plain(Client),
    Tls(Box<TlsClient>),
}

impl Peer {
    fn connect(agent: &Rtstatd, scheme: &str) -> Self {
        let address = agent.listener(scheme);
        let mut peer = match scheme {
            "raw" | "ws" => Self::Plain(Client::connect(address)),
            _ => Self::Tls(Box::new(connect(address, BOTH))),
        };
        match &mut peer {
            Self::Plain(client) => greet(client, scheme == "ws"),
            Self::Tls(client) => greet(client, scheme == "wss"),
        }
        peer
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(client) => client.stream(),
            Self::Tls(client) => client.stream().tcp(),
        }
    }

    /// Sends as much of `bytes` as the server takes while nobody reads its answers.
    fn flood(&mut self, bytes: &[u8]) {
        self.tcp()
            .set_write_timeout(Some(Duration::from_millis(50)))
            .unwrap();
        let sent = match self {
            Self::Plain(client) => client.try_send(bytes),
            Self::Tls(client) => client.try_send(bytes),
        };
        if let Err(error) = sent {
            assert!(
                matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
                "{error}"
            );
        }
    }
}

fn greet<S: Transport>(client: &mut Client<S>, websocket: bool) {
    if websocket {
        client.ask_upgrade("/", "Host: localhost\r\n");
        assert!(client.head().starts_with("HTTP/1.1 101 "));
        assert_eq!(client.text(), WELCOME);
    } else {
        assert_eq!(client.line(), WELCOME);
    }
}

/// What waits in the kernel at the server's end of each connection to `port`: bytes to send and
/// bytes received.
fn queues(agent: &Rtstatd, port: u16) -> Vec<(usize, usize)> {
    let table = std::fs::read_to_string(format!("/proc/{}/net/tcp", agent.pid())).unwrap();
    let own = format!(":{port:04X}");
    let bytes = |hexadecimal| usize::from_str_radix(hexadecimal, 16).unwrap();
    let connections = table.lines().filter_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        fields.next().filter(|local| local.ends_with(&own))?;
        let (state, queued) = (fields.nth(1)?, fields.next()?);
        let (sent, received) = queued.split_once(':')?;
        // Established, and not the listener.
        (state == "01").then(|| (bytes(sent), bytes(received)))
    });
    connections.collect()
}

fn costs(scheme: &str) {
    let pair = Pair::new();
    let agent = pair.agent(&[scheme, "raw"], &["--max-clients", "0"]);
    let watcher = Watcher::start(agent.listener("raw"));
    let websocket = scheme.starts_with("ws");
    let message = |text: &str| {
        if websocket {
            masked(0x81, text.as_bytes())
        } else {
            format!("{text}\n").into_bytes()
        }
    };
    // What the first of a kind needs is not the cost of each.
    drop(Peer::connect(&agent, scheme));
    let before = agent.resident_kib();
    let mut peers: Vec<Peer> = (0..PEERS).map(|_| Peer::connect(&agent, scheme)).collect();
    let bytes = [
        message("interval::0.5"),
        message("start"),
        message("info").repeat(5_000),
    ]
    .concat();
    for peer in &mut peers {
        peer.flood(&bytes);
    }
    let port = agent.listener(scheme).port();
    eventually("the peers to be held back", || {
        let held_back = queues(&agent, port)
            .iter()
            .filter(|(sent, received)| *sent > 0 && *received > 0)
            .count();
        (held_back == PEERS).then_some(())
    });
    for _ in 0..3 {
        watcher.next();
    }
    let each = agent.resident_kib().saturating_sub(before) / PEERS;
    let kernel = queues(&agent, port)
        .iter()
        .map(|(sent, received)| sent + received)
        .max()
        .unwrap()
        .div_ceil(1024);
    println!("{scheme}: {each} KiB in the program and up to {kernel} KiB in the kernel for each");
    assert!(each + kernel <= MOST_KIB, "{scheme}: {each} + {kernel} KiB");
    watcher.finish();
    drop(peers);
    eventually("the sessions' end", || {
        agent.log().contains("closed").then_some(())
    });
}

#[test]
fn over_the_raw_transport() {
    costs("raw");
}

#[test]
fn over_websocket() {
    costs("ws");
}

#[test]
fn over_the_raw_transport_and_tls() {
    costs("raws");
}

#[test]
fn over_websocket_and_tls() {
    costs("wss");
}
