//! Numbers as they are written in JSON.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// A number with at most two decimals, and without a fraction where it is whole: `0`, `0.07`, `1`,
/// `1234`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal {
    hundredths: u64,
}

/// From here on a rate has no decimals: nobody reads the third digit after these, and pushes stay
/// short.
const WHOLE_FROM: u64 = 100;

impl Decimal {
    /// `part` of `whole`, rounded half up; 0 of nothing.
    #[must_use]
    pub fn ratio(part: u64, whole: u64) -> Self {
        Self::hundredths(hundredths(part, u128::from(whole)).unwrap_or(0))
    }

    /// `part` of `whole` in hundredths of it.
    #[must_use]
    pub fn percent(part: u64, whole: u64) -> Self {
        Self::hundredths(
            hundredths(part, u128::from(whole))
                .unwrap_or(0)
                .saturating_mul(100),
        )
    }

    /// What a counter grew by in a second, from `before` to `now` in the time `over`. None when the
    /// counter fell (the device began anew, and what it counted before is not known) and when no
    /// time passed.
    #[must_use]
    pub fn rate(before: u64, now: u64, over: Duration) -> Option<Self> {
        Self::rate_of(before, now, 1, over).map(Self::coarse)
    }

    /// The same for a counter of which `unit` make one: clock ticks or nanoseconds of processor
    /// time a second are the share of one processor, microjoules a second are watts.
    #[must_use]
    pub fn rate_of(before: u64, now: u64, unit: u64, over: Duration) -> Option<Self> {
        let grown = u128::from(now.checked_sub(before)?) * u128::from(NANOS);
        Some(Self::hundredths(hundredths_of(
            grown,
            over.as_nanos().checked_mul(u128::from(unit))?,
        )?))
    }

    /// From hundredths.
    #[must_use]
    pub const fn hundredths(hundredths: u64) -> Self {
        Self { hundredths }
    }

    fn coarse(self) -> Self {
        if self.hundredths < WHOLE_FROM * 100 {
            return self;
        }
        Self {
            hundredths: self.hundredths.saturating_add(50) / 100 * 100,
        }
    }
}

fn hundredths(part: u64, whole: u128) -> Option<u64> {
    hundredths_of(u128::from(part), whole)
}

fn hundredths_of(part: u128, whole: u128) -> Option<u64> {
    rounded(part.checked_mul(100)?, whole)
}

/// `part` of `whole`, rounded half up; none of nothing.
fn rounded(part: u128, whole: u128) -> Option<u64> {
    let twice = part.checked_mul(2)?.checked_add(whole)?;
    Some(u64::try_from(twice.checked_div(whole * 2)?).unwrap_or(u64::MAX))
}

/// Writes `scaled / scale`, without a fraction where it is whole.
fn serialize_scaled<S: Serializer>(
    scaled: u64,
    scale: u64,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    if scaled.is_multiple_of(scale) {
        serializer.serialize_u64(scaled / scale)
    } else {
        serializer.serialize_f64(scaled as f64 / scale as f64)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_scaled(self.hundredths, 100, serializer)
    }
}

/// A part of a whole that may be small: 0 to 1 with four decimals at most, since one processor of
/// 256 is 0.0039 of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FineRatio {
    ten_thousandths: u64,
}

impl FineRatio {
    /// `part` of `whole`, rounded half up; 0 of nothing.
    #[must_use]
    pub fn of(part: u64, whole: u64) -> Self {
        let scaled = rounded(u128::from(part) * 10_000, u128::from(whole));
        Self {
            ten_thousandths: scaled.unwrap_or(0),
        }
    }
}

impl Serialize for FineRatio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_scaled(self.ten_thousandths, 10_000, serializer)
    }
}

/// A temperature, in JSON with one decimal at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Celsius {
    milli: i64,
}

impl Celsius {
    /// From thousandths of a degree.
    #[must_use]
    pub const fn from_milli(milli: i64) -> Self {
        Self { milli }
    }

    /// Degrees, as exact as the sensor is.
    #[must_use]
    pub fn degrees(self) -> f64 {
        self.milli as f64 / 1000.0
    }

    const fn tenths(self) -> i64 {
        let half = if self.milli < 0 { -50 } else { 50 };
        self.milli.saturating_add(half) / 100
    }
}

