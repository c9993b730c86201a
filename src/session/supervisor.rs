//! The Supervisor, one actor a server: admits sessions, checks their tokens, pings and ends them, and
//! logs when they open and close.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use actix::{
    Actor, AsyncContext, Context, Handler, Message, MessageResult, Recipient, ResponseFuture,
};
use tracing::{info, warn};

use crate::{
    net::peer::Peer,
    plugins::builtin::self_stats::Counters,
    protocol::{CloseReason, session::Verdict},
    session::{
        permits::{ClientPermit, ClientPermits},
        tokens::{Failures, Tokens},
    },
    system::{
        clock::Clock,
        rate_limit::{RateLimiter, held_back},
    },
};

/// Time limit for a session to send the token that it needs.
const AUTH_DEADLINE: Duration = Duration::from_secs(10);

/// Maximum number of sessions that wait for a token; one more ends the oldest.
const MAX_WAITING: usize = 64;

/// Interval of the pings, by which proxies keep connections that are silent.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// The options about sessions. A reload replaces them.
#[derive(Clone, Default)]
pub struct Rules {
    /// Maximum number of sessions, if limited.
    pub max_clients: Option<usize>,
    /// The tokens that authorize sessions.
    pub tokens: Tokens,
    /// Whether the configuration is invalid. Every session is then refused.
    pub misconfigured: bool,
}

/// See the [module](self).
pub struct Supervisor {
    clock: Clock,
    rules: Rules,
    permits: ClientPermits,
    failures: Failures,
    sessions: BTreeMap<u64, Entry>,
    /// Sessions that wait for a token, oldest first, and when they end.
    waiting: VecDeque<(u64, Duration)>,
    keeping_alive: bool,
    watching_deadlines: bool,
    stopped: bool,
    opened: RateLimiter,
    closed: RateLimiter,
    refused: RateLimiter,
    counters: Arc<Counters>,
}

struct Entry {
    orders: Recipient<Order>,
    /// The token that authorized it.
    token: Option<Box<[u8]>>,
}

impl Supervisor {
    /// A Supervisor without sessions.
    #[must_use]
    pub fn new(clock: Clock, rules: Rules) -> Self {
        Self {
            clock,
            permits: ClientPermits::new(rules.max_clients),
            rules,
            failures: Failures::default(),
            sessions: BTreeMap::new(),
            waiting: VecDeque::new(),
            keeping_alive: false,
            watching_deadlines: false,
            stopped: false,
            opened: RateLimiter::for_log_lines(),
            closed: RateLimiter::for_log_lines(),
            refused: RateLimiter::for_log_lines(),
            counters: Arc::default(),
        }
    }

    /// Also writes the number of sessions into `counters`.
    #[must_use]
    pub fn counted_by(mut self, counters: Arc<Counters>) -> Self {
        self.counters = counters;
        self
    }

    fn count(&self) {
        self.counters
            .clients
            .store(self.sessions.len() as u64, Relaxed);
    }

    fn keep_alive(&mut self, ctx: &mut Context<Self>) {
        if !self.keeping_alive && !self.sessions.is_empty() {
            self.keeping_alive = true;
            ctx.run_later(KEEP_ALIVE, |act, ctx| {
                act.keeping_alive = false;
                for entry in act.sessions.values() {
                    entry.orders.do_send(Order::Ping);
                }
                act.keep_alive(ctx);
            });
        }
    }

    fn wait_for_token(&mut self, id: u64, ctx: &mut Context<Self>) {
        self.waiting
            .push_back((id, self.clock.now() + AUTH_DEADLINE));
        if self.waiting.len() > MAX_WAITING
            && let Some((oldest, _)) = self.waiting.pop_front()
        {
            self.end(oldest, CloseReason::AuthDeadline);
        }
        self.watch_deadlines(ctx);
    }

    /// Keeps one timer for all sessions that wait, and none without such sessions.
    fn watch_deadlines(&mut self, ctx: &mut Context<Self>) {
        if self.watching_deadlines {
            return;
        }
        let Some((_, first)) = self.waiting.front() else {
            return;
        };
        self.watching_deadlines = true;
        ctx.run_later(first.saturating_sub(self.clock.now()), |act, ctx| {
            act.watching_deadlines = false;
            let now = act.clock.now();
            while let Some((id, _)) = act
                .waiting
                .front()
                .copied()
                .filter(|(_, deadline)| *deadline <= now)
            {
                act.waiting.pop_front();
                act.end(id, CloseReason::AuthDeadline);
            }
            act.watch_deadlines(ctx);
        });
    }

    fn end(&self, id: u64, reason: CloseReason) {
        if let Some(entry) = self.sessions.get(&id) {
            entry.orders.do_send(Order::End(reason));
        }
    }

