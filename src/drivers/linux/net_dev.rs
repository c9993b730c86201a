//! /proc/PID/net/dev (proc_pid_net(5)): what the network interfaces of a namespace carried.

use crate::drivers::linux::{
    name::Name,
    text::{Malformed, decimal, fields, lines},
};

/// One interface since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Bytes received.
    pub rx_bytes: u64,
    /// Packets received.
    pub rx_packets: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Broken packets, both ways.
    pub errors: u64,
    /// Packets thrown away, both ways.
    pub dropped: u64,
}

/// Gives each interface to `visit`.
///
/// # Errors
/// When the two lines of titles are not first, or a line is not a name, a colon and sixteen
/// numbers.
pub fn parse(bytes: &[u8], mut visit: impl FnMut(Name, Counters)) -> Result<(), Malformed> {
    let mut lines = lines(bytes);
    let titles = (lines.next(), lines.next());
    if !matches!(titles, (Some(first), Some(second)) if first.contains(&b'|') && second.contains(&b'|'))
    {
        return Err(Malformed("two lines of titles first"));
    }
    for line in lines {
        let (name, counters) =
            interface(line).ok_or(Malformed("an interface, a colon and sixteen numbers"))?;
        visit(name, counters);
    }
    Ok(())
}

fn interface(line: &[u8]) -> Option<(Name, Counters)> {
    // The name of an alias holds a colon, and the first number may touch the last one.
    let colon = line.iter().rposition(|&byte| byte == b':')?;
    let (name, rest) = (line.get(..colon)?.trim_ascii(), line.get(colon + 1..)?);
    let mut columns = fields(rest);
    let mut numbers = [0; 16];
    for slot in &mut numbers {
        *slot = decimal(columns.next()?)?;
    }
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
        errors: rx_errors.saturating_add(tx_errors),
        dropped: rx_dropped.saturating_add(tx_dropped),
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
        parse(&[TITLES.as_bytes(), text].concat(), |name, counters| {
            found.push((name, counters))
        })
        .ok()
        .map(|()| found)
    }

    #[test]
    fn numbers_land_in_their_places() {
        let counters = Counters {
            rx_bytes: 1,
            rx_packets: 2,
            tx_bytes: 9,
            tx_packets: 10,
            errors: 14,
            dropped: 16,
        };
        let numbers = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16";
        for (line, name) in [
            (format!("  eth0: {numbers}\n"), "eth0"),
            (format!("eth0:{numbers}\n"), "eth0"),
            (format!("eth0:1: {numbers}\n"), "eth0:1"),
            (format!("eth0: {numbers} 17\n"), "eth0"),
        ] {
            assert_eq!(
                interfaces(line.as_bytes()),
                Some(vec![(Name::new(name.as_bytes()), counters)]),
                "{line}"
            );
        }
    }

    #[test]
    fn hostile_and_truncated_bytes_are_refused() {
        let cases: [&[u8]; 5] = [
            b"eth0\n",
            b"eth0: 1 2 3\n",
            b": 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
            b"\n",
            b"eth0: -1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
        ];
        for bytes in cases {
            assert_eq!(interfaces(bytes), None, "{}", bytes.escape_ascii());
        }
        assert_eq!(
            interfaces(b"eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 1"),
            Some(vec![])
        );
        assert!(parse(b"", |_, _| {}).is_err() && parse(b"eth0: 1\n", |_, _| {}).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = (parse(&bytes, |_, _| {}), interfaces(&bytes));
        }
    }
}
