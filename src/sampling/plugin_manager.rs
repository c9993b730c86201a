//! Decides what this server offers: the built-in plugins, which stay as they are at the start, and
//! the operator's own, which a reload replaces.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use tracing::warn;

use crate::{
    config::Config,
    drivers::Root,
    plugins::{
        catalog::{Catalog, CatalogError},
        exec::{self, definition::Definition},
        registry::{self, BUILT_IN},
    },
    sampling::{PluginTable, Sampling, plugin_handle::PluginHandle, schedule::SLOT},
    system::clock::Clock,
};

/// The plugins of this machine.
pub struct PluginManager {
    /// Where they are read.
    pub sampling: Rc<Sampling>,
    /// The operator's plugins that are offered now.
    definitions: RefCell<Vec<Definition>>,
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
        let sampling = Sampling::new(entries, clock)?.counted_by(counters);
        let manager = Self {
            sampling: Rc::new(sampling),
            definitions: RefCell::default(),
        };
        manager.reload(config);
        Ok(manager)
    }

    /// Offers the operator's plugins as their files are now, and takes over which keys are the
    /// default. A plugin whose definition did not change goes on. A session that watches one that
    /// did change gets the new program's values; one that watches a removed plugin gets null.
    pub(crate) fn reload(&self, config: &Config) {
        let PluginTable {
            catalog,
            mut handles,
        } = self.sampling.table();
        let mut catalog = Catalog::clone(&catalog);
        let (newer, faults) = exec::fit(&config.plugins.dir);
        for fault in faults {
            warn!("plugin not loaded: {fault}");
        }
        let is_default = |name: &str| config.plugins.default.iter().any(|chosen| chosen == name);
        for index in 0..BUILT_IN.len() {
            let default = catalog.is_legacy(index) || is_default(catalog.name(index));
            catalog.set_default(index, default);
        }
        let mut current = self.definitions.borrow_mut();
        for former in &*current {
            let kept = newer.iter().any(|newer| newer.name == former.name);
            if let Some(index) = catalog.index(&former.name).filter(|_| !kept) {
                catalog.withdraw(index);
                if let Some(handle) = handles.get(index) {
                    handle.retire();
                }
            }
        }
        for definition in &newer {
            let default = definition.default || is_default(&definition.name);
            match catalog.index(&definition.name) {
                Some(index) if current.contains(definition) => catalog.set_default(index, default),
                _ => replace(definition, default, &mut catalog, &mut handles),
            }
        }
        *current = newer;
        self.sampling.replace(PluginTable {
            catalog: Rc::new(catalog),
            handles,
        });
    }
}

/// Offers a new definition, or one that has changed in place of the former one.
fn replace(
    definition: &Definition,
    default: bool,
    catalog: &mut Catalog,
    handles: &mut Vec<Rc<PluginHandle>>,
) {
    let mut entry = exec::entry(definition.clone(), SLOT);
    entry.about.default = default;
    let offered = catalog.offer(&entry.name, entry.about.clone(), entry.execution.exported());
    let index = match offered {
        Ok(index) => index,
        // Names of removed plugins keep their indexes.
        Err(fault) => return warn!("plugin not loaded before the next start: {fault}"),
    };
    let handle = PluginHandle::start(entry);
    match handles.get_mut(index) {
        Some(former) => {
            handle.succeed(former);
            *former = handle;
        }
        None => handles.push(handle),
    }
}
