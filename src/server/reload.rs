//! A reload: the configuration is read again, and every part of the server that follows it gets its
//! share, in one order. A configuration that cannot be used changes nothing.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use actix::Addr;
use tracing::{error, info, warn};

use crate::{
    config::{self, Config, error::ConfigError},
    http::{connection::Http, static_files::Pages},
    net::admission::{ConnectionFilter, ConnectionRules},
    sampling::plugin_manager::PluginManager,
    session::{
        supervisor::{Rules, SetRules, Supervisor},
        tokens::{Token, Tokens},
    },
};

/// Reads the configuration, as at the start.
pub type Load = Box<dyn Fn() -> Result<Config, ConfigError>>;

/// The parts of the server that follow the configuration.
pub(super) struct Reload {
    pub load: Load,
    /// What the server started with: some settings are in force until it ends.
    pub first: Config,
    /// Whether systemd passed the listeners: `listen` is without effect then.
    pub passed: bool,
    pub supervisor: Addr<Supervisor>,
    pub filter: Rc<ConnectionFilter>,
    pub http: Rc<Http>,
    pub plugins: PluginManager,
    pub exit_on_idle: Cell<Option<Duration>>,
    /// Why every connection is refused until a reload succeeds.
    pub fault: RefCell<Option<ConfigError>>,
}

impl Reload {
    /// Reads the configuration and puts it in force.
    pub fn run(&self) {
        match (self.load)() {
            Ok(config) => {
                self.log_warnings(&config);
                self.apply(&config);
                info!("configuration reloaded");
            }
            Err(fault) => error!("configuration not reloaded, the old one stays: {fault}"),
        }
    }

    /// All of it happens in one step of the event loop, so that no new connection meets a half; the
    /// Supervisor's message arrives before any question of a session that is admitted later.
    fn apply(&self, config: &Config) {
        self.supervisor
            .do_send(SetRules(session_rules(config, false)));
        self.filter.set_rules(ConnectionRules::new(config));
        self.http.set_pages(pages(config, false));
        self.exit_on_idle.set(config.exit_on_idle);
        self.plugins.reload(config);
        self.fault.replace(None);
    }

    fn log_warnings(&self, config: &Config) {
        for warning in &config.warnings {
            warn!("{warning}");
        }
        let waiting = self.first.waiting_for_restart(config).into_iter();
        for key in waiting.filter(|key| !(self.passed && *key == "listen")) {
            warn!("{key}: the new setting takes effect with the next start");
        }
    }
}

/// The Supervisor's share of `config`. A `misconfigured` server refuses every session.
pub(super) fn session_rules(config: &Config, misconfigured: bool) -> Rules {
    let token = |token: &config::Token| Token {
        name: token.name.clone(),
        value: token.value.clone().into(),
    };
    Rules {
        max_clients: max_clients(config),
        tokens: Tokens::new(config.tokens.iter().map(token).collect()),
        misconfigured,
    }
}

pub(super) fn max_clients(config: &Config) -> Option<usize> {
    config
        .max_clients
        .and_then(|limit| usize::try_from(limit.get()).ok())
}

/// The share of the HTTP service.
pub(super) fn pages(config: &Config, misconfigured: bool) -> Pages {
    Pages {
        folder: config.public.clone(),
        misconfigured,
        metrics: config.metrics,
    }
}
