//! The running server: everything between a registered listener and the end of the last session.

pub mod accept;
pub mod listeners;
pub mod startup_error;

use std::{
    cell::RefCell,
    convert::Infallible,
    future::{Future, poll_fn},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    process::ExitCode,
    rc::Rc,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use actix::{Actor, Addr, System};
use actix_web::rt;
use nix::sys::signal::Signal;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::coop::unconstrained,
};
use tracing::{error, info};

use crate::{
    config::{Config, error::ConfigError},
    drivers::{
        Root,
        linux::host::{Host, boot_id},
    },
    http::{service::Http, static_files::Pages},
    net::{
        admission::{ConnectionFilter, ConnectionRules},
        connections::ConnectionCounter,
    },
    plugins::{catalog::CatalogError, exec},
    push::{broadcaster::Broadcaster, frame_cache::FrameCache},
    sampling::plugin_manager::PluginManager,
    server::{
        accept::{Services, accept},
        listeners::Bound,
    },
    session::{
        connection::SessionFactory,
        info::Info,
        scheduler::SessionContext,
        supervisor::{Count, Reload as NewRules, Rules, Stop, Supervisor},
        tokens::{Token, Tokens},
    },
    system::{clock::Clock, memory, signals::IgnoredSignals, sysexits::EX_OSERR, systemd, timerfd},
};

/// Reads the configuration again.
pub type Reload = Box<dyn Fn() -> Result<Config, ConfigError>>;

/// Connections that were accepted just before a stop have this long to ask for what they came for.
const DRAIN_GRACE: Duration = Duration::from_millis(250);

/// Clients have this long to say goodbye when the server stops.
const FAREWELL: Duration = Duration::from_millis(1500);

/// The status line is renewed no more often than this.
const STATUS_EVERY: Duration = Duration::from_secs(1);

/// So many connections leave memory behind that is worth giving back when half of them are gone.
const TRIM_MIN_PEAK: usize = 256;

/// The wait for the others who may be leaving too.
const TRIM_DELAY: Duration = Duration::from_secs(2);

/// What the server starts with.
pub struct Start {
    /// The checked configuration; the default one where there is a `fault`.
    pub config: Config,
    /// The listeners, opened or passed.
    pub bound: Vec<Bound>,
    /// For SIGHUP.
    pub reload: Reload,
    /// Whether systemd passed the listeners.
    pub passed: bool,
    /// Why every connection is to be refused until a reload succeeds.
    pub fault: Option<ConfigError>,
    /// How often to report life to systemd.
    pub watchdog_interval: Option<Duration>,
    /// Signals that stay ignored.
    pub ignored: IgnoredSignals,
}

/// Serves until told to stop.
pub fn run(start: Start) -> ExitCode {
    System::new().block_on(async move {
        match Server::start(start) {
            Ok(server) => server.run().await,
            Err(fault) => {
                error!("the server cannot start: {fault}");
                EX_OSERR.into()
            }
        }
    })
}

/// Why a server with a good configuration cannot start.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Catalog(#[from] CatalogError),
    #[error("a listener or a signal cannot be registered: {0}")]
    Register(#[from] io::Error),
}

struct Server {
    supervisor: Addr<Supervisor>,
    broadcaster: Rc<Broadcaster>,
    http: Rc<Http>,
    filter: Rc<ConnectionFilter>,
    connections: Rc<ConnectionCounter>,
    accepting: Vec<rt::task::JoinHandle<()>>,
    reload: Reload,
    watchdog_interval: Option<Duration>,
    ignored: IgnoredSignals,
    exit_on_idle: RefCell<Option<Duration>>,
    fault: RefCell<Option<ConfigError>>,
    plugins: PluginManager,
    /// The listeners, as the status line names them.
    places: String,
}

/// Why the server ends.
enum End {
    Signal(&'static str),
    Idle(Duration),
}

impl Server {
    fn start(start: Start) -> Result<Self, Failure> {
        let Start {
            config,
            bound,
            reload,
            fault,
            watchdog_interval,
            ignored,
            ..
        } = start;
        let clock = Clock::start();
        let root = Root::host();
        let plugins = PluginManager::start(&config, clock)?;
        let sampling = Rc::clone(&plugins.sampling);
        let supervisor = Supervisor::new(clock, rules(&config, fault.is_some()))
            .counted_by(Arc::clone(sampling.counters()))
            .start();
        let info = Info {
            host: Host::read(&root),
            max_clients: max_clients(&config),
        };
        let context = Rc::new(SessionContext {
            supervisor: supervisor.clone(),
            sampling: Rc::clone(&sampling),
            info,
        });
        let broadcaster = Rc::new(Broadcaster::new(sampling, FrameCache::new(boot_id(&root))));
        let sessions = Rc::new(SessionFactory::new(context, Rc::clone(&broadcaster)));
        let filter = Rc::new(ConnectionFilter::new(ConnectionRules::new(&config)));
        let http = Rc::new(Http::new(
            Rc::clone(&sessions),
            Rc::clone(&filter),
            pages(&config, fault.is_some()),
        ));
        let connections = Rc::new(ConnectionCounter::default());
        let services = Services {
            filter: Rc::clone(&filter),
            http: Rc::clone(&http),
            sessions,
            connections: Rc::clone(&connections),
        };
        let places = bound
            .iter()
            .map(|bound| bound.url.to_string())
            .collect::<Vec<_>>()
            .join(", ");
        let accepting = bound
            .into_iter()
            .map(|bound| accept(bound, services.clone()))
            .collect::<Result<_, _>>()?;
        let exit_on_idle = RefCell::new(config.exit_on_idle);
        let fault = RefCell::new(fault);
        Ok(Self {
            supervisor,
            broadcaster,
            http,
            filter,
            connections,
            accepting,
            reload,
            watchdog_interval,
            ignored,
            exit_on_idle,
            fault,
            plugins,
            places,
        })
    }

