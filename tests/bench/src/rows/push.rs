//! Clients that get pushes: CPU, memory, lateness.

use std::time::Duration;

use crate::{
    Result,
    fleet::{Fleet, Phases},
    meter::Meter,
    options::Options,
    scenario::{COMPARED, Pairs, Plan, RAMP, Run, run},
    table::{Row, bound, short},
};

/// Timers count in milliseconds, so a lateness below this is none.
const LATE_MS: f64 = 1.0;

fn plan(options: &Options, clients: usize) -> Plan {
    Plan {
        clients,
        interval: options.scale.interval,
        choice: Some(COMPARED),
        phases: Phases::Together,
        window: options.scale.window,
        leave: None,
    }
}

fn pairs(options: &Options, plan: &Plan) -> Result<Pairs> {
    Pairs::run(&options.floor, &options.rtstatd, plan, options.scale.pairs)
}

/// What every push row shows beside its figure: nothing may be missed, and frames are alike.
fn context(number: u8, clients: usize, pairs: &Pairs) -> Row {
    let missed: u64 = pairs.subject.iter().map(|run| run.arrivals.missed).sum();
    let lost: usize = pairs.subject.iter().map(|run| run.arrivals.lost).sum();
    let floor_missed: u64 = pairs.floor.iter().map(|run| run.arrivals.missed).sum();
    let bytes = |runs: &[Run]| runs.last().map_or(0, |run| run.arrivals.push_bytes);
    Row::shown(
        number,
        format!("{clients} connected: missed pushes, lost clients; bytes of a push"),
        format!("{missed}, {lost}; {}", bytes(&pairs.subject)),
    )
    .beside(format!("{floor_missed}; {}", bytes(&pairs.floor)))
}

fn lateness(number: u8, clients: usize, pairs: &Pairs) -> Row {
    let text = |part: f64| pairs.medians(|run| run.arrivals.lateness(part));
    let (middle, late) = (text(0.5), text(0.99));
    Row::shown(
        number,
        format!("{clients} connected: lateness p50, p99"),
        format!("{}, {} ms", short(middle.1), short(late.1)),
    )
    .beside(format!("{}, {} ms", short(middle.0), short(late.0)))
}

/// One client: rows 4 and 7.
pub fn one(options: &Options) -> Result<Vec<Row>> {
    let pairs = pairs(
        options,
        &Plan {
            window: options.scale.window * 2,
            ..plan(options, 1)
        },
    )?;
    let rss = pairs.medians(|run| run.rss_mib.1);
    let wakeups = pairs.medians(|run| run.wakeups_per_s);
    let threads = pairs.median(|run| run.threads as f64);
    Ok(vec![
        Row::absolute(4, "RSS, 1 client", rss.1, bound(4.5, 6.0, " MiB"))
            .beside(format!("{} MiB", short(rss.0))),
        Row::absolute(
            7,
            "wake-ups, 1 client at 1 s",
            wakeups.1,
            bound(2.5, 4.0, "/s"),
        )
        .beside(format!("{}/s", short(wakeups.0))),
        Row::absolute(7, "threads, 1 client at 1 s", threads, bound(2.0, 4.0, "")),
        Row::ratio(
            7,
            "CPU, 1 client at 1 s",
            pairs.medians(|run| run.cpu_ms_per_s),
            " ms/s",
            None,
        ),
        lateness(7, 1, &pairs),
    ])
}

/// A hundred clients: row 2.
pub fn few(options: &Options) -> Result<Vec<Row>> {
    let [_, _, clients] = options.scale.clients;
    let pairs = pairs(options, &plan(options, clients))?;
    Ok(vec![
        Row::ratio(
            2,
            format!("CPU per push, {clients} clients"),
            pairs.medians(|run| run.cpu_per_push_us),
            " µs",
            Some(bound(1.2, 1.4, " ×")),
        ),
        context(2, clients, &pairs),
    ])
}

