//! The Sampler of a plugin whose readings may block: an actor that owns the plugin's worker thread.
//!
//! While one reading is under way no other is started, and a stuck worker is never joined by a
//! second one: a dead mount costs one thread, however long it is dead. When nobody watches, the
//! worker is dismissed at once; one that waits for a child notices it and ends the child.

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Weak,
    sync::Arc,
    thread,
    time::Duration,
};

use actix::{Actor, Addr, AsyncContext, Context, Handler, Message, WeakAddr};

use crate::{
    drivers::DriverError,
    plugins::{
        registry::Make,
        sample::{Reading, sample},
        worker::{WorkerHandle, inbox},
    },
    sampling::latest_reading::LatestReading,
};

/// Stack of a worker. Readings are shallow.
const STACK_BYTES: usize = 256 * 1024;

/// The actor. It lives as long as its address, which the plugin's handle owns.
pub(crate) struct Sampler {
    name: String,
    make: Arc<Make>,
    /// The handle's.
    latest: Weak<RefCell<LatestReading>>,
    /// Dropping it dismisses the worker.
    worker: Option<WorkerHandle>,
    /// Whether a reading is under way, of this worker or of one that was dismissed during it.
    is_reading: bool,
    /// When the newest reading was asked for.
    asked: Duration,
}

impl Sampler {
    /// Starts the Sampler of the plugin `name`, which records its readings in `latest`.
    pub(crate) fn start(
        name: String,
        make: Box<Make>,
        latest: Weak<RefCell<LatestReading>>,
    ) -> Addr<Self> {
        Actor::start(Self {
            name,
            make: Arc::from(make),
            latest,
            worker: None,
            is_reading: false,
            asked: Duration::ZERO,
        })
    }

    fn record(&self, outcome: Result<Reading, DriverError>) {
        if let Some(latest) = self.latest.upgrade() {
            latest.borrow_mut().record(outcome, self.asked);
        }
    }

    /// Starts a thread that reads on request. None when the system has no pipe or no thread.
    fn start_worker(&self, sampler: WeakAddr<Self>) -> Option<WorkerHandle> {
        let (worker, inbox) = inbox().ok()?;
        let make = Arc::clone(&self.make);
        let work = move || {
            let mut source = None;
            while let Some(at) = inbox.next() {
                // Even if making the source panics, the Sampler needs an outcome: it waits for one.
                let made = source
                    .take()
                    .map_or_else(|| catch_unwind(AssertUnwindSafe(|| make(&inbox))), Ok);
                source = made.ok();
                let outcome = source.as_mut().map(|source| sample(&mut **source, at));
                let outcome = outcome.unwrap_or(Err(DriverError::Panicked));
                let Some(address) = sampler.upgrade() else {
                    return;
                };
                address.do_send(Sampled(outcome));
                // A worker that waits must not keep the Sampler alive.
                drop(address);
                let failed = source.as_mut().and_then(|source| source.idle().err());
                if let Some((fault, address)) = failed.zip(sampler.upgrade()) {
                    address.do_send(Failed(fault));
                }
            }
        };
        thread::Builder::new()
            .name(self.name.chars().take(15).collect())
            .stack_size(STACK_BYTES)
            .spawn(work)
            .ok()?;
        Some(worker)
    }
}

impl Actor for Sampler {
    type Context = Context<Self>;
}

/// Take a reading at this instant.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Refresh(pub(crate) Duration);

impl Handler<Refresh> for Sampler {
    type Result = ();

    fn handle(&mut self, Refresh(at): Refresh, ctx: &mut Context<Self>) {
        if self.is_reading {
            return;
        }
        self.asked = at;
        if self.worker.is_none() {
            self.worker = self.start_worker(ctx.address().downgrade());
        }
        self.is_reading = self
            .worker
            .as_ref()
            .is_some_and(|worker| worker.request(at));
        if !self.is_reading {
            self.worker = None;
            self.record(Err(DriverError::Missing("a worker thread".into())));
        }
    }
}

/// A worker has a reading.
#[derive(Message)]
#[rtype(result = "()")]
struct Sampled(Result<Reading, DriverError>);

impl Handler<Sampled> for Sampler {
    type Result = ();

    fn handle(&mut self, Sampled(outcome): Sampled, _: &mut Context<Self>) {
        self.is_reading = false;
        // A dismissed worker's reading is of a time when nobody watched.
        if self.worker.is_some() {
            self.record(outcome);
        }
    }
}

/// What a worker reads from has failed between two readings.
#[derive(Message)]
#[rtype(result = "()")]
struct Failed(DriverError);

impl Handler<Failed> for Sampler {
    type Result = ();

    fn handle(&mut self, Failed(fault): Failed, _: &mut Context<Self>) {
        if self.worker.is_some() {
            self.record(Err(fault));
        }
    }
}

/// Nobody watches any more.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Unwatched;

impl Handler<Unwatched> for Sampler {
    type Result = ();

    fn handle(&mut self, _: Unwatched, _: &mut Context<Self>) {
        self.worker = None;
    }
}

#[cfg(test)]
mod tests;
