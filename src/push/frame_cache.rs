//! Encodes the frames of a slot: one for each different window and choice of keys, shared by all
//! sessions that have both.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use crate::{
    plugins::catalog::{Catalog, META_INDEX},
    protocol::{
        encode::{begin_push, end_message, escape_json_into},
        key_set::PluginSet,
    },
    push::frame::Frame,
    sampling::snapshot::{Push, PushKey, PushTime, Snapshot},
    system::clock::Clocks,
};

/// Frames kept for reuse.
const POOL: usize = 32;

/// Encodes pushes into frames and remembers those of the slot that is being sent.
pub struct FrameCache {
    boot: String,
    clocks: Clocks,
    slot: RefCell<SlotFrames>,
    pool: RefCell<Vec<Rc<Frame>>>,
    json: RefCell<Vec<u8>>,
    encoded: Cell<u64>,
}

#[derive(Default)]
struct SlotFrames {
    /// The last frame asked for: most sessions of a slot share one.
    last: Option<(PushKey, Rc<Frame>)>,
    others: HashMap<PushKey, Rc<Frame>>,
}

impl FrameCache {
    /// An empty cache, on a machine with this boot id.
    #[must_use]
    pub fn new(boot: String) -> Self {
        Self {
            boot,
            clocks: Clocks::default(),
            slot: RefCell::default(),
            pool: RefCell::default(),
            json: RefCell::default(),
            encoded: Cell::new(0),
        }
    }

    /// The same, with other clocks for the times in `_meta`.
    #[must_use]
    pub fn timed_by(mut self, clocks: Clocks) -> Self {
        self.clocks = clocks;
        self
    }

    /// The frame of the push number `seq` over the window from `before` to `now` for a session that
    /// chose `set`.
    pub fn frame(
        &self,
        catalog: &Catalog,
        set: PluginSet,
        seq: u64,
        before: &Snapshot,
        now: &Snapshot,
    ) -> Rc<Frame> {
        let seq = if set.contains(META_INDEX) { seq } else { 0 };
        let key = PushKey {
            before: before.id,
            now: now.id,
            set,
            seq,
        };
        let mut slot = self.slot.borrow_mut();
        if let Some((last, frame)) = &slot.last
            && *last == key
        {
            return Rc::clone(frame);
        }
        let known = slot.others.get(&key).map(Rc::clone);
        let frame = known.unwrap_or_else(|| {
            let time = PushTime {
                ts: (self.clocks.wall)(),
                mono: (self.clocks.boot)(),
                boot: &self.boot,
            };
            let frame = self.encode(&Push {
                catalog,
                set,
                seq,
                before,
                now,
                time,
            });
            slot.others.insert(key, Rc::clone(&frame));
            frame
        });
        slot.last = Some((key, Rc::clone(&frame)));
        frame
    }

    fn encode(&self, push: &Push<'_>) -> Rc<Frame> {
        let mut pool = self.pool.borrow_mut();
        let free = pool.iter().position(|frame| Rc::strong_count(frame) == 1);
        let mut frame = free.map(|free| pool.swap_remove(free)).unwrap_or_default();
        if let Some(own) = Rc::get_mut(&mut frame) {
            let mut json = self.json.borrow_mut();
            push.write(&mut json);
            own.fill(|out| {
                begin_push(out);
                escape_json_into(&json, out);
                end_message(out);
            });
            self.encoded.set(self.encoded.get() + 1);
        }
        if pool.len() < POOL {
            pool.push(Rc::clone(&frame));
        }
        frame
    }

    /// Forgets the frames of the slot, which is sent.
    pub fn sent(&self) {
        let mut slot = self.slot.borrow_mut();
        slot.last = None;
        slot.others.clear();
    }

    /// Frees what was kept for reuse.
    pub fn release_memory(&self) {
        self.slot.take();
        self.pool.take();
        self.json.take();
    }

    /// Pushes encoded since the start, however many sessions got each.
    pub fn encoded(&self) -> u64 {
        self.encoded.get()
    }
}
