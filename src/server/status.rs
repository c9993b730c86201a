//! What the service manager is notified of while the server runs: the line that `systemctl status`
//! shows, and signs of life for its watchdog.

use std::{io, rc::Rc, time::Duration};

use actix::Addr;

use crate::{
    net::connections::ConnectionCounter,
    push::broadcaster::Broadcaster,
    server::reload::Reload,
    session::supervisor::{Count, Supervisor},
    system::{systemd, timerfd},
};

/// Minimum time between two status lines.
const INTERVAL: Duration = Duration::from_secs(1);

/// What the status line is made of.
pub(super) struct Status {
    /// The URLs of the listeners.
    pub listeners: String,
    pub connections: Rc<ConnectionCounter>,
    pub broadcaster: Rc<Broadcaster>,
    pub reload: Rc<Reload>,
}

impl Status {
    /// The line as it is now.
    pub fn line(&self) -> String {
        if let Some(fault) = &*self.reload.fault.borrow() {
            return format!("Refusing every connection, wrong configuration: {fault}");
        }
        let (live, started) = (self.connections.live(), self.broadcaster.started());
        let plugins = self.broadcaster.plugins();
        let what = if plugins.is_empty() {
            "nothing"
        } else {
            plugins.as_str()
        };
        format!(
            "Listening on {}; {live} connected, {started} watching, sampling {what}",
            self.listeners
        )
    }

    /// Renews the line when a client connects or leaves, starts or stops, or chooses other keys.
    pub async fn keep(self: Rc<Self>) {
        let mut shown = self.line();
        loop {
            tokio::select! {
                () = self.connections.changed() => {}
                () = self.broadcaster.audience_changed() => {}
            }
            tokio::time::sleep(INTERVAL).await;
            let line = self.line();
            if line != shown {
                notified(systemd::status(&line));
                shown = line;
            }
        }
    }
}

/// Gives a sign of life at each `interval`, after a round trip through the Supervisor and the
/// Broadcaster. A plugin's worker is in neither: one that hangs does not end the server.
pub(super) async fn keep_watchdog(
    interval: Duration,
    supervisor: Addr<Supervisor>,
    broadcaster: Rc<Broadcaster>,
) {
    loop {
        timerfd::after(interval).await;
        if supervisor.send(Count).await.is_ok() {
            broadcaster.round_trip().await;
            notified(systemd::alive());
        }
    }
}

/// Logs that the service manager could not be notified. It may be gone, which does not end the
/// server.
pub(super) fn notified(outcome: io::Result<()>) {
    if let Err(error) = outcome {
        tracing::debug!(%error, "the service manager could not be notified");
    }
}
