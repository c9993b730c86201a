//! A Broadcaster over plugins that count their reads, and sessions over socket pairs, on a paused
//! clock.

use std::{
    collections::BTreeMap,
    io::Read,
    os::unix::net::UnixStream as Peer,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use serde_json::Value;
use tokio::{
    net::UnixStream,
    task::{JoinHandle, LocalSet, yield_now},
    time::{advance, sleep},
};

use crate::{
    drivers::DriverError,
    net::{connections::ConnectionCounter, peer, stream::Stream},
    plugins::{
        About, Kind, Plugin, Window,
        registry::{Entry, Execution},
    },
    protocol::key_set::PluginSet,
    push::{broadcaster::Broadcaster, frame::Framing, frame_cache::FrameCache, outbox::Outbox},
    sampling::{Sampling, schedule::Slot},
    system::clock::Clock,
};

/// What a test sets and sees of one plugin.
#[derive(Default)]
pub struct Probe {
    /// The counter that it reads.
    pub work: AtomicU64,
    /// Whether it gives nothing.
    pub fails: AtomicBool,
    /// The instants of its reads.
    pub reads: Mutex<Vec<Duration>>,
}

struct Counted {
    probe: Arc<Probe>,
    clock: Clock,
}

#[derive(Default)]
struct Counter {
    at: u64,
    work: u64,
}

impl Plugin for Counted {
    type Sample = Counter;

    fn read(&mut self, sample: &mut Counter) -> Result<(), DriverError> {
        let now = self.clock.now();
        self.probe.reads.lock().unwrap().push(now);
        if self.probe.fails.load(SeqCst) {
            return Err(DriverError::Io {
                path: "/proc/x".into(),
                error: "broken".into(),
            });
        }
        *sample = Counter {
            at: millis(now),
            work: self.probe.work.load(SeqCst),
        };
        Ok(())
    }

    fn view(window: Window<'_, Counter>) -> impl serde::Serialize {
        let before = window.before.map(|(before, _)| before);
        let work = before.map(|before| window.now.work - before.work);
        serde_json::json!({ "from": before.map(|before| before.at), "to": window.now.at, "work": work })
    }
}

/// Whole milliseconds; paused time has no others.
pub fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap()
}

/// One push as its client reads it.
pub struct Push(BTreeMap<String, Value>);

impl Push {
    /// The keys, in the order of the alphabet.
    pub fn keys(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// A number of a key's value; none where the value or the number is null.
    pub fn number(&self, key: &str, field: &str) -> Option<u64> {
        self.0.get(key)?.get(field)?.as_u64()
    }

    /// Whether a key is there without a value.
    pub fn is_null(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(Value::is_null)
    }
}

/// A client.
pub struct Client {
    pub outbox: Rc<Outbox>,
    peer: Peer,
    unread: Vec<u8>,
}

impl Client {
    /// The pushes that have come.
    pub fn pushes(&mut self) -> Vec<Push> {
        let mut buffer = [0; 4096];
        while let Ok(count) = self.peer.read(&mut buffer) {
            self.unread.extend_from_slice(&buffer[..count]);
        }
        let end = self
            .unread
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        let lines = self.unread.drain(..end).collect::<Vec<_>>();
        let lines = std::str::from_utf8(&lines).unwrap().lines();
        lines
            .map(|line| Push(serde_json::from_str(line.strip_prefix("Push::").unwrap()).unwrap()))
            .collect()
    }
}

/// The Broadcaster under test.
pub struct Fixture {
    pub broadcaster: Rc<Broadcaster>,
    pub sampling: Rc<Sampling>,
    pub probes: Vec<Arc<Probe>>,
    pub clock: Clock,
    connections: Rc<ConnectionCounter>,
    running: JoinHandle<()>,
}

impl Fixture {
    /// Plugins with these names, all inline, and a running Broadcaster.
    pub fn new(names: &[&str]) -> Self {
        let clock = Clock::start();
        let probes: Vec<Arc<Probe>> = names.iter().map(|_| Arc::default()).collect();
        let entry = |(name, probe): (&&str, &Arc<Probe>)| Entry {
            name: (*name).into(),
            about: About::new(Kind::Rate, "", 0.05),
            execution: Execution::inline(Counted {
                probe: Arc::clone(probe),
                clock,
            }),
        };
        let entries: Vec<Entry> = names.iter().zip(&probes).map(entry).collect();
        let sampling = Rc::new(Sampling::new(entries, clock).unwrap());
        let broadcaster = Rc::new(Broadcaster::new(
            Rc::clone(&sampling),
            FrameCache::new("boot".into()),
        ));
        let running = Rc::clone(&broadcaster);
        let running = tokio::task::spawn_local(async move { running.run().await });
        Self {
            broadcaster,
            sampling,
            probes,
            clock,
            connections: Rc::default(),
            running,
        }
    }

    /// A connected client. Its socket can be written to from the next time on that the test waits.
    pub fn client(&self) -> Client {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let theirs = theirs.into_std().unwrap();
        let stream = Stream::unix(
            ours,
            peer::Peer::direct(peer::Origin::Unix(0)),
            self.connections.enter(),
        );
        Client {
            outbox: Rc::new(Outbox::new(1, Framing::Raw, stream)),
            peer: theirs,
            unread: Vec::new(),
        }
    }

    /// Clients that are ready.
    pub async fn clients(&self, count: usize) -> Vec<Client> {
        let clients = (0..count).map(|_| self.client()).collect();
        self.wait(0).await;
        self.wait_ms(1).await;
        clients
    }

    /// The set of the plugins with these names.
    pub fn set(&self, names: &[&str]) -> PluginSet {
        names
            .iter()
            .map(|name| self.sampling.catalog().index(name).unwrap())
            .collect()
    }

    /// Lets the clock run for so many milliseconds.
    pub async fn wait_ms(&self, time: u64) {
        self.sleep_ms(time).await;
        self.wait(4).await;
    }

    /// The same, back as soon as the time has come: what is due at it may be on its way.
    pub async fn sleep_ms(&self, time: u64) {
        sleep(Duration::from_millis(time)).await;
    }

    /// Lets the others work while the clock stands, this many rounds.
    pub async fn wait(&self, rounds: usize) {
        for _ in 0..rounds {
            yield_now().await;
        }
    }

    /// Stops the process for so long: nothing runs, and then it is later.
    pub async fn stop_for(&self, time: Duration) {
        advance(time).await;
    }

    pub fn now(&self) -> u64 {
        millis(self.clock.now())
    }

    /// The slots in which a plugin was read.
    pub fn slots_read(&self, plugin: usize) -> Vec<Slot> {
        self.probes[plugin]
            .reads
            .lock()
            .unwrap()
            .iter()
            .map(|at| Slot::of(*at))
            .collect()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// Runs a test on paused time.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    LocalSet::new().block_on(&runtime, test)
}
