//! `net`: what the machine's network interfaces carry, each and in total.
//!
//! The total is of the hardware, so that bridges, bonds and VLANs do not count the same bytes
//! again. Where the hardware is not to be seen (a namespace of our own, a container) it goes by
//! names, and says so: `"by":"name"`. Where the machine's network is hidden altogether the key is
//! our own's: `"by":"self"`.

use std::time::Duration;

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    drivers::{
        DriverError, Root,
        linux::{
            interfaces::{Interface, Interfaces},
            net_dev::Counters,
        },
        note::Note,
    },
    plugins::{
        FieldUnits, Plugin, Window,
        families::Families,
        figures::{Decimal, OWN_VIEW, rate},
    },
};

/// Reads the counters of the interfaces, and remembers what each of them is.
#[derive(Debug)]
pub struct Net {
    interfaces: Interfaces,
    note: Note,
}

impl Net {
    /// Reads below `root`.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        let note = Note::default();
        Self {
            interfaces: Interfaces::new(root).noting(&note),
            note,
        }
    }
}

/// One reading.
#[derive(Debug, Default)]
pub struct Sample {
    interfaces: Vec<Interface>,
    by_name: bool,
    own: bool,
}

impl Sample {
    /// The interface of the same name, looked for first at the index where it stood in another
    /// reading.
    fn find(&self, interface: &Interface, hint: usize) -> Option<&Counters> {
        let same = |other: &&Interface| other.name == interface.name;
        let found = self
            .interfaces
            .get(hint)
            .filter(same)
            .or_else(|| self.interfaces.iter().find(same));
        found?.counters.as_ref()
    }
}

impl Plugin for Net {
    type Sample = Sample;

    const UNITS: FieldUnits = &[
        ("total.rx", "B/s"),
        ("total.tx", "B/s"),
        ("if.*.rx", "B/s"),
        ("if.*.tx", "B/s"),
        ("if.*.rxp", "1/s"),
        ("if.*.txp", "1/s"),
        ("if.*.err", "1/s"),
        ("if.*.drop", "1/s"),
        ("if.*.mbps", "Mbit/s"),
    ];

    const FAMILIES: Option<fn(&Self::Sample, &mut Families)> = Some(families);

    fn read(&mut self, sample: &mut Sample) -> Result<(), DriverError> {
        sample.by_name = self.interfaces.read(&mut sample.interfaces)?;
        sample.own = self.interfaces.own;
        Ok(())
    }

    fn note(&self) -> Note {
        self.note.clone()
    }

    fn view(window: Window<'_, Sample>) -> impl Serialize {
        View {
            total: window
                .before
                .map(|(before, over)| Total::between(before, window.now, over)),
            interfaces: Rows(window),
            by: window.now.own.then_some(OWN_VIEW),
        }
    }
}

/// Names of node_exporter's `netdev` and `netclass` collectors. Errors and drops are not among
/// them: they are counted here for both ways together.
fn families(sample: &Sample, out: &mut Families) {
    for interface in &sample.interfaces {
        let device = interface.name.to_string();
        let labels = [("device", device.as_str())];
        if let Some(counters) = &interface.counters {
            for (name, help, value) in [
                (
                    "node_network_receive_bytes_total",
                    "Bytes received",
                    counters.rx_bytes,
                ),
                (
                    "node_network_receive_packets_total",
                    "Packets received",
                    counters.rx_packets,
                ),
                (
                    "node_network_transmit_bytes_total",
                    "Bytes sent",
                    counters.tx_bytes,
                ),
                (
                    "node_network_transmit_packets_total",
                    "Packets sent",
                    counters.tx_packets,
                ),
            ] {
                out.counter(name, help, &labels, value.map(|value| value as f64));
            }
        }
        let up = interface.link.said_up.map(|up| f64::from(u8::from(up)));
        out.gauge(
            "node_network_up",
            "1 where the driver says that the interface is up",
            &labels,
            up,
        );
        let bytes_a_second = interface.link.mbps.map(|mbps| mbps as f64 * 1e6 / 8.0);
        out.gauge(
            "node_network_speed_bytes",
            "Speed of the link in bytes a second",
            &labels,
            bytes_a_second,
        );
    }
}