/// A thousand clients: rows 2 and 12.
pub fn some(options: &Options) -> Result<Vec<Row>> {
    let [_, clients, _] = options.scale.clients;
    let pairs = pairs(options, &plan(options, clients))?;
    let late = pairs.medians(|run| run.arrivals.lateness(0.99).max(LATE_MS));
    Ok(vec![
        Row::ratio(
            2,
            format!("CPU per push, {clients} clients"),
            pairs.medians(|run| run.cpu_per_push_us),
            " µs",
            Some(bound(1.1, 1.25, " ×")),
        ),
        context(2, clients, &pairs),
        Row::ratio(
            12,
            format!("lateness p99, {clients} clients"),
            late,
            " ms",
            Some(bound(2.0, 3.0, " ×")),
        ),
        Row::absolute(
            12,
            format!("lateness p99, {clients} clients"),
            late.1,
            bound(10.0, 3.0 * late.0.max(10.0 / 3.0), " ms"),
        ),
        lateness(12, clients, &pairs),
    ])
}

/// Ten thousand clients: rows 1, 3, 4, 5 and 14.
pub fn many(options: &Options) -> Result<Vec<Row>> {
    let [clients, ..] = options.scale.clients;
    let plan = Plan {
        leave: options.wants(5).then_some(options.scale.leave),
        ..plan(options, clients)
    };
    let pairs = pairs(options, &plan)?;
    let memory = pairs.medians(|run| run.kib_per_client);
    let rss = pairs.medians(|run| run.rss_mib.1);
    let mut rows = vec![
        Row::ratio(
            1,
            format!("CPU per push, {clients} clients"),
            pairs.medians(|run| run.cpu_per_push_us),
            " µs",
            Some(bound(1.05, 1.15, " ×")),
        ),
        context(1, clients, &pairs),
        lateness(1, clients, &pairs),
        Row::absolute(
            3,
            format!("user memory per client, {clients}"),
            memory.1,
            bound(1.8, 3.0, " KiB"),
        )
        .beside(format!("{} KiB", short(memory.0))),
        Row::absolute(
            4,
            format!("RSS, {clients} clients"),
            rss.1,
            bound(22.0, 40.0, " MiB"),
        )
        .beside(format!("{} MiB", short(rss.0))),
        Row::ratio(
            14,
            "CPU per connect and handshake",
            pairs.medians(|run| run.connect_us),
            " µs",
            Some(bound(1.4, 2.0, " ×")),
        ),
        Row::shown(
            14,
            "connect to greeting p50, p99",
            greeting(&pairs, |pairs, figure| pairs.medians(figure).1),
        )
        .beside(greeting(&pairs, |pairs, figure| pairs.medians(figure).0)),
    ];
    if plan.leave.is_some() {
        let left = pairs.median(|run| run.rss_mib.2.unwrap_or(f64::NAN) / run.rss_mib.0);
        let before = pairs.median(|run| run.rss_mib.0);
        rows.push(Row::absolute(
            5,
            "RSS after they left over RSS before they came",
            left,
            bound(1.5, 2.0, " ×"),
        ));
        rows.push(Row::shown(
            5,
            "RSS before the first client",
            format!("{} MiB", short(before)),
        ));
    }
    Ok(rows)
}

fn greeting(pairs: &Pairs, figure: impl Fn(&Pairs, fn(&Run) -> f64) -> f64) -> String {
    let (middle, late) = (
        figure(pairs, |run| run.connect_ms.0),
        figure(pairs, |run| run.connect_ms.1),
    );
    format!("{}, {} ms", short(middle), short(late))
}

/// The same clients with the default keys, and with phases spread over the second: beside row 1,
/// without a ceiling.
pub fn other(options: &Options) -> Result<Vec<Row>> {
    let [clients, ..] = options.scale.clients;
    let spread = pairs(
        options,
        &Plan {
            phases: Phases::Spread,
            ..plan(options, clients)
        },
    )?;
    let default = pairs(
        options,
        &Plan {
            choice: None,
            ..plan(options, clients)
        },
    )?;
    let cpu = |run: &Run| run.cpu_per_push_us;
    Ok(vec![
        Row::ratio(
            1,
            "CPU per push, phases spread",
            spread.medians(cpu),
            " µs",
            None,
        ),
        Row::ratio(
            1,
            "CPU per push, default keys",
            default.medians(cpu),
            " µs",
            None,
        ),
    ])
}

