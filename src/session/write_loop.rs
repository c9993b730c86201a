//! The task of a session: polls its actor, writes what the actor and the broadcaster could not write
//! at once, and closes the connection so that the client reads everything.
//!
//! The actor is polled even while the socket is full, so that a full socket never stops it.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Sleep, sleep};

use crate::{net::stream::LINGER, protocol::CloseReason, push::outbox::Outbox};

/// A client that reads no byte for this long, while some wait, is disconnected.
const BLOCKED: Duration = Duration::from_secs(30);

/// The task of a session, whose actor is `A`.
pub(super) struct WriteLoop<A> {
    /// None once the actor has stopped.
    actor: Option<A>,
    outbox: Rc<Outbox>,
    /// The time limit of a blocked client, then of one that has to close its direction.
    timer: Option<Pin<Box<Sleep>>>,
    /// [`Outbox::taken`] when the timer began.
    taken: usize,
    lingering: bool,
}

impl<A: Future<Output = ()> + Unpin> WriteLoop<A> {
    pub fn new(actor: A, outbox: Rc<Outbox>) -> Self {
        Self {
            actor: Some(actor),
            outbox,
            timer: None,
            taken: 0,
            lingering: false,
        }
    }

    fn expired(&mut self, cx: &mut Context<'_>, after: Duration) -> bool {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(after)));
        timer.as_mut().poll(cx).is_ready()
    }

