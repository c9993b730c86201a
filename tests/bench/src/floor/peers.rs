//! The table of peers by descriptor, and the cohorts that are due together.

use std::{
    collections::{BTreeMap, HashMap, btree_map::Entry},
    net::TcpStream,
    os::fd::AsRawFd,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    sys::socket::{MsgFlags, recv, send},
};

use crate::{
    sample::Sampler,
    websocket::{self, Incoming},
};

/// The grid of due times, as in rtstatd.
const SLOT: Duration = Duration::from_millis(50);

struct Peer {
    stream: TcpStream,
    /// Tells this peer from an earlier one on the same descriptor.
    generation: u32,
    /// Slots between pushes.
    interval: u32,
    open: bool,
    running: bool,
}

/// Descriptor and generation of one peer that is due.
type Due = (i32, u32);

/// Everybody connected.
pub struct Peers {
    by_descriptor: Vec<Option<Peer>>,
    /// Requests and frames that have not come whole: hardly ever any.
    partial: HashMap<usize, Vec<u8>>,
    /// Who is due at a slot, by interval, so that a whole cohort moves on without being copied.
    cohorts: BTreeMap<(u64, u32), Vec<Due>>,
    generation: u32,
    epoch: Instant,
    buffer: Vec<u8>,
}

impl Peers {
    pub fn new() -> Self {
        Self {
            by_descriptor: Vec::new(),
            partial: HashMap::new(),
            cohorts: BTreeMap::new(),
            generation: 0,
            epoch: Instant::now(),
            buffer: vec![0; 4096],
        }
    }

    pub fn insert(&mut self, stream: TcpStream) -> Result<(), std::num::TryFromIntError> {
        let index = usize::try_from(stream.as_raw_fd())?;
        if self.by_descriptor.len() <= index {
            self.by_descriptor.resize_with(index + 1, || None);
        }
        self.generation = self.generation.wrapping_add(1);
        let peer = Peer {
            stream,
            generation: self.generation,
            interval: 20,
            open: false,
            running: false,
        };
        if let Some(place) = self.by_descriptor.get_mut(index) {
            *place = Some(peer);
        }
        Ok(())
    }

    /// Milliseconds to the next slot with somebody in it, rounded up; none while nobody waits for a
    /// push.
    pub fn until_due(&self) -> Option<i32> {
        let ((slot, _), _) = self.cohorts.first_key_value()?;
        let due = SLOT.saturating_mul(u32::try_from(*slot).unwrap_or(u32::MAX));
        let wait = due.saturating_sub(self.epoch.elapsed());
        Some(i32::try_from(wait.as_micros().div_ceil(1000)).unwrap_or(i32::MAX))
    }

    /// Takes what the peer of `index` has sent.
    pub fn read(&mut self, index: usize) {
        let Some(Some(peer)) = self.by_descriptor.get(index) else {
            return;
        };
        let count = match recv(
            peer.stream.as_raw_fd(),
            &mut self.buffer,
            MsgFlags::MSG_DONTWAIT,
        ) {
            Ok(0) => return self.remove(index),
            Ok(count) => count,
            Err(Errno::EAGAIN | Errno::EINTR) => return,
            Err(_) => return self.remove(index),
        };
        let got = self.buffer.get(..count).unwrap_or_default();
        let joined = self.partial.remove(&index).map(|mut start| {
            start.extend_from_slice(got);
            start
        });
        let bytes = joined.unwrap_or_else(|| got.to_vec());
        self.take(index, &bytes);
    }

    fn take(&mut self, index: usize, bytes: &[u8]) {
        let Some(Some(peer)) = self.by_descriptor.get_mut(index) else {
            return;
        };
        let mut rest = bytes;
        if !peer.open {
            if let Some(answer) = websocket::handshake(bytes) {
                peer.open = true;
                rest = &[];
                if send(
                    peer.stream.as_raw_fd(),
                    &answer,
                    MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL,
                )
                .is_err()
                {
                    return self.remove(index);
                }
            }
        } else {
            while let Some(incoming) = websocket::take(&mut rest) {
                match incoming {
                    Incoming::Text(text) => self.command(index, &text),
                    Incoming::Other => {}
                    Incoming::Close => return self.remove(index),
                }
            }
        }
        if !rest.is_empty() {
            self.partial.insert(index, rest.to_vec());
        }
    }

    fn command(&mut self, index: usize, text: &[u8]) {
        let now = self.epoch.elapsed();
        let Some(Some(peer)) = self.by_descriptor.get_mut(index) else {
            return;
        };
        let text = text.trim_ascii();
        if let Some(secs) = text.strip_prefix(b"interval::") {
            let secs = str::from_utf8(secs)
                .ok()
                .and_then(|secs| secs.parse().ok())
                .unwrap_or(1.0);
            peer.interval = slots(Duration::from_secs_f64(secs))
                .try_into()
                .unwrap_or(20);
        } else if text == b"start" && !peer.running {
            peer.running = true;
            let due = slots(now) + u64::from(peer.interval);
            let member = (peer.stream.as_raw_fd(), peer.generation);
            self.cohorts
                .entry((due, peer.interval))
                .or_default()
                .push(member);
        } else if text == b"stop" {
            peer.running = false;
        }
    }

    /// Sends one frame to each peer whose slot has come.
    pub fn send_due(&mut self, sampler: &mut Sampler) {
        let passed = self.epoch.elapsed().as_millis() / SLOT.as_millis();
        let mut frame = None;
        while let Some(entry) = self.cohorts.first_entry() {
            if u128::from(entry.key().0) > passed {
                break;
            }
            let ((slot, interval), mut cohort) = entry.remove_entry();
            let frame = frame.get_or_insert_with(|| websocket::frame(sampler.push()));
            cohort.retain(|due| self.send(*due, frame));
            if cohort.is_empty() {
                continue;
            }
            match self.cohorts.entry((slot + u64::from(interval), interval)) {
                Entry::Vacant(place) => {
                    place.insert(cohort);
                }
                Entry::Occupied(mut place) => place.get_mut().append(&mut cohort),
            }
        }
    }

    /// Whether the peer stays in its cohort.
    fn send(&mut self, (descriptor, generation): Due, frame: &[u8]) -> bool {
        let Ok(index) = usize::try_from(descriptor) else {
            return false;
        };
        let Some(Some(peer)) = self.by_descriptor.get(index) else {
            return false;
        };
        if peer.generation != generation || !peer.running {
            return false;
        }
        match send(
            descriptor,
            frame,
            MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL,
        ) {
            Ok(sent) if sent == frame.len() => true,
            Err(Errno::EAGAIN | Errno::EINTR) => true,
            _ => {
                self.remove(index);
                false
            }
        }
    }

    fn remove(&mut self, index: usize) {
        if let Some(place) = self.by_descriptor.get_mut(index) {
            *place = None;
        }
        self.partial.remove(&index);
    }
}

/// `time` in slots, rounded up.
fn slots(time: Duration) -> u64 {
    u64::try_from(time.as_millis().div_ceil(SLOT.as_millis())).unwrap_or(u64::MAX)
}
