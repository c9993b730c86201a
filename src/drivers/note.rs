//! Why a part of a key is null: what drivers leave out, in words for `info`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Remarks of the drivers behind one key, by their source. Clones share them: a driver writes while
/// it reads, `info` shows what holds now.
#[derive(Debug, Clone, Default)]
pub struct Note(Arc<Mutex<BTreeMap<String, String>>>);

impl Note {
    /// A note with one remark that always holds.
    #[must_use]
    pub fn of(source: &str, remark: &str) -> Self {
        let note = Self::default();
        note.set(source, Some(remark.into()));
        note
    }

    /// Replaces the remark of `source`, or takes it away.
    pub fn set(&self, source: &str, remark: Option<String>) {
        match remark {
            Some(remark) => self.lock().insert(source.into(), remark),
            None => self.lock().remove(source),
        };
    }

    /// All remarks, each behind its source; none where there are none.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let remarks: Vec<_> = self
            .lock()
            .iter()
            .map(|(source, remark)| format!("{source}: {remark}"))
            .collect();
        (!remarks.is_empty()).then(|| remarks.join("; "))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PartialEq for Note {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_remarks_and_each_source_has_one() {
        let note = Note::of("lxcfs", "b");
        let driver = note.clone();
        driver.set("/proc/stat", Some("a".into()));
        driver.set("/proc/stat", Some("c".into()));
        assert_eq!(note.text().as_deref(), Some("/proc/stat: c; lxcfs: b"));
        driver.set("/proc/stat", None);
        driver.set("lxcfs", None);
        assert_eq!(note.text(), None);
    }
}
