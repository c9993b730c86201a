//! What a connection passes before it is served: the limit of its address, its proxy's word, its
//! TLS handshake, and the gate for web pages.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    fmt::Display,
    future::Future,
    io,
    net::IpAddr,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::rt;
use rustls::ServerConfig;
use tokio::{task::AbortHandle, time::timeout};
use tracing::{info, warn};

use crate::{
    config::{Config, Transport, Trusted},
    http::static_files::page,
    net::{
        forwarded_for,
        origin_policy::OriginPolicy,
        peer::{Origin, Peer},
        proxy_protocol,
        stream::Stream,
    },
    protocol::{CloseReason, ErrorText},
    system::{
        fair_share::TimeBudget,
        rate_limit::{RateLimiter, held_back},
    },
};

/// A proxy's header and a TLS handshake have to be complete within this time.
const DEADLINE: Duration = Duration::from_secs(10);

/// A client of the raw transport waits for its greeting, so a proxy's header that has not come by
/// now will not come.
const RAW_DEADLINE: Duration = Duration::from_millis(250);

/// Connections in their handshakes at a time; beyond these the oldest is closed.
const MAX_UNFINISHED: usize = 256;

/// A connection that is turned away may take this long to read why.
pub const FAREWELL: Duration = Duration::from_secs(1);

/// Connections that are told why they are turned away, at a time; more are closed without a word.
const MAX_FAREWELLS: usize = 64;

/// What an operator sets about connections and may change by a reload.
#[derive(Default)]
pub struct Rules {
    /// Which pages may connect.
    pub origin_policy: OriginPolicy,
    /// Proxies that are believed.
    pub trusted: Vec<Trusted>,
    /// Connections that one address may hold; none is no limit.
    pub max_per_address: Option<usize>,
    /// For listeners that speak TLS.
    pub tls: Option<Arc<ServerConfig>>,
}

impl Rules {
    /// The rules of a configuration.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            origin_policy: OriginPolicy {
                allow_origin: config.allow_origin.clone(),
                allow_host: config.allow_host.clone(),
                token_needed: !config.tokens.is_empty(),
            },
            trusted: config.trust_proxy.clone(),
            max_per_address: config
                .max_per_address
                .and_then(|limit| limit.get().try_into().ok()),
            tls: config.tls.as_ref().map(|tls| Arc::clone(&tls.server)),
        }
    }

    fn trusts_address(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|trusted| trusted.contains(address))
    }

    /// Whether this peer is a proxy that is believed, or was forwarded by one from another such.
    #[must_use]
    pub fn trusts(&self, peer: &Peer) -> bool {
        match (peer.forwarded, peer.origin) {
            (Some(address), _) => self.trusts_address(address),
            (None, Origin::Tcp(address)) => self.trusts_address(address.ip()),
            (None, Origin::Unix(_)) => self.trusted.contains(&Trusted::Unix),
        }
    }

    /// Takes a trusted proxy's `X-Forwarded-For` lines into `peer`; anybody else's are not looked
    /// at.
    pub fn forward<'a>(&self, peer: &mut Peer, lines: impl DoubleEndedIterator<Item = &'a str>) {
        if self.trusts(peer)
            && let Some(client) =
                forwarded_for::client(lines, |address| self.trusts_address(address))
        {
            peer.forwarded = Some(client);
        }
    }
}

/// Whether a connection comes in.
pub enum Entry {
    /// It may be served.
    Open(Stream),
    /// Its address holds as many connections as it may.
    Crowded(Stream),
}

/// The way in of a server's connections.
#[derive(Default)]
pub struct ConnectionFilter {
    /// The time that connections have.
    pub turn: Rc<TimeBudget>,
    rules: RefCell<Rc<Rules>>,
    /// Connections in their handshakes, oldest first.
    unfinished: RefCell<VecDeque<(u64, AbortHandle)>>,
    numbers: Cell<u64>,
    farewells: Cell<usize>,
    refused: RefCell<Option<RateLimiter>>,
}

