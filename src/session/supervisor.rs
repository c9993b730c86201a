//! The Supervisor: admits sessions, judges their tokens, keeps them alive, ends them, and tells the
//! journal.

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

/// A session that needs a token has this long to send it.
const AUTH_DEADLINE: Duration = Duration::from_secs(10);

/// Sessions that may wait for their token at a time; beyond these the oldest is closed.
const MAX_WAITING: usize = 64;

/// One ping for every session, so that proxies keep silent connections.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// What an operator sets and may change by a reload.
#[derive(Clone, Default)]
pub struct Rules {
    /// Sessions at a time; none is no limit.
    pub max_clients: Option<usize>,
    /// Tokens that open sessions.
    pub tokens: Tokens,
    /// There is no good configuration: nobody is let in.
    pub misconfigured: bool,
}

/// The one Supervisor of a server.
pub struct Supervisor {
    clock: Clock,
    rules: Rules,
    slots: ClientPermits,
    failures: Failures,
    sessions: BTreeMap<u64, Entry>,
    /// Sessions without a token yet, oldest first, with the end of their patience.
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
    /// The token that opened it.
    token: Option<Box<[u8]>>,
}

impl Supervisor {
    /// A supervisor with these rules.
    #[must_use]
    pub fn new(clock: Clock, rules: Rules) -> Self {
        Self {
            clock,
            slots: ClientPermits::new(rules.max_clients),
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

    /// The same supervisor, which writes how many sessions there are into `counters`.
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

    /// One timer for all that wait; none while nobody does.
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

    /// A wrong token came from `peer`, in a session or, by the number 0, with a request for the
    /// metrics.
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
            holds_slot,
        } = question;
        let Some(entry) = self.sessions.get_mut(&id) else {
            return Authorized::without_slot(Verdict::Wrong);
        };
        let Some(name) = self.rules.tokens.name_of(&token).map(String::from) else {
            self.count_failure(id, &peer);
            return Authorized::without_slot(Verdict::Wrong);
        };
        let slot = if holds_slot { None } else { self.slots.take() };
        if slot.is_none() && !holds_slot {
            return Authorized::without_slot(Verdict::Full);
        }
        entry.token = Some(token.into());
        self.waiting.retain(|(waiting, _)| *waiting != id);
        if let Some(skipped) = pass(&mut self.opened) {
            let token = name.as_str();
            info!(session = id, %peer, token, skipped, "session authorized by token {token}{}", held_back(skipped));
        }
        Authorized {
            verdict: Verdict::Granted { name },
            slot,
        }
    }
}

/// Whether a line may be logged now, and how many before it were not.
fn pass(limiter: &mut RateLimiter) -> Option<u64> {
    limiter.admit(std::time::Instant::now())
}

impl Actor for Supervisor {
    type Context = Context<Self>;
}

/// A connection wants to become a session.
#[derive(Message)]
#[rtype(result = "Admission")]
pub struct Admit {
    /// The session's number.
    pub id: u64,
    /// Who is there.
    pub peer: Peer,
    /// The transport's name.
    pub transport: &'static str,
    /// Where the session takes orders.
    pub orders: Recipient<Order>,
}

/// The answer to [`Admit`].
#[derive(Debug)]
pub enum Admission {
    /// Come in.
    Granted(ClientPermit),
    /// Come in, and send a token: the right one takes the slot.
    TokenNeeded,
    /// Stay out.
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
            self.slots.take().map_or(
                Admission::Refused(CloseReason::TooManyClients),
                Admission::Granted,
            )
        };
        if let Admission::Refused(reason) = admission {
            self.refuse(id, peer, transport, reason);
            return MessageResult(admission);
        }
        if self.stopped {
            // It was accepted before the stop, so it is greeted like any other: nobody is lost in a
            // restart.
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

/// What the Supervisor tells a session.
#[derive(Message, Clone, Copy, Debug)]
#[rtype(result = "()")]
pub enum Order {
    /// End.
    End(CloseReason),
    /// Ping the client.
    Ping,
    /// The token that opened the session is no longer valid, or one is needed now.
    Deauthorize,
}

/// A session asks whether a token is right.
#[derive(Message)]
#[rtype(result = "Authorized")]
pub struct Authorize {
    /// The session.
    pub id: u64,
    /// Who is there.
    pub peer: Peer,
    /// The bytes it sent.
    pub token: Vec<u8>,
    /// Whether it has a slot from an earlier right token.
    pub holds_slot: bool,
}

/// The answer to [`Authorize`].
#[derive(Debug)]
pub struct Authorized {
    /// What the rules say.
    pub verdict: Verdict,
    /// The slot that came with a first right token.
    pub slot: Option<ClientPermit>,
}

impl Authorized {
    fn without_slot(verdict: Verdict) -> Self {
        Self {
            verdict,
            slot: None,
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

/// Somebody asks for the metrics, which every token opens.
#[derive(Message)]
#[rtype(result = "bool")]
pub struct Permit {
    /// Who asks.
    pub peer: Peer,
    /// The bytes that came as a token, if any.
    pub token: Option<Vec<u8>>,
}

impl Handler<Permit> for Supervisor {
    type Result = ResponseFuture<bool>;

    fn handle(&mut self, Permit { peer, token }: Permit, _: &mut Context<Self>) -> Self::Result {
        if !self.rules.tokens.needed() {
            return Box::pin(std::future::ready(true));
        }
        // Nothing was guessed where nothing was sent.
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

/// A session has ended.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Closed {
    /// The session.
    pub id: u64,
    /// Who was there.
    pub peer: Peer,
    /// The transport's name.
    pub transport: &'static str,
    /// Why.
    pub reason: CloseReason,
    /// Pushes that its peer did not take in time.
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

/// New rules: what they forbid ends, everything else goes on.
#[derive(Message)]
#[rtype(result = "()")]
pub struct SetRules(pub Rules);

impl Handler<SetRules> for Supervisor {
    type Result = ();

    fn handle(&mut self, SetRules(rules): SetRules, ctx: &mut Context<Self>) {
        self.slots.set_limit(rules.max_clients);
        let first_token = rules.tokens.needed() && !self.rules.tokens.needed();
        self.rules = rules;
        if !self.rules.tokens.needed() {
            // Who was authorized stays so. Who waits for a token comes in by connecting again,
            // without one.
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

/// Every session is told to go, also those that are about to open.
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

/// How many sessions there are: the round trip of the watchdog and of the status line.
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
