//! The WebSocket transport: frames of RFC 6455 to the messages of a Scheduler. The handshake is
//! done before.

use std::{
    cell::{Cell, RefCell},
    io,
    pin::Pin,
    rc::Rc,
    task::{Context as TaskContext, Poll},
    time::{Duration, Instant},
};

use actix::{AsyncContext, StreamHandler, WrapFuture};
use actix_http::{
    error::PayloadError,
    ws::{Codec, Item, Message, ProtocolError},
};
use actix_web_actors::ws::WebsocketContext;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream as FutureStream, future::Future};

use crate::{
    net::stream::Stream,
    protocol::{CloseReason, ErrorText, MAX_MESSAGE, Reply, encode_reply},
    push::{frame::Framing, outbox::Outbox},
    session::{
        connection::{SessionFactory, Wire, connection},
        frame_limit::{FrameLimiter, TooLong},
        scheduler::{Connection, Scheduler},
        write_loop::{SessionTask, WriteLoop},
    },
    system::rate_limit::RateLimiter,
};

/// Bytes read at a time: what a peer may send ahead of its answers.
const READ: usize = 2048;

/// Pings that are answered at once, and the time after which another is. Only the newest of several
/// needs an answer (RFC 6455 §5.5.3).
const PONGS: u32 = 32;
const PONG_EVERY: Duration = Duration::from_millis(32);

/// A session's connection over WebSocket.
pub struct WebSocket(Wire, Incoming);

connection!(WebSocket, WebsocketContext<Scheduler<WebSocket>>);

/// What few sessions have use for, and no idle one.
#[derive(Default)]
struct Incoming {
    /// The fragments of a message under way.
    parts: Cell<Option<Box<BytesMut>>>,
    /// How many pings are answered in a second.
    pongs: RefCell<Option<Box<RateLimiter>>>,
}

/// A connection whose upgrade was accepted.
pub struct Upgraded {
    /// The connection.
    pub stream: Stream,
    /// The HTTP answer, which has not been sent.
    pub answer: Vec<u8>,
    /// What came behind the request's head.
    pub early: Bytes,
}

/// Starts the session of an upgraded connection.
pub fn session(
    sessions: &SessionFactory,
    upgraded: Upgraded,
) -> impl Future<Output = ()> + Unpin + use<> {
    let Upgraded {
        stream,
        answer,
        early,
    } = upgraded;
    let wire = sessions.wire(Framing::WebSocket, stream);
    wire.outbox.queue_preamble(answer);
    let outbox = Rc::clone(&wire.outbox);
    let payload = Payload {
        outbox: Rc::clone(&outbox),
        guard: FrameLimiter::default(),
        early,
        over: false,
    };
    let actor = Scheduler::new(
        WebSocket(wire, Incoming::default()),
        Rc::clone(&sessions.context),
    );
    let frames = WebsocketContext::with_codec(actor, payload, Codec::new().max_size(MAX_MESSAGE));
    WriteLoop::new(
        WebSocketEngine {
            frames,
            outbox: Rc::clone(&outbox),
        },
        outbox,
    )
}

/// Tells an upgraded connection why it gets no session: the reason and the close, no greeting, no
/// other byte.
pub fn refusal(
    sessions: &SessionFactory,
    upgraded: Upgraded,
    reason: CloseReason,
) -> impl Future<Output = ()> + Unpin + use<> {
    let outbox = sessions.wire(Framing::WebSocket, upgraded.stream).outbox;
    outbox.queue_preamble(upgraded.answer);
    let mut line = Vec::new();
    if let Some(text) = reason.last_words() {
        encode_reply(&Reply::Error(text), &mut line);
    }
    outbox.answer(&line);
    outbox.close(reason.websocket_code());
    WriteLoop::new(Nobody, outbox)
}

/// A session that is over before it began.
struct Nobody;

impl SessionTask for Nobody {
    fn poll(&mut self, _: &mut TaskContext<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

/// The actor in its context. Answers go through the link; the context itself has nothing to send.
struct WebSocketEngine<S> {
    frames: S,
    outbox: Rc<Outbox>,
}

impl<S, E> SessionTask for WebSocketEngine<S>
where
    S: FutureStream<Item = Result<Bytes, E>> + Unpin,
{
    fn poll(&mut self, cx: &mut TaskContext<'_>) -> Poll<()> {
        match Pin::new(&mut self.frames).poll_next(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(_))) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Ready(Some(Err(_)) | None) => {
                self.outbox.wake();
                Poll::Ready(())
            }
        }
    }
}

