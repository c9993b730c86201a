//! The WebSocket transport: messages of RFC 6455 to the Scheduler. [`crate::http`] does the
//! handshake.
//!
//! `actix-web-actors` gives the context that runs a Scheduler and decodes its client's messages. It
//! would read without a bound, and hand on an error of its input as text and before the messages
//! that precede it. So [`Frames`] passes it one whole frame at a time, and ends the input at a frame
//! that is refused; the reason waits in the outbox for [`StreamHandler::finished`]. What the context
//! would send stays unused: answers and pushes share the outbox, which bounds both.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context as TaskContext, Poll, ready},
    time::{Duration, Instant},
};

use actix::StreamHandler;
use actix_http::{
    error::PayloadError,
    ws::{Item, Message, ProtocolError},
};
use actix_web_actors::ws::WebsocketContext;
use bytes::{Bytes, BytesMut};
use futures_util::{
    Stream as FutureStream, StreamExt,
    future::{Future, ready as done},
};

use crate::{
    net::stream::Stream,
    protocol::{CloseReason, ErrorText, MAX_MESSAGE, Reply, encode_reply},
    push::{frame::Framing, outbox::Outbox},
    session::{
        connection::SessionFactory,
        frame_limit::take_frame,
        scheduler::{Scheduler, Transport},
        write_loop::WriteLoop,
    },
    system::rate_limit::RateLimiter,
};

/// Pings that are answered at once, and the time after which another one is. Only the last of
/// several pings needs an answer (RFC 6455 §5.5.3).
const PONGS: u32 = 32;
const PONG_EVERY: Duration = Duration::from_millis(32);

/// The state of the WebSocket transport. It owns no memory until a client sends fragments or pings.
#[derive(Default)]
pub(crate) struct WebSocket {
    /// The fragments of an incomplete message.
    fragments: Vec<u8>,
    pongs: Option<Box<RateLimiter>>,
}

impl Transport for WebSocket {
    type Context = WebsocketContext<Scheduler<Self>>;
}

/// The session of an upgraded connection. `response` accepts the upgrade and is sent with the first
/// answer; `early` came behind the request.
pub(crate) fn session(
    sessions: &SessionFactory,
    stream: Stream,
    response: Vec<u8>,
    early: Bytes,
) -> impl Future<Output = ()> + Unpin + use<> {
    let connection = sessions.connect(Framing::WebSocket, stream);
    let outbox = Rc::clone(&connection.outbox);
    outbox.queue_preamble(response);
    let frames = Frames {
        outbox: Rc::clone(&outbox),
        received: early.into(),
        passed: false,
    };
    let context = Rc::clone(&sessions.context);
    let scheduler = Scheduler::new(connection, context, WebSocket::default());
    let context = WebsocketContext::create(scheduler, frames);
    WriteLoop::new(context.for_each(|_| done(())), outbox)
}

/// Tells an upgraded connection why it gets no session: the error and the close, no greeting.
pub(crate) fn reject(
    sessions: &SessionFactory,
    stream: Stream,
    response: Vec<u8>,
    reason: CloseReason,
) -> impl Future<Output = ()> + Unpin + use<> {
    let outbox = sessions.connect(Framing::WebSocket, stream).outbox;
    outbox.queue_preamble(response);
    if let Some(text) = reason.last_words() {
        let mut line = Vec::new();
        encode_reply(&Reply::Error(text), &mut line);
        outbox.answer(&line);
    }
    outbox.close(reason.websocket_code());
    WriteLoop::new(done(()), outbox)
}

impl StreamHandler<Result<Message, ProtocolError>> for Scheduler<WebSocket> {
    fn handle(
        &mut self,
        message: Result<Message, ProtocolError>,
        ctx: &mut WebsocketContext<Self>,
    ) {
        match message {
            Ok(Message::Text(text)) => self.text(text.as_bytes(), ctx),
            Ok(Message::Continuation(item)) => self.fragment(item, ctx),
            Ok(Message::Binary(_)) => self.end(CloseReason::Binary, ctx),
            Ok(Message::Ping(payload)) => self.pong(&payload),
            Ok(Message::Pong(_) | Message::Nop) => {}
            Ok(Message::Close(reason)) => {
                let code = reason.map_or(1000, |reason| reason.code.into());
                self.connection.outbox.close(Some(code));
                self.end(CloseReason::PeerClosed, ctx);
            }
            Err(_) => self.end(CloseReason::BadFrame, ctx),
        }
    }

    fn finished(&mut self, ctx: &mut WebsocketContext<Self>) {
        let reason = self.connection.outbox.broken.get();
        self.end(reason.unwrap_or(CloseReason::PeerLost), ctx);
    }
}

impl Scheduler<WebSocket> {
    fn text(&mut self, text: &[u8], ctx: &mut WebsocketContext<Self>) {
        if text.is_empty() {
            self.reply(&Reply::Error(ErrorText::UnknownMessage));
        } else {
            self.receive(text, ctx);
        }
    }

    fn fragment(&mut self, item: Item, ctx: &mut WebsocketContext<Self>) {
        let (bytes, last) = match item {
            Item::FirstBinary(_) => return self.end(CloseReason::Binary, ctx),
            Item::FirstText(bytes) | Item::Continue(bytes) => (bytes, false),
            Item::Last(bytes) => (bytes, true),
        };
        let fragments = &mut self.transport.fragments;
        fragments.extend_from_slice(&bytes);
        if fragments.len() > MAX_MESSAGE {
            return self.end(CloseReason::TooLong, ctx);
        }
        if !last {
            return;
        }
        let message = std::mem::take(fragments);
        if std::str::from_utf8(&message).is_ok() {
            self.text(&message, ctx);
        } else {
            self.end(CloseReason::NotUtf8, ctx);
        }
    }

    fn pong(&mut self, payload: &[u8]) {
        let pongs = &mut self.transport.pongs;
        let pongs = pongs.get_or_insert_with(|| Box::new(RateLimiter::new(PONGS, PONG_EVERY)));
        if pongs.admit(Instant::now()).is_some() {
            self.connection.outbox.pong(payload);
        }
    }
}

/// The client's frames. Nothing is read while answers are congested.
struct Frames {
    outbox: Rc<Outbox>,
    received: BytesMut,
    /// The context has a frame that it has not decoded.
    passed: bool,
}

impl FutureStream for Frames {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        // The context asks until there is no more and only then decodes. `Pending` makes it decode
        // the one frame that it has; it asks again after that message, without being woken.
        if std::mem::take(&mut this.passed) {
            return Poll::Pending;
        }
        loop {
            if this.outbox.congested() {
                // The write loop polls again once the answers have drained.
                return Poll::Pending;
            }
            match take_frame(&mut this.received) {
                Ok(Some(frame)) => {
                    this.passed = true;
                    return Poll::Ready(Some(Ok(frame)));
                }
                Ok(None) => {}
                Err(reason) => {
                    this.outbox.broken.set(Some(reason));
                    return Poll::Ready(None);
                }
            }
            if !matches!(
                ready!(this.outbox.stream.poll_receive(cx, &mut this.received)),
                Ok(1..)
            ) {
                this.outbox.half_closed.set(true);
                return Poll::Ready(None);
            }
        }
    }
}
