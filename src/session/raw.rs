//! The raw transport: lines over a byte stream, to the same Scheduler as WebSocket messages.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context as TaskContext, Poll},
};

use actix::{AsyncContext, Context, StreamHandler, dev::ContextFut};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream as FutureStream, future::Future};

use crate::{
    net::stream::Stream,
    protocol::{CloseReason, MAX_MESSAGE},
    push::{frame::Framing, outbox::Outbox},
    session::{
        connection::{SessionFactory, Wire, connection},
        scheduler::Scheduler,
        write_loop::{SessionTask, WriteLoop},
    },
};

/// Bytes read at a time: what a peer may send ahead of its answers.
const READ: usize = 2048;

/// A session's connection over the raw transport.
pub struct Raw(Wire);

connection!(Raw, Context<Scheduler<Raw>>);

/// Starts the session of a raw connection; the task ends with it.
pub fn session(
    sessions: &SessionFactory,
    stream: Stream,
) -> impl Future<Output = ()> + Unpin + use<> {
    let wire = sessions.wire(Framing::Raw, stream);
    let mut context = Context::new();
    context.add_stream(Lines {
        outbox: Rc::clone(&wire.outbox),
        unread: BytesMut::new(),
        scanned: 0,
        over: false,
    });
    let outbox = Rc::clone(&wire.outbox);
    let actor = Scheduler::new(Raw(wire), Rc::clone(&sessions.context));
    WriteLoop::new(RawEngine(context.into_future(actor)), outbox)
}

struct RawEngine(ContextFut<Scheduler<Raw>, Context<Scheduler<Raw>>>);

impl SessionTask for RawEngine {
    fn poll(&mut self, cx: &mut TaskContext<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx)
    }
}

/// What the raw transport reads.
pub enum Line {
    /// A line with its LF: that is what makes a blank line an unknown command and no empty message.
    /// The last one may have none.
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

/// The peer's lines, read no faster than their answers drain.
struct Lines {
    outbox: Rc<Outbox>,
    unread: BytesMut,
    /// Bytes of `unread` that hold no LF.
    scanned: usize,
    over: bool,
}

impl Lines {
    fn take_line(&mut self) -> Option<Line> {
        let fresh = self.unread.get(self.scanned..).unwrap_or_default();
        if let Some(offset) = fresh.iter().position(|byte| *byte == b'\n') {
            let length = self.scanned + offset;
            self.scanned = 0;
            if length > MAX_MESSAGE {
                return Some(self.too_long());
            }
            let line = self.unread.split_to(length + 1);
            if self.unread.is_empty() {
                self.unread = BytesMut::new();
            }
            return Some(Line::Text(line.freeze()));
        }
        self.scanned = self.unread.len();
        (self.scanned > MAX_MESSAGE).then(|| self.too_long())
    }

    fn too_long(&mut self) -> Line {
        self.unread = BytesMut::new();
        self.over = true;
        Line::TooLong
    }
}

impl FutureStream for Lines {
    type Item = Line;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Line>> {
        let this = &mut *self;
        loop {
            // The write loop polls again once they have drained.
            if this.outbox.congested() {
                return Poll::Pending;
            }
            if let Some(line) = this.take_line() {
                return Poll::Ready(Some(line));
            }
            if this.over {
                return Poll::Ready(None);
            }
            let mut buffer = [0; READ];
            let count = match this.outbox.stream.poll_read(cx, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(count)) => count,
                Poll::Ready(Err(_)) => {
                    this.over = true;
                    return Poll::Ready(Some(Line::Lost));
                }
            };
            this.unread
                .extend_from_slice(buffer.get(..count).unwrap_or_default());
            if count == 0 {
                this.over = true;
                this.outbox.half_closed.set(true);
                // What printf without a newline sent is a line too.
                let rest = std::mem::take(&mut this.unread).freeze();
                return Poll::Ready((!rest.is_empty()).then_some(Line::Text(rest)));
            }
        }
    }
}