#[derive(Serialize)]
struct View<'a> {
    /// Sums over the network hardware, since bridges, bonds and VLANs repeat the same bytes. An
    /// interface that appeared or whose counters fell between the two readings has no part in them.
    /// Null without an earlier reading.
    total: Option<Total>,
    /// One object for each interface under its name.
    #[serde(rename = "if")]
    interfaces: Rows<'a>,
    /// "self" where the machine's network is hidden from the agent, so that the key is about its
    /// own network namespace. Absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'static str>,
}

#[derive(Serialize)]
struct Total {
    /// Bytes received per second. Null where no time has passed.
    rx: Option<Decimal>,
    /// Bytes sent per second. Null where no time has passed.
    tx: Option<Decimal>,
    /// "name" where the hardware is not visible and names decide instead: lo, bridges, tunnels,
    /// VLANs, members of bonds and the ends of containers' links are left out. Absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'static str>,
}

impl Total {
    /// The sums of what each interface grew by: one that has come or began anew in between has no
    /// part in it.
    fn between(before: &Sample, now: &Sample, over: Duration) -> Self {
        let (mut received, mut sent) = (0_u64, 0_u64);
        for (index, interface) in now
            .interfaces
            .iter()
            .enumerate()
            .filter(|(_, interface)| interface.in_total)
        {
            let (Some(before), Some(now)) = (before.find(interface, index), &interface.counters)
            else {
                continue;
            };
            let grown =
                |field: fn(&Counters) -> Option<u64>| field(now)?.checked_sub(field(before)?);
            let grown = (
                grown(|counters| counters.rx_bytes),
                grown(|counters| counters.tx_bytes),
            );
            if let (Some(rx), Some(tx)) = grown {
                received = received.saturating_add(rx);
                sent = sent.saturating_add(tx);
            }
        }
        let by = now.by_name.then_some("name");
        Self {
            rx: Decimal::rate(0, received, over),
            tx: Decimal::rate(0, sent, over),
            by,
        }
    }
}