    /// Ticks and serves until told to stop. This future is no task: the loop polls it at the
    /// beginning of each turn, before all tasks, so that no number of them stands between the tick
    /// and its slot.
    async fn run(self) -> ExitCode {
        let (broadcaster, turn) = (Rc::clone(&self.broadcaster), Rc::clone(&self.filter.turn));
        let mut ticking = pin!(keep_ticking(&broadcaster));
        let mut serving = rt::spawn(self.serve());
        let each_turn = poll_fn(|cx| {
            let _: Poll<Infallible> = ticking.as_mut().poll(cx);
            turn.begin();
            Pin::new(&mut serving).poll(cx)
        });
        // A crowd's pushes are many writes, and each belongs into its slot.
        unconstrained(each_turn).await.unwrap_or_else(|fault| {
            error!("fault in the server: {fault}");
            EX_OSERR.into()
        })
    }

    async fn serve(self) -> ExitCode {
        let mut server = self;
        let accepting = std::mem::take(&mut server.accepting);
        let server = Rc::new(server);
        // Whoever is told that we are ready may send a signal at once; without a handler SIGHUP
        // would be the end.
        let mut signals = match Signals::open(server.ignored) {
            Ok(signals) => signals,
            Err(fault) => {
                error!("signals cannot be received: {fault}");
                return EX_OSERR.into();
            }
        };
        info!(
            version = env!("CARGO_PKG_VERSION"),
            "listening on {}", server.places
        );
        server.tell(systemd::ready(&server.status()));
        rt::spawn(Rc::clone(&server).keep_status());
        rt::spawn(Rc::clone(&server).keep_watchdog());
        rt::spawn(Rc::clone(&server).keep_small());
        let end = tokio::select! {
            end = server.wait_for_signal(&mut signals) => end,
            idle = server.wait_for_idle() => End::Idle(idle),
        };
        let reason = match end {
            End::Signal(name) => format!("told to stop by {name}"),
            End::Idle(idle) => format!("nobody was connected for {} s", idle.as_secs()),
        };
        info!("stopping: {reason}");
        server.tell(systemd::stopping(&format!("Stopping: {reason}")));
        // All of them before any other task runs: what is not accepted by now waits for the next
        // process.
        accepting.iter().for_each(rt::task::JoinHandle::abort);
        for task in accepting {
            // Its listener is closed once the task is gone.
            let _ = task.await;
        }
        server.supervisor.do_send(Stop);
        let farewell = async {
            if tokio::time::timeout(DRAIN_GRACE, server.connections.empty())
                .await
                .is_err()
            {
                server.http.stop();
                server.connections.empty().await;
            }
        };
        if tokio::time::timeout(FAREWELL, farewell).await.is_err() {
            info!(
                connections = server.connections.live(),
                "stopped before every client had said goodbye"
            );
        }
        exec::child::end_all();
        ExitCode::SUCCESS
    }

    /// SIGHUP reloads; SIGTERM and SIGINT end.
    async fn wait_for_signal(&self, signals: &mut Signals) -> End {
        loop {
            tokio::select! {
                () = received(&mut signals.terminate) => return End::Signal("SIGTERM"),
                () = received(&mut signals.interrupt) => return End::Signal("SIGINT"),
                () = received(&mut signals.hangup) => self.reload(),
            }
        }
    }

    /// Returns when nobody has been connected for the configured time.
    async fn wait_for_idle(&self) -> Duration {
        loop {
            self.connections.empty().await;
            let patience = *self.exit_on_idle.borrow();
            let Some(patience) = patience else {
                // A reload may set it; that wakes nobody, and needs not: the next client does.
                self.connections.changed().await;
                continue;
            };
            tokio::select! {
                () = timerfd::after(patience) => {
                    if self.connections.live() == 0 {
                        return patience;
                    }
                }
                () = self.connections.changed() => {}
            }
        }
    }

