//! A session's output: what waits to be written, and in which order.
//!
//! The Broadcaster writes a push straight into the socket while nothing waits ("clear"). What the
//! socket does not accept is kept here and written by the session's write
//! loop (`session::write_loop`) when it drains: first the rest of a push that was begun, then
//! answers in their order, then the newest push, which replaces an older one that was not begun. So
//! a peer that stops reading costs one push and a bounded queue of answers, and delays no other.

use std::{
    cell::{Cell, RefCell},
    io,
    rc::Rc,
    task::{Context, Poll, Waker, ready},
};

use crate::{
    net::stream::Stream,
    protocol::CloseReason,
    push::frame::{self, Frame, Framing},
};

/// Answers waiting beyond this many bytes stop the reading of further commands until they drain.
const CONGESTED: usize = 2 * 1024;

/// One session's connection.
pub struct Outbox {
    /// The session's number since the server's start.
    pub id: u64,
    /// How this connection delimits messages.
    pub framing: Framing,
    /// The connection.
    pub stream: Stream,
    /// The session's key in the Broadcaster, while it is started.
    pub(super) subscription: Cell<Option<usize>>,
    /// The peer has ended its direction.
    pub half_closed: Cell<bool>,
    /// Pushes that a newer one replaced before they were begun.
    pub dropped: Cell<u64>,
    /// Why the connection broke, where it did.
    pub broken: Cell<Option<CloseReason>>,
    /// Bytes written by [`Outbox::poll_flush`], modulo 2^64: while it changes, the peer reads.
    pub taken: Cell<usize>,
    clear: Cell<bool>,
    out: RefCell<Out>,
    waker: RefCell<Option<Waker>>,
}

#[derive(Default)]
struct Out {
    /// A push that was begun, and how much of it is written.
    tail: Option<(Rc<Frame>, usize)>,
    answers: Vec<u8>,
    /// How much of `answers` is written.
    answered: usize,
    /// `answers` is only a preamble, which waits for the first answer or the close.
    held: bool,
    latest: Option<Rc<Frame>>,
    /// The close frame to send after everything else.
    closing: Option<Option<u16>>,
    closed: bool,
}

impl Outbox {
    /// An empty outbox over `stream`.
    #[must_use]
    pub fn new(id: u64, framing: Framing, stream: Stream) -> Self {
        let clear = Cell::new(stream.writes_directly());
        Self {
            id,
            framing,
            stream,
            subscription: Cell::new(None),
            half_closed: Cell::new(false),
            dropped: Cell::new(0),
            broken: Cell::new(None),
            taken: Cell::new(0),
            clear,
            out: RefCell::default(),
            waker: RefCell::default(),
        }
    }

    /// Sends a push, or keeps it as the newest while the socket is busy.
    pub fn push(&self, frame: &Rc<Frame>) {
        let mut written = 0;
        if self.clear.get() {
            let bytes = frame.bytes(self.framing);
            match self.stream.try_write(bytes) {
                Ok(count) if count == bytes.len() => return,
                Ok(count) => written = count,
                // The write loop gets the same error again and ends the session.
                Err(_) => {}
            }
            self.clear.set(false);
        }
        let mut out = self.out.borrow_mut();
        if out.closing.is_some() {
            return;
        }
        if written > 0 {
            out.tail = Some((Rc::clone(frame), written));
        } else if out.latest.replace(Rc::clone(frame)).is_some() {
            self.dropped.set(self.dropped.get() + 1);
            return;
        }
        let alone = out.answers.is_empty();
        drop(out);
        self.try_flush(alone);
    }

    /// Writes at once what waits, with the write loop's waker: its task may be queued behind many
    /// others. It is still woken where the socket did not accept everything, or accepted answers that
    /// the actor waits for.
    fn try_flush(&self, alone: bool) {
        if let Some(waker) = &*self.waker.borrow() {
            let taken = self.poll_flush(&mut Context::from_waker(waker));
            if !(alone && matches!(taken, Poll::Ready(Ok(())))) {
                waker.wake_by_ref();
            }
        }
    }

    /// Forgets the push that waits, unless it was begun.
    pub(crate) fn forget_push(&self) {
        self.out.borrow_mut().latest = None;
    }

