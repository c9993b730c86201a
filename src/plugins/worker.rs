//! Requests to a worker, and its dismissal. They come through a pipe, so that a worker can wait for
//! them and for the output of a child at once.

use std::{
    io::{self, PipeReader, PipeWriter, Read, Write},
    os::fd::{AsFd, BorrowedFd},
    sync::Arc,
    time::Duration,
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// A request on the pipe: an instant in nanoseconds. A pipe takes 8 bytes as a whole.
const LENGTH: usize = size_of::<u64>();

/// The end that requests samples. Dropping it dismisses the worker.
#[derive(Debug)]
pub struct WorkerHandle(PipeWriter);

/// The worker's end.
#[derive(Debug, Clone)]
pub struct WorkerInbox(Arc<PipeReader>);

/// The two ends of a new pipe.
///
/// # Errors
/// When the system gives no pipe.
pub fn inbox() -> io::Result<(WorkerHandle, WorkerInbox)> {
    let (reader, writer) = io::pipe()?;
    Ok((WorkerHandle(writer), WorkerInbox(Arc::new(reader))))
}

impl WorkerHandle {
    /// Requests a sample at the instant `at`; false when the worker has ended. At most one request
    /// may be open, so that the pipe is never full and this never blocks.
    #[must_use]
    pub fn request(&self, at: Duration) -> bool {
        let nanos = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        (&self.0).write_all(&nanos.to_ne_bytes()).is_ok()
    }
}

impl WorkerInbox {
    /// Waits for the next request; None once the worker is dismissed.
    #[must_use]
    pub fn next(&self) -> Option<Duration> {
        let mut nanos = [0; LENGTH];
        (&*self.0).read_exact(&mut nanos).ok()?;
        Some(Duration::from_nanos(u64::from_ne_bytes(nanos)))
    }

    /// Whether a request or the dismissal is there. During a sample it can only be the dismissal.
    #[must_use]
    pub(crate) fn is_ready(&self) -> bool {
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
    fn requests_arrive_and_the_dismissal_too() {
        let (worker, inbox) = inbox().unwrap();
        assert!(!inbox.is_ready());
        let at = Duration::new(86_400, 7);
        assert!(worker.request(at));
        assert!(inbox.is_ready());
        assert_eq!(inbox.next(), Some(at));
        assert!(!inbox.is_ready());
        drop(worker);
        assert!(inbox.is_ready());
        assert_eq!(inbox.next(), None);
    }

    #[test]
    fn a_worker_that_is_gone_takes_no_request() {
        let (worker, inbox) = inbox().unwrap();
        drop(inbox);
        assert!(!worker.request(Duration::ZERO));
    }
}