/// Every push counted: row 13.
pub fn steady(options: &Options) -> Result<Vec<Row>> {
    let [_, clients, _] = options.scale.clients;
    let window =
        (options.scale.steady.as_secs_f64() / options.scale.interval.as_secs_f64()).round() as u32;
    let run = run(
        &options.rtstatd,
        &Plan {
            window,
            ..plan(options, clients)
        },
    )?;
    let (fewest, most) = run.arrivals.spread;
    // From the start: one interval to the first push, a half until the window opens, then the
    // window.
    let off = [fewest, most]
        .map(|pushes| (f64::from(pushes) - f64::from(window) - 1.0).abs())
        .into_iter()
        .fold(0.0, f64::max);
    let drift = run.arrivals.lateness(0.5);
    Ok(vec![
        Row::absolute(
            13,
            format!("{window} intervals: pushes of a client off {window}"),
            off,
            bound(1.0, 1.0, ""),
        )
        .beside(format!("{fewest} to {most}")),
        Row::absolute(
            13,
            "missed pushes",
            run.arrivals.missed as f64,
            bound(0.0, 0.0, ""),
        ),
        Row::shown(
            13,
            "lateness p50: drift shows here",
            format!("{} ms", short(drift)),
        ),
    ])
}

/// Clients that never read, beside some that do: row 15.
pub fn stalled(options: &Options) -> Result<Vec<Row>> {
    let (count, time) = options.scale.stalled;
    let [_, _, good] = options.scale.clients;
    let server = options.rtstatd.start()?;
    let mut fleet = Fleet::new(server.port)?;
    fleet.connect(good, RAMP)?;
    fleet.connect(count, RAMP)?;
    let everything = everything(&mut fleet)?;
    fleet.command(&[&everything])?;
    let before = server.meter.rss_kib()?;
    fleet.start(Duration::from_millis(500), Phases::Together)?;
    fleet.stall_last(count)?;
    fleet.pump(time)?;
    let user = (server.meter.rss_kib()? - before).max(0.0) / count as f64;
    let kernel = Meter::largest_send_queue(server.port).map(|bytes| bytes / 1024.0);
    let arrivals = fleet.arrivals(good);
    let what = format!(
        "{count} clients that never read, {} s: kernel and user of one",
        time.as_secs()
    );
    Ok(vec![
        match kernel {
            Some(kernel) => Row::absolute(15, what, kernel + user, bound(64.0, 128.0, " KiB")),
            None => Row::not_run(15, what, "ss (iproute2) is not installed"),
        },
        Row::shown(15, "of it user", format!("{} KiB", short(user))),
        Row::absolute(
            15,
            "pushes that others missed",
            arrivals.missed as f64,
            bound(0.0, 0.0, ""),
        ),
    ])
}

/// The command that chooses every plugin which the server offers, so that frames are as large as
/// they get.
pub fn everything(fleet: &mut Fleet) -> Result<String> {
    fleet.command(&["info"])?;
    fleet.pump(Duration::from_millis(500))?;
    let answer = fleet.answer();
    let names = plugin_names(&answer)
        .ok_or_else(|| format!("no list of plugins in the answer {answer:?}"))?;
    Ok(format!("plugins::{}", names.join(",")))
}

/// The keys of the object `plugins` in an `Info::{…}` answer.
fn plugin_names(answer: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut depth = 0;
    let (_, rest) = answer.split_once("\"plugins\":{")?;
    let mut parts = rest.split('"');
    // Outside of strings at even positions; a string right before a colon at depth 0 is a key.
    while let Some(outside) = parts.next() {
        for sign in outside.chars() {
            match sign {
                '{' | '[' => depth += 1,
                '}' | ']' if depth == 0 => return Some(names),
                '}' | ']' => depth -= 1,
                _ => {}
            }
        }
        let text = parts.next()?;
        if depth == 0 {
            names.push(text.to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_names_of_plugins() {
        let answer = r#"Info::{"version":"1","plugins":{"cpu_stat":{"kind":"rate","min_interval":0},"a b":{"unit":"{x"},"c":{}},"limits":{"d":1}}"#;
        assert_eq!(
            plugin_names(answer),
            Some(vec!["cpu_stat".into(), "a b".into(), "c".into()])
        );
        assert_eq!(plugin_names("Info::{}"), None);
    }
}
