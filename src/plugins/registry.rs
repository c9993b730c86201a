//! Every key that this server offers, in the order of the wire.

use super::{
    About, Plugin,
    sample::{Pooled, Source},
};

/// One key of the push.
pub struct Entry {
    /// The top-level key.
    pub name: String,
    /// What `info` says of it.
    pub about: About,
    /// Where it is sampled.
    pub home: Home,
}

/// Where a plugin is sampled.
pub enum Home {
    /// In the tick, on the main thread: reads that cannot block.
    Tick(Box<dyn Source>),
    /// On a worker thread of its own, started while somebody watches and dropped with it: reads that may block.
    /// The function is called again for each new worker.
    Worker(Box<dyn Fn() -> Box<dyn Source> + Send + Sync>),
}

impl Home {
    /// For a plugin whose reads cannot block.
    pub fn tick<P: Plugin>(plugin: P) -> Self {
        Self::Tick(Box::new(Pooled::new(plugin)))
    }

    /// For a plugin whose reads may block: `make` runs on the worker.
    pub fn worker<P: Plugin>(make: impl Fn() -> P + Send + Sync + 'static) -> Self {
        Self::Worker(Box::new(move || Box::new(Pooled::new(make()))))
    }
}