impl Serialize for Celsius {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tenths = self.tenths();
        if tenths % 10 == 0 {
            serializer.serialize_i64(tenths / 10)
        } else {
            serializer.serialize_f64(tenths as f64 / 10.0)
        }
    }
}

/// The rate of a counter that one or both samples may lack.
#[must_use]
pub fn rate(before: Option<u64>, now: Option<u64>, over: Duration) -> Option<Decimal> {
    Decimal::rate(before?, now?, over)
}

/// [`Decimal::rate_of`] a counter that one or both samples may lack.
#[must_use]
pub fn rate_of(
    before: Option<u64>,
    now: Option<u64>,
    unit: u64,
    over: Duration,
) -> Option<Decimal> {
    Decimal::rate_of(before?, now?, unit, over)
}

/// What `by` says of figures that are our own view's, which may not be the machine's: that one is
/// hidden from us.
pub const OWN_VIEW: &str = "self";

/// Nanoseconds in a second.
pub const NANOS: u64 = 1_000_000_000;

/// Microjoules in a second of one watt.
pub const MICROJOULES: u64 = 1_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ratios_have_two_decimals_at_most() {
        let cases = [
            (0, 0, "0"),
            (5, 0, "0"),
            (0, 7, "0"),
            (7, 7, "1"),
            (1, 200, "0.01"),
            (1, 201, "0"),
            (57, 200, "0.29"),
            (1, 3, "0.33"),
            (1, 10, "0.1"),
            (199, 200, "1"),
            (29, 100, "0.29"),
            (u64::MAX, u64::MAX, "1"),
        ];
        for (part, whole, text) in cases {
            assert_eq!(
                serde_json::to_string(&Decimal::ratio(part, whole)).unwrap(),
                text,
                "{part}/{whole}"
            );
        }
    }

    #[test]
    fn fine_ratios_have_four_decimals_at_most() {
        let cases = [
            (0, 0, "0"),
            (1, 256, "0.0039"),
            (255, 256, "0.9961"),
            (1, 20_001, "0"),
            (1, 2, "0.5"),
            (7, 7, "1"),
            (u64::MAX, u64::MAX, "1"),
        ];
        for (part, whole, text) in cases {
            let json = serde_json::to_string(&FineRatio::of(part, whole)).unwrap();
            assert_eq!(json, text, "{part}/{whole}");
        }
    }

    #[test]
    fn rates_are_per_second_and_none_when_the_counter_fell() {
        let cases = [
            (0, 10, 2000, "5"),
            (0, 1, 3000, "0.33"),
            (0, 99_996, 1_000_000, "100"),
            (0, 1_234_567, 10_000, "123457"),
            (7, 7, 1000, "0"),
            (7, 6, 1000, "null"),
            (0, 7, 0, "null"),
            (0, u64::MAX, 50, "184467440737095516"),
        ];
        for (before, now, millis, text) in cases {
            let rate = Decimal::rate(before, now, Duration::from_millis(millis));
            assert_eq!(
                serde_json::to_string(&rate).unwrap(),
                text,
                "{before} {now} {millis}"
            );
        }
    }

    #[test]
    fn rates_of_other_units_keep_two_decimals() {
        let cases = [
            (0, 150, 100, 2000, "0.75"),
            (0, 50, 100, 0, "null"),
            (5, 4, 100, 1, "null"),
            (0, 5, 0, 1, "null"),
            (0, 123_456, 100, 10_000, "123.46"),
        ];
        for (before, now, unit, millis, text) in cases {
            let rate = Decimal::rate_of(before, now, unit, Duration::from_millis(millis));
            assert_eq!(
                serde_json::to_string(&rate).unwrap(),
                text,
                "{before} {now} {unit} {millis}"
            );
        }
    }

    #[test]
    fn temperatures_have_one_decimal_at_most() {
        for (milli, text) in [
            (0, "0"),
            (41_250, "41.3"),
            (41_960, "42"),
            (-5_550, "-5.6"),
            (-40, "0"),
            (i64::MIN, ""),
        ] {
            let json = serde_json::to_string(&Celsius::from_milli(milli)).unwrap();
            assert!(text.is_empty() || json == text, "{milli}: {json}");
        }
    }

    proptest! {
        #[test]
        fn no_figures_panic(a: u64, b: u64, secs: u64, nanos in 0..1_000_000_000_u32) {
            let _ = (Decimal::ratio(a, b), Decimal::rate(a, b, Duration::new(secs, nanos)));
        }
    }
}