    /// Queues the bytes that precede the session's own, such as the response to an upgrade. They are
    /// written together with the first answer or the close: one segment costs half of what two do.
    pub(crate) fn queue_preamble(&self, head: Vec<u8>) {
        self.queue(|out| *out = head);
        self.out.borrow_mut().held = true;
    }

    /// Queues one answer, a line with its LF. The write loop sends it after the session has handled
    /// its message.
    pub fn answer(&self, line: &[u8]) {
        self.out.borrow_mut().held = false;
        self.queue(|out| frame::append_text(self.framing, line, out));
    }

    /// Queues a pong, unless answers are congested, since such a peer does not read.
    pub fn pong(&self, payload: &[u8]) {
        if !self.congested() {
            self.queue(|out| frame::append_pong(payload, out));
        }
    }

    /// Queues a ping and wakes the write loop.
    pub fn ping(&self) {
        if self.framing == Framing::WebSocket {
            self.queue(|out| out.extend_from_slice(&frame::PING));
            self.wake();
        }
    }

    fn queue(&self, append: impl FnOnce(&mut Vec<u8>)) {
        let mut out = self.out.borrow_mut();
        if out.closing.is_none() {
            self.clear.set(false);
            if out.answered >= CONGESTED {
                let answered = std::mem::take(&mut out.answered);
                out.answers.drain(..answered);
            }
            append(&mut out.answers);
        }
    }

    /// Ends the output: a WebSocket close frame behind what waits already, then a shutdown of our
    /// direction. A push that was not begun is dropped. Only the first close has an effect.
    pub fn close(&self, code: Option<u16>) {
        let mut out = self.out.borrow_mut();
        if out.closing.is_none() {
            out.closing = Some(code);
            out.held = false;
            out.latest = None;
            self.clear.set(false);
        }
        drop(out);
        self.wake();
    }

    /// Whether so many answers wait that no further command should be read.
    #[must_use]
    pub(crate) fn congested(&self) -> bool {
        let out = self.out.borrow();
        out.answers.len() - out.answered >= CONGESTED
    }

    /// Bytes that wait here, outside the kernel.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let out = self.out.borrow();
        let length = |frame: &Rc<Frame>| frame.bytes(self.framing).len();
        out.answers.len() - out.answered
            + out
                .tail
                .as_ref()
                .map_or(0, |(frame, written)| length(frame) - written)
            + out.latest.as_ref().map_or(0, length)
    }

    /// Wakes the write loop.
    pub fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    /// Sets the waker of the write loop.
    pub(crate) fn woken_by(&self, waker: &Waker) {
        let mut slot = self.waker.borrow_mut();
        if !slot.as_ref().is_some_and(|old| old.will_wake(waker)) {
            *slot = Some(waker.clone());
        }
    }

    /// Writes what waits. Ready when nothing does, and, after [`Outbox::close`], when our direction
    /// has ended.
    ///
    /// # Errors
    /// Whatever the socket says: the session is over.
    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut guard = self.out.borrow_mut();
        let out = &mut *guard;
        if out.held {
            return Poll::Ready(Ok(()));
        }
        loop {
            let bytes = if let Some((frame, written)) = &out.tail {
                frame
                    .bytes(self.framing)
                    .get(*written..)
                    .unwrap_or_default()
            } else if out.answered < out.answers.len() {
                out.answers.get(out.answered..).unwrap_or_default()
            } else if let Some(frame) = out.latest.take() {
                out.answers = Vec::new();
                out.answered = 0;
                out.tail = Some((frame, 0));
                continue;
            } else {
                break;
            };
            let (count, length) = (ready!(self.stream.poll_write(cx, bytes))?, bytes.len());
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.taken.set(self.taken.get().wrapping_add(count));
            match &mut out.tail {
                Some(_) if count == length => out.tail = None,
                Some((_, written)) => *written += count,
                None => out.answered += count,
            }
        }
        out.answers = Vec::new();
        out.answered = 0;
        match out.closing {
            Some(code) if !out.closed => {
                out.closed = true;
                if self.framing == Framing::WebSocket {
                    frame::append_close(code, &mut out.answers);
                    drop(guard);
                    return self.poll_flush(cx);
                }
            }
            _ => {}
        }
        ready!(self.stream.poll_flush(cx))?;
        if out.closing.is_some() {
            return self.stream.poll_close(cx);
        }
        self.clear.set(self.stream.writes_directly());
        Poll::Ready(Ok(()))
    }
}
