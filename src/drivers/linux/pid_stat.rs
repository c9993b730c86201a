//! /proc/PID/stat (proc_pid_stat(5)): one process, or one thread, in one line.

use crate::drivers::linux::text::{Malformed, decimal, fields, signed};

/// What of the line is read. Times are in clock ticks (100 a second).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PidStat<'a> {
    /// The name: any bytes but NUL, up to 15 of them for a program and 63 for a kernel worker.
    pub name: &'a [u8],
    /// The state's letter.
    pub state: u8,
    /// The process that started it, or that took it over; 0 where that is outside of our view.
    pub parent: u32,
    /// Its process group; below 1 where it has none any more, or one outside of our view.
    pub group: i64,
    /// Minor page faults of children that have ended and were waited for. Every process has some, so
    /// this grows exactly when the kernel adds the use of a child, its I/O among it, to its parent's.
    pub reaped_faults: u64,
    /// Time in user mode.
    pub user_ticks: u64,
    /// Time in the kernel.
    pub system_ticks: u64,
    /// Threads of the process.
    pub threads: u64,
    /// When it started, after boot: with the process id this names it for good.
    pub start_ticks: u64,
    /// Memory in use, in pages.
    pub resident_pages: u64,
}

/// What stands after the name. The name may hold blanks and brackets, so the last bracket ends it.
fn after_name(line: &[u8]) -> Option<&[u8]> {
    let close = line.iter().rposition(|&byte| byte == b')')?;
    line.get(close + 1..)?.strip_prefix(b" ")
}

/// The state's letter alone, as `ps` shows it first in its column STAT.
#[must_use]
pub fn state(line: &[u8]) -> Option<u8> {
    match after_name(line)? {
        [letter, b' ', ..] if letter.is_ascii_alphabetic() => Some(*letter),
        _ => None,
    }
}

/// Parses the line.
///
/// # Errors
/// When a field that we read is absent or not a number.
pub fn parse(line: &[u8]) -> Result<PidStat<'_>, Malformed> {
    parse_fields(line).ok_or(Malformed(
        "a process id, a name in brackets, a state and at least 22 numbers",
    ))
}

fn parse_fields(line: &[u8]) -> Option<PidStat<'_>> {
    let open = line.iter().position(|&byte| byte == b'(')?;
    let close = line.iter().rposition(|&byte| byte == b')')?;
    // proc_pid_stat(5) numbers the fields from 1; these begin with the third.
    let mut columns = fields(after_name(line)?);
    let _state = columns.next()?;
    Some(PidStat {
        name: line.get(open + 1..close)?,
        state: state(line)?,
        parent: decimal(columns.next()?).and_then(|parent| u32::try_from(parent).ok())?,
        group: signed(columns.next()?)?,
        reaped_faults: decimal(columns.nth(5)?)?,
        user_ticks: decimal(columns.nth(2)?)?,
        system_ticks: decimal(columns.next()?)?,
        threads: decimal(columns.nth(4)?)?,
        start_ticks: decimal(columns.nth(1)?)?,
        resident_pages: decimal(columns.nth(1)?)?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REST: &[u8] =
        b" S 1 5 5 0 -1 4194304 7 8 9 10 140 150 17 18 20 0 3 0 2200 1000000 240 18446744073709551615 1\n";

    fn line(name: &[u8]) -> Vec<u8> {
        [b"42 (", name, b")", REST].concat()
    }

    #[test]
    fn fields_are_taken_after_the_last_bracket() {
        let names: [&[u8]; 7] = [
            b"cat",
            b"",
            b") R 1 (",
            b"a b",
            b"(sd-pam)",
            b"x\n) Z",
            b"\xff\xc3\xa9",
        ];
        for name in names {
            let expected = PidStat {
                name,
                state: b'S',
                parent: 1,
                group: 5,
                reaped_faults: 8,
                user_ticks: 140,
                system_ticks: 150,
                threads: 3,
                start_ticks: 2200,
                resident_pages: 240,
            };
            assert_eq!(parse(&line(name)), Ok(expected), "{}", name.escape_ascii());
            assert_eq!(state(&line(name)), Some(b'S'));
        }
    }

    /// The kernel writes -1 for what it can look up no more.
    #[test]
    fn a_process_that_is_being_buried_is_a_process() {
        let text = String::from_utf8(line(b"cat"))
            .unwrap()
            .replace(" S 1 5 5 ", " Z 0 -1 -1 ");
        let found = parse(text.as_bytes()).unwrap();
        assert_eq!((found.parent, found.group, found.user_ticks), (0, -1, 140));
    }

    #[test]
    fn hostile_and_truncated_lines_are_refused() {
        let whole = line(b"cat");
        let cut = whole
            .windows(5)
            .position(|window| window == b" 240 ")
            .unwrap();
        for end in 0..=cut {
            assert!(parse(&whole[..end]).is_err(), "{end}");
        }
        for bytes in [
            &b"1 )x( S 1"[..],
            b"1 (a) ",
            b"1 (a)S",
            b"1 (a) 7 ",
            b"1 (a) SS ",
            b"((",
        ] {
            assert_eq!(
                (parse(bytes).is_err(), state(bytes)),
                (true, None),
                "{}",
                bytes.escape_ascii()
            );
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = (state(&bytes), parse(&bytes));
            let _ = parse(&line(&bytes));
        }
    }
}
