//! The server: how it starts, runs and stops.

pub mod accept;
pub mod listeners;
pub mod reload;
pub mod startup_error;
mod status;

use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    future::{Future, poll_fn},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    process::ExitCode,
    rc::Rc,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
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
    http::connection::Http,
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
        reload::{Load, Reload},
        status::{Status, keep_watchdog, notified},
    },
    session::{
        connection::{SessionContext, SessionFactory},
        info::Info,
        supervisor::{Stop, Supervisor},
    },
    system::{
        clock::Clock,
        memory,
        rate_limit::{RateLimiter, held_back},
        signals::IgnoredSignals,
        sysexits::EX_OSERR,
        systemd, timerfd,
    },
};

/// Time that connections accepted just before a stop have to send their request.
const DRAIN_GRACE: Duration = Duration::from_millis(250);

/// Time that clients have to answer the close when the server stops.
const CLOSE_DEADLINE: Duration = Duration::from_millis(1500);

/// Call malloc_trim after connections fall to half of a peak of at least this many.
const TRIM_MIN_PEAK: usize = 256;

/// Time between that fall and the call: others may be leaving too.
const TRIM_DELAY: Duration = Duration::from_secs(2);

/// Time until the Broadcaster starts again after a panic.
const RESTART_DELAY: Duration = Duration::from_millis(50);

/// What the server starts with.
pub struct Start {
    /// The checked configuration; the default one where there is a `fault`.
    pub config: Config,
    /// The listeners, opened or passed.
    pub bound: Vec<Bound>,
    /// Reads the configuration again, for SIGHUP.
    pub load: Load,
    /// Whether systemd passed the listeners.
    pub passed: bool,
    /// Why every connection is to be refused until a reload succeeds.
    pub fault: Option<ConfigError>,
    /// Time between two signs of life for systemd.
    pub watchdog_interval: Option<Duration>,
    /// Signals that stay ignored.
    pub ignored: IgnoredSignals,
}

