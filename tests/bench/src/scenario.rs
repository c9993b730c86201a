//! One measured run: a fresh server, a fleet, a window.

use std::{thread, time::Duration};

use crate::{
    Result,
    fleet::{Arrivals, Fleet, Phases},
    program::{Program, Server},
    stats,
};

/// Connections a second while a fleet grows: fast, and slow enough that no accept queue fills.
pub const RAMP: f64 = 3000.0;

/// What the sessions of the compared rows send.
pub const COMPARED: &str = "plugins::cpu_stat,meminfo,uptime";

/// What a run does.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How many clients.
    pub clients: usize,
    /// Seconds between pushes.
    pub interval: Duration,
    /// The `plugins` command of each session; none leaves the default keys.
    pub choice: Option<&'static str>,
    /// When they start.
    pub phases: Phases,
    /// Intervals that are measured.
    pub window: u32,
    /// How long to wait, after all clients have left, before memory is read again.
    pub leave: Option<Duration>,
}

/// What a run has shown.
#[derive(Debug, Clone)]
pub struct Run {
    /// CPU of the server per push that arrived, µs.
    pub cpu_per_push_us: f64,
    /// CPU of the server in the window, milliseconds per second.
    pub cpu_ms_per_s: f64,
    /// Growth of resident memory per client, KiB.
    pub kib_per_client: f64,
    /// Resident memory in MiB: before the first client came, with all, and after all had left.
    pub rss_mib: (f64, f64, Option<f64>),
    /// CPU of the server per connect, handshake and greeting, µs.
    pub connect_us: f64,
    /// Milliseconds from connect to greeting: median and 99th percentile.
    pub connect_ms: (f64, f64),
    /// Pushes, from the start of the clients to the end of the window.
    pub arrivals: Arrivals,
    /// Wake-ups of the server a second, in the window.
    pub wakeups_per_s: f64,
    /// Its threads in the window.
    pub threads: usize,
}

/// Runs `plan` against a fresh `program`.
///
/// # Errors
/// When the server does not start, refuses a client, or ends.
pub fn run(program: &Program, plan: &Plan) -> Result<Run> {
    let server = program.start()?;
    measure(&server, plan)
}

/// Runs `plan` against `server`, which has had no client yet.
///
/// # Errors
/// When the server refuses a client, or ends.
pub fn measure(server: &Server, plan: &Plan) -> Result<Run> {
    let meter = &server.meter;
    let rss_before = meter.rss_kib()?;
    let mut fleet = Fleet::new(server.port)?;

    let cpu = meter.cpu()?;
    fleet.connect(plan.clients, RAMP)?;
    // The clock of another process lags while that one runs.
    fleet.pump(Duration::from_millis(50))?;
    let connect_cpu = meter.cpu()?.saturating_sub(cpu);

    if let Some(choice) = plan.choice {
        fleet.command(&[choice])?;
    }
    fleet.start(plan.interval, plan.phases)?;
    // The first push comes after one interval; the window opens between two bursts.
    fleet.pump(plan.interval.mul_f64(1.5))?;
    let (cpu, wakeups, pushes) = (meter.cpu()?, meter.wakeups()?, fleet.pushes());
    fleet.pump(plan.interval * plan.window)?;
    let (cpu, wakeups) = (
        meter.cpu()?.saturating_sub(cpu),
        meter.wakeups()?.saturating_sub(wakeups),
    );
    let (pushes, threads) = (fleet.pushes() - pushes, meter.threads()?);
    let rss_with = meter.rss_kib()?;
    let arrivals = fleet.arrivals(plan.clients);
    let connect_ms = (
        stats::median(&fleet.connect_ms),
        stats::percentile(&fleet.connect_ms, 0.99),
    );

    drop(fleet);
    let rss_left = match plan.leave {
        Some(wait) => {
            thread::sleep(wait);
            Some(meter.rss_kib()? / 1024.0)
        }
        None => None,
    };
    let seconds = plan.interval.as_secs_f64() * f64::from(plan.window);
    Ok(Run {
        cpu_per_push_us: cpu.as_secs_f64() * 1e6 / pushes as f64,
        cpu_ms_per_s: cpu.as_secs_f64() * 1e3 / seconds,
        kib_per_client: (rss_with - rss_before) / plan.clients as f64,
        rss_mib: (rss_before / 1024.0, rss_with / 1024.0, rss_left),
        connect_us: connect_cpu.as_secs_f64() * 1e6 / plan.clients as f64,
        connect_ms,
        arrivals,
        wakeups_per_s: wakeups as f64 / seconds,
        threads,
    })
}

/// Runs of two programs with the same plan, one after the other, again and again.
#[derive(Debug, Clone, Default)]
pub struct Pairs {
    /// The yardstick's.
    pub floor: Vec<Run>,
    /// The subject's.
    pub subject: Vec<Run>,
}

impl Pairs {
    /// Runs `count` interleaved pairs, each time the other program first.
    ///
    /// # Errors
    /// As [`run`].
    pub fn run(floor: &Program, subject: &Program, plan: &Plan, count: usize) -> Result<Self> {
        let mut pairs = Self::default();
        for number in 0..count {
            if number % 2 == 0 {
                pairs.floor.push(run(floor, plan)?);
            }
            pairs.subject.push(run(subject, plan)?);
            if number % 2 == 1 {
                pairs.floor.push(run(floor, plan)?);
            }
        }
        Ok(pairs)
    }

    /// Medians of one figure: the floor's, the subject's, and of their ratio pair by pair.
    pub fn medians(&self, figure: impl Fn(&Run) -> f64) -> (f64, f64, f64) {
        let of = |runs: &[Run]| runs.iter().map(&figure).collect::<Vec<_>>();
        let (floor, subject) = (of(&self.floor), of(&self.subject));
        let ratios: Vec<f64> = subject
            .iter()
            .zip(&floor)
            .map(|(subject, floor)| subject / floor)
            .collect();
        (
            stats::median(&floor),
            stats::median(&subject),
            stats::median(&ratios),
        )
    }

    /// The subject's median of one figure.
    pub fn median(&self, figure: impl Fn(&Run) -> f64) -> f64 {
        stats::median(&self.subject.iter().map(figure).collect::<Vec<_>>())
    }
}
