//! The way of a push allocates nothing once it is warm: proved by an allocator that counts.
//!
//! Alone in its binary, with one test, so that nobody else allocates meanwhile.
#![expect(unsafe_code, reason = "an allocator can only be written with it")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    io::{ErrorKind, Read},
    rc::Rc,
    time::Duration,
};

use rtstat::testing::{
    config::Config,
    net::{
        connections::ConnectionCounter,
        peer::{Origin, Peer},
        stream::Stream,
    },
    protocol::key_set::PluginSet,
    push::{broadcaster::Broadcaster, frame::Framing, frame_cache::FrameCache, outbox::Outbox},
    sampling::plugin_manager::PluginManager,
    system::clock::Clock,
};

struct Counting;

thread_local! {
    /// Allocations of this thread: pushes are made on one.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn allocations() -> u64 {
    ALLOCATIONS.with(Cell::get)
}

// SAFETY: every call is handed on to the system's allocator with the same arguments; the count is a
// plain cell of the thread, without a destructor and made without allocating.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise, handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise, handed on.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, handed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Sessions, half of them on each transport, at three intervals.
const SESSIONS: u64 = 60;

#[test]
fn a_warm_push_allocates_nothing() {
    actix::System::new().block_on(async {
        let sampling = PluginManager::start(&Config::default(), Clock::start())
            .unwrap()
            .sampling;
        let keys = ["cpu_stat", "meminfo", "processes", "uptime", "cpu", "psi"];
        let set = keys.iter().fold(PluginSet::new(), |mut set, key| {
            assert!(set.insert(sampling.catalog().index(key).unwrap()));
            set
        });
        let tick = Rc::new(Broadcaster::new(sampling, FrameCache::new(String::new())));
        let presence = Rc::new(ConnectionCounter::default());
        let mut peers = Vec::new();
        for id in 0..SESSIONS {
            let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
            near.set_nonblocking(true).unwrap();
            far.set_nonblocking(true).unwrap();
            let near = tokio::net::UnixStream::from_std(near).unwrap();
            let stream = Stream::unix(near, Peer::direct(Origin::Unix(0)), presence.enter());
            let framing = if id % 2 == 0 {
                Framing::WebSocket
            } else {
                Framing::Raw
            };
            let link = Rc::new(Outbox::new(id, framing, stream));
            tick.start(&link, Duration::from_millis(500 + 250 * (id % 3)), set);
            peers.push((link, far));
        }
        let running = Rc::clone(&tick);
        actix::spawn(async move { running.run().await });

        let mut buffer = vec![0; 256 * 1024];
        let mut received = 0;
        let mut drain = |peers: &mut [(Rc<Outbox>, std::os::unix::net::UnixStream)]| {
            for (_, far) in peers {
                match far.read(&mut buffer) {
                    Ok(count) => received += count,
                    Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
                }
            }
            received
        };
        // Lists, pools and buffers have grown once every interval has come round against every
        // other: after 3 s.
        tokio::time::sleep(Duration::from_secs(6)).await;
        let warm = drain(&mut peers);
        assert!(warm > 0, "pushes arrive");
        let before = allocations();
        tokio::time::sleep(Duration::from_secs(4)).await;
        let made = allocations() - before;
        let pushes = drain(&mut peers) - warm;
        assert!(pushes > 100_000, "{pushes} bytes of pushes");
        assert_eq!(
            made, 0,
            "allocations in 4 s of pushes to {SESSIONS} sessions"
        );
    });
}
