//! Clients that differ from each other: their intervals, and how long they stay. Shown beside the
//! bounded rows.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    Result,
    fleet::{Arrivals, Fleet, Phases},
    options::Options,
    program::Program,
    scenario::{COMPARED, RAMP},
    stats,
    table::{Row, short},
};

/// The intervals of mixed clients, as parts of the one of the other rows: eight different grids in
/// one second.
const MIX: [f64; 8] = [0.5, 0.6, 0.75, 1.0, 1.2, 1.5, 2.0, 3.0];

/// How often guests come and go in the churn, and how many at a time: 500 a second.
const EVERY: Duration = Duration::from_millis(20);
const GUESTS: usize = 10;

/// What the server spent on one thing, µs, and what its pushes were like meanwhile.
struct Turn {
    cost_us: f64,
    arrivals: Arrivals,
}

/// One figure of both programs, in turns; a row of costs and a row of what the pushes suffered.
fn pairs(
    options: &Options,
    number: u8,
    what: &str,
    turn: impl Fn(&Program) -> Result<Turn>,
) -> Result<Vec<Row>> {
    let (mut floor, mut subject) = (Vec::new(), Vec::new());
    for _ in 0..options.scale.pairs {
        floor.push(turn(&options.floor)?);
        subject.push(turn(&options.rtstatd)?);
    }
    let of = |turns: &[Turn], figure: fn(&Turn) -> f64| {
        stats::median(&turns.iter().map(figure).collect::<Vec<_>>())
    };
    let cost = |turn: &Turn| turn.cost_us;
    let ratios: Vec<f64> = subject
        .iter()
        .zip(&floor)
        .map(|(subject, floor)| subject.cost_us / floor.cost_us)
        .collect();
    let late = |turns: &[Turn]| of(turns, |turn| turn.arrivals.lateness(0.99));
    let missed = |turns: &[Turn]| turns.iter().map(|turn| turn.arrivals.missed).sum::<u64>();
    let pushes = |turns: &[Turn]| format!("{}; {} ms", missed(turns), short(late(turns)));
    Ok(vec![
        Row::ratio(
            number,
            format!("CPU per {what}"),
            (of(&floor, cost), of(&subject, cost), stats::median(&ratios)),
            " µs",
            None,
        ),
        Row::shown(
            number,
            format!("{what}: missed pushes; lateness p99"),
            pushes(&subject),
        )
        .beside(pushes(&floor)),
    ])
}

/// Pushes at eight intervals at once, beside row 2.
pub fn intervals(options: &Options) -> Result<Vec<Row>> {
    let [_, clients, _] = options.scale.clients;
    let intervals = MIX.map(|part| options.scale.interval.mul_f64(part));
    let intervals = intervals.map(|interval| interval.max(Duration::from_millis(500)));
    pairs(
        options,
        2,
        &format!("push at 8 intervals, {} clients", 2 * clients),
        |program| {
            let server = program.start()?;
            let mut fleet = Fleet::new(server.port)?;
            fleet.connect(2 * clients, RAMP)?;
            fleet.command(&[COMPARED])?;
            fleet.start_each(&intervals, Phases::Together)?;
            fleet.pump(options.scale.interval.mul_f64(1.5))?;
            let (cpu, pushes) = (server.meter.cpu()?, fleet.pushes());
            fleet.pump(options.scale.interval * options.scale.window * 2)?;
            let cpu = server.meter.cpu()?.saturating_sub(cpu);
            let pushes = (fleet.pushes() - pushes) as f64;
            Ok(Turn {
                cost_us: cpu.as_secs_f64() * 1e6 / pushes,
                arrivals: fleet.arrivals(2 * clients),
            })
        },
    )
}

/// Clients that connect, are greeted and leave, 500 a second beside some that stay, beside row 14.
/// What those that stay cost by themselves is taken off.
pub fn churn(options: &Options) -> Result<Vec<Row>> {
    let [_, _, clients] = options.scale.clients;
    let window = options.scale.interval * options.scale.window;
    pairs(
        options,
        14,
        &format!("coming and going, beside {clients} clients"),
        |program| {
            let server = program.start()?;
            let mut fleet = Fleet::new(server.port)?;
            fleet.connect(clients, RAMP)?;
            fleet.command(&[COMPARED])?;
            fleet.start(options.scale.interval, Phases::Together)?;
            fleet.pump(options.scale.interval.mul_f64(1.5))?;
            let cpu = server.meter.cpu()?;
            fleet.pump(window)?;
            let alone = server.meter.cpu()?.saturating_sub(cpu);

            let (cpu, begin) = (server.meter.cpu()?, Instant::now());
            let mut guests = 0_u32;
            while begin.elapsed() < window {
                let mut party = Fleet::new(server.port)?;
                party.connect(GUESTS, RAMP)?;
                drop(party);
                guests += GUESTS as u32;
                let next = EVERY * (guests / GUESTS as u32);
                fleet.pump(next.saturating_sub(begin.elapsed()))?;
            }
            // The clock of another process lags while that one runs.
            thread::sleep(EVERY);
            let cpu = server.meter.cpu()?.saturating_sub(cpu + alone);
            Ok(Turn {
                cost_us: cpu.as_secs_f64() * 1e6 / f64::from(guests),
                arrivals: fleet.arrivals(clients),
            })
        },
    )
}
