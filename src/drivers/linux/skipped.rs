//! What a parser left out of a file: one bad line or field takes nothing else away.

use std::fmt::{self, Display};

use crate::drivers::linux::name::Name;

/// The bad lines or fields of one reading: the first by its name, and how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Skipped {
    first: Name,
    count: usize,
}

impl Skipped {
    /// Counts what is called `name`.
    pub fn add(&mut self, name: &[u8]) {
        if self.count == 0 {
            self.first = Name::new(name);
        }
        self.count += 1;
    }

    /// `value`; where there is none, `name` is counted.
    pub fn check<T>(&mut self, name: &[u8], value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.add(name);
        }
        value
    }

    /// Whether nothing was left out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        if self.count > 1 {
            write!(f, " and {} more", self.count - 1)?;
        }
        f.write_str(" cannot be right and is left out")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_named_and_all_are_counted() {
        let mut skipped = Skipped::default();
        assert_eq!(skipped.check(b"good", Some(1)), Some(1));
        assert!(skipped.is_empty());
        assert_eq!(skipped.check::<u64>(b"cpu", None), None);
        skipped.add(b"btime");
        assert!(!skipped.is_empty());
        let text = "cpu and 1 more cannot be right and is left out";
        assert_eq!(skipped.to_string(), text);
    }
}
