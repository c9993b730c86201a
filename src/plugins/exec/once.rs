//! Mode `once`: the program runs for each reading and prints one JSON value.

use std::{sync::Arc, time::Duration};

use crate::{
    drivers::DriverError,
    plugins::{
        exec::{
            json::{Printed, compact},
            run::Runner,
        },
        sample::{Reading, Source},
    },
};

/// The source of one such plugin.
pub(super) struct Once(pub(super) Arc<Runner>);

impl Source for Once {
    fn sample(&mut self, at: Duration) -> Result<Reading, DriverError> {
        let Self(runner) = self;
        let output = runner.run(&mut runner.command([]))?;
        Ok(Arc::new(Printed {
            plugin: runner.definition.name.clone(),
            at,
            json: compact(&output)?,
        }))
    }
}
