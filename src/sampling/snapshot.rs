//! The readings of one slot, and the JSON of a push over the window between two snapshots.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    time::Duration,
};

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    plugins::catalog::{Catalog, META_INDEX},
    protocol::key_set::PluginSet,
    sampling::{
        latest_reading::ReadingPair,
        schedule::{SLOT, Slot},
    },
};

/// The readings of one slot. A session keeps the snapshot of its last push, where its next window
/// starts.
#[derive(Default)]
pub struct Snapshot {
    /// Unique in this process.
    pub id: u64,
    /// The slot in which it was taken.
    pub slot: Slot,
    /// When it was taken.
    pub at: Duration,
    /// The plugins that were asked for. The others have no readings here.
    pub set: PluginSet,
    /// By the catalog's index.
    pub pairs: Vec<Option<ReadingPair>>,
    /// By the catalog's index: why there is no newer reading.
    pub faults: Vec<Option<Rc<str>>>,
}

/// Identifies a push within a slot: pushes with equal keys have equal bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PushKey {
    /// Id of the snapshot at the window's start.
    pub before: u64,
    /// Id of the one at its end. A slot whose pushes go out in several batches may have two.
    pub now: u64,
    /// The session's choice.
    pub set: PluginSet,
    /// The push's number in its session; 0 where the push does not show it.
    pub seq: u64,
}

/// The times in `_meta`.
#[derive(Debug, Clone, Copy)]
pub struct PushTime<'a> {
    /// Seconds since the epoch by the wall clock.
    pub ts: f64,
    /// Seconds since boot, suspend included.
    pub mono: f64,
    /// The kernel's boot id.
    pub boot: &'a str,
}

/// A reading is stale when it is older than this many windows, and null then.
const STALE_WINDOWS: u32 = 3;

/// Maximum length of a push's JSON, in bytes.
pub const MAX_PUSH: usize = 1_000_000;

/// What is needed to write one push.
pub struct Push<'a> {
    /// Names and rules of the keys.
    pub catalog: &'a Catalog,
    /// The keys that the session chose.
    pub set: PluginSet,
    /// The push's number in its session, for `_meta`.
    pub seq: u64,
    /// Where the window starts.
    pub before: &'a Snapshot,
    /// Where it ends.
    pub now: &'a Snapshot,
    /// For `_meta`.
    pub time: PushTime<'a>,
}

impl Push<'_> {
    /// Replaces the content of `out` by the push's JSON object.
    ///
    /// A key without a reading, or with a stale one, is null. Beyond [`MAX_PUSH`] bytes the largest keys
    /// become null, with the reason in `_meta.err` where the session asked for `_meta`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut dropped = PluginSet::default();
        loop {
            out.clear();
            let largest = self.write_keys(dropped, out);
            match largest {
                Some(index) if out.len() > MAX_PUSH => {
                    dropped.insert(index);
                }
                _ => return,
            }
        }
    }

    /// Writes every key but those in `dropped`. Returns the index of the longest value.
    fn write_keys(&self, dropped: PluginSet, out: &mut Vec<u8>) -> Option<usize> {
        let mut largest = None;
        let mut length = 0;
        out.push(b'{');
        for index in self.set.iter() {
            if out.len() > 1 {
                out.push(b',');
            }
            // The catalog only has names that need no escape.
            out.push(b'"');
            out.extend_from_slice(self.catalog.name(index).as_bytes());
            out.extend_from_slice(b"\":");
            let start = out.len();
            let written = if index == META_INDEX {
                serde_json::to_writer(&mut *out, &Meta::of(self, dropped)).is_ok()
            } else {
                !dropped.contains(index) && self.write_value(index, out)
            };
            if !written {
                out.truncate(start);
                out.extend_from_slice(b"null");
            } else if out.len() - start > length && index != META_INDEX {
                length = out.len() - start;
                largest = Some(index);
            }
        }
        out.push(b'}');
        largest
    }

    fn window(&self) -> Duration {
        self.now.at.saturating_sub(self.before.at)
    }

    fn age(&self, held: &ReadingPair) -> Duration {
        self.now.at.saturating_sub(held.now.at())
    }

    /// Writes one plugin's value; false when it has no reading or a stale one.
    fn write_value(&self, index: usize, out: &mut Vec<u8>) -> bool {
        let Some(held) = self.now.pair(index) else {
            return false;
        };
        let bound = self
            .window()
            .max(self.catalog.period(index))
            .saturating_mul(STALE_WINDOWS);
        if self.age(held) > bound && !self.catalog.is_legacy(index) {
            return false;
        }
        let earlier = self.before.pair(index).map(|pair| &pair.now);
        let earlier = earlier
            .filter(|reading| reading.at() < held.now.at())
            .or(held.before.as_ref());
        // A panic costs only this key its value.
        let write = || {
            held.now
                .write_json(earlier.map(|reading| &**reading), out)
                .is_ok()
        };
        catch_unwind(AssertUnwindSafe(write)).unwrap_or(false)
    }
}

