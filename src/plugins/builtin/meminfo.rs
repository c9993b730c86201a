//! `meminfo`: memory and swap in kB as the original showed them.

use serde::Serialize;

use crate::{
    drivers::{
        DriverError, Root,
        linux::meminfo::{Meminfo as Reading, MeminfoFile},
        note::Note,
    },
    plugins::{FieldUnits, Plugin, Window},
};

/// Reads the original's figures of memory.
#[derive(Debug)]
pub struct Meminfo {
    meminfo: MeminfoFile,
    note: Note,
}

impl Meminfo {
    /// Reads below `root`.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        let note = Note::default();
        Self {
            meminfo: MeminfoFile::new(root).noting(&note),
            note,
        }
    }
}

impl Plugin for Meminfo {
    type Sample = Reading;

    const UNITS: FieldUnits = &[("*.*", "kB")];

    fn read(&mut self, sample: &mut Reading) -> Result<(), DriverError> {
        *sample = self.meminfo.read()?;
        // The original's numbers cannot be null, and all of them hang on the total.
        sample
            .total
            .map(|_| ())
            .ok_or_else(|| DriverError::Missing("MemTotal".into()))
    }

    fn note(&self) -> Note {
        self.note.clone()
    }

    fn view(window: Window<'_, Reading>) -> impl Serialize {
        View::from(window.now)
    }
}

#[derive(Serialize)]
struct View {
    /// Main memory.
    memory: Memory,
    /// Swap space.
    swap: Swap,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Memory {
    /// MemTotal: usable memory, without what the firmware and the kernel reserve.
    total: u64,
    /// MemTotal minus MemFree. Buffers and caches count as used here; `used` of the key mem leaves
    /// them out.
    used: u64,
    /// MemFree: memory that is not used for anything.
    free: u64,
    /// MemTotal minus MemFree, Buffers, Cached and SwapCached; 0 where a container's parts exceed
    /// its total.
    apps: u64,
    /// Buffers: raw disk blocks in memory.
    buffers: u64,
    /// Cached: the page cache, shared memory included.
    cached: u64,
    /// SwapCached: pages that are both in memory and in swap.
    swap_cached: u64,
}

#[derive(Serialize)]
struct Swap {
    /// SwapTotal: size of the swap space.
    total: u64,
    /// SwapTotal minus SwapFree.
    used: u64,
    /// SwapFree: unused swap space.
    free: u64,
}

impl From<&Reading> for View {
    /// What the kernel does not print, or prints and cannot be, is 0. In containers the parts may be
    /// more than the whole: no difference is below 0.
    fn from(reading: &Reading) -> Self {
        let zero = Option::unwrap_or_default;
        let (total, free) = (zero(reading.total), zero(reading.free));
        let used =
            |total: u64, free: Option<u64>| free.map_or(0, |free| total.saturating_sub(free));
        let (buffers, cached, swap_cached) = (
            zero(reading.buffers),
            zero(reading.cached),
            zero(reading.swap_cached),
        );
        let apps = [free, buffers, cached, swap_cached]
            .into_iter()
            .fold(total, u64::saturating_sub);
        let (swap_total, swap_free) = (zero(reading.swap_total), zero(reading.swap_free));
        Self {
            memory: Memory {
                total,
                used: used(total, reading.free),
                free,
                apps,
                buffers,
                cached,
                swap_cached,
            },
            swap: Swap {
                total: swap_total,
                used: used(swap_total, reading.swap_free),
                free: swap_free,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_originals_figures_to_the_byte() {
        let cases = [
            (
                Reading {
                    total: Some(24_684_084),
                    free: Some(20_981_920),
                    buffers: Some(36_728),
                    cached: Some(3_159_248),
                    swap_cached: Some(0),
                    swap_total: Some(0),
                    swap_free: Some(0),
                    ..Reading::default()
                },
                r#"{"memory":{"total":24684084,"used":3702164,"free":20981920,"apps":506188,"buffers":36728,"cached":3159248,"swapCached":0},"swap":{"total":0,"used":0,"free":0}}"#,
            ),
            (
                Reading {
                    total: Some(10),
                    free: Some(4),
                    cached: Some(9),
                    swap_total: Some(5),
                    swap_free: Some(2),
                    ..Reading::default()
                },
                r#"{"memory":{"total":10,"used":6,"free":4,"apps":0,"buffers":0,"cached":9,"swapCached":0},"swap":{"total":5,"used":3,"free":2}}"#,
            ),
        ];
        for (now, expected) in cases {
            let json = serde_json::to_string(&Meminfo::view(Window {
                before: None,
                now: &now,
            }))
            .unwrap();
            assert_eq!(json, expected);
        }
    }
}