struct Rows<'a>(Window<'a, Sample>);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Window { before, now } = self.0;
        let mut map = serializer.serialize_map(Some(now.interfaces.len()))?;
        for (index, interface) in now.interfaces.iter().enumerate() {
            let before =
                before.and_then(|(before, over)| Some((before.find(interface, index)?, over)));
            map.serialize_entry(&interface.name, &Row::between(before, interface))?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct Row {
    /// Bytes received per second. Null without an earlier reading of the interface, and once after
    /// its counter fell.
    rx: Option<Decimal>,
    /// Bytes sent per second. Null like `rx`.
    tx: Option<Decimal>,
    /// Packets received per second. Null like `rx`.
    rxp: Option<Decimal>,
    /// Packets sent per second. Null like `rx`.
    txp: Option<Decimal>,
    /// Packets with errors per second, both ways. Null like `rx`.
    err: Option<Decimal>,
    /// Packets dropped per second, both ways. Null like `rx`.
    drop: Option<Decimal>,
    /// Whether the interface can carry traffic: operstate in /sys/class/net, or carrier where the
    /// driver reports no state. Null where sysfs shows another network namespace.
    up: Option<bool>,
    /// Speed of the link (speed in /sys/class/net), read when the link comes up. Null for what is
    /// no hardware, is down or has no known speed.
    mbps: Option<u64>,
}

impl Row {
    fn between(before: Option<(&Counters, Duration)>, now: &Interface) -> Self {
        let rate = |field: fn(&Counters) -> Option<u64>| {
            let (before, over) = before?;
            rate(field(before), field(now.counters.as_ref()?), over)
        };
        Self {
            rx: rate(|counters| counters.rx_bytes),
            tx: rate(|counters| counters.tx_bytes),
            rxp: rate(|counters| counters.rx_packets),
            txp: rate(|counters| counters.tx_packets),
            err: rate(|counters| counters.errors),
            drop: rate(|counters| counters.dropped),
            up: now.link.up,
            mbps: now.link.mbps,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use serde_json::{Value, json};

    use super::*;
    use crate::drivers::linux::{interfaces::Link, name::Name};

    fn interface(name: &str, bytes: Option<u64>, in_total: bool) -> Interface {
        let counters = bytes.map(|bytes| Counters {
            rx_bytes: Some(bytes),
            tx_packets: Some(bytes / 10),
            ..Counters::ZERO
        });
        Interface {
            name: Name::new(name.as_bytes()),
            counters,
            link: Link::default(),
            in_total,
        }
    }

    fn view(before: Option<Vec<Interface>>, now: Vec<Interface>, by_name: bool) -> Value {
        let before = before.map(|interfaces| Sample {
            interfaces,
            by_name,
            own: false,
        });
        let now = Sample {
            interfaces: now,
            by_name,
            own: false,
        };
        let before = before
            .as_ref()
            .map(|sample| (sample, Duration::from_secs(2)));
        serde_json::to_value(Net::view(Window { before, now: &now })).unwrap()
    }

    #[test]
    fn a_counter_that_fell_is_null_once_and_in_no_total() {
        let before = vec![
            interface("lo", Some(5), false),
            interface("eth0", Some(100), true),
            interface("eth1", Some(500), true),
            interface("eth2", None, true),
        ];
        let now = vec![
            interface("eth0", Some(300), true),
            interface("eth1", Some(7), true),
            interface("eth2", Some(9000), true),
            interface("eth3", Some(9000), true),
            interface("lo", None, false),
        ];
        let view = view(Some(before), now, false);
        assert_eq!(view["total"], json!({"rx": 100, "tx": 0}));
        let figures =
            ["eth0", "eth1", "eth2", "eth3", "lo"].map(|name| view["if"][name]["rx"].as_u64());
        assert_eq!(figures, [Some(100), None, None, None, None]);
        assert_eq!(view["if"]["eth0"]["txp"], 10);
    }

    #[test]
    fn the_first_push_has_no_rates_and_a_total_by_names_says_so() {
        let rows = |bytes| vec![interface("eth0", Some(bytes), true)];
        let first = view(None, rows(7), true);
        let nulls = json!({"rx":null,"tx":null,"rxp":null,"txp":null,"err":null,"drop":null,"up":null,"mbps":null});
        assert_eq!(first, json!({"total": null, "if": {"eth0": nulls}}));
        assert_eq!(
            view(Some(rows(7)), rows(8), true)["total"],
            json!({"rx": 0.5, "tx": 0, "by": "name"})
        );
    }

    #[test]
    fn bytes_over_the_loopback_are_counted_and_in_no_total() {
        const SENT: u64 = 64 * 1000;
        let mut net = Net::new(&Root::host());
        let (mut before, mut now) = (Sample::default(), Sample::default());
        let (sender, receiver) = (
            UdpSocket::bind("127.0.0.1:0").unwrap(),
            UdpSocket::bind("127.0.0.1:0").unwrap(),
        );
        net.read(&mut before).unwrap();
        for _ in 0..64 {
            sender
                .send_to(&[0; 1000], receiver.local_addr().unwrap())
                .unwrap();
        }
        net.read(&mut now).unwrap();
        let window = Window {
            before: Some((&before, Duration::from_secs(1))),
            now: &now,
        };
        let view = serde_json::to_value(Net::view(window)).unwrap();
        assert!(
            view["if"]["lo"]["rx"].as_u64() >= Some(SENT)
                && view["if"]["lo"]["rxp"].as_u64() >= Some(64),
            "{view}"
        );
        assert!(
            now.interfaces
                .iter()
                .all(|interface| interface.name != Name::new(b"lo") || !interface.in_total)
        );
    }
}
