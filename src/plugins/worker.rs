//! How a worker is told to read, and that nobody wants it any more: a pipe, because a worker may
//! have to wait for that and for the output of a child at once.

use std::{
    io::{self, PipeReader, PipeWriter, Read, Write},
    os::fd::{AsFd, BorrowedFd},
    sync::Arc,
    time::Duration,
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// An instant on the pipe: nanoseconds, 8 bytes, which a pipe takes as a whole.
const LENGTH: usize = size_of::<u64>();

/// The end that orders readings. The worker is dismissed by dropping it.
#[derive(Debug)]
pub struct WorkerHandle(PipeWriter);

/// The end of the worker.
#[derive(Debug, Clone)]
pub struct WorkerInbox(Arc<PipeReader>);

/// A pipe of orders.
///
/// # Errors
/// When the system gives no pipe.
pub fn inbox() -> io::Result<(WorkerHandle, WorkerInbox)> {
    let (reader, writer) = io::pipe()?;
    Ok((WorkerHandle(writer), WorkerInbox(Arc::new(reader))))
}

impl WorkerHandle {
    /// WorkerInbox a reading at the instant `at`; false when the worker is gone. At most one order
    /// may be open, so that the pipe is never full.
    #[must_use]
    pub fn request(&self, at: Duration) -> bool {
        let nanos = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        (&self.0).write_all(&nanos.to_ne_bytes()).is_ok()
    }
}

impl WorkerInbox {
    /// Waits for the next order; none once the worker is dismissed.
    #[must_use]
    pub fn next(&self) -> Option<Duration> {
        let mut nanos = [0; LENGTH];
        (&*self.0).read_exact(&mut nanos).ok()?;
        Some(Duration::from_nanos(u64::from_ne_bytes(nanos)))
    }

    /// Whether something is to be done: between two readings an order or the dismissal, during one
    /// the dismissal.
    #[must_use]
    pub fn waiting(&self) -> bool {
        let mut set = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
        poll(&mut set, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }
}

impl AsFd for WorkerInbox {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_arrive_and_the_dismissal_too() {
        let (worker, inbox) = inbox().unwrap();
        assert!(!inbox.waiting());
        let at = Duration::new(86_400, 7);
        assert!(worker.request(at));
        assert!(inbox.waiting());
        assert_eq!(inbox.next(), Some(at));
        assert!(!inbox.waiting());
        drop(worker);
        assert!(inbox.waiting());
        assert_eq!(inbox.next(), None);
    }

    #[test]
    fn a_worker_that_is_gone_takes_no_order() {
        let (worker, inbox) = inbox().unwrap();
        drop(inbox);
        assert!(!worker.request(Duration::ZERO));
    }
}
