//! One session's task: polls its actor, writes what the actor and the tick leave behind, and ends
//! the connection in good order.
//!
//! The actor is polled whether or not the socket takes bytes, so that a full socket never stops it.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Sleep, sleep};

use crate::{protocol::CloseReason, push::outbox::Outbox};

/// A peer that takes no byte for this long while some wait is cut off.
const BLOCKED: Duration = Duration::from_secs(30);

/// How long the peer may take to close its direction after ours.
const LINGER: Duration = Duration::from_secs(1);

/// A session's actor, as its task sees it.
pub trait SessionTask: Unpin {
    /// Lets the actor work. Ready once it has stopped.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

/// A session's task.
pub struct WriteLoop<E> {
    /// Gone once the actor has stopped.
    engine: Option<E>,
    outbox: Rc<Outbox>,
    /// Runs while the peer is blocked, and while it may still close its direction.
    timer: Option<Pin<Box<Sleep>>>,
    /// How much the peer had taken when the timer began.
    taken: usize,
    lingering: bool,
}

impl<E: SessionTask> WriteLoop<E> {
    /// The task of the session behind `link`.
    pub fn new(engine: E, outbox: Rc<Outbox>) -> Self {
        Self {
            engine: Some(engine),
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

    /// Reads and forgets until the peer ends its direction, so that our last bytes are not lost in
    /// a reset.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut buffer = [0; 1024];
        // A bounded number of reads a turn: a peer that floods does not hold the thread.
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
            .engine
            .as_mut()
            .is_some_and(|engine| engine.poll(cx).is_ready())
        {
            self.engine = None;
            self.outbox.close(None);
        }
        let congested = self.outbox.congested();
        match self.outbox.poll_flush(cx) {
            Poll::Ready(Ok(())) => {
                self.timer = None;
                if self.engine.is_none() {
                    self.lingering = true;
                    return self.poll_linger(cx);
                }
            }
            Poll::Ready(Err(_)) => {
                self.outbox.broken.set(Some(CloseReason::PeerLost));
                return Poll::Ready(());
            }
            Poll::Pending => {
                // What waits is no measure of it: a newer push may be shorter than the one it
                // replaced.
                let taken = self.outbox.taken.get();
                if taken != self.taken {
                    self.timer = None;
                }
                self.taken = taken;
                if self.expired(cx, BLOCKED) {
                    self.outbox.broken.set(Some(CloseReason::SlowPeer));
                    // A socket that is broken already has nothing left to forget.
                    let _ = self.outbox.stream.abandon();
                    return Poll::Ready(());
                }
            }
        }
        // The actor was not read to its end while answers waited; now it may go on, after everybody
        // else's turn.
        if congested && !self.outbox.congested() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Ends the session after a panic: its client gets the close, unless that was where the fault
    /// lies.
    fn fault(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.outbox.broken.replace(Some(CloseReason::Fault)) == Some(CloseReason::Fault) {
            return Poll::Ready(());
        }
        let engine = self.engine.take();
        // Its end is code of the session, too.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(engine)));
        self.outbox.close(CloseReason::Fault.websocket_code());
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<E: SessionTask> Future for WriteLoop<E> {
    type Output = ();

    /// The edge of a session: a fault of ours inside ends this session and no other.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        catch_unwind(AssertUnwindSafe(|| this.turn(cx))).unwrap_or_else(|_| this.fault(cx))
    }
}

#[cfg(test)]
mod tests {
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

    /// Sessions that never end by themselves, and ones that panic, also when dropped.
    struct Idle;
    struct Faulty;

    impl SessionTask for Idle {
        fn poll(&mut self, _: &mut Context<'_>) -> Poll<()> {
            Poll::Pending
        }
    }

    impl SessionTask for Faulty {
        fn poll(&mut self, _: &mut Context<'_>) -> Poll<()> {
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
                spawn_local(WriteLoop::new(Idle, Rc::clone(&other)));
                outbox.answer(b"before\n");
                WriteLoop::new(Faulty, Rc::clone(&outbox)).await;
                assert_eq!(outbox.broken.get(), Some(CloseReason::Fault));
                drop(outbox);
                let mut told = Vec::new();
                client.read_to_end(&mut told).await.unwrap();
                assert_eq!(told, b"\x81\x07before\n\x88\x02\x03\xf3");
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
                    let session = spawn_local(WriteLoop::new(Idle, Rc::clone(&outbox)));
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
                    let mut told = Vec::new();
                    client.read_to_end(&mut told).await.unwrap();
                    assert_eq!(told, expected);
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
                let session = spawn_local(WriteLoop::new(Idle, Rc::clone(&outbox)));
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
