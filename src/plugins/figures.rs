//! How figures look in JSON.

use serde::{Serialize, Serializer};

/// A share of a whole, with two decimals, and without a fraction where it is whole: `0`, `0.07`, `1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio {
    hundredths: u64,
}

impl Ratio {
    /// `part` of `whole`, rounded half up; 0 of nothing.
    #[must_use]
    pub fn of(part: u64, whole: u64) -> Self {
        let (part, whole) = (u128::from(part), u128::from(whole));
        let hundredths = (200 * part + whole).checked_div(2 * whole).unwrap_or(0);
        Self { hundredths: u64::try_from(hundredths).unwrap_or(u64::MAX) }
    }
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.hundredths.is_multiple_of(100) {
            serializer.serialize_u64(self.hundredths / 100)
        } else {
            serializer.serialize_f64(self.hundredths as f64 / 100.0)
        }
    }
}

#[cfg(test)]
mod tests {
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
            assert_eq!(serde_json::to_string(&Ratio::of(part, whole)).unwrap(), text, "{part}/{whole}");
        }
    }
}