/// Serves until a signal or the idle limit ends the server.
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
    watchdog_interval: Option<Duration>,
    ignored: IgnoredSignals,
    reload: Rc<Reload>,
    status: Rc<Status>,
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
            load,
            passed,
            fault,
            watchdog_interval,
            ignored,
        } = start;
        let clock = Clock::start();
        let root = Root::host();
        let plugins = PluginManager::start(&config, clock)?;
        let sampling = Rc::clone(&plugins.sampling);
        let misconfigured = fault.is_some();
        let supervisor = Supervisor::new(clock, reload::session_rules(&config, misconfigured))
            .counted_by(Arc::clone(sampling.counters()))
            .start();
        let info = Info {
            host: Host::read(&root),
            max_clients: reload::max_clients(&config),
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
            reload::pages(&config, misconfigured),
        ));
        let connections = Rc::new(ConnectionCounter::default());
        let services = Services {
            filter: Rc::clone(&filter),
            http: Rc::clone(&http),
            sessions,
            connections: Rc::clone(&connections),
        };
        let urls: Vec<_> = bound.iter().map(|bound| bound.url.to_string()).collect();
        let accepting = bound
            .into_iter()
            .map(|bound| accept(bound, services.clone()))
            .collect::<Result<_, _>>()?;
        let reload = Rc::new(Reload {
            load,
            passed,
            supervisor: supervisor.clone(),
            filter: Rc::clone(&filter),
            http: Rc::clone(&http),
            plugins,
            exit_on_idle: Cell::new(config.exit_on_idle),
            fault: RefCell::new(fault),
            first: config,
        });
        let status = Rc::new(Status {
            listeners: urls.join(", "),
            connections: Rc::clone(&connections),
            broadcaster: Rc::clone(&broadcaster),
            reload: Rc::clone(&reload),
        });
        Ok(Self {
            supervisor,
            broadcaster,
            http,
            filter,
            connections,
            accepting,
            watchdog_interval,
            ignored,
            reload,
            status,
        })
    }

    /// Pushes and serves until the end. This future is no task: the event loop polls it at the
    /// beginning of each turn, before all tasks, so that no number of them delays a push.
    async fn run(self) -> ExitCode {
        let (broadcaster, turn) = (Rc::clone(&self.broadcaster), Rc::clone(&self.filter.turn));
        let mut pushing = pin!(keep_pushing(&broadcaster));
        let mut serving = rt::spawn(self.serve());
        let each_turn = poll_fn(|cx| {
            let _: Poll<Infallible> = pushing.as_mut().poll(cx);
            turn.begin();
            Pin::new(&mut serving).poll(cx)
        });
        // tokio's own budget would split the pushes of one slot over several turns.
        unconstrained(each_turn).await.unwrap_or_else(|fault| {
            error!("fault in the server: {fault}");
            EX_OSERR.into()
        })
    }

    async fn serve(self) -> ExitCode {
        // A signal may come as soon as READY is sent, and SIGHUP without a handler would end the
        // program.
        let mut signals = match Signals::open(self.ignored) {
            Ok(signals) => signals,
            Err(fault) => {
                error!("signals cannot be received: {fault}");
                return EX_OSERR.into();
            }
        };
        info!(
            version = env!("CARGO_PKG_VERSION"),
            "listening on {}", self.status.listeners
        );
        notified(systemd::ready(&self.status.line()));
        rt::spawn(Rc::clone(&self.status).keep());
        rt::spawn(trim_after_crowds(Rc::clone(&self.connections)));
        if let Some(interval) = self.watchdog_interval {
            let (supervisor, broadcaster) = (self.supervisor.clone(), Rc::clone(&self.broadcaster));
            rt::spawn(keep_watchdog(interval, supervisor, broadcaster));
        }
        let end = tokio::select! {
            end = self.wait_for_signal(&mut signals) => end,
            idle = self.wait_for_idle() => End::Idle(idle),
        };
        let reason = match end {
            End::Signal(name) => format!("received {name}"),
            End::Idle(idle) => format!("no connection for {} s", idle.as_secs()),
        };
        info!("stopping: {reason}");
        notified(systemd::stopping(&format!("Stopping: {reason}")));
        self.stop().await;
        ExitCode::SUCCESS
    }

    /// Closes the listeners, then every connection.
    async fn stop(self) {
        // All of them before any other task runs: connections that are not accepted by now wait
        // for the next process.
        self.accepting.iter().for_each(rt::task::JoinHandle::abort);
        for task in self.accepting {
            // The listener is closed once the task has ended.
            let _ = task.await;
        }
        self.supervisor.do_send(Stop);
        let closed = async {
            if tokio::time::timeout(DRAIN_GRACE, self.connections.empty())
                .await
                .is_err()
            {
                self.http.stop();
                self.connections.empty().await;
            }
        };
        if tokio::time::timeout(CLOSE_DEADLINE, closed).await.is_err() {
            info!(
                connections = self.connections.live(),
                "stopped before every client had closed its connection"
            );
        }
        exec::child::end_all();
    }

    /// SIGHUP reloads; SIGTERM and SIGINT end.
    async fn wait_for_signal(&self, signals: &mut Signals) -> End {
        loop {
            tokio::select! {
                () = received(&mut signals.terminate) => return End::Signal("SIGTERM"),
                () = received(&mut signals.interrupt) => return End::Signal("SIGINT"),
                () = received(&mut signals.hangup) => {
                    notified(systemd::reloading());
                    self.reload.run();
                    notified(systemd::ready(&self.status.line()));
                }
            }
        }
    }

    /// Returns when no client has been connected for the configured time.
    async fn wait_for_idle(&self) -> Duration {
        loop {
            self.connections.empty().await;
            let Some(limit) = self.reload.exit_on_idle.get() else {
                // A reload that sets the limit takes effect after the next client.
                self.connections.changed().await;
                continue;
            };
            tokio::select! {
                () = timerfd::after(limit) => {
                    if self.connections.live() == 0 {
                        return limit;
                    }
                }
                () = self.connections.changed() => {}
            }
        }
    }
}

/// Returns memory to the system each time that many clients have left.
async fn trim_after_crowds(connections: Rc<ConnectionCounter>) {
    loop {
        connections.left().await;
        if connections.peak() >= TRIM_MIN_PEAK && connections.live() <= connections.peak() / 2 {
            tokio::time::sleep(TRIM_DELAY).await;
            connections.reset_peak();
            memory::trim();
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

/// Runs the Broadcaster, and again after a panic: the session that it was sending to loses a push.
async fn keep_pushing(broadcaster: &Broadcaster) -> Infallible {
    let mut log = RateLimiter::for_log_lines();
    loop {
        let mut running = pin!(broadcaster.run());
        let panicked =
            poll_fn(
                |cx| match catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(cx))) {
                    Ok(Poll::Ready(()) | Poll::Pending) => Poll::Pending,
                    Err(_) => Poll::Ready(()),
                },
            );
        panicked.await;
        if let Some(held) = log.admit(Instant::now()) {
            error!(
                "fault in the broadcaster: it starts again{}",
                held_back(held)
            );
        }
        tokio::time::sleep(RESTART_DELAY).await;
    }
}

async fn received(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
