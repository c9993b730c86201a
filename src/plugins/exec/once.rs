//! Mode `once`: the program runs for each reading, and all that it prints is one JSON value.

use std::{sync::Arc, time::Duration};

use crate::{
    drivers::DriverError,
    plugins::{
        exec::{
            Printed, child,
            definition::Definition,
            fault::Fault,
            json::compact,
            pace::Pace,
            run::{Output, run},
        },
        sample::{Reading, Source},
        worker::WorkerInbox,
    },
};

/// The source of one such plugin.
pub struct Once {
    words: Vec<String>,
    definition: Arc<Definition>,
    pace: Arc<Pace>,
    inbox: WorkerInbox,
}

impl Once {
    /// A source that has not run yet.
    #[must_use]
    pub fn new(
        words: Vec<String>,
        definition: Arc<Definition>,
        pace: Arc<Pace>,
        inbox: WorkerInbox,
    ) -> Self {
        Self {
            words,
            definition,
            pace,
            inbox,
        }
    }

    fn print(&self) -> Result<Box<serde_json::value::RawValue>, Fault> {
        let env = self
            .definition
            .env
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let mut output = Output::default();
        let ended = run(
            &mut child::command(&self.words, env),
            self.definition.timeout,
            &self.inbox,
            &mut output,
        );
        self.pace.tell(&output.stderr);
        ended.and_then(|()| compact(&output.stdout))
    }
}

impl Source for Once {
    fn sample(&mut self, at: Duration) -> Result<Reading, DriverError> {
        let json = self.print()?;
        Ok(Arc::new(Printed {
            definition: Arc::clone(&self.definition),
            at,
            json,
        }))
    }
}
