//! From runs to rows: one module a kind of measurement.

mod counted;
mod micro;
mod peers;
mod push;
mod quiet;
mod varied;

use crate::{options::Options, table::Row};

/// Measures everything that `options` want; a row that cannot be measured says why. `said` hears of
/// progress.
pub fn all(options: &Options, said: &mut dyn FnMut(&str)) -> Vec<Row> {
    let mut rows = Vec::new();
    for (numbers, what, measure) in GROUPS {
        if !numbers.iter().any(|number| options.wants(*number)) {
            continue;
        }
        said(what);
        match measure(options) {
            Ok(more) => rows.extend(more.into_iter().filter(|row| options.wants(row.number))),
            Err(error) => {
                said(&format!("{what}: {error}"));
                let wanted = numbers.iter().filter(|number| options.wants(**number));
                rows.extend(wanted.map(|number| Row::not_run(*number, *what, &error)));
            }
        }
    }
    rows.sort_by_key(|row| row.number);
    rows
}

type Measure = fn(&Options) -> crate::Result<Vec<Row>>;

/// Which figures come out of which measurement.
const GROUPS: &[(&[u8], &str, Measure)] = &[
    (&[16], "start to READY", quiet::start),
    (&[6], "idle", quiet::idle),
    (&[4, 7], "one client", push::one),
    (&[2], "a hundred clients", push::few),
    (&[2, 12], "a thousand clients", push::some),
    (&[1, 3, 4, 5, 14], "ten thousand clients", push::many),
    (&[1], "ten thousand clients, other ways", push::other),
    (&[2], "mixed intervals", varied::intervals),
    (&[14], "comings and goings", varied::churn),
    (&[8], "legacy files", micro::files),
    (&[9], "process walk", micro::walk),
    (&[10], "samples counted", counted::samples),
    (&[18], "sizes of machines", micro::sizes),
    (&[13], "a minute of pushes", push::steady),
    (&[11], "beside other monitors", peers::beside),
    (&[17], "every plugin", peers::large),
    (&[15], "clients that never read", push::stalled),
];
