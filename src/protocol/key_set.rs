//! Which plugins a session has chosen: a bit for each entry of the registry.

/// A set of registry indexes, 0 to 127. Two equal sets at one window share the bytes of their push,
/// so it is a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct PluginSet(u128);

impl PluginSet {
    /// As many entries as a registry may have.
    pub(crate) const CAPACITY: usize = u128::BITS as usize;

    /// The set of nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self(0)
    }

    /// Adds `index`; false when it was there already, or is not below [`Self::CAPACITY`].
    pub fn insert(&mut self, index: usize) -> bool {
        let new = !self.contains(index);
        let bit = Self::bit(index);
        self.0 |= bit;
        new && bit != 0
    }

    /// Adds `index` or takes it out.
    pub fn set(&mut self, index: usize, member: bool) {
        let bit = Self::bit(index);
        self.0 = if member { self.0 | bit } else { self.0 & !bit };
    }

    /// Whether `index` is in the set.
    #[must_use]
    pub fn contains(self, index: usize) -> bool {
        self.0 & Self::bit(index) != 0
    }

    /// What is in either.
    #[must_use]
    pub(crate) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in it.
    #[must_use]
    pub(crate) const fn contains_all(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many are in it.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The indexes, smallest first: the order of the wire.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            (rest != 0).then(|| {
                let index = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                index
            })
        })
    }

    fn bit(index: usize) -> u128 {
        u32::try_from(index)
            .ok()
            .and_then(|index| 1_u128.checked_shl(index))
            .unwrap_or(0)
    }
}

impl FromIterator<usize> for PluginSet {
    fn from_iter<I: IntoIterator<Item = usize>>(indexes: I) -> Self {
        let mut set = Self::new();
        for index in indexes {
            set.insert(index);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_its_members_in_order() {
        let set: PluginSet = [127, 3, 0, 64].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 3, 64, 127]);
        assert_eq!(set.len(), 4);
        assert!(set.contains(127) && !set.contains(1));
        assert!(PluginSet::new().is_empty() && !set.is_empty());
    }

    #[test]
    fn tells_new_members_from_old_and_impossible_ones() {
        let mut set = PluginSet::new();
        assert!(set.insert(5));
        assert!(!set.insert(5));
        assert!(!set.insert(128));
        assert!(!set.insert(usize::MAX));
        assert!(!set.contains(128) && !set.contains(usize::MAX));
        assert_eq!(set.iter().collect::<Vec<_>>(), [5]);
    }

    #[test]
    fn members_are_taken_out() {
        let mut set: PluginSet = [1, 2].into_iter().collect();
        set.set(1, false);
        set.set(3, true);
        set.set(128, true);
        assert_eq!(set.iter().collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn unites() {
        let (a, b): (PluginSet, PluginSet) =
            ([1, 2].into_iter().collect(), [2, 9].into_iter().collect());
        assert_eq!(a.union(b).iter().collect::<Vec<_>>(), [1, 2, 9]);
    }
}
