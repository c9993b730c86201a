//! The operator's own plugins: programs whose output becomes a key of the push.
//!
//! Each has one worker while somebody watches it, and at most one child. A faulty child costs only
//! this key its value: its output and its time have limits, and after failures it has a back-off.

mod backoff;
pub(crate) mod check;
pub(crate) mod child;
pub mod definition;
mod descendants;
pub(crate) mod fault;
pub mod json;
pub mod munin;
mod numbers;
mod once;
mod run;
mod stream;

use std::{path::Path, sync::Arc, time::Duration};

use crate::{
    plugins::{
        exec::{
            backoff::Backoff,
            definition::{Definition, Mode, read_all},
            munin::Munin,
            once::Once,
            run::{Runner, WithBackoff},
            stream::Stream,
        },
        registry::{BUILT_IN, Entry, Execution},
        sample::{Pooled, Source},
        worker::WorkerInbox,
    },
    protocol::key_set::PluginSet,
};

/// The definitions of the folder `dir` that can become keys, and messages about the others.
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
pub(crate) fn unfit(definition: &Definition) -> Option<String> {
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

/// The key of one definition. Pushes are due on a grid of `slot`.
#[must_use]
pub fn entry(definition: Definition, slot: Duration) -> Entry {
    let (name, about) = (definition.name.clone(), definition.about());
    let backoff = Arc::new(Backoff::new(&definition, slot));
    let definition = Arc::new(definition);
    let make = Box::new(move |inbox: &WorkerInbox| -> Box<dyn Source> {
        let runner = Arc::new(Runner {
            definition: Arc::clone(&definition),
            backoff: Arc::clone(&backoff),
            inbox: inbox.clone(),
        });
        match definition.mode {
            Mode::Once => Box::new(WithBackoff::new(Once(Arc::clone(&runner)), runner)),
            Mode::Stream => Box::new(Stream::new(runner)),
            Mode::Munin => {
                let munin = Pooled::new(Munin::new(Arc::clone(&runner)));
                Box::new(WithBackoff::new(munin, runner))
            }
        }
    });
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