    fn refuse(&mut self, id: u64, peer: Peer, transport: &'static str, reason: CloseReason) {
        if let Some(skipped) = pass(&mut self.refused) {
            info!(session = id, %peer, transport, %reason, skipped, "session refused: {reason}{}", held_back(skipped));
        }
    }

    /// Counts a wrong token of a session, or of a request for the metrics (`id` 0).
    fn count_failure(&mut self, id: u64, peer: &Peer) {
        let failures = self.failures.count(peer.source(), self.clock.now());
        if let Some(skipped) = pass(&mut self.refused) {
            let rest = held_back(skipped);
            warn!(session = id, %peer, failures, skipped, "wrong token, {failures} in the last minute{rest}");
        }
    }

    fn judge(&mut self, question: Authorize) -> Authorized {
        let Authorize {
            id,
            peer,
            token,
            has_permit,
        } = question;
        let Some(entry) = self.sessions.get_mut(&id) else {
            return Authorized::without_permit(Verdict::Wrong);
        };
        let Some(name) = self.rules.tokens.name_of(&token).map(String::from) else {
            self.count_failure(id, &peer);
            return Authorized::without_permit(Verdict::Wrong);
        };
        let permit = if has_permit {
            None
        } else {
            self.permits.take()
        };
        if permit.is_none() && !has_permit {
            return Authorized::without_permit(Verdict::Full);
        }
        entry.token = Some(token.into());
        self.waiting.retain(|(waiting, _)| *waiting != id);
        if let Some(skipped) = pass(&mut self.opened) {
            let token = name.as_str();
            info!(session = id, %peer, token, skipped, "session authorized by token {token}{}", held_back(skipped));
        }
        Authorized {
            verdict: Verdict::Granted { name },
            permit,
        }
    }
}

/// The number of lines held back, if a line may be logged now.
fn pass(limiter: &mut RateLimiter) -> Option<u64> {
    limiter.admit(std::time::Instant::now())
}

impl Actor for Supervisor {
    type Context = Context<Self>;
}

/// Asks to admit a session.
#[derive(Message)]
#[rtype(result = "Admission")]
pub struct Admit {
    /// The session's number.
    pub id: u64,
    /// The client.
    pub peer: Peer,
    /// The transport's name.
    pub transport: &'static str,
    /// The Scheduler of the session.
    pub orders: Recipient<Order>,
}

/// The answer to [`Admit`].
#[derive(Debug)]
pub enum Admission {
    /// The session may start.
    Granted(ClientPermit),
    /// The session may start, and gets its permit with the right token.
    TokenNeeded,
    /// The session ends.
    Refused(CloseReason),
}

impl Handler<Admit> for Supervisor {
    type Result = MessageResult<Admit>;

    fn handle(&mut self, admit: Admit, ctx: &mut Context<Self>) -> Self::Result {
        let Admit {
            id,
            peer,
            transport,
            orders,
        } = admit;
        let admission = if self.rules.misconfigured {
            Admission::Refused(CloseReason::Misconfigured)
        } else if self.rules.tokens.needed() {
            Admission::TokenNeeded
        } else {
            self.permits.take().map_or(
                Admission::Refused(CloseReason::TooManyClients),
                Admission::Granted,
            )
        };
        if let Admission::Refused(reason) = admission {
            self.refuse(id, peer, transport, reason);
            return MessageResult(admission);
        }
        if self.stopped {
            // Its connection was accepted before the stop, so its client gets the greeting and the
            // close instead of a reset.
            orders.do_send(Order::End(CloseReason::GoingAway));
        }
        self.sessions.insert(
            id,
            Entry {
                orders,
                token: None,
            },
        );
        self.count();
        if let Some(skipped) = pass(&mut self.opened) {
            info!(session = id, %peer, transport, skipped, "session opened{}", held_back(skipped));
        }
        if matches!(admission, Admission::TokenNeeded) {
            self.wait_for_token(id, ctx);
        }
        self.keep_alive(ctx);
        MessageResult(admission)
    }
}

/// An order of the Supervisor to a session.
#[derive(Message, Clone, Copy, Debug)]
#[rtype(result = "()")]
pub enum Order {
    /// End for this reason.
    End(CloseReason),
    /// Ping the client.
    Ping,
    /// Require a token: there was none when the session started.
    Deauthorize,
}

/// Asks whether a token authorizes a session.
#[derive(Message)]
#[rtype(result = "Authorized")]
pub struct Authorize {
    /// The session.
    pub id: u64,
    /// The client.
    pub peer: Peer,
    /// The bytes that it sent.
    pub token: Vec<u8>,
    /// Whether it has a permit already.
    pub has_permit: bool,
}

