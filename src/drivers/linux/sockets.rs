//! /proc/PID/net/{sockstat,sockstat6,snmp,netstat} (proc_pid_net(5),
//! Documentation/networking/snmp_counter.rst) and the connection tracker's sysctls: the sockets of
//! the machine.

use crate::drivers::{
    DriverError, Root,
    linux::{
        file::KernelFile,
        interfaces::Network,
        skipped::Skipped,
        text::{Malformed, count, fields, lines, split_once},
    },
    note::Note,
};

/// What /proc/net/sockstat or sockstat6 counts now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sockstat {
    /// TCP sockets in use.
    pub tcp: Option<u64>,
    /// TCP connections that nobody holds any more.
    pub orphan: Option<u64>,
    /// TCP connections that wait for late packets.
    pub time_wait: Option<u64>,
    /// UDP sockets in use.
    pub udp: Option<u64>,
}

/// Parses sockstat or sockstat6: lines of a protocol, a colon, and names with numbers. A figure
/// that is not a number is none.
///
/// # Errors
/// When there is none of the figures.
pub fn parse_sockstat(bytes: &[u8], skipped: &mut Skipped) -> Result<Sockstat, Malformed> {
    let mut sockstat = Sockstat::default();
    for (protocol, rest) in lines(bytes).filter_map(|line| split_once(line, b':')) {
        let mut columns = fields(rest);
        while let (Some(name), Some(value)) = (columns.next(), columns.next()) {
            let slot = match (protocol, name) {
                (b"TCP" | b"TCP6", b"inuse") => &mut sockstat.tcp,
                (b"TCP", b"orphan") => &mut sockstat.orphan,
                (b"TCP", b"tw") => &mut sockstat.time_wait,
                (b"UDP" | b"UDP6", b"inuse") => &mut sockstat.udp,
                _ => continue,
            };
            *slot = skipped.check(protocol, count(value));
        }
    }
    if sockstat == Sockstat::default() {
        return Err(Malformed("lines of TCP and UDP"));
    }
    Ok(sockstat)
}

/// Parses snmp or netstat, lines of names that are followed by a line of numbers: the counter
/// `name` of `protocol`; none where it is absent or not a number.
#[must_use]
pub fn parse_counter(
    bytes: &[u8],
    protocol: &[u8],
    name: &[u8],
    skipped: &mut Skipped,
) -> Option<u64> {
    let of_protocol = |line: &&[u8]| {
        line.strip_prefix(protocol)
            .is_some_and(|rest| rest.starts_with(b":"))
    };
    let mut lines = lines(bytes).filter(of_protocol);
    let (names, values) = (lines.next()?, lines.next()?);
    let mut pairs = fields(names).zip(fields(values)).skip(1);
    let (_, value) = pairs.find(|(found, _)| *found == name)?;
    skipped.check(name, count(value))
}

/// The sockets of the machine at one time; what this kernel does not tell is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sockets {
    /// IPv4 sockets, and what the kernel counts for both.
    pub v4: Sockstat,
    /// IPv6 sockets.
    pub v6: Sockstat,
    /// TCP segments sent again since boot.
    pub retransmitted: Option<u64>,
    /// Connections lost since boot because a listener was too slow to take them.
    pub listen_drops: Option<u64>,
    /// Tracked connections, and how many there may be.
    pub conntrack: Option<(u64, u64)>,
    /// Whether all this is of our own namespace, the machine's being hidden.
    pub own: bool,
}

/// The files, kept open.
#[derive(Debug)]
pub struct SocketFiles {
    sockstat: KernelFile,
    sockstat6: KernelFile,
    snmp: KernelFile,
    netstat: KernelFile,
    /// The tracker's count and limit. A sysctl is that of our own namespace, so there is none where
    /// the machine's is another.
    conntrack: Option<(KernelFile, KernelFile)>,
    own: bool,
}