    /// Reads and discards until the client closes its direction: see [`LINGER`].
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut buffer = [0; 1024];
        // A client that sends faster than we read takes turns with the others.
        for _ in 0..16 {
            if self.outbox.half_closed.get() {
                return Poll::Ready(());
            }
            match self.outbox.stream.poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(_)) => {}
                Poll::Pending => break,
            }
        }
        if self.expired(cx, LINGER) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.lingering {
            return self.poll_linger(cx);
        }
        self.outbox.woken_by(cx.waker());
        if self
            .actor
            .as_mut()
            .is_some_and(|actor| Pin::new(actor).poll(cx).is_ready())
        {
            self.actor = None;
            self.outbox.close(None);
        }
        let congested = self.outbox.congested();
        match self.outbox.poll_flush(cx) {
            Poll::Ready(Ok(())) => {
                self.timer = None;
                if self.actor.is_none() {
                    self.lingering = true;
                    return self.poll_linger(cx);
                }
            }
            Poll::Ready(Err(_)) => {
                self.outbox.broken.set(Some(CloseReason::PeerLost));
                return Poll::Ready(());
            }
            Poll::Pending => {
                // The number of waiting bytes does not show whether the client reads: a newer push
                // may be shorter than the one that it replaced.
                let taken = self.outbox.taken.get();
                if taken != self.taken {
                    self.timer = None;
                }
                self.taken = taken;
                if self.expired(cx, BLOCKED) {
                    self.outbox.broken.set(Some(CloseReason::SlowPeer));
                    // A socket that is broken has nothing to discard.
                    let _ = self.outbox.stream.abandon();
                    return Poll::Ready(());
                }
            }
        }
        // The readers stop while answers are congested; this wakes them, after the other tasks.
        if congested && !self.outbox.congested() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Ends the session after a panic. Its client gets the close, unless writing that panics too.
    fn fault(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.outbox.broken.replace(Some(CloseReason::Fault)) == Some(CloseReason::Fault) {
            return Poll::Ready(());
        }
        let actor = self.actor.take();
        // Dropping it runs code of the session, which may panic as well.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(actor)));
        self.outbox.close(CloseReason::Fault.websocket_code());
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<A: Future<Output = ()> + Unpin> Future for WriteLoop<A> {
    type Output = ();

    /// A panic in here ends this session and no other.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        catch_unwind(AssertUnwindSafe(|| this.turn(cx))).unwrap_or_else(|_| this.fault(cx))
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::{
        io::AsyncReadExt,
        net::UnixStream,
        task::{LocalSet, spawn_local},
    };

    use super::*;
    use crate::{
        net::{
            connections::ConnectionCounter,
            peer::{Origin, Peer},
            stream::Stream,
        },
        push::frame::{Frame, Framing},
    };

    /// An actor that panics, also when dropped.
    struct Faulty;

    impl Future for Faulty {
        type Output = ();

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            panic!("a fault for a test");
        }
    }

    impl Drop for Faulty {
        fn drop(&mut self) {
            panic!("another one");
        }
    }

    fn pair() -> (Rc<Outbox>, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let connections = Rc::new(ConnectionCounter::default());
        let stream = Stream::unix(ours, Peer::direct(Origin::Unix(0)), connections.enter());
        (Rc::new(Outbox::new(1, Framing::WebSocket, stream)), theirs)
    }

    #[tokio::test]
    async fn a_panic_ends_its_session_with_a_close_and_no_other() {
        LocalSet::new()
            .run_until(async {
                let (outbox, mut client) = pair();
                let (other, mut neighbour) = pair();
                spawn_local(WriteLoop::new(pending(), Rc::clone(&other)));
                outbox.answer(b"before\n");
                WriteLoop::new(Faulty, Rc::clone(&outbox)).await;
                assert_eq!(outbox.broken.get(), Some(CloseReason::Fault));
                drop(outbox);
                let mut received = Vec::new();
                client.read_to_end(&mut received).await.unwrap();
                assert_eq!(received, b"\x81\x07before\n\x88\x02\x03\xf3");
                other.answer(b"on\n");
                other.wake();
                let mut answer = [0; 5];
                neighbour.read_exact(&mut answer).await.unwrap();
                assert_eq!(&answer, b"\x81\x03on\n");
            })
            .await;
    }

    #[tokio::test]
    async fn what_precedes_the_greeting_waits_for_it_or_for_the_end() {
        LocalSet::new()
            .run_until(async {
                for (answers, expected) in [
                    (true, &b"101 \x81\x03hi\n\x88\x00"[..]),
                    (false, b"101 \x88\x00"),
                ] {
                    let (outbox, mut client) = pair();
                    outbox.queue_preamble(b"101 ".to_vec());
                    let session = spawn_local(WriteLoop::new(pending(), Rc::clone(&outbox)));
                    tokio::task::yield_now().await;
                    assert_eq!(
                        client.try_read(&mut [0; 9]).unwrap_err().kind(),
                        std::io::ErrorKind::WouldBlock
                    );
                    assert_eq!(outbox.waiting(), 4, "held");
                    if answers {
                        outbox.answer(b"hi\n");
                        outbox.wake();
                    }
                    outbox.close(None);
                    let mut received = Vec::new();
                    client.read_to_end(&mut received).await.unwrap();
                    assert_eq!(received, expected);
                    session.abort();
                }
            })
            .await;
    }

    /// Pushes of changing length to a peer that reads nothing: the newest waits, and the end comes
    /// after 30 s.
    #[tokio::test(start_paused = true)]
    async fn a_peer_that_stops_reading_is_cut_off_whatever_is_pushed() {
        LocalSet::new()
            .run_until(async {
                let (outbox, _client) = pair();
                let session = spawn_local(WriteLoop::new(pending(), Rc::clone(&outbox)));
                let began = tokio::time::Instant::now();
                let mut length = 300_000;
                while !session.is_finished() {
                    let mut frame = Frame::default();
                    frame.fill(|out| out.resize(out.len() + length, b'x'));
                    outbox.push(&Rc::new(frame));
                    outbox.ping();
                    length -= 100;
                    assert!(outbox.waiting() < 700_000);
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                assert_eq!(outbox.broken.get(), Some(CloseReason::SlowPeer));
                let after = began.elapsed();
                assert!(
                    after >= BLOCKED && after < BLOCKED + Duration::from_secs(2),
                    "{after:?}"
                );
            })
            .await;
    }
}
