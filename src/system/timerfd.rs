//! Waits of many seconds that wake an idle process once.
//!
//! The runtime's own timers wake it up to three times more on the way: at 4 s and 64 ms bounds a
//! long wait is handed from one timer wheel to the next finer one.

use std::{io, time::Duration};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::net::unix::pipe::Receiver;

/// Returns when so much time has passed, by CLOCK_MONOTONIC.
///
/// Where the kernel gives no timer (no descriptor is left), the runtime's own is good enough.
pub async fn after(wait: Duration) {
    if once(wait).await.is_err() {
        tokio::time::sleep(wait).await;
    }
}

/// timerfd_create(2), Linux 2.6.27.
async fn once(wait: Duration) -> io::Result<()> {
    let timer = timerfd_create(
        TimerfdClockId::Monotonic,
        TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
    )?;
    // A value of nothing would disarm it.
    let wait = wait.max(Duration::from_nanos(1));
    let it_value = Timespec::try_from(wait).map_err(io::Error::other)?;
    let it_interval = Timespec::default();
    timerfd_settime(
        &timer,
        TimerfdTimerFlags::empty(),
        &Itimerspec {
            it_interval,
            it_value,
        },
    )?;
    // Like a pipe, it is readable once something has happened; it is never read.
    Receiver::from_owned_fd_unchecked(timer)?.readable().await
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn waits_as_long_as_asked() {
        for wait in [
            Duration::ZERO,
            Duration::from_millis(30),
            Duration::from_millis(130),
        ] {
            let begin = Instant::now();
            after(wait).await;
            assert!(begin.elapsed() >= wait, "{:?} of {wait:?}", begin.elapsed());
        }
    }

    #[tokio::test]
    async fn lets_others_run_meanwhile_and_can_be_given_up() {
        tokio::select! {
            () = after(Duration::from_secs(1000)) => panic!("over at once"),
            () = after(Duration::from_millis(20)) => {}
        }
    }
}
