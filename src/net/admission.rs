//! What a new connection passes before it is served: the limit of its address, a trusted proxy's
//! header and the TLS handshake. The rules about web pages are applied later, to the request.

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
    net::{
        forwarded_for,
        origin_policy::OriginPolicy,
        peer::{Origin, Peer},
        proxy_protocol,
        stream::Stream,
    },
    protocol::CloseReason,
    system::{
        fair_share::TimeBudget,
        rate_limit::{RateLimiter, held_back},
    },
};

/// Time limit for a proxy's header, and again for the TLS handshake.
const DEADLINE: Duration = Duration::from_secs(10);

/// Time limit for a proxy's header on the raw transport, where a client without one says nothing
/// and waits for its greeting.
const RAW_DEADLINE: Duration = Duration::from_millis(250);

/// Maximum number of connections in a handshake; one more closes the oldest.
const MAX_UNFINISHED: usize = 256;

/// Maximum number of rejected connections that are being told why; further ones are closed at once.
const MAX_REJECTIONS: usize = 64;

/// The options about connections. A reload replaces them.
#[derive(Default)]
pub struct ConnectionRules {
    /// Which pages may connect.
    pub origin_policy: OriginPolicy,
    /// Proxies whose word about their client is accepted.
    pub trusted: Vec<Trusted>,
    /// Maximum number of connections from one address, if limited.
    pub max_per_address: Option<usize>,
    /// The certificate for listeners that speak TLS.
    pub tls: Option<Arc<ServerConfig>>,
}

impl ConnectionRules {
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

    /// Whether this peer is a trusted proxy, or a trusted proxy forwards another one.
    #[must_use]
    pub fn trusts(&self, peer: &Peer) -> bool {
        match (peer.forwarded, peer.origin) {
            (Some(address), _) => self.trusts_address(address),
            (None, Origin::Tcp(address)) => self.trusts_address(address.ip()),
            (None, Origin::Unix(_)) => self.trusted.contains(&Trusted::Unix),
        }
    }

    /// Sets the client of `peer` from `X-Forwarded-For` lines, if the peer is a trusted proxy.
    pub fn forward<'a>(&self, peer: &mut Peer, lines: impl DoubleEndedIterator<Item = &'a str>) {
        if self.trusts(peer)
            && let Some(client) =
                forwarded_for::client(lines, |address| self.trusts_address(address))
        {
            peer.forwarded = Some(client);
        }
    }
}

/// What a listener does with its connections.
#[derive(Clone, Copy)]
pub struct Listening {
    /// The transport of its connections.
    pub transport: Transport,
    /// Whether they begin with a TLS handshake.
    pub tls: bool,
    /// The answer to a connection that exceeds the limit of its address.
    pub too_many: fn() -> Vec<u8>,
}

/// A connection after its handshake.
enum Handshake {
    Done(Stream),
    /// The address of the forwarded client has too many connections.
    TooMany(Stream),
}

/// Applies the rules to every new connection of a server.
#[derive(Default)]
pub struct ConnectionFilter {
    /// The time that connections have in a turn of the event loop.
    pub turn: Rc<TimeBudget>,
    rules: RefCell<Rc<ConnectionRules>>,
    /// Connections in a handshake, oldest first.
    unfinished: RefCell<VecDeque<(u64, AbortHandle)>>,
    numbers: Cell<u64>,
    rejections: Cell<usize>,
    rejected: RefCell<Option<RateLimiter>>,
}

impl ConnectionFilter {
    /// A filter with these rules.
    #[must_use]
    pub fn new(rules: ConnectionRules) -> Self {
        Self {
            rules: RefCell::new(Rc::new(rules)),
            ..Self::default()
        }
    }

    /// The current rules.
    #[must_use]
    pub fn rules(&self) -> Rc<ConnectionRules> {
        Rc::clone(&self.rules.borrow())
    }

    /// Applies other rules to later connections.
    pub fn set_rules(&self, rules: ConnectionRules) {
        self.rules.replace(Rc::new(rules));
    }

    /// Whether a request over TCP may use this `Host`. The machine's own name may change while we
    /// run.
    pub(crate) fn admits_host(&self, host: &str) -> bool {
        let nodename = || {
            nix::unistd::gethostname()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        };
        self.rules().origin_policy.admits_host(host, nodename)
    }

