//! One session's task: polls its actor, writes what the actor and the tick leave behind, and ends the
//! connection in good order.
//!
//! The actor is polled whether or not the socket takes bytes, so that a full socket never stops it.

use std::{
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Sleep, sleep};

use super::link::Link;
use crate::protocol::CloseReason;

/// A peer that takes no byte for this long while some wait is cut off.
const BLOCKED: Duration = Duration::from_secs(30);

/// How long the peer may take to close its direction after ours.
const LINGER: Duration = Duration::from_secs(1);

/// A session's actor, as its task sees it.
pub trait Engine: Unpin {
    /// Lets the actor work. Ready once it has stopped.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

/// A session's task.
pub struct WriteLoop<E> {
    /// Gone once the actor has stopped.
    engine: Option<E>,
    link: Rc<Link>,
    /// Runs while the peer is blocked, and while it may still close its direction.
    timer: Option<Pin<Box<Sleep>>>,
    /// Bytes that waited when the timer began.
    waiting: usize,
    lingering: bool,
}

impl<E: Engine> WriteLoop<E> {
    /// The task of the session behind `link`.
    pub fn new(engine: E, link: Rc<Link>) -> Self {
        Self { engine: Some(engine), link, timer: None, waiting: 0, lingering: false }
    }

    fn expired(&mut self, cx: &mut Context<'_>, after: Duration) -> bool {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(after)));
        timer.as_mut().poll(cx).is_ready()
    }

    /// Reads and forgets until the peer ends its direction, so that our last bytes are not lost in a reset.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut buffer = [0; 1024];
        // A bounded number of reads a turn: a peer that floods does not hold the thread.
        for _ in 0..16 {
            if self.link.half_closed.get() {
                return Poll::Ready(());
            }
            match self.link.stream.poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(_)) => {}
                Poll::Pending => break,
            }
        }
        if self.expired(cx, LINGER) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl<E: Engine> Future for WriteLoop<E> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.lingering {
            return this.poll_linger(cx);
        }
        this.link.woken_by(cx.waker());
        loop {
            if this.engine.as_mut().is_some_and(|engine| engine.poll(cx).is_ready()) {
                this.engine = None;
                this.link.close(None);
            }
            let congested = this.link.congested();
            match this.link.poll_flush(cx) {
                Poll::Ready(Ok(())) => {
                    this.timer = None;
                    if this.engine.is_none() {
                        this.lingering = true;
                        return this.poll_linger(cx);
                    }
                }
                Poll::Ready(Err(_)) => {
                    this.link.broken.set(Some(CloseReason::PeerLost));
                    return Poll::Ready(());
                }
                Poll::Pending => {
                    let waiting = this.link.waiting();
                    if waiting < this.waiting {
                        this.timer = None;
                    }
                    this.waiting = waiting;
                    if this.expired(cx, BLOCKED) {
                        this.link.broken.set(Some(CloseReason::SlowPeer));
                        return Poll::Ready(());
                    }
                }
            }
            // The actor was not read to its end while answers waited; now it may go on.
            if !congested || this.link.congested() {
                return Poll::Pending;
            }
        }
    }
}
