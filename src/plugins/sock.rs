//! `sock`: the machine's sockets, its lost segments and connections, and its connection tracker.

use serde::Serialize;

use super::{
    Plugin, Window,
    figures::{Decimal, rate},
};
use crate::drivers::{
    DriverError, Root,
    linux::sockets::{SocketFiles, Sockets},
};

/// The plugin.
#[derive(Debug)]
pub struct Sock(SocketFiles);

impl Sock {
    /// Reads below `root`.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        Self(SocketFiles::new(root))
    }
}

impl Plugin for Sock {
    type Sample = Sockets;

    fn read(&mut self, sample: &mut Sockets) -> Result<(), DriverError> {
        *sample = self.0.read()?;
        Ok(())
    }

    fn view(window: Window<'_, Sockets>) -> impl Serialize {
        let Sockets { v4, v6, retransmitted, listen_drops, conntrack } = window.now;
        let both = |v4: Option<u64>, v6: Option<u64>| Some(v4?.saturating_add(v6.unwrap_or(0)));
        let per_second = |field: fn(&Sockets) -> Option<u64>, now: &Option<u64>| {
            let (before, over) = window.before?;
            rate(field(before), *now, over)
        };
        View {
            tcp: both(v4.tcp, v6.tcp),
            tw: v4.time_wait,
            orphan: v4.orphan,
            udp: both(v4.udp, v6.udp),
            retrans: per_second(|sockets| sockets.retransmitted, retransmitted),
            listen_drop: per_second(|sockets| sockets.listen_drops, listen_drops),
            conntrack: *conntrack,
        }
    }
}

#[derive(Serialize)]
struct View {
    tcp: Option<u64>,
    tw: Option<u64>,
    orphan: Option<u64>,
    udp: Option<u64>,
    retrans: Option<Decimal>,
    listen_drop: Option<Decimal>,
    conntrack: Option<(u64, u64)>,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::drivers::linux::sockets::Sockstat;

    #[test]
    fn both_families_are_summed_and_counters_are_rates() {
        let sockets = |retransmitted| Sockets {
            v4: Sockstat { tcp: Some(3), orphan: Some(1), time_wait: Some(9), udp: Some(2) },
            v6: Sockstat { tcp: Some(4), ..Sockstat::default() },
            retransmitted: Some(retransmitted),
            listen_drops: None,
            conntrack: Some((5, 100)),
        };
        let (before, now) = (sockets(10), sockets(13));
        let view = |before| serde_json::to_value(Sock::view(Window { before, now: &now })).unwrap();
        let mut expected = json!({"tcp": 7, "tw": 9, "orphan": 1, "udp": 2, "retrans": 1.5, "listen_drop": null, "conntrack": [5, 100]});
        assert_eq!(view(Some((&before, Duration::from_secs(2)))), expected);
        expected["retrans"] = json!(null);
        assert_eq!(view(None), expected);
    }
}
