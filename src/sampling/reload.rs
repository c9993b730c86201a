//! What this server offers: the built-in keys, which are settled at the start, and the operator's
//! own, which a reload takes in anew.

use std::{cell::RefCell, rc::Rc, sync::Arc, time::Duration};

use tracing::warn;

use crate::{
    config::Config,
    drivers::Root,
    plugins::{
        catalog::{Catalog, CatalogError},
        exec::{self, definition::Definition},
        registry::{self, Entry},
    },
    sampling::{
        PluginTable, Sampling, plugin_handle::PluginHandle, sampler::Sampler, snapshot::Keys,
    },
    system::clock::Clock,
};

/// The plugins of this machine, each with its Sampler.
pub struct PluginManager {
    /// Where they are read.
    pub sampling: Rc<Sampling>,
    /// How many of the keys are not the operator's: the first ones.
    built_in: usize,
    own: RefCell<Vec<Definition>>,
}

impl PluginManager {
    /// Offers what `config` says.
    ///
    /// # Errors
    /// When the built-in names do not make a catalog.
    pub fn start(config: &Config, clock: Clock) -> Result<Self, CatalogError> {
        let options = registry::Options {
            network_filesystems: config.plugins.network_filesystems,
            command_lines: config.plugins.top_command_lines,
            sensors_off: config.plugins.sensors_off.clone(),
            units: config.plugins.units.clone(),
            ..registry::Options::default()
        };
        let counters = Arc::clone(&options.counters);
        let entries = registry::built_in_with(&Root::host(), &options);
        let catalog = Rc::new(Catalog::new(&entries)?);
        let built_in = entries.len();
        let sampling = Sampling::new(catalog, clock, entries.into_iter().map(sampler).collect());
        let sampling = Rc::new(sampling.counted_by(counters));
        let offering = Self {
            sampling,
            built_in,
            own: RefCell::default(),
        };
        offering.renew(config);
        Ok(offering)
    }

    /// Takes in the operator's plugins as their files are now, and which keys are the default. What
    /// has not changed goes on; whoever watches what has changed watches the new program; what is
    /// gone is null for whoever has chosen it.
    pub fn renew(&self, config: &Config) {
        let PluginTable {
            catalog,
            mut outlets,
        } = self.sampling.offer();
        let mut catalog = Catalog::clone(&catalog);
        let (newer, faults) = exec::fit(&config.plugins.dir);
        for fault in faults {
            warn!("plugin left out: {fault}");
        }
        let is_default = |name: &str| config.plugins.default.iter().any(|chosen| chosen == name);
        for index in 0..self.built_in {
            let default = catalog.legacy(index) || is_default(catalog.name(index));
            catalog.set_default(index, default);
        }
        let mut own = self.own.borrow_mut();
        let gone = own.iter().filter(|former| {
            newer
                .iter()
                .all(|definition| definition.name != former.name)
        });
        for index in gone
            .filter_map(|former| catalog.index(&former.name))
            .collect::<Vec<_>>()
        {
            catalog.withdraw(index);
            if let Some(handle) = outlets.get(index) {
                handle.retire();
            }
        }
        for definition in &newer {
            let default = definition.default || is_default(&definition.name);
            match catalog.index(&definition.name) {
                Some(index) if own.contains(definition) => catalog.set_default(index, default),
                _ => self.offer(definition, default, &mut catalog, &mut outlets),
            }
        }
        *own = newer;
        self.sampling.replace(PluginTable {
            catalog: Rc::new(catalog),
            outlets,
        });
    }

    /// Offers a new definition, or one that has changed.
    fn offer(
        &self,
        definition: &Definition,
        default: bool,
        catalog: &mut Catalog,
        outlets: &mut Vec<Rc<PluginHandle>>,
    ) {
        let mut entry = exec::entry(definition.clone());
        entry.about.default = default;
        let index =
            match catalog.offer(&entry.name, entry.about.clone(), entry.execution.exported()) {
                Ok(index) => index,
                // Names that are gone keep their places.
                Err(fault) => return warn!("plugin left out until the next start: {fault}"),
            };
        let handle = sampler(entry);
        match outlets.get_mut(index) {
            Some(former) => {
                handle.succeed(former);
                *former = handle;
            }
            None => outlets.push(handle),
        }
    }
}

fn sampler(entry: Entry) -> Rc<PluginHandle> {
    let period = Duration::try_from_secs_f64(entry.about.min_interval).unwrap_or_default();
    Sampler::start(entry.name, entry.execution, period)
}