impl ConnectionFilter {
    /// An entrance with these rules.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            rules: RefCell::new(Rc::new(rules)),
            ..Self::default()
        }
    }

    /// The rules as they are now.
    #[must_use]
    pub fn rules(&self) -> Rc<Rules> {
        Rc::clone(&self.rules.borrow())
    }

    /// Holds newer connections to other rules.
    pub fn set_rules(&self, rules: Rules) {
        self.rules.replace(Rc::new(rules));
    }

    /// Leads a new connection in and has it served by `serve`: at once where nothing has to be read
    /// from it first.
    pub fn lead<F, S>(
        self: &Rc<Self>,
        mut stream: Stream,
        transport: Transport,
        tls: bool,
        serve: S,
    ) where
        F: Future<Output = ()> + Unpin + 'static,
        S: FnOnce(Stream) -> F + 'static,
    {
        let rules = self.rules();
        let trusted = rules.trusts(&stream.peer);
        if !trusted
            && !stream
                .present
                .count_by(stream.peer.source(), rules.max_per_address)
        {
            return self.reject(stream, transport, tls);
        }
        if !trusted && !tls {
            return drop(self.turn.spawn(serve(stream)));
        }
        let filter = Rc::clone(self);
        let number = self.numbers.get() + 1;
        self.numbers.set(number);
        let task = self.turn.spawn(Box::pin(async move {
            let peer = stream.peer;
            let entry = filter.handshake(stream, trusted, transport, tls).await;
            filter
                .unfinished
                .borrow_mut()
                .retain(|(other, _)| *other != number);
            match entry {
                Ok(Entry::Open(stream)) => drop(filter.turn.spawn(serve(stream))),
                Ok(Entry::Crowded(stream)) => filter.reject(stream, transport, tls),
                Err(error) => filter.refuse(&peer, &error),
            }
        }));
        let mut unfinished = self.unfinished.borrow_mut();
        unfinished.push_back((number, task.abort_handle()));
        if unfinished.len() > MAX_UNFINISHED
            && let Some((_, oldest)) = unfinished.pop_front()
        {
            oldest.abort();
        }
    }

    async fn handshake(
        &self,
        mut stream: Stream,
        trusted: bool,
        transport: Transport,
        tls: bool,
    ) -> io::Result<Entry> {
        let rules = self.rules();
        if trusted {
            let silent_is_fine = transport == Transport::Raw && !tls;
            let deadline = if silent_is_fine {
                RAW_DEADLINE
            } else {
                DEADLINE
            };
            match timeout(deadline, proxy_protocol::take_header(&stream)).await {
                Ok(client) => stream.peer.forwarded = client?,
                Err(_) if silent_is_fine => {}
                Err(_) => return Err(late("the proxy's header or the first request")),
            }
            let forwarded = stream.peer.forwarded.is_some();
            if forwarded
                && !stream
                    .present
                    .count_by(stream.peer.source(), rules.max_per_address)
            {
                return Ok(Entry::Crowded(stream));
            }
        }
        match &rules.tls {
            Some(config) if tls => {
                let secured = timeout(DEADLINE, stream.secure(Arc::clone(config)));
                secured
                    .await
                    .map_err(|_| late("the TLS handshake"))?
                    .map(Entry::Open)
            }
            None if tls => Err(io::Error::other(
                "this listener speaks TLS and there is no certificate",
            )),
            _ => Ok(Entry::Open(stream)),
        }
    }

    /// Says why and closes. The peer may have sent something already, and closing over unread bytes
    /// would reset the connection and lose the answer: so it is read for a moment, for few peers at
    /// a time.
    fn reject(self: &Rc<Self>, stream: Stream, transport: Transport, tls: bool) {
        self.refuse(&stream.peer, &CloseReason::TooManyFromAddress);
        if tls || self.farewells.get() >= MAX_FAREWELLS {
            return;
        }
        let answer = match transport {
            Transport::Raw => format!("Error::{}\n", ErrorText::TooManyFromAddress.as_str()),
            Transport::WebSocket => page(
                "429 Too Many Requests",
                "too many connections from this address\n",
            ),
        };
        let farewell = Farewell::new(Rc::clone(self));
        rt::spawn(async move {
            let _farewell = farewell;
            // The socket of a new connection takes a line; a peer that is gone needs none.
            let _ = stream.try_write(answer.as_bytes());
            let _ = timeout(FAREWELL, stream.finish()).await;
        });
    }

    /// Tells the journal of a connection that was not served, unless it was told of too many.
    pub fn refuse(&self, peer: &Peer, reason: &dyn Display) {
        let mut limiter = self.refused.borrow_mut();
        if let Some(skipped) = limiter
            .get_or_insert_with(RateLimiter::for_log_lines)
            .admit(Instant::now())
        {
            info!(%peer, skipped, "connection refused: {reason}{}", held_back(skipped));
        }
    }
}

fn late(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::TimedOut,
        format!("{what} did not come within {} s", DEADLINE.as_secs()),
    )
}

/// Counts a connection that is being told why it is turned away.
struct Farewell(Rc<ConnectionFilter>);

impl Farewell {
    fn new(filter: Rc<ConnectionFilter>) -> Self {
        filter.farewells.set(filter.farewells.get() + 1);
        Self(filter)
    }
}

impl Drop for Farewell {
    fn drop(&mut self) {
        self.0.farewells.set(self.0.farewells.get() - 1);
    }
}

/// Tells the journal when accepting fails and when it works again, once for each change and rarely.
pub struct AcceptHealth {
    failing: bool,
    told: bool,
    limiter: RateLimiter,
}

impl Default for AcceptHealth {
    fn default() -> Self {
        Self {
            failing: false,
            told: false,
            limiter: RateLimiter::new(1, Duration::from_secs(1)),
        }
    }
}

impl AcceptHealth {
    /// A connection was accepted.
    pub fn worked(&mut self) {
        if std::mem::take(&mut self.failing) && std::mem::take(&mut self.told) {
            info!("connections are accepted again");
        }
    }

    /// A connection waits and cannot be accepted.
    pub fn failed(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.failing, true)
            && self.limiter.admit(Instant::now()).is_some()
        {
            self.told = true;
            warn!("no connection can be accepted for now, those that are open go on: {error}");
        }
    }
}
