//! Samplers of plugins that are slow, stuck or broken. Workers are real threads; the tests control
//! them by channels.

use std::{
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};

use tokio::task::{LocalSet, yield_now};

use super::*;
use crate::{
    plugins::{
        About, Kind, Plugin, Window,
        registry::{Entry, Execution},
    },
    sampling::plugin_handle::PluginHandle,
};

/// What the next reading on the worker does.
enum Next {
    Give(u64),
    Fail,
    Panic,
}

/// The worker's side of a test: it reports each read, and waits for what to do.
struct Scripted {
    begun: Sender<()>,
    script: Arc<Mutex<Receiver<Next>>>,
}

impl Plugin for Scripted {
    type Sample = u64;

    fn read(&mut self, sample: &mut u64) -> Result<(), DriverError> {
        self.begun.send(()).unwrap();
        // Nothing is locked while it panics.
        let next = self.script.lock().unwrap().recv().unwrap();
        match next {
            Next::Give(value) => *sample = value,
            Next::Fail => {
                return Err(DriverError::Io {
                    path: "/proc/x".into(),
                    error: "broken".into(),
                });
            }
            Next::Panic => panic!("on purpose"),
        }
        Ok(())
    }

    fn view(window: Window<'_, u64>) -> impl serde::Serialize {
        *window.now
    }
}

/// A sampler with one scripted plugin of a period of one second, and the test's side of it.
struct Fixture {
    handle: Rc<PluginHandle>,
    made: Arc<AtomicUsize>,
    begun: Receiver<()>,
    script: Sender<Next>,
    /// Held by whoever may make a worker, by each worker, and by the test.
    scripts: Arc<Mutex<Receiver<Next>>>,
    /// Seconds, by which readings are asked for.
    now: u64,
}

impl Fixture {
    /// `panics`: how often making the plugin panics before it succeeds.
    fn new(panics: usize) -> Self {
        let ((begun, begun_receiver), (script, script_receiver)) = (channel(), channel());
        let (script_receiver, made) = (
            Arc::new(Mutex::new(script_receiver)),
            Arc::<AtomicUsize>::default(),
        );
        let begun = Mutex::new(begun);
        let count = Arc::clone(&made);
        let scripts = Arc::clone(&script_receiver);
        let execution = Execution::worker(move || {
            assert!(count.fetch_add(1, SeqCst) >= panics, "on purpose");
            Scripted {
                begun: begun.lock().unwrap().clone(),
                script: Arc::clone(&script_receiver),
            }
        });
        let handle = PluginHandle::start(Entry {
            name: "scripted".into(),
            about: About::new(Kind::Gauge, "", 1.0),
            execution,
        });
        handle.watch();
        Self {
            handle,
            made,
            begun: begun_receiver,
            script,
            scripts,
            now: 0,
        }
    }

    /// Asks for a reading, a period after the last time, and returns what is shown now.
    fn ask(&mut self) -> Option<u64> {
        self.now += 1;
        let held = self.handle.reading(Duration::from_secs(self.now))?;
        let mut json = Vec::new();
        held.now.write_json(None, &mut json).unwrap();
        Some(String::from_utf8(json).unwrap().parse().unwrap())
    }

    /// Lets the actor work until the worker has begun a reading.
    async fn begin(&self) {
        until(|| self.begun.try_recv().is_ok()).await;
    }

    /// Asks until a worker begins a reading: another one, where the last was dismissed.
    async fn begin_anew(&mut self) {
        until(|| {
            self.ask();
            self.begun.try_recv().is_ok()
        })
        .await;
    }

    /// Lets the worker end its reading, and waits until its outcome has come.
    async fn end(&self, next: Next) {
        let taken = self.handle.taken();
        self.script.send(next).unwrap();
        until(|| self.handle.taken() > taken).await;
    }

    /// Lets the actor work on everything that was sent to it before.
    async fn settle(&self) {
        for _ in 0..10 {
            yield_now().await;
        }
    }
}

/// Returns once `done`; a minute without it is a failure.
async fn until(mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "it never came");
        yield_now().await;
        std::thread::yield_now();
    }
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, test);
}

#[test]
fn a_slow_reading_delays_nobody_and_is_not_asked_for_twice() {
    run(async {
        let mut fixture = Fixture::new(0);
        assert_eq!(fixture.ask(), None);
        fixture.begin().await;
        for _ in 0..50 {
            assert_eq!(fixture.ask(), None, "the answer is there at once");
            fixture.settle().await;
        }
        fixture.end(Next::Give(7)).await;
        assert_eq!(fixture.ask(), Some(7));
        fixture.begin().await;
        assert!(
            fixture.begun.try_recv().is_err(),
            "what was asked for meanwhile was not queued"
        );
        fixture.end(Next::Give(8)).await;
        assert_eq!((fixture.ask(), fixture.made.load(SeqCst)), (Some(8), 1));
    });
}

