//! The Scheduler, one actor a session: performs what the protocol's rules make of each message of
//! its client.
//!
//! It never waits for a socket. Answers go into the outbox, the broadcaster pushes, and the
//! Supervisor is asked by message.

use std::rc::Rc;

use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Handler, WrapFuture, dev::ToEnvelope,
};

use crate::{
    protocol::{
        CloseReason, Reply, encode_reply,
        key_set::PluginSet,
        session::{Action, Actions, Session},
    },
    session::{
        connection::{Connection, SessionContext},
        permits::ClientPermit,
        supervisor::{Admission, Admit, Authorize, Closed, Order},
    },
};

/// A transport, by the actor context in which it runs its Schedulers. The value is its state.
pub(crate) trait Transport: Sized + Unpin + 'static {
    type Context: AsyncContext<Scheduler<Self>> + ToEnvelope<Scheduler<Self>, Order>;
}

/// One client session.
pub(crate) struct Scheduler<T> {
    pub(super) connection: Connection,
    pub(super) transport: T,
    context: Rc<SessionContext>,
    session: Session,
    set: PluginSet,
    permit: Option<ClientPermit>,
    ended: Option<CloseReason>,
}

impl<T: Transport> Scheduler<T> {
    /// A session that is not admitted yet.
    pub(super) fn new(connection: Connection, context: Rc<SessionContext>, transport: T) -> Self {
        let set = context.sampling.catalog().default_set();
        Self {
            connection,
            transport,
            context,
            session: Session::new(false, set),
            set,
            permit: None,
            ended: None,
        }
    }

    /// Performs one message of the client: a raw line, or a WebSocket message.
    pub fn receive(&mut self, message: &[u8], ctx: &mut T::Context) {
        let catalog = self.context.sampling.catalog();
        let actions = self.session.receive(message, &|name| catalog.index(name));
        self.perform(actions, ctx);
    }

    /// Ends the session: sends the reason's error, closes the connection behind it, and stops this
    /// actor. Only the first reason counts.
    pub fn end(&mut self, reason: CloseReason, ctx: &mut T::Context) {
        if self.ended.is_none() {
            self.ended = Some(reason);
            self.connection.stop();
            if let Some(text) = reason.last_words() {
                self.reply(&Reply::Error(text));
            }
            self.connection.outbox.close(reason.websocket_code());
        }
        ctx.stop();
    }

    /// Sends an answer, whatever the state of the session.
    pub fn reply(&self, reply: &Reply<'_>) {
        let mut line = Vec::with_capacity(64);
        encode_reply(reply, &mut line);
        self.connection.outbox.answer(&line);
    }

    fn perform(&mut self, actions: Actions<'_>, ctx: &mut T::Context) {
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

    /// Asks the Supervisor about a token. Further messages wait for its answer.
    fn authorize(&mut self, token: Vec<u8>, ctx: &mut T::Context) {
        let (id, peer) = (self.connection.outbox.id, self.connection.peer());
        let question = Authorize {
            id,
            peer,
            token,
            has_permit: self.permit.is_some(),
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
                    if answer.permit.is_some() {
                        act.permit = answer.permit;
                    }
                    let actions = act.session.authorized(answer.verdict);
                    act.perform(actions, ctx);
                });
        ctx.wait(answer);
    }

    fn admitted(&mut self, admission: Admission, ctx: &mut T::Context) {
        match admission {
            Admission::Granted(permit) => self.permit = Some(permit),
            Admission::TokenNeeded => {
                self.session = Session::new(true, self.context.sampling.catalog().default_set());
            }
            Admission::Refused(reason) => return self.end(reason, ctx),
        }
        self.reply(&Reply::Welcome);
    }
}

impl<T: Transport> Actor for Scheduler<T> {
    type Context = T::Context;

    fn started(&mut self, ctx: &mut Self::Context) {
        let admit = Admit {
            id: self.connection.outbox.id,
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
            .or(self.connection.outbox.broken.get())
            .unwrap_or(CloseReason::PeerLost);
        self.context.supervisor.do_send(Closed {
            id: self.connection.outbox.id,
            peer: self.connection.peer(),
            transport: self.connection.transport(),
            reason,
            dropped: self.connection.outbox.dropped.get(),
        });
    }
}

impl<T: Transport> Handler<Order> for Scheduler<T> {
    type Result = ();

    fn handle(&mut self, order: Order, ctx: &mut Self::Context) {
        match order {
            Order::End(reason) => self.end(reason, ctx),
            Order::Ping => self.connection.outbox.ping(),
            Order::Deauthorize => {
                let actions = self.session.deauthorize();
                self.perform(actions, ctx);
            }
        }
    }
}

#[cfg(test)]
mod tests;
