//! `sock`: the machine's sockets, its lost segments and connections, and its connection tracker.
//!
//! Where the machine's network is hidden it is our own, and says so: `"by":"self"`.

use serde::Serialize;

use crate::{
    drivers::{
        DriverError, Root,
        linux::sockets::{SocketFiles, Sockets},
        note::Note,
    },
    plugins::{
        FieldUnits, Plugin, Window,
        families::Families,
        figures::{Decimal, OWN_VIEW, rate},
    },
};

/// Reads how many sockets are in use.
#[derive(Debug)]
pub struct Sock {
    files: SocketFiles,
    note: Note,
}

impl Sock {
    /// Reads below `root`.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        let note = Note::default();
        Self {
            files: SocketFiles::new(root).noting(&note),
            note,
        }
    }
}

impl Plugin for Sock {
    type Sample = Sockets;

    const UNITS: FieldUnits = &[("retrans", "1/s"), ("listen_drop", "1/s")];

    const FAMILIES: Option<fn(&Self::Sample, &mut Families)> = Some(families);

    fn read(&mut self, sample: &mut Sockets) -> Result<(), DriverError> {
        *sample = self.files.read()?;
        Ok(())
    }

    fn note(&self) -> Note {
        self.note.clone()
    }

    fn view(window: Window<'_, Sockets>) -> impl Serialize {
        let Sockets {
            v4,
            v6,
            retransmitted,
            listen_drops,
            conntrack,
            own,
        } = window.now;
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
            by: own.then_some(OWN_VIEW),
        }
    }
}

/// Names of node_exporter's `sockstat`, `netstat` and `conntrack` collectors.
fn families(sockets: &Sockets, out: &mut Families) {
    const HELP: &str = "Sockets, see /proc/net/sockstat";
    let Sockets {
        v4,
        v6,
        retransmitted,
        listen_drops,
        conntrack,
        own: _,
    } = sockets;
    let figure = |value: Option<u64>| value.map(|value| value as f64);
    for (name, value) in [
        ("node_sockstat_TCP_inuse", v4.tcp),
        ("node_sockstat_TCP_orphan", v4.orphan),
        ("node_sockstat_TCP_tw", v4.time_wait),
        ("node_sockstat_UDP_inuse", v4.udp),
        ("node_sockstat_TCP6_inuse", v6.tcp),
        ("node_sockstat_UDP6_inuse", v6.udp),
    ] {
        out.gauge(name, HELP, &[], figure(value));
    }
    out.untyped(
        "node_netstat_Tcp_RetransSegs",
        "Segments sent again",
        &[],
        figure(*retransmitted),
    );
    out.untyped(
        "node_netstat_TcpExt_ListenDrops",
        "Connections dropped by listeners",
        &[],
        figure(*listen_drops),
    );
    let (entries, limit) = conntrack.unzip();
    out.gauge(
        "node_nf_conntrack_entries",
        "Tracked connections",
        &[],
        figure(entries),
    );
    out.gauge(
        "node_nf_conntrack_entries_limit",
        "Connections that can be tracked",
        &[],
        figure(limit),
    );
}

#[derive(Serialize)]
struct View {
    /// TCP sockets in use, IPv4 and IPv6 (sockstat and sockstat6). Null where the kernel does not
    /// print it.
    tcp: Option<u64>,
    /// TCP sockets in TIME_WAIT (sockstat). Null where the kernel does not print it.
    tw: Option<u64>,
    /// TCP sockets that no process holds (sockstat). Null where the kernel does not print it.
    orphan: Option<u64>,
    /// UDP sockets in use, IPv4 and IPv6 (sockstat and sockstat6). Null where the kernel does not
    /// print it.
    udp: Option<u64>,
    /// TCP segments retransmitted per second (RetransSegs in snmp). Null without an earlier
    /// reading, and where the kernel does not count them.
    retrans: Option<Decimal>,
    /// Connections per second that were dropped because a listener's queue was full (ListenDrops in
    /// netstat). Null without an earlier reading, and where the kernel does not count them.
    listen_drop: Option<Decimal>,
    /// Number of tracked connections and its limit, as a list (nf_conntrack_count and
    /// nf_conntrack_max in /proc/sys/net/netfilter). Null where nothing is tracked, and where the
    /// agent has a network namespace of its own.
    conntrack: Option<(u64, u64)>,
    /// "self" where the machine's network is hidden from the agent, so that the key is about its
    /// own network namespace. Absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'static str>,
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
            v4: Sockstat {
                tcp: Some(3),
                orphan: Some(1),
                time_wait: Some(9),
                udp: Some(2),
            },
            v6: Sockstat {
                tcp: Some(4),
                ..Sockstat::default()
            },
            retransmitted: Some(retransmitted),
            listen_drops: None,
            conntrack: Some((5, 100)),
            own: false,
        };
        let (before, now) = (sockets(10), sockets(13));
        let view = |before| serde_json::to_value(Sock::view(Window { before, now: &now })).unwrap();
        let mut expected = json!({"tcp": 7, "tw": 9, "orphan": 1, "udp": 2, "retrans": 1.5, "listen_drop": null, "conntrack": [5, 100]});
        assert_eq!(view(Some((&before, Duration::from_secs(2)))), expected);
        expected["retrans"] = json!(null);
        assert_eq!(view(None), expected);
    }
}