    fn reload(&self) {
        self.tell(systemd::reloading());
        match (self.reload)() {
            Ok(config) => {
                for warning in &config.warnings {
                    tracing::warn!("{warning}");
                }
                self.supervisor.do_send(NewRules(rules(&config, false)));
                self.filter.set_rules(ConnectionRules::new(&config));
                self.http.set_pages(pages(&config, false));
                self.exit_on_idle.replace(config.exit_on_idle);
                self.fault.replace(None);
                self.plugins.reload(&config);
                info!("configuration reloaded");
            }
            Err(fault) => error!("configuration not reloaded, the old one stays: {fault}"),
        }
        self.tell(systemd::ready(&self.status()));
    }

    fn status(&self) -> String {
        if let Some(fault) = &*self.fault.borrow() {
            return format!("Refusing every connection, wrong configuration: {fault}");
        }
        let (live, started) = (self.connections.live(), self.broadcaster.started());
        let plugins = self.broadcaster.plugins();
        let what = if plugins.is_empty() {
            "nothing"
        } else {
            plugins.as_str()
        };
        format!(
            "Listening on {}; {live} connected, {started} watching, sampling {what}",
            self.places
        )
    }

    /// Renews the status line when somebody comes or goes, starts or stops to watch, or watches
    /// something else.
    async fn keep_status(self: Rc<Self>) {
        let mut told = self.status();
        loop {
            tokio::select! {
                () = self.connections.changed() => {}
                () = self.broadcaster.audience_changed() => {}
            }
            tokio::time::sleep(STATUS_EVERY).await;
            let status = self.status();
            if status != told {
                self.tell(systemd::status(&status));
                told = status;
            }
        }
    }

    /// Gives memory back once a crowd has gone.
    async fn keep_small(self: Rc<Self>) {
        loop {
            self.connections.left().await;
            if self.connections.most() >= TRIM_MIN_PEAK
                && self.connections.live() <= self.connections.most() / 2
            {
                tokio::time::sleep(TRIM_DELAY).await;
                self.connections.forget_most();
                memory::trim();
            }
        }
    }

    /// Reports life after each round trip through the Supervisor and the tick. A plugin's worker is
    /// in neither.
    async fn keep_watchdog(self: Rc<Self>) {
        let Some(interval) = self.watchdog_interval else {
            return;
        };
        loop {
            timerfd::after(interval).await;
            if self.supervisor.send(Count).await.is_ok() {
                self.broadcaster.round_trip().await;
                self.tell(systemd::alive());
            }
        }
    }

    /// The service manager may be gone; that is no reason to end.
    fn tell(&self, outcome: io::Result<()>) {
        if let Err(error) = outcome {
            tracing::debug!(%error, "the service manager was not told");
        }
    }
}

/// The signals that are listened to; what was ignored at the start stays so.
struct Signals {
    terminate: Option<tokio::signal::unix::Signal>,
    interrupt: Option<tokio::signal::unix::Signal>,
    hangup: Option<tokio::signal::unix::Signal>,
}

impl Signals {
    fn open(ignored: IgnoredSignals) -> io::Result<Self> {
        let open =
            |which: Signal, kind| (!ignored.contains(which)).then(|| signal(kind)).transpose();
        Ok(Self {
            terminate: open(Signal::SIGTERM, SignalKind::terminate())?,
            interrupt: open(Signal::SIGINT, SignalKind::interrupt())?,
            hangup: open(Signal::SIGHUP, SignalKind::hangup())?,
        })
    }
}

/// Runs the tick, again after a fault: whom it was sending to is out, the others' pushes go on.
async fn keep_ticking(broadcaster: &Broadcaster) -> Infallible {
    loop {
        let mut running = pin!(broadcaster.run());
        let fault =
            poll_fn(
                |cx| match catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(cx))) {
                    Ok(Poll::Ready(()) | Poll::Pending) => Poll::Pending,
                    Err(_) => Poll::Ready(()),
                },
            );
        fault.await;
        error!("fault in the broadcaster: it starts again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn received(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

fn max_clients(config: &Config) -> Option<usize> {
    config
        .max_clients
        .and_then(|limit| usize::try_from(limit.get()).ok())
}

fn rules(config: &Config, refuse: bool) -> Rules {
    let token = |token: &crate::config::Token| Token {
        name: token.name.clone(),
        value: token.value.clone().into(),
    };
    Rules {
        max_clients: max_clients(config),
        tokens: Tokens::new(config.tokens.iter().map(token).collect()),
        misconfigured: refuse,
    }
}

fn pages(config: &Config, refuse: bool) -> Pages {
    Pages {
        folder: config.public.clone(),
        misconfigured: refuse,
        metrics: config.metrics,
    }
}