impl StreamHandler<Result<Message, ProtocolError>> for Scheduler<WebSocket> {
    fn handle(
        &mut self,
        message: Result<Message, ProtocolError>,
        ctx: &mut WebsocketContext<Self>,
    ) {
        let unhandled = &self.connection().0.outbox.unhandled;
        unhandled.set(unhandled.get().saturating_sub(1));
        match message {
            Ok(Message::Text(text)) if text.is_empty() => {
                self.reply(&Reply::Error(ErrorText::UnknownMessage))
            }
            Ok(Message::Text(text)) => self.receive(text.as_bytes(), ctx),
            Ok(Message::Ping(payload)) => {
                let WebSocket(wire, incoming) = self.connection();
                let mut pongs = incoming.pongs.borrow_mut();
                let pongs =
                    pongs.get_or_insert_with(|| Box::new(RateLimiter::new(PONGS, PONG_EVERY)));
                if pongs.admit(Instant::now()).is_some() {
                    wire.outbox.pong(&payload);
                }
            }
            Ok(Message::Pong(_) | Message::Nop) => {}
            Ok(Message::Continuation(item)) => self.fragment(item, ctx),
            Ok(Message::Binary(_)) => self.end(CloseReason::Binary, ctx),
            Ok(Message::Close(reason)) => {
                // The reader of the bytes speaks in the peer's name when it has refused a frame.
                if let Some(reason) = self.connection().0.outbox.broken.get() {
                    return self.end(reason, ctx);
                }
                let code = reason.map_or(1000, |reason| reason.code.into());
                self.connection().close(Some(code));
                self.end(CloseReason::PeerClosed, ctx);
            }
            // So the codec calls a close reason that is not UTF-8, and codes that may not be sent
            // too.
            Err(ProtocolError::BadOpCode) => {
                self.end(
                    self.connection()
                        .0
                        .outbox
                        .broken
                        .get()
                        .unwrap_or(CloseReason::BadFrame),
                    ctx,
                );
            }
            Err(error) => self.end(reason(&error), ctx),
        }
        let outbox = &self.connection().0.outbox;
        if outbox.congested() {
            // What has arrived already waits until its answers can: each may be many times its
            // command's length.
            ctx.wait(Drained(Rc::clone(outbox)).into_actor(self));
        }
    }

    fn finished(&mut self, ctx: &mut WebsocketContext<Self>) {
        self.end(CloseReason::PeerLost, ctx);
    }
}

/// Done when answers no longer are congested. The write loop polls after each write.
struct Drained(Rc<Outbox>);

impl Future for Drained {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<()> {
        if self.0.congested() {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }
}

impl Scheduler<WebSocket> {
    fn fragment(&mut self, item: Item, ctx: &mut WebsocketContext<Self>) {
        let parts = &self.connection().1.parts;
        let (bytes, last) = match item {
            Item::FirstBinary(_) => return self.end(CloseReason::Binary, ctx),
            Item::FirstText(bytes) | Item::Continue(bytes) => (bytes, false),
            Item::Last(bytes) => (bytes, true),
        };
        let mut message = parts.take().unwrap_or_default();
        message.extend_from_slice(&bytes);
        if message.len() > MAX_MESSAGE {
            return self.end(CloseReason::TooLong, ctx);
        }
        if !last {
            return parts.set(Some(message));
        }
        if std::str::from_utf8(&message).is_err() {
            self.end(CloseReason::NotUtf8, ctx);
        } else if message.is_empty() {
            self.reply(&Reply::Error(ErrorText::UnknownMessage));
        } else {
            self.receive(&message, ctx);
        }
    }
}

/// What a fault in the frames is called. The codec reports a text that is not UTF-8 as an IO error
/// of the kind `Other`, and reserved bits as one of the kind `InvalidData`.
fn reason(error: &ProtocolError) -> CloseReason {
    match error {
        ProtocolError::Overflow => CloseReason::TooLong,
        ProtocolError::Io(error) if error.kind() == io::ErrorKind::Other => CloseReason::NotUtf8,
        _ => CloseReason::BadFrame,
    }
}

/// An empty masked close frame: how the reader of the bytes tells the reader of the messages, in
/// its turn behind the frames that were good, that the rest is refused.
const END: [u8; 6] = [0x88, 0x80, 0, 0, 0, 0];

/// The peer's bytes, read no faster than answers drain.
struct Payload {
    outbox: Rc<Outbox>,
    guard: FrameLimiter,
    /// What came behind the request's head, until it is handed on.
    early: Bytes,
    over: bool,
}

impl Payload {
    fn checked(&mut self, bytes: &[u8]) -> Bytes {
        let mut passed = BytesMut::with_capacity(bytes.len() + END.len());
        if let Err(TooLong { control }) = self.guard.filter(bytes, &mut passed) {
            self.over = true;
            self.outbox.broken.set(Some(if control {
                CloseReason::BadFrame
            } else {
                CloseReason::TooLong
            }));
            passed.extend_from_slice(&END);
        }
        self.outbox
            .unhandled
            .set(self.outbox.unhandled.get() + self.guard.take_complete());
        if self.guard.close_reason_is_garbled() {
            self.outbox.broken.set(Some(CloseReason::NotUtf8));
        }
        passed.freeze()
    }
}

impl FutureStream for Payload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        // The codec asks for more before each message; the messages that it has come first, so that
        // what waits there is bounded. It needs no waking for them.
        if this.outbox.unhandled.get() > 0 {
            return Poll::Pending;
        }
        if this.over {
            return if this.outbox.half_closed.get() {
                Poll::Ready(None)
            } else {
                Poll::Pending
            };
        }
        // The write loop polls again once they have drained.
        if this.outbox.congested() {
            return Poll::Pending;
        }
        if !this.early.is_empty() {
            let early = std::mem::take(&mut this.early);
            return Poll::Ready(Some(Ok(this.checked(&early))));
        }
        let mut buffer = [0; READ];
        match this.outbox.stream.poll_read(cx, &mut buffer) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(0) | Err(_)) => {
                this.over = true;
                this.outbox.half_closed.set(true);
                Poll::Ready(None)
            }
            Poll::Ready(Ok(count)) => Poll::Ready(Some(Ok(
                this.checked(buffer.get(..count).unwrap_or_default())
            ))),
        }
    }
}
