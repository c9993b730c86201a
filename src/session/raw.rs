//! The raw transport: lines over a byte stream, to the same Scheduler as WebSocket messages.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context as TaskContext, Poll, ready},
};

use actix::{AsyncContext, Context, StreamHandler};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream as FutureStream, future::Future};

use crate::{
    net::stream::Stream,
    protocol::{CloseReason, ErrorText, MAX_MESSAGE, Reply, encode_reply},
    push::{frame::Framing, outbox::Outbox},
    session::{
        connection::SessionFactory,
        scheduler::{Scheduler, Transport},
        write_loop::WriteLoop,
    },
};

/// The raw transport has no state of its own.
pub(crate) struct Raw;

impl Transport for Raw {
    type Context = Context<Scheduler<Self>>;
}

/// The session of a raw connection.
pub fn session(
    sessions: &SessionFactory,
    stream: Stream,
) -> impl Future<Output = ()> + Unpin + use<> {
    let connection = sessions.connect(Framing::Raw, stream);
    let outbox = Rc::clone(&connection.outbox);
    let mut context = Context::new();
    context.add_stream(Lines {
        outbox: Rc::clone(&outbox),
        received: BytesMut::new(),
        scanned: 0,
        ended: false,
    });
    let scheduler = Scheduler::new(connection, Rc::clone(&sessions.context), Raw);
    WriteLoop::new(context.into_future(scheduler), outbox)
}

/// The answer to a connection that exceeds the limit of its address.
pub(crate) fn too_many_connections() -> Vec<u8> {
    let mut line = Vec::new();
    encode_reply(&Reply::Error(ErrorText::TooManyFromAddress), &mut line);
    line
}

/// What a client sends over the raw transport.
pub(crate) enum Line {
    /// A line with its LF, which makes a blank line an unknown command instead of an empty message.
    /// The last line may lack it.
    Text(Bytes),
    /// A line longer than [`MAX_MESSAGE`].
    TooLong,
    /// The connection broke.
    Lost,
}

impl StreamHandler<Line> for Scheduler<Raw> {
    fn handle(&mut self, line: Line, ctx: &mut Context<Self>) {
        match line {
            Line::Text(text) => self.receive(&text, ctx),
            Line::TooLong => self.end(CloseReason::TooLong, ctx),
            Line::Lost => self.end(CloseReason::PeerLost, ctx),
        }
    }

    fn finished(&mut self, ctx: &mut Context<Self>) {
        self.end(CloseReason::PeerClosed, ctx);
    }
}

/// The client's lines. Nothing is read while answers are congested.
struct Lines {
    outbox: Rc<Outbox>,
    received: BytesMut,
    /// Bytes at the start of `received` that hold no LF.
    scanned: usize,
    ended: bool,
}

impl Lines {
    fn take_line(&mut self) -> Option<Line> {
        let fresh = self.received.get(self.scanned..).unwrap_or_default();
        if let Some(offset) = fresh.iter().position(|byte| *byte == b'\n') {
            let length = self.scanned + offset;
            self.scanned = 0;
            if length > MAX_MESSAGE {
                return Some(self.too_long());
            }
            let line = self.received.split_to(length + 1);
            if self.received.is_empty() {
                // An idle session owns no buffer.
                self.received = BytesMut::new();
            }
            return Some(Line::Text(line.freeze()));
        }
        self.scanned = self.received.len();
        (self.scanned > MAX_MESSAGE).then(|| self.too_long())
    }

    fn too_long(&mut self) -> Line {
        self.received = BytesMut::new();
        self.ended = true;
        Line::TooLong
    }
}

impl FutureStream for Lines {
    type Item = Line;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Line>> {
        let this = &mut *self;
        loop {
            if this.outbox.congested() {
                // The write loop polls again once the answers have drained.
                return Poll::Pending;
            }
            if let Some(line) = this.take_line() {
                return Poll::Ready(Some(line));
            }
            if this.ended {
                return Poll::Ready(None);
            }
            match ready!(this.outbox.stream.poll_receive(cx, &mut this.received)) {
                Ok(0) => {
                    this.ended = true;
                    this.outbox.half_closed.set(true);
                    // `printf version | nc` sends a line without an LF.
                    let rest = std::mem::take(&mut this.received).freeze();
                    return Poll::Ready((!rest.is_empty()).then_some(Line::Text(rest)));
                }
                Ok(_) => {}
                Err(_) => {
                    this.ended = true;
                    return Poll::Ready(Some(Line::Lost));
                }
            }
        }
    }
}
