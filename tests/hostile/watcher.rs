//! A well-behaved client beside an attack: every push of its must come.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use rtstat_test_support::{Client, eventually};

/// So many slots in a row may go without a push while the machine runs others.
const MANY: u64 = 20;

/// A client that watches at 0.5 s.
pub struct Watcher {
    pushes: Arc<AtomicU64>,
    enough: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Watcher {
    /// Connects over the raw transport and starts; returns once the first push has come.
    pub fn start(address: SocketAddr) -> Self {
        let mut client = Client::connect(address);
        client.send("plugins::cpu_stat,_meta\ninterval::0.5\nstart\n");
        assert_eq!(
            client.line(),
            concat!("Welcome::Rt-Stat v.", env!("CARGO_PKG_VERSION"), "\n")
        );
        let (pushes, enough) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let (count, stop) = (Arc::clone(&pushes), Arc::clone(&enough));
        let thread = std::thread::spawn(move || {
            let (mut last, mut empty) = (None, 0_u64);
            while !stop.load(Ordering::SeqCst) {
                let (seq, made_ms) = push(&client.line());
                assert_eq!(
                    seq,
                    count.fetch_add(1, Ordering::SeqCst) + 1,
                    "a push was lost"
                );
                // A server that stood still, not one on a busy machine; tests/soak/lateness
                // measures to the millisecond.
                let gap = last.map_or(500, |last: u64| made_ms - last);
                empty += ((gap + 250) / 500).saturating_sub(1);
                assert!(
                    empty <= seq + MANY,
                    "{empty} slots without a push beside {seq} with one"
                );
                last = Some(made_ms);
            }
        });
        let watcher = Self {
            pushes,
            enough,
            thread,
        };
        watcher.next();
        watcher
    }

    /// Waits for one more push.
    pub fn next(&self) {
        let before = self.pushes.load(Ordering::SeqCst);
        eventually("a push to the watcher", || {
            assert!(!self.thread.is_finished(), "the watcher ended");
            (self.pushes.load(Ordering::SeqCst) > before).then_some(())
        });
    }

    /// Ends it; fails where a push was lost or the server stood still.
    pub fn finish(self) {
        self.next();
        self.enough.store(true, Ordering::SeqCst);
        self.thread.join().unwrap();
    }
}

/// The number of a push and when it was made, in milliseconds since boot.
fn push(line: &str) -> (u64, u64) {
    let json = line
        .strip_prefix("Push::")
        .unwrap_or_else(|| panic!("no push: {line:?}"));
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    assert!(json["cpu_stat"].is_object(), "{line}");
    let made = Duration::from_secs_f64(json["_meta"]["mono"].as_f64().unwrap());
    (
        json["_meta"]["seq"].as_u64().unwrap(),
        made.as_millis().try_into().unwrap(),
    )
}