#[test]
fn a_stuck_worker_is_never_joined_by_another() {
    run(async {
        let mut fixture = Fixture::new(0);
        fixture.ask();
        fixture.begin().await;
        for _ in 0..20 {
            fixture.handle.unwatch();
            fixture.settle().await;
            fixture.handle.watch();
            assert_eq!(fixture.ask(), None);
            fixture.settle().await;
        }
        assert_eq!(fixture.made.load(SeqCst), 1);
        fixture.script.send(Next::Give(1)).unwrap();
        fixture.begin_anew().await;
        fixture.end(Next::Give(2)).await;
        assert_eq!((fixture.ask(), fixture.made.load(SeqCst)), (Some(2), 2));
    });
}

#[test]
fn a_worker_ends_when_nobody_watches_and_a_late_reading_is_nobodys() {
    run(async {
        let mut fixture = Fixture::new(0);
        fixture.ask();
        fixture.begin().await;
        fixture.handle.unwatch();
        fixture.settle().await;
        fixture.script.send(Next::Give(1)).unwrap();
        until(|| Arc::strong_count(&fixture.scripts) == 2).await;
        fixture.handle.watch();
        fixture.begin_anew().await;
        fixture.end(Next::Give(2)).await;
        assert_eq!((fixture.ask(), fixture.handle.taken()), (Some(2), 1));
        assert_eq!(fixture.made.load(SeqCst), 2);
    });
}

#[test]
fn a_reading_that_fails_or_panics_leaves_the_last_value() {
    run(async {
        let mut fixture = Fixture::new(0);
        fixture.ask();
        fixture.begin().await;
        fixture.end(Next::Give(5)).await;
        for next in [Next::Fail, Next::Panic, Next::Panic, Next::Fail] {
            assert_eq!(fixture.ask(), Some(5));
            fixture.begin().await;
            fixture.end(next).await;
            assert!(fixture.handle.fault().is_some());
        }
        fixture.ask();
        fixture.begin().await;
        fixture.end(Next::Give(6)).await;
        assert_eq!((fixture.ask(), fixture.handle.fault()), (Some(6), None));
        assert_eq!(fixture.made.load(SeqCst), 1, "one worker");
    });
}

#[test]
fn a_plugin_that_panics_while_it_is_made_is_made_again() {
    run(async {
        let mut fixture = Fixture::new(2);
        for failures in 1..=2 {
            assert_eq!(fixture.ask(), None);
            until(|| fixture.handle.taken() == failures).await;
            assert!(fixture.handle.fault().is_some());
        }
        fixture.ask();
        fixture.begin().await;
        fixture.end(Next::Give(9)).await;
        assert_eq!((fixture.ask(), fixture.handle.fault()), (Some(9), None));
    });
}

#[test]
fn a_failing_plugin_is_asked_no_more_often_than_its_period() {
    run(async {
        let mut fixture = Fixture::new(0);
        fixture.ask();
        fixture.begin().await;
        fixture.end(Next::Fail).await;
        for slot in 1..19 {
            let now = Duration::from_secs(fixture.now) + slot * crate::sampling::schedule::SLOT;
            assert!(fixture.handle.reading(now).is_none());
            fixture.settle().await;
        }
        assert!(fixture.begun.try_recv().is_err());
        fixture.ask();
        fixture.begin().await;
        fixture.end(Next::Give(3)).await;
    });
}

#[test]
fn a_sampler_ends_with_its_handle_and_its_worker_with_it() {
    run(async {
        let mut fixture = Fixture::new(0);
        fixture.ask();
        fixture.begin().await;
        fixture.end(Next::Give(1)).await;
        let Fixture {
            handle, scripts, ..
        } = fixture;
        drop(handle);
        // The worker waits for a request, and the test holds the other one.
        until(|| Arc::strong_count(&scripts) == 1).await;
    });
}

#[test]
fn whoever_watches_a_retired_plugin_gets_the_reason() {
    run(async {
        let mut fixture = Fixture::new(0);
        fixture.ask();
        fixture.begin().await;
        fixture.handle.retire();
        fixture.script.send(Next::Give(1)).unwrap();
        until(|| Arc::strong_count(&fixture.scripts) == 1).await;
        assert_eq!(fixture.ask(), None);
        let fault = fixture.handle.fault();
        assert_eq!(fault.as_deref(), Some("it is not offered any more"));
    });
}
