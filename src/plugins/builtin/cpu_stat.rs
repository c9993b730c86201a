//! `cpu_stat`: the processors' shares as the original showed them.

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    drivers::{
        DriverError, Root,
        linux::stat::{CpuTicks, Stat, StatFile},
        note::Note,
    },
    plugins::{FieldUnits, Plugin, Window, figures::Decimal},
};

/// Reads the original's shares of each processor.
#[derive(Debug)]
pub struct CpuStat {
    stat: StatFile,
    note: Note,
}

impl CpuStat {
    /// Reads below `root`.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        let note = Note::default();
        Self {
            stat: StatFile::new(root).noting(&note),
            note,
        }
    }
}

impl Plugin for CpuStat {
    type Sample = Stat;

    const UNITS: FieldUnits = &[("*.*", "ratio")];

    fn read(&mut self, sample: &mut Stat) -> Result<(), DriverError> {
        self.stat.read_cpus(sample)
    }

    fn note(&self) -> Note {
        self.note.clone()
    }

    fn view(window: Window<'_, Stat>) -> impl Serialize {
        Cpus(window)
    }
}

struct Cpus<'a>(Window<'a, Stat>);

impl Serialize for Cpus<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Window { before, now } = self.0;
        let before = before.map(|(stat, _)| stat);
        let mut map = serializer.serialize_map(None)?;
        if now.cpus.is_empty() {
            map.serialize_entry(
                "cpu",
                &Shares::between(
                    before.and_then(|stat| stat.all.as_ref()),
                    &now.all.unwrap_or_default(),
                ),
            )?;
        }
        for (index, (id, ticks)) in now.cpus.iter().enumerate() {
            let before = before.and_then(|stat| stat.cpu(*id, index));
            map.serialize_entry(&format_args!("cpu{id}"), &Shares::between(before, ticks))?;
        }
        map.end()
    }
}

/// The original's four figures. They overlap: irq and softirq are in `system` and in `iowait`, and
/// guests and the time stolen by the hypervisor are nowhere (transcripts, section Push JSON).
#[derive(Serialize)]
struct Shares {
    /// Share of the time that was not idle, that is all of the other fields' time. 0 without an
    /// earlier reading, when no tick passed, and when the processor was unplugged in between.
    usage: Decimal,
    /// Share of the time in user mode, `nice` included.
    user: Decimal,
    /// Share of the time in the kernel, `irq` and `softirq` included.
    system: Decimal,
    /// Share of the time idle while a disk request was pending. As in Rt-Stat 0.3, `irq` and
    /// `softirq` are included, so `system` and `iowait` overlap.
    iowait: Decimal,
}

impl Shares {
    /// All zeros without a reading before, and when no tick passed.
    fn between(before: Option<&CpuTicks>, now: &CpuTicks) -> Self {
        let spent = before
            .and_then(|before| now.since(before))
            .unwrap_or_default();
        let CpuTicks {
            user,
            nice,
            system,
            idle,
            iowait,
            irq,
            softirq,
            ..
        } = spent;
        let busy = user + nice + system + iowait + irq + softirq;
        let share = |part| Decimal::ratio(part, busy + idle);
        Self {
            usage: share(busy),
            user: share(user + nice),
            system: share(system + irq + softirq),
            iowait: share(iowait + irq + softirq),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::drivers::linux::{skipped::Skipped, stat::parse_cpus};

    fn json(before: Option<&str>, now: &str) -> String {
        let stat = |text: &str| {
            let mut stat = Stat::default();
            parse_cpus(text.as_bytes(), &mut stat, &mut Skipped::default()).unwrap();
            stat
        };
        let (before, now) = (before.map(stat), stat(now));
        let before = before.as_ref().map(|stat| (stat, Duration::from_secs(1)));
        serde_json::to_string(&CpuStat::view(Window { before, now: &now })).unwrap()
    }

    #[test]
    fn the_originals_figures_to_the_byte() {
        let zeros = r#"{"usage":0,"user":0,"system":0,"iowait":0}"#;
        let cases = [
            // user 2 + nice 1, system 1 + irq 4 + softirq 5, iowait 7 + irq + softirq, of 100;
            // steal and guests nowhere.
            (
                "cpu  0 0 0 0\ncpu0 10 10 10 10 10 10 10 10 10 10\n",
                "cpu  0 0 0 0\ncpu0 12 11 11 90 17 14 15 99 99 99\n",
                r#"{"cpu0":{"usage":0.2,"user":0.03,"system":0.1,"iowait":0.16}}"#.to_string(),
            ),
            (
                "cpu  0 0 0 0\n",
                "cpu  1 0 0 1\n",
                r#"{"cpu":{"usage":0.5,"user":0.5,"system":0,"iowait":0}}"#.into(),
            ),
            (
                "cpu  0 0 0 0\ncpu3 5 0 0 5\n",
                "cpu  0 0 0 0\ncpu3 5 0 0 5\n",
                format!(r#"{{"cpu3":{zeros}}}"#),
            ),
            (
                "cpu  0 0 0 0\ncpu0 0 0 0 0 9\n",
                "cpu  0 0 0 0\ncpu0 0 0 0 1 4\n",
                format!(r#"{{"cpu0":{zeros}}}"#),
            ),
            (
                "cpu  0 0 0 0\ncpu0 0 0 0 0\ncpu2 0 0 0 900\n",
                "cpu  0 0 0 0\ncpu0 1 0 0 0\ncpu1 9 9 9 9\ncpu2 9 0 0 0\n",
                format!(
                    r#"{{"cpu0":{{"usage":1,"user":1,"system":0,"iowait":0}},"cpu1":{zeros},"cpu2":{zeros}}}"#
                ),
            ),
        ];
        for (before, now, expected) in cases {
            assert_eq!(json(Some(before), now), expected, "{before} {now}");
        }
    }

    #[test]
    fn the_first_push_is_zeros_and_never_since_boot() {
        let first = json(None, "cpu  9 9 9 9\ncpu0 9 9 9 9\n");
        assert_eq!(
            first,
            r#"{"cpu0":{"usage":0,"user":0,"system":0,"iowait":0}}"#
        );
    }
}