impl SocketFiles {
    /// Below `root`; opened by the first read.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        let Network {
            folder,
            ours,
            instead,
        } = Network::find(root);
        let file = |name: &str| KernelFile::new(root, format!("{folder}/{name}"));
        let sysctl = |name: &str| KernelFile::new(root, format!("proc/sys/net/netfilter/{name}"));
        Self {
            sockstat: file("sockstat"),
            sockstat6: file("sockstat6"),
            snmp: file("snmp"),
            netstat: file("netstat"),
            conntrack: ours.then(|| (sysctl("nf_conntrack_count"), sysctl("nf_conntrack_max"))),
            own: instead,
        }
    }

    /// The same files, which tell in `note` what they leave out.
    #[must_use]
    pub fn noting(self, note: &Note) -> Self {
        let both =
            |(entries, max): (KernelFile, KernelFile)| (entries.noting(note), max.noting(note));
        Self {
            sockstat: self.sockstat.noting(note),
            sockstat6: self.sockstat6.noting(note),
            snmp: self.snmp.noting(note),
            netstat: self.netstat.noting(note),
            conntrack: self.conntrack.map(both),
            own: self.own,
        }
    }

    /// Reads all of them. One that cannot be read takes none of the others away.
    ///
    /// # Errors
    /// When none of them tells anything.
    pub fn read(&mut self) -> Result<Sockets, DriverError> {
        let tcp = |bytes: &[u8], skipped: &mut Skipped| {
            Ok(parse_counter(bytes, b"Tcp", b"RetransSegs", skipped))
        };
        let extended = |bytes: &[u8], skipped: &mut Skipped| {
            Ok(parse_counter(bytes, b"TcpExt", b"ListenDrops", skipped))
        };
        let mut sockets = Sockets {
            v4: Sockstat::default(),
            v6: self.sockstat6.read_part(parse_sockstat).unwrap_or_default(),
            retransmitted: self.snmp.read_part(tcp).flatten(),
            listen_drops: self.netstat.read_part(extended).flatten(),
            conntrack: self
                .conntrack
                .as_mut()
                .and_then(|(entries, max)| entries.read_part(number).zip(max.read_part(number))),
            own: self.own,
        };
        let nothing = sockets
            == Sockets {
                own: self.own,
                ..Sockets::default()
            };
        sockets.v4 = if nothing {
            self.sockstat.read_leniently(parse_sockstat)?
        } else {
            self.sockstat.read_part(parse_sockstat).unwrap_or_default()
        };
        Ok(sockets)
    }
}

fn number(bytes: &[u8], _: &mut Skipped) -> Result<u64, Malformed> {
    lines(bytes)
        .next()
        .and_then(count)
        .ok_or(Malformed("a number"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sockstat_in_its_form_or_nothing() {
        let v4 = Sockstat {
            tcp: Some(5),
            orphan: Some(1),
            time_wait: Some(2),
            udp: Some(3),
        };
        let cases: [(&[u8], Option<Sockstat>); 6] = [
            (b"sockets: used 9\nTCP: inuse 5 orphan 1 tw 2 alloc 7 mem 1\nUDP: inuse 3 mem 0\nFRAG: inuse 0 memory 0\n", Some(v4)),
            (b"TCP6: inuse 5\nUDP6: inuse 3\n", Some(Sockstat { orphan: None, time_wait: None, ..v4 })),
            (b"TCP: inuse 5 orphan\n", Some(Sockstat { tcp: Some(5), ..Sockstat::default() })),
            (b"TCP: inuse x\n", None),
            (b"TCP: inuse -1 orphan 1 tw 2\nUDP: inuse 3", Some(Sockstat { tcp: None, ..v4 })),
            (b"", None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(
                parse_sockstat(bytes, &mut Skipped::default()).ok(),
                expected,
                "{}",
                bytes.escape_ascii()
            );
        }
    }

    #[test]
    fn counters_stand_below_their_names() {
        let text = b"Ip: A RetransSegs\nIp: 1 2\nTcpExt: RetransSegs\nTcpExt: 7\nTcp: A RetransSegs B\nTcp: -1 22 -\n";
        let cases = [
            ("Tcp", "RetransSegs", Some(22), true),
            ("TcpExt", "RetransSegs", Some(7), true),
            ("Tcp", "Absent", None, true),
            ("Udp", "A", None, true),
            ("Tcp", "Tcp:", None, true),
            ("Tcp", "A", None, false),
        ];
        for (protocol, name, expected, right) in cases {
            let mut skipped = Skipped::default();
            let found = parse_counter(text, protocol.as_bytes(), name.as_bytes(), &mut skipped);
            assert_eq!(
                (found, skipped.is_empty()),
                (expected, right),
                "{protocol} {name}"
            );
        }
    }

    #[test]
    fn the_running_host_is_read() {
        let sockets = SocketFiles::new(&Root::host()).read().unwrap();
        assert!(
            sockets.v4.time_wait.is_some() && sockets.retransmitted.is_some(),
            "{sockets:?}"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let mut skipped = Skipped::default();
            let _ = parse_counter(&bytes, b"Tcp", b"A", &mut skipped);
            let _ = (parse_sockstat(&bytes, &mut skipped), number(&bytes, &mut skipped));
            let _ = parse_sockstat(&[b"TCP: inuse ", &bytes[..]].concat(), &mut skipped);
        }
    }
}