    /// Applies the rules to a new connection and serves it by `serve`: at once, where nothing has to
    /// be read from it first.
    pub fn admit<F, S>(self: &Rc<Self>, mut stream: Stream, listening: Listening, serve: S)
    where
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
            return self.reject(stream, listening);
        }
        if !trusted && !listening.tls {
            return drop(self.turn.spawn(serve(stream)));
        }
        let filter = Rc::clone(self);
        let number = self.numbers.get() + 1;
        self.numbers.set(number);
        let task = self.turn.spawn(Box::pin(async move {
            let peer = stream.peer;
            let outcome = filter.handshake(stream, trusted, listening).await;
            filter
                .unfinished
                .borrow_mut()
                .retain(|(other, _)| *other != number);
            match outcome {
                Ok(Handshake::Done(stream)) => drop(filter.turn.spawn(serve(stream))),
                Ok(Handshake::TooMany(stream)) => filter.reject(stream, listening),
                Err(error) => filter.log_rejected(&peer, &error),
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
        listening: Listening,
    ) -> io::Result<Handshake> {
        let Listening { transport, tls, .. } = listening;
        let rules = self.rules();
        if trusted {
            let may_be_silent = transport == Transport::Raw && !tls;
            let deadline = if may_be_silent {
                RAW_DEADLINE
            } else {
                DEADLINE
            };
            match timeout(deadline, proxy_protocol::take_header(&stream)).await {
                Ok(client) => stream.peer.forwarded = client?,
                Err(_) if may_be_silent => {}
                Err(_) => return Err(late("the proxy's header or the first request")),
            }
            let forwarded = stream.peer.forwarded.is_some();
            if forwarded
                && !stream
                    .present
                    .count_by(stream.peer.source(), rules.max_per_address)
            {
                return Ok(Handshake::TooMany(stream));
            }
        }
        match &rules.tls {
            Some(config) if tls => {
                let secured = timeout(DEADLINE, stream.secure(Arc::clone(config)));
                secured
                    .await
                    .map_err(|_| late("the TLS handshake"))?
                    .map(Handshake::Done)
            }
            None if tls => Err(io::Error::other(
                "this listener speaks TLS and there is no certificate",
            )),
            _ => Ok(Handshake::Done(stream)),
        }
    }

    /// Sends the reason and closes, for at most [`MAX_REJECTIONS`] peers at a time.
    fn reject(self: &Rc<Self>, stream: Stream, listening: Listening) {
        self.log_rejected(&stream.peer, &CloseReason::TooManyFromAddress);
        // Over TLS the answer would need the handshake first.
        if listening.tls || self.rejections.get() >= MAX_REJECTIONS {
            return;
        }
        let rejection = Rejection::new(Rc::clone(self));
        rt::spawn(async move {
            let _rejection = rejection;
            // The socket of a new connection takes so few bytes; a peer that is gone needs none.
            let _ = stream.try_write(&(listening.too_many)());
            stream.finish().await;
        });
    }

    /// Logs that a connection is not served, at a limited rate.
    pub fn log_rejected(&self, peer: &Peer, reason: &dyn Display) {
        let mut limiter = self.rejected.borrow_mut();
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

/// Counts a rejected connection while it is told why.
struct Rejection(Rc<ConnectionFilter>);

impl Rejection {
    fn new(filter: Rc<ConnectionFilter>) -> Self {
        filter.rejections.set(filter.rejections.get() + 1);
        Self(filter)
    }
}

impl Drop for Rejection {
    fn drop(&mut self) {
        self.0.rejections.set(self.0.rejections.get() - 1);
    }
}

/// Logs when accepting begins to fail and when it works again, once for each change and at a limited
/// rate.
pub struct AcceptHealth {
    failing: bool,
    logged: bool,
    limiter: RateLimiter,
}

impl Default for AcceptHealth {
    fn default() -> Self {
        Self {
            failing: false,
            logged: false,
            limiter: RateLimiter::new(1, Duration::from_secs(1)),
        }
    }
}

impl AcceptHealth {
    /// Notes that a connection was accepted.
    pub fn worked(&mut self) {
        if std::mem::take(&mut self.failing) && std::mem::take(&mut self.logged) {
            info!("connections are accepted again");
        }
    }

    /// Notes that a connection is waiting and cannot be accepted.
    pub fn failed(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.failing, true)
            && self.limiter.admit(Instant::now()).is_some()
        {
            self.logged = true;
            warn!("no connection can be accepted for now, those that are open go on: {error}");
        }
    }
}
