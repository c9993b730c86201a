//! A Sampler for each plugin: owns its worker thread, where it has one, and tells the journal of
//! its failures.
//!
//! A reading that may block runs on the worker. While one is under way no other is asked for, and a
//! worker that is stuck is never joined by a second one: a dead mount costs one thread, however
//! long it is dead. When nobody watches, the worker is dismissed at once: one that waits for a
//! child hears it and ends the child.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::Arc,
    thread,
    time::Duration,
};

use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message};
use tracing::{debug, info, warn};

use crate::{
    drivers::DriverError,
    plugins::{
        registry::{Execution, Make},
        sample::Reading,
        worker::{WorkerHandle, inbox},
    },
    sampling::{
        latest_reading::LatestReading,
        plugin_handle::{Owner, PluginHandle, sample},
    },
};

/// The stack of a worker: readings are shallow.
const STACK: usize = 256 * 1024;

/// One plugin's owner.
pub struct Sampler {
    name: String,
    handle: Rc<PluginHandle>,
    make: Option<Arc<Make>>,
    /// Dropping it dismisses the worker.
    worker: Option<WorkerHandle>,
    /// A reading is under way, of the worker or of one that was dismissed during it.
    reading: bool,
}

impl Sampler {
    /// Starts the sampler of the plugin `name`, and gives the outlet through which it is read.
    pub fn start(name: String, execution: Execution, period: Duration) -> Rc<PluginHandle> {
        let (source, make, latest) = match execution {
            Execution::Inline(source) => (Some(source), None, LatestReading::default()),
            Execution::Worker { make, forgets, .. } => {
                (None, Some(Arc::from(make)), LatestReading::new(forgets))
            }
        };
        let ctx = Context::new();
        let handle = Rc::new(PluginHandle::new(
            source,
            period,
            latest,
            Box::new(ctx.address()),
        ));
        ctx.run(Self {
            name,
            handle: Rc::clone(&handle),
            make,
            worker: None,
            reading: false,
        });
        handle
    }
}

impl Actor for Sampler {
    type Context = Context<Self>;
}

impl Owner for Addr<Sampler> {
    fn refresh(&self, at: Duration) {
        // A full mailbox holds such a message already.
        let _ = self.try_send(Refresh(at));
    }

    fn unwatched(&self) {
        self.do_send(Unwatched);
    }

    fn report(&self, fault: Option<DriverError>) {
        self.do_send(Report(fault));
    }

    fn retire(&self) {
        self.do_send(Retire);
    }
}

/// Take a reading that may block.
#[derive(Message)]
#[rtype(result = "()")]
struct Refresh(Duration);

impl Handler<Refresh> for Sampler {
    type Result = ();

    fn handle(&mut self, Refresh(at): Refresh, ctx: &mut Context<Self>) {
        if self.reading {
            return;
        }
        if self.worker.is_none() {
            self.worker = self
                .make
                .as_ref()
                .and_then(|make| hire(&self.name, make, ctx.address()));
        }
        self.reading = self.worker.as_ref().is_some_and(|worker| worker.order(at));
        if !self.reading {
            self.worker = None;
            self.handle
                .take(Err(DriverError::Missing("a worker thread".into())));
        }
    }
}

/// A thread that reads when told to. None when the system gives no thread.
fn hire(name: &str, make: &Arc<Make>, sampler: Addr<Sampler>) -> Option<WorkerHandle> {
    let (worker, inbox) = inbox().ok()?;
    let make = Arc::clone(make);
    let work = move || {
        let mut source = None;
        while let Some(at) = inbox.next() {
            // A panic in the making must not leave the Sampler waiting for its reading.
            let made = source
                .take()
                .map_or_else(|| catch_unwind(AssertUnwindSafe(|| make(&inbox))), Ok);
            source = made.ok();
            let outcome = source.as_mut().map(|source| sample(&mut **source, at));
            sampler.do_send(Sampled(outcome.unwrap_or(Err(DriverError::Panicked))));
            if let Some(Err(fault)) = source.as_mut().map(|source| source.rest()) {
                sampler.do_send(Failed(fault));
            }
        }
    };
    thread::Builder::new()
        .name(name.chars().take(15).collect())
        .stack_size(STACK)
        .spawn(work)
        .ok()?;
    Some(worker)
}

/// A worker has a reading.
#[derive(Message)]
#[rtype(result = "()")]
struct Sampled(Result<Reading, DriverError>);

impl Handler<Sampled> for Sampler {
    type Result = ();

    fn handle(&mut self, Sampled(outcome): Sampled, _: &mut Context<Self>) {
        self.reading = false;
        // A dismissed worker's last word is about a time when nobody watched.
        if self.worker.is_some() {
            self.handle.take(outcome);
        }
    }
}

/// A worker has lost what it reads from, between two readings.
#[derive(Message)]
#[rtype(result = "()")]
struct Failed(DriverError);

impl Handler<Failed> for Sampler {
    type Result = ();

    fn handle(&mut self, Failed(fault): Failed, _: &mut Context<Self>) {
        if self.worker.is_some() {
            self.handle.take(Err(fault));
        }
    }
}

/// Nobody watches.
#[derive(Message)]
#[rtype(result = "()")]
struct Unwatched;

impl Handler<Unwatched> for Sampler {
    type Result = ();

    fn handle(&mut self, _: Unwatched, _: &mut Context<Self>) {
        self.worker = None;
    }
}

/// The plugin is not offered any more: the worker goes, and so does this actor.
#[derive(Message)]
#[rtype(result = "()")]
struct Retire;

impl Handler<Retire> for Sampler {
    type Result = ();

    fn handle(&mut self, _: Retire, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

/// A first failure, or the end of failures.
#[derive(Message)]
#[rtype(result = "()")]
struct Report(Option<DriverError>);

impl Handler<Report> for Sampler {
    type Result = ();

    fn handle(&mut self, Report(fault): Report, _: &mut Context<Self>) {
        let plugin = self.name.as_str();
        match fault {
            None => info!(plugin, "plugin {plugin} gives figures again"),
            Some(DriverError::Missing(what)) => {
                debug!(plugin, "plugin {plugin}: {what}: not available")
            }
            Some(fault) => warn!(plugin, "plugin {plugin} gives no figures: {fault}"),
        }
    }
}

#[cfg(test)]
mod tests;