/// `_meta`: what a push says about itself.
#[derive(Serialize)]
struct Meta<'a> {
    /// Version of this object's layout: 1.
    v: u32,
    /// Number of the push in its session, from 1.
    seq: u64,
    /// Time of the push in seconds since 1970 by the wall clock, which can jump.
    ts: Rounded<1000>,
    /// Time of the push in seconds since boot, suspend included (CLOCK_BOOTTIME).
    mono: Rounded<1000>,
    /// Time between the two readings that the rates cover.
    dt: Rounded<1000>,
    /// The kernel's id of this boot (/proc/sys/kernel/random/boot_id).
    boot: &'a str,
    /// Age of the reading, under the key's name, for each key whose reading is older than twice its
    /// shortest interval.
    stale: Ages<'a>,
    /// Reason, under the key's name, for each key whose last reading failed or which was left out
    /// because the push would exceed 1 MB.
    err: Faults<'a>,
}

impl<'a> Meta<'a> {
    fn of(push: &'a Push<'a>, dropped: PluginSet) -> Self {
        let PushTime { ts, mono, boot } = push.time;
        Self {
            v: 1,
            seq: push.seq,
            ts: Rounded(ts),
            mono: Rounded(mono),
            dt: Rounded(push.window().as_secs_f64()),
            boot,
            stale: Ages(push),
            err: Faults { push, dropped },
        }
    }
}

/// Seconds, in JSON as a whole number of the `PARTS` of a second.
struct Rounded<const PARTS: u32>(f64);

impl<const PARTS: u32> Serialize for Rounded<PARTS> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let parts = f64::from(PARTS);
        serializer.serialize_f64((self.0 * parts).round() / parts)
    }
}

struct Ages<'a>(&'a Push<'a>);

impl Serialize for Ages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let push = self.0;
        let mut map = serializer.serialize_map(None)?;
        for index in push.set.iter() {
            let Some(held) = push.now.pair(index) else {
                continue;
            };
            let age = push.age(held);
            if age > push.catalog.period(index).saturating_mul(2).max(SLOT * 2) {
                let age = Rounded::<10>(age.as_secs_f64());
                map.serialize_entry(push.catalog.name(index), &age)?;
            }
        }
        map.end()
    }
}

struct Faults<'a> {
    push: &'a Push<'a>,
    dropped: PluginSet,
}

impl Serialize for Faults<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { push, dropped } = self;
        let mut map = serializer.serialize_map(None)?;
        for index in push.set.iter() {
            let too_long = dropped
                .contains(index)
                .then_some("the push would be longer than 1 MB");
            let fault = push.now.fault(index);
            if let Some(fault) = too_long.or(fault) {
                map.serialize_entry(push.catalog.name(index), fault)?;
            }
        }
        map.end()
    }
}

impl Snapshot {
    /// The readings of the plugin with this index.
    pub(crate) fn pair(&self, index: usize) -> Option<&ReadingPair> {
        self.pairs.get(index)?.as_ref()
    }

    /// Why that plugin has no newer reading.
    pub(crate) fn fault(&self, index: usize) -> Option<&str> {
        self.faults.get(index)?.as_deref()
    }
}
