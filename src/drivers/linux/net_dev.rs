//! /proc/PID/net/dev (proc_pid_net(5)): what the network interfaces of a namespace carried.

use crate::drivers::linux::{
    name::Name,
    skipped::Skipped,
    text::{Malformed, count, fields, lines},
};

/// One interface since it began. A number that cannot be right is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Bytes received.
    pub rx_bytes: Option<u64>,
    /// Packets received.
    pub rx_packets: Option<u64>,
    /// Bytes sent.
    pub tx_bytes: Option<u64>,
    /// Packets sent.
    pub tx_packets: Option<u64>,
    /// Broken packets, both ways.
    pub errors: Option<u64>,
    /// Packets thrown away, both ways.
    pub dropped: Option<u64>,
}

impl Counters {
    /// An interface that has carried nothing.
    pub const ZERO: Self = Self {
        rx_bytes: Some(0),
        rx_packets: Some(0),
        tx_bytes: Some(0),
        tx_packets: Some(0),
        errors: Some(0),
        dropped: Some(0),
    };
}

/// Gives each interface to `visit`. A line that is not a name, a colon and sixteen columns is left
/// out.
///
/// # Errors
/// When the two lines of titles are not first.
pub fn parse(
    bytes: &[u8],
    skipped: &mut Skipped,
    mut visit: impl FnMut(Name, Counters),
) -> Result<(), Malformed> {
    let mut lines = lines(bytes);
    let titles = (lines.next(), lines.next());
    if !matches!(titles, (Some(first), Some(second)) if first.contains(&b'|') && second.contains(&b'|'))
    {
        return Err(Malformed("two lines of titles first"));
    }
    for line in lines {
        let name = fields(line).next().unwrap_or(b"a blank line");
        if let Some((name, counters)) = skipped.check(name, interface(line)) {
            if counters.has_gap() {
                skipped.add(name.as_bytes());
            }
            visit(name, counters);
        }
    }
    Ok(())
}

impl Counters {
    fn has_gap(&self) -> bool {
        [
            self.rx_bytes,
            self.rx_packets,
            self.tx_bytes,
            self.tx_packets,
            self.errors,
            self.dropped,
        ]
        .contains(&None)
    }
}

fn interface(line: &[u8]) -> Option<(Name, Counters)> {
    // The name of an alias holds a colon, and the first number may touch the last one.
    let colon = line.iter().rposition(|&byte| byte == b':')?;
    let (name, rest) = (line.get(..colon)?.trim_ascii(), line.get(colon + 1..)?);
    let mut columns = fields(rest);
    let mut numbers = [None; 16];
    for slot in &mut numbers {
        *slot = count(columns.next()?);
    }
    let both = |rx: Option<u64>, tx: Option<u64>| Some(rx?.saturating_add(tx?));
    let [
        rx_bytes,
        rx_packets,
        rx_errors,
        rx_dropped,
        _,
        _,
        _,
        _,
        tx_bytes,
        tx_packets,
        tx_errors,
        tx_dropped,
        ..,
    ] = numbers;
    let counters = Counters {
        rx_bytes,
        rx_packets,
        tx_bytes,
        tx_packets,
        errors: both(rx_errors, tx_errors),
        dropped: both(rx_dropped, tx_dropped),
    };
    (!name.is_empty()).then(|| (Name::new(name), counters))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TITLES: &str = "Inter-|   Receive  |  Transmit\n face |bytes    packets errs|bytes\n";

    fn interfaces(text: &[u8]) -> Option<Vec<(Name, Counters)>> {
        let mut found = Vec::new();
        let bytes = [TITLES.as_bytes(), text].concat();
        parse(&bytes, &mut Skipped::default(), |name, counters| {
            found.push((name, counters))
        })
        .ok()
        .map(|()| found)
    }

    #[test]
    fn numbers_land_in_their_places() {
        let counters = Counters {
            rx_bytes: Some(1),
            rx_packets: Some(2),
            tx_bytes: Some(9),
            tx_packets: Some(10),
            errors: Some(14),
            dropped: Some(16),
        };
        let numbers = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16";
        for (line, name) in [
            (format!("  eth0: {numbers}\n"), "eth0"),
            (format!("eth0:{numbers}\n"), "eth0"),
            (format!("eth0:1: {numbers}\n"), "eth0:1"),
            (format!("eth0: {numbers} 17"), "eth0"),
        ] {
            assert_eq!(
                interfaces(line.as_bytes()),
                Some(vec![(Name::new(name.as_bytes()), counters)]),
                "{line}"
            );
        }
    }

    #[test]
    fn a_bad_line_or_number_takes_nothing_but_itself_away() {
        let good = "lo: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
        for bad in [
            "eth0\n",
            "eth0: 1 2 3\n",
            ": 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
            "\n",
        ] {
            let found = interfaces(format!("{bad}{good}").as_bytes());
            let lo = (Name::new(b"lo"), Counters::ZERO);
            assert_eq!(found, Some(vec![lo]), "{bad}");
        }
        let line = b"eth0: 1 2 -3 4 18446744073709551615 6 7 8 9 10 11 12 13 14 15 16\n";
        let found = interfaces(line).unwrap();
        assert_eq!((found[0].1.rx_bytes, found[0].1.errors), (Some(1), None));
    }

    #[test]
    fn another_file_is_refused() {
        for bytes in [&b""[..], b"eth0: 1\n"] {
            assert!(parse(bytes, &mut Skipped::default(), |_, _| {}).is_err());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes, &mut Skipped::default(), |_, _| {});
            let _ = interfaces(&bytes);
        }
    }
}