/// The answer to [`Authorize`].
#[derive(Debug)]
pub struct Authorized {
    /// Whether the session is authorized.
    pub verdict: Verdict,
    /// The permit, with the first right token.
    pub permit: Option<ClientPermit>,
}

impl Authorized {
    fn without_permit(verdict: Verdict) -> Self {
        Self {
            verdict,
            permit: None,
        }
    }
}

impl Handler<Authorize> for Supervisor {
    type Result = ResponseFuture<Authorized>;

    fn handle(&mut self, question: Authorize, _: &mut Context<Self>) -> Self::Result {
        let delay = self
            .failures
            .delay(question.peer.source(), self.clock.now());
        let answer = self.judge(question);
        Box::pin(async move {
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            answer
        })
    }
}

/// Asks whether a client may read the metrics, for which any token will do.
#[derive(Message)]
#[rtype(result = "bool")]
pub struct Permit {
    /// The client.
    pub peer: Peer,
    /// The token, if one was sent.
    pub token: Option<Vec<u8>>,
}

impl Handler<Permit> for Supervisor {
    type Result = ResponseFuture<bool>;

    fn handle(&mut self, Permit { peer, token }: Permit, _: &mut Context<Self>) -> Self::Result {
        if !self.rules.tokens.needed() {
            return Box::pin(std::future::ready(true));
        }
        // A request without a token is no guess.
        let Some(token) = token else {
            return Box::pin(std::future::ready(false));
        };
        let delay = self.failures.delay(peer.source(), self.clock.now());
        let right = self.rules.tokens.name_of(&token).is_some();
        if !right {
            self.count_failure(0, &peer);
        }
        Box::pin(async move {
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            right
        })
    }
}

/// Reports that a session has ended.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Closed {
    /// The session.
    pub id: u64,
    /// Its client.
    pub peer: Peer,
    /// The transport's name.
    pub transport: &'static str,
    /// Why it ended.
    pub reason: CloseReason,
    /// Pushes that a newer one replaced because the client did not read.
    pub dropped: u64,
}

impl Handler<Closed> for Supervisor {
    type Result = ();

    fn handle(&mut self, closed: Closed, _: &mut Context<Self>) {
        let Closed {
            id,
            peer,
            transport,
            reason,
            dropped,
        } = closed;
        if self.sessions.remove(&id).is_some() {
            self.count();
            self.counters.dropped.fetch_add(dropped, Relaxed);
            self.waiting.retain(|(waiting, _)| *waiting != id);
            if let Some(skipped) = pass(&mut self.closed) {
                let rest = held_back(skipped);
                info!(session = id, %peer, transport, %reason, dropped, skipped, "session closed: {reason}{rest}");
            }
        }
    }
}

/// Replaces the rules. Sessions that they forbid end, the others go on.
#[derive(Message)]
#[rtype(result = "()")]
pub struct SetRules(pub Rules);

impl Handler<SetRules> for Supervisor {
    type Result = ();

    fn handle(&mut self, SetRules(rules): SetRules, ctx: &mut Context<Self>) {
        self.permits.set_limit(rules.max_clients);
        let first_token = rules.tokens.needed() && !self.rules.tokens.needed();
        self.rules = rules;
        if !self.rules.tokens.needed() {
            // Authorized sessions stay. A session that waits for a token gets in by connecting again.
            while let Some((id, _)) = self.waiting.pop_front() {
                self.end(id, CloseReason::GoingAway);
            }
            return;
        }
        let mut deauthorized = Vec::new();
        for (id, entry) in &mut self.sessions {
            match &entry.token {
                Some(token) if self.rules.tokens.name_of(token).is_none() => {
                    entry.orders.do_send(Order::End(CloseReason::TokenRevoked));
                }
                None if first_token => {
                    entry.orders.do_send(Order::Deauthorize);
                    deauthorized.push(*id);
                }
                _ => {}
            }
        }
        for id in deauthorized {
            self.wait_for_token(id, ctx);
        }
    }
}

/// Ends every session, including those that are admitted later.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Stop;

impl Handler<Stop> for Supervisor {
    type Result = ();

    fn handle(&mut self, _: Stop, _: &mut Context<Self>) {
        self.stopped = true;
        for entry in self.sessions.values() {
            entry.orders.do_send(Order::End(CloseReason::GoingAway));
        }
    }
}

/// Asks for the number of sessions. The watchdog takes the answer as a sign of life.
#[derive(Message)]
#[rtype(result = "usize")]
pub struct Count;

impl Handler<Count> for Supervisor {
    type Result = usize;

    fn handle(&mut self, _: Count, _: &mut Context<Self>) -> usize {
        self.sessions.len()
    }
}

#[cfg(test)]
mod tests;
