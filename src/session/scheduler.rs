//! A Scheduler for each client session: decides, by the protocol's rules, what a message of its
//! client does.
//!
//! It never writes to a socket and never waits for one: answers go into its [`Connection`], pushes
//! come from the tick, and the Supervisor is asked by message.

use std::{rc::Rc, time::Duration};

use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Handler, WrapFuture, dev::ToEnvelope,
};

use crate::{
    net::peer::Peer,
    protocol::{
        CloseReason, Reply, encode_reply,
        key_set::PluginSet,
        session::{Action, Actions, Session},
    },
    sampling::Sampling,
    session::{
        info::Info,
        permits::ClientPermit,
        supervisor::{Admission, Admit, Authorize, Closed, Order, Supervisor},
    },
};

/// A session's connection, as its Scheduler sees it. No method waits.
pub trait Connection: Sized + Unpin + 'static {
    /// The context in which this transport runs its Schedulers.
    type Context: AsyncContext<Scheduler<Self>> + ToEnvelope<Scheduler<Self>, Order>;

    /// The session's number since the server's start.
    fn id(&self) -> u64;
    /// Who is at the other end.
    fn peer(&self) -> Peer;
    /// The transport's name.
    fn transport(&self) -> &'static str;
    /// Sends one line, after those before it.
    fn answer(&self, line: &[u8]);
    /// Keeps proxies from closing a silent connection, where the transport has a way.
    fn ping(&self);
    /// Ends the connection after what was sent before, with this WebSocket code where the transport
    /// has codes.
    fn close(&self, code: Option<u16>);
    /// Starts pushes of these plugins, the first one interval from now.
    fn start(&self, interval: Duration, set: PluginSet);
    /// Stops pushes.
    fn stop(&self);
    /// Restarts the timer of running pushes.
    fn retime(&self, interval: Duration);
    /// Changes the plugins of running pushes.
    fn choose(&self, set: PluginSet);
    /// Why the connection broke, where it did.
    fn broken(&self) -> Option<CloseReason>;
    /// Pushes that a newer one replaced because the peer did not read.
    fn dropped(&self) -> u64;
}

/// What every session of a server shares.
pub struct SessionContext {
    /// Who admits and ends sessions.
    pub supervisor: Addr<Supervisor>,
    /// The plugins.
    pub sampling: Rc<Sampling>,
    /// What `info` answers.
    pub info: Info,
}

/// One client session.
pub struct Scheduler<C> {
    connection: C,
    context: Rc<SessionContext>,
    session: Session,
    set: PluginSet,
    slot: Option<ClientPermit>,
    ended: Option<CloseReason>,
}

impl<C: Connection> Scheduler<C> {
    /// A session over `connection`, not admitted yet.
    #[must_use]
    pub fn new(connection: C, context: Rc<SessionContext>) -> Self {
        let set = context.sampling.catalog().default_set();
        Self {
            connection,
            context,
            session: Session::new(false, set),
            set,
            slot: None,
            ended: None,
        }
    }

    /// The connection.
    pub fn connection(&self) -> &C {
        &self.connection
    }

    /// Takes one message of the client: a raw line, or a WebSocket message.
    pub fn receive(&mut self, message: &[u8], ctx: &mut C::Context) {
        let catalog = self.context.sampling.catalog();
        let actions = self.session.receive(message, &|name| catalog.index(name));
        self.perform(actions, ctx);
    }

    /// Ends the session: says its last words, closes the connection after them, and stops this
    /// actor.
    pub fn end(&mut self, reason: CloseReason, ctx: &mut C::Context) {
        if self.ended.is_none() {
            self.ended = Some(reason);
            self.connection.stop();
            if let Some(text) = reason.last_words() {
                self.reply(&Reply::Error(text));
            }
            self.connection.close(reason.websocket_code());
        }
        ctx.stop();
    }

    /// Answers without the rules of the session: for what is wrong with a message as such.
    pub fn reply(&self, reply: &Reply<'_>) {
        let mut line = Vec::with_capacity(64);
        encode_reply(reply, &mut line);
        self.connection.answer(&line);
    }

    fn perform(&mut self, actions: Actions<'_>, ctx: &mut C::Context) {
        for action in actions {
            match action {
                Action::Reply(reply) => self.reply(&reply),
                Action::Authorize(token) => self.authorize(token.as_bytes().to_vec(), ctx),
                Action::Start { interval } => self.connection.start(interval, self.set),
                Action::Stop => self.connection.stop(),
                Action::Retime(interval) => self.connection.retime(interval),
                Action::Choose(set) => {
                    self.set = set;
                    self.connection.choose(set);
                }
                Action::Info => {
                    let json = self
                        .context
                        .info
                        .json(&self.context.sampling.catalog(), self.session.token_name());
                    self.reply(&Reply::Info(&json));
                }
                Action::Close(reason) => self.end(reason, ctx),
            }
        }
    }

    /// Asks the Supervisor. What the client sent behind its token waits for the answer.
    fn authorize(&mut self, token: Vec<u8>, ctx: &mut C::Context) {
        let (id, peer) = (self.connection.id(), self.connection.peer());
        let question = Authorize {
            id,
            peer,
            token,
            holds_slot: self.slot.is_some(),
        };
        let answer =
            self.context
                .supervisor
                .send(question)
                .into_actor(self)
                .map(|answer, act, ctx| {
                    let Ok(answer) = answer else {
                        return act.end(CloseReason::GoingAway, ctx);
                    };
                    if answer.slot.is_some() {
                        act.slot = answer.slot;
                    }
                    let actions = act.session.authorized(answer.verdict);
                    act.perform(actions, ctx);
                });
        ctx.wait(answer);
    }

    fn admitted(&mut self, admission: Admission, ctx: &mut C::Context) {
        match admission {
            Admission::Granted(slot) => self.slot = Some(slot),
            Admission::TokenNeeded => {
                self.session = Session::new(true, self.context.sampling.catalog().default_set());
            }
            Admission::Refused(reason) => return self.end(reason, ctx),
        }
        self.reply(&Reply::Welcome);
    }
}

impl<C: Connection> Actor for Scheduler<C> {
    type Context = C::Context;

    fn started(&mut self, ctx: &mut Self::Context) {
        let admit = Admit {
            id: self.connection.id(),
            peer: self.connection.peer(),
            transport: self.connection.transport(),
            orders: ctx.address().recipient(),
        };
        let answer =
            self.context
                .supervisor
                .send(admit)
                .into_actor(self)
                .map(|admission, act, ctx| {
                    act.admitted(
                        admission.unwrap_or(Admission::Refused(CloseReason::GoingAway)),
                        ctx,
                    );
                });
        ctx.wait(answer);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.connection.stop();
        let reason = self
            .ended
            .or(self.connection.broken())
            .unwrap_or(CloseReason::PeerLost);
        self.context.supervisor.do_send(Closed {
            id: self.connection.id(),
            peer: self.connection.peer(),
            transport: self.connection.transport(),
            reason,
            dropped: self.connection.dropped(),
        });
    }
}

impl<C: Connection> Handler<Order> for Scheduler<C> {
    type Result = ();

    fn handle(&mut self, order: Order, ctx: &mut Self::Context) {
        match order {
            Order::End(reason) => self.end(reason, ctx),
            Order::Ping => self.connection.ping(),
            Order::Deauthorize => {
                let actions = self.session.deauthorize();
                self.perform(actions, ctx);
            }
        }
    }
}
