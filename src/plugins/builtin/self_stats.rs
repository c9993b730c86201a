//! `self`: what this program itself costs, and whom it serves.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use nix::time::{ClockId, clock_gettime};
use serde::Serialize;

use crate::{
    drivers::{
        DriverError, Root,
        linux::{file::KernelFile, page_size_bytes, text},
    },
    plugins::{
        FieldUnits, Plugin, Window,
        figures::{Decimal, NANOS, rate_of},
    },
};

/// What only the server knows of itself; it writes, the plugin reads.
#[derive(Debug, Default)]
pub struct Counters {
    /// Sessions now.
    pub clients: AtomicU64,
    /// Pushes that sessions which have ended did not take in time.
    pub dropped: AtomicU64,
    /// Microseconds that the last readings on the main thread took.
    pub collect_us: AtomicU64,
}

/// Reads what this process itself uses.
#[derive(Debug)]
pub struct SelfStats {
    statm: KernelFile,
    counters: Arc<Counters>,
}

impl SelfStats {
    /// Reads the process below `root`, and `counters`.
    #[must_use]
    pub fn new(root: &Root, counters: Arc<Counters>) -> Self {
        Self {
            statm: KernelFile::new(root, "proc/self/statm"),
            counters,
        }
    }
}

/// One reading.
#[derive(Debug, Default)]
pub struct Sample {
    rss_bytes: u64,
    cpu_ns: Option<u64>,
    clients: u64,
    dropped: u64,
    collect_us: u64,
}

impl Plugin for SelfStats {
    type Sample = Sample;

    const UNITS: FieldUnits = &[("rss", "B"), ("cpu", "ratio"), ("collect_us", "µs")];

    fn read(&mut self, sample: &mut Sample) -> Result<(), DriverError> {
        let resident_pages = self.statm.read(|bytes| {
            let resident = text::lines(bytes)
                .next()
                .and_then(|line| text::fields(line).nth(1));
            resident
                .and_then(text::decimal)
                .ok_or(text::Malformed("the resident pages in the second place"))
        })?;
        *sample = Sample {
            rss_bytes: resident_pages.saturating_mul(page_size_bytes()),
            cpu_ns: cpu_ns(),
            clients: self.counters.clients.load(Relaxed),
            dropped: self.counters.dropped.load(Relaxed),
            collect_us: self.counters.collect_us.load(Relaxed),
        };
        Ok(())
    }

    fn view(window: Window<'_, Sample>) -> impl Serialize {
        let &Sample {
            rss_bytes,
            cpu_ns,
            clients,
            dropped,
            collect_us,
        } = window.now;
        let cpu = window
            .before
            .and_then(|(before, over)| rate_of(before.cpu_ns, cpu_ns, NANOS, over));
        View {
            rss: rss_bytes,
            cpu,
            clients,
            dropped,
            collect_us,
        }
    }
}

/// Processor time of all threads of this process: ticks would be too coarse for what costs a
/// thousandth of a core.
fn cpu_ns() -> Option<u64> {
    let spent = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).ok()?;
    let (secs, nanos) = (
        u64::try_from(spent.tv_sec()).ok()?,
        u64::try_from(spent.tv_nsec()).ok()?,
    );
    secs.checked_mul(NANOS)?.checked_add(nanos)
}

#[derive(Serialize)]
struct View {
    /// Memory in use: the resident set in /proc/self/statm.
    rss: u64,
    /// Processor time of all threads, as a share of one processor (clock_gettime(2)). Null without
    /// an earlier reading.
    cpu: Option<Decimal>,
    /// Sessions that are connected.
    clients: u64,
    /// Pushes since the start that a newer push replaced because the client had not read them, of
    /// sessions that have ended.
    dropped: u64,
    /// Time that the last sampling took on the main thread, keys that are sampled on threads of
    /// their own left out.
    collect_us: u64,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_share_is_of_one_processor_and_not_known_at_first() {
        let sample = |cpu_ns| Sample {
            rss_bytes: 4096,
            cpu_ns: Some(cpu_ns),
            clients: 3,
            ..Sample::default()
        };
        let (before, now) = (sample(1_000_000), sample(501_000_000));
        let json =
            |before| serde_json::to_string(&SelfStats::view(Window { before, now: &now })).unwrap();
        let expected = r#"{"rss":4096,"cpu":0.25,"clients":3,"dropped":0,"collect_us":0}"#;
        assert_eq!(json(Some((&before, Duration::from_secs(2)))), expected);
        assert_eq!(json(None), expected.replace("0.25", "null"));
    }

    #[test]
    fn this_process_is_read() {
        let counters = Arc::new(Counters::default());
        counters.dropped.store(9, Relaxed);
        let mut own = SelfStats::new(&Root::host(), counters);
        let (mut before, mut now) = (Sample::default(), Sample::default());
        own.read(&mut before).unwrap();
        own.read(&mut now).unwrap();
        assert!(
            now.rss_bytes > 1 << 20 && now.cpu_ns >= before.cpu_ns && now.dropped == 9,
            "{now:?}"
        );
    }
}
