//! Servers that nobody looks at: start-up and idleness.

use std::time::Duration;

use crate::{
    Result,
    fleet::Fleet,
    options::Options,
    program::Server,
    scenario::RAMP,
    stats::median,
    table::{Row, bound, short},
};

/// From start to READY, and the size of the program: row 16.
pub fn start(options: &Options) -> Result<Vec<Row>> {
    let (mut floor, mut subject, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..options.scale.pairs * 4 {
        floor.push(options.floor.start()?.ready.as_secs_f64() * 1e3);
        let server = options.rtstatd.start()?;
        subject.push(server.ready.as_secs_f64() * 1e3);
        cpu.push(server.cpu_at_ready.as_secs_f64() * 1e3);
    }
    let size = std::fs::metadata(&options.rtstatd.path)?.len() as f64 / f64::from(1 << 20);
    Ok(vec![
        Row::absolute(
            16,
            "start to READY",
            median(&subject),
            bound(10.0, 25.0, " ms"),
        )
        .beside(format!("{} ms", short(median(&floor)))),
        Row::shown(16, "CPU until READY", format!("{} ms", short(median(&cpu)))),
        Row::absolute(16, "program file as built", size, bound(5.0, 8.0, " MiB")),
    ])
}

/// Wake-ups and CPU of a server without clients, and with silent ones: row 6.
pub fn idle(options: &Options) -> Result<Vec<Row>> {
    let secs = options.scale.idle.as_secs_f64();
    let alone = options.rtstatd.start()?;
    let silent = options.rtstatd.start()?;
    let mut fleet = Fleet::new(silent.port)?;
    fleet.connect(options.scale.silent, RAMP)?;
    // What the connections started (the HTTP service, its grace) has ended by then.
    fleet.pump(Duration::from_secs(1))?;
    let (before, before_silent) = (Idle::of(&alone)?, Idle::of(&silent)?);
    fleet.pump(options.scale.idle)?;
    let (alone, silent) = (
        Idle::of(&alone)?.since(&before),
        Idle::of(&silent)?.since(&before_silent),
    );
    let count = options.scale.silent;
    Ok(vec![
        Row::absolute(
            6,
            format!("wake-ups in {secs} s, nobody connected"),
            alone.wakeups,
            bound(0.0, 0.0, ""),
        ),
        Row::absolute(
            6,
            "CPU, nobody connected",
            alone.cpu_ms / secs,
            bound(0.0, 0.0, " ms/s"),
        ),
        Row::absolute(
            6,
            format!("wake-ups, {count} silent sessions"),
            silent.wakeups / secs,
            bound(1.0, 5.0, "/s"),
        ),
        Row::shown(
            6,
            format!("CPU, {count} silent sessions"),
            format!("{} ms/s", short(silent.cpu_ms / secs)),
        ),
    ])
}

struct Idle {
    wakeups: f64,
    cpu_ms: f64,
}

impl Idle {
    fn of(server: &Server) -> Result<Self> {
        Ok(Self {
            wakeups: server.meter.wakeups()? as f64,
            cpu_ms: server.meter.cpu()?.as_secs_f64() * 1e3,
        })
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            wakeups: self.wakeups - before.wakeups,
            cpu_ms: self.cpu_ms - before.cpu_ms,
        }
    }
}
