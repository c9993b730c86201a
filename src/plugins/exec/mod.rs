//! Plugins of the operator's own: programs whose output becomes a key of the push.
//!
//! Each has one worker thread while somebody watches it, and a child at most. What the child does
//! wrong costs this key its figure and nobody else anything: output, depth, noise and time have
//! bounds, failures are paced.

pub mod check;
pub mod child;
pub mod definition;
pub mod descendants;
pub mod fault;
pub mod json;
pub mod munin;
pub mod numbers;
pub mod once;
pub mod pace;
pub mod run;
pub mod stream;

use std::{path::Path, sync::Arc, time::Duration};

use serde_json::value::RawValue;

use crate::{
    plugins::{
        exec::{
            definition::{Definition, Program, read_all},
            numbers::NumericFields,
            pace::{Pace, Paced},
        },
        families::Families,
        registry::{BUILT_IN, Entry, Execution},
        sample::{Pooled, Sample, Source},
        worker::WorkerInbox,
    },
    protocol::key_set::PluginSet,
};

/// The longest output of a reading, in bytes.
pub const MAX_OUTPUT: usize = 64 * 1024;

/// The deepest JSON.
pub const MAX_DEPTH: usize = 32;

/// Bytes of a run on standard error, or of a stream in a second, beyond which the child is ended.
pub const MAX_NOISE: usize = 1 << 20;

/// The definitions of the folder `dir` that can become keys, and what is wrong with the others.
#[must_use]
pub fn fit(dir: &Path) -> (Vec<Definition>, Vec<String>) {
    let (mut definitions, mut faults) = (Vec::new(), Vec::new());
    // `_meta` takes one place.
    let most = PluginSet::CAPACITY - 1;
    for read in read_all(dir) {
        match read {
            Err(fault) => faults.push(fault.to_string()),
            Ok(definition) => {
                let full = || format!("more than {most} keys cannot be offered");
                let room = BUILT_IN.len() + definitions.len() < most;
                match unfit(&definition).or_else(|| (!room).then(full)) {
                    Some(problem) => {
                        faults.push(format!("{}: {problem}", definition.path.display()))
                    }
                    None => definitions.push(definition),
                }
            }
        }
    }
    (definitions, faults)
}

/// Why a definition cannot become a key.
#[must_use]
pub fn unfit(definition: &Definition) -> Option<String> {
    let name = definition.name.as_str();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
        return Some(
            "a plugin's name has 1 to 64 letters, digits, `_`, `-` or `.`: rename the file".into(),
        );
    }
    let is_taken = name.starts_with('_') || BUILT_IN.iter().any(|key| key.name == name);
    is_taken.then(|| format!("the name {name} is taken by a built-in key: rename the file"))
}

/// The key of one definition.
#[must_use]
pub fn entry(definition: Definition) -> Entry {
    let (name, about) = (definition.name.clone(), definition.about());
    let definition = Arc::new(definition);
    let pace = Arc::new(Pace::new(&definition));
    let make = Box::new(move |inbox: &WorkerInbox| source(&definition, &pace, inbox));
    Entry {
        name,
        about,
        execution: Execution::Worker {
            make,
            exported: true,
            forgets: true,
        },
    }
}

/// What runs a definition on a worker. The `pace` outlives the worker: who comes and goes quickly
/// starts nothing sooner.
fn source(definition: &Arc<Definition>, pace: &Arc<Pace>, inbox: &WorkerInbox) -> Box<dyn Source> {
    let (definition, pace, inbox) = (Arc::clone(definition), Arc::clone(pace), inbox.clone());
    match &definition.program {
        Program::Once(words) => {
            let once = once::Once::new(words.clone(), definition, Arc::clone(&pace), inbox.clone());
            Box::new(Paced::new(once, pace, inbox))
        }
        Program::Munin(words) => {
            let munin =
                munin::Munin::new(words.clone(), definition, Arc::clone(&pace), inbox.clone());
            Box::new(Paced::new(Pooled::new(munin), pace, inbox))
        }
        Program::Stream(words) => {
            Box::new(stream::Stream::new(words.clone(), definition, pace, inbox))
        }
    }
}

/// One JSON value of a child.
#[derive(Debug)]
pub struct Printed {
    definition: Arc<Definition>,
    at: Duration,
    json: Box<RawValue>,
}

impl Sample for Printed {
    fn at(&self) -> Duration {
        self.at
    }

    fn write_json(
        &self,
        _before: Option<&dyn Sample>,
        out: &mut Vec<u8>,
    ) -> serde_json::Result<()> {
        out.extend_from_slice(self.json.get().as_bytes());
        Ok(())
    }

    fn add_families(&self, out: &mut Families) {
        NumericFields::of(self.json.get()).gauges(&self.definition.name, out);
    }
}
