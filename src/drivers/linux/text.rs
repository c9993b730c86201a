//! The kernel's text: lines, fields and numbers, cut from bytes without an allocation.

use std::iter;

use memchr::{memchr, memchr_iter};

/// Bytes that are not what the kernel's documents promise, with what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// The lines of `bytes`; the last one counts without its newline, too.
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    let unended = (!bytes.is_empty() && !bytes.ends_with(b"\n")).then_some(bytes.len());
    memchr_iter(b'\n', bytes)
        .chain(unended)
        .filter_map(move |end| {
            let line = bytes.get(start..end);
            start = end + 1;
            line
        })
}

/// The fields of a line, separated by any number of blanks.
pub fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = line;
    iter::from_fn(move || {
        rest = rest.trim_ascii_start();
        let end = rest
            .iter()
            .position(u8::is_ascii_whitespace)
            .unwrap_or(rest.len());
        let (field, after) = rest.split_at(end);
        rest = after;
        (!field.is_empty()).then_some(field)
    })
}

/// The line before and after its first `separator`.
#[must_use]
pub fn split_once(line: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr(separator, line)?;
    Some((line.get(..at)?, line.get(at + 1..)?))
}

/// A decimal number: digits only, at least one, and within 64 bits.
#[must_use]
pub fn decimal(field: &[u8]) -> Option<u64> {
    if field.is_empty() {
        return None;
    }
    field.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// A count as the kernel can reach it. One above 63 bits has been below zero in the kernel.
#[must_use]
pub fn count(field: &[u8]) -> Option<u64> {
    decimal(field).filter(|&count| i64::try_from(count).is_ok())
}

/// A decimal number with a sign, as the kernel prints temperatures and unknown speeds.
#[must_use]
pub fn signed(field: &[u8]) -> Option<i64> {
    match field.strip_prefix(b"-") {
        Some(digits) => 0_i64.checked_sub_unsigned(decimal(digits)?),
        None => i64::try_from(decimal(field)?).ok(),
    }
}

/// A decimal fraction with two digits after the point, as hundredths: the form of /proc/loadavg and
/// /proc/uptime.
#[must_use]
pub fn hundredths(field: &[u8]) -> Option<u64> {
    let (whole, part) = split_once(field, b'.')?;
    if part.len() != 2 {
        return None;
    }
    decimal(whole)?
        .checked_mul(100)?
        .checked_add(decimal(part)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimals_are_digits_within_64_bits() {
        let cases: [(&[u8], Option<u64>); 9] = [
            (b"0", Some(0)),
            (b"007", Some(7)),
            (b"18446744073709551615", Some(u64::MAX)),
            (b"18446744073709551616", None),
            (b"", None),
            (b"-1", None),
            (b"+1", None),
            (b"1.5", None),
            (b"0x1f", None),
        ];
        for (text, expected) in cases {
            assert_eq!(decimal(text), expected, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn signed_numbers_keep_their_range() {
        let cases: [(&[u8], Option<i64>); 6] = [
            (b"-1", Some(-1)),
            (b"-9223372036854775808", Some(i64::MIN)),
            (b"-9223372036854775809", None),
            (b"9223372036854775808", None),
            (b"--1", None),
            (b"-", None),
        ];
        for (text, expected) in cases {
            assert_eq!(signed(text), expected, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn hundredths_need_two_digits_after_the_point() {
        let cases: [(&[u8], Option<u64>); 6] = [
            (b"0.09", Some(9)),
            (b"12.50", Some(1250)),
            (b"1.5", None),
            (b"1", None),
            (b".50", None),
            (b"184467440737095516.16", None),
        ];
        for (text, expected) in cases {
            assert_eq!(hundredths(text), expected, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn a_last_line_counts_without_its_end() {
        let all: [&[u8]; 3] = [b"a 1", b"", b"c 3"];
        assert_eq!(lines(b"a 1\n\nc 3").collect::<Vec<_>>(), all);
        assert_eq!(lines(b"").count(), 0);
        assert_eq!(fields(b"  a\t b  ").collect::<Vec<_>>(), [b"a", b"b"]);
    }

    proptest! {
        #[test]
        fn decimals_read_back(value: u64) {
            prop_assert_eq!(decimal(value.to_string().as_bytes()), Some(value));
        }

        #[test]
        fn signed_numbers_read_back(value: i64) {
            prop_assert_eq!(signed(value.to_string().as_bytes()), Some(value));
        }
    }
}
