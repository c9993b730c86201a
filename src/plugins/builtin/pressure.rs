//! `psi`: how long work waits for processors, memory, disks and interrupts. Null where the kernel
//! does not measure it.

use serde::Serialize;

use crate::{
    drivers::{
        DriverError, Root,
        linux::{
            lxcfs::{Lxcfs, Whose},
            pressure::{Pressure, PressureFile, Stall},
        },
        note::Note,
    },
    plugins::{FieldUnits, Plugin, Window, families::Families, figures::Decimal},
};

/// The kernel's names, in the order of the key.
const RESOURCES: [&str; 4] = ["cpu", "memory", "io", "irq"];

/// The plugin.
#[derive(Debug)]
pub struct Psi {
    files: [PressureFile; 4],
    note: Note,
}

impl Psi {
    /// Reads below `root`.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        let note = Note::default();
        let lxcfs = Lxcfs::find(root);
        let is_hosts =
            |resource: &str| lxcfs.whose(&format!("/proc/pressure/{resource}")) == Whose::Host;
        let hosts = RESOURCES.map(is_hosts);
        let remark = "the host's pressure is left out";
        note.set("lxcfs", hosts.contains(&true).then(|| remark.into()));
        let file = |resource: &str| match is_hosts(resource) {
            true => PressureFile::default(),
            false => PressureFile::new(root, resource).noting(&note),
        };
        Self {
            files: RESOURCES.map(file),
            note,
        }
    }

    /// Why there are no figures here, if there are none.
    #[must_use]
    pub fn reason(&mut self) -> Option<String> {
        let mut sample = Sample::default();
        let measured = self.read(&mut sample).is_err() || sample.iter().any(Option::is_some);
        let unmeasured = || "this kernel does not measure pressure (CONFIG_PSI, psi=1)".into();
        (!measured).then(|| self.note.text().unwrap_or_else(unmeasured))
    }
}

/// One reading.
pub type Sample = [Option<Pressure>; 4];

impl Plugin for Psi {
    type Sample = Sample;

    const UNITS: FieldUnits = &[("*.*", "%, %, %, µs")];

    const FAMILIES: Option<fn(&Self::Sample, &mut Families)> = Some(families);

    fn read(&mut self, sample: &mut Sample) -> Result<(), DriverError> {
        for (file, pressure) in self.files.iter_mut().zip(sample) {
            *pressure = file.read();
        }
        Ok(())
    }

    fn note(&self) -> Note {
        self.note.clone()
    }

    fn view(window: Window<'_, Sample>) -> impl Serialize {
        if window.now.iter().all(Option::is_none) {
            return None;
        }
        let [cpu, memory, io, irq] = window.now.map(|pressure| pressure.map(View::from));
        Some(Views {
            cpu,
            memory,
            io,
            irq,
        })
    }
}

/// Names of node_exporter's `pressure` collector.
fn families(sample: &Sample, out: &mut Families) {
    const WAITING: &str = "Seconds in which some task waited for the resource";
    const STALLED: &str = "Seconds in which all tasks waited for the resource";
    let [cpu, memory, io, irq] = sample.map(Option::unwrap_or_default);
    for (name, help, stall) in [
        ("node_pressure_cpu_waiting_seconds_total", WAITING, cpu.some),
        (
            "node_pressure_memory_waiting_seconds_total",
            WAITING,
            memory.some,
        ),
        (
            "node_pressure_memory_stalled_seconds_total",
            STALLED,
            memory.full,
        ),
        ("node_pressure_io_waiting_seconds_total", WAITING, io.some),
        ("node_pressure_io_stalled_seconds_total", STALLED, io.full),
        ("node_pressure_irq_stalled_seconds_total", STALLED, irq.full),
    ] {
        out.counter(
            name,
            help,
            &[],
            stall
                .and_then(|stall| stall.total_us)
                .map(|us| us as f64 / 1e6),
        );
    }
}

#[derive(Serialize)]
struct Views {
    /// Tasks that waited for a processor. Null where /proc/pressure/cpu does not exist.
    cpu: Option<View>,
    /// Tasks that waited for memory. Null where /proc/pressure/memory does not exist.
    memory: Option<View>,
    /// Tasks that waited for a disk. Null where /proc/pressure/io does not exist.
    io: Option<View>,
    /// Tasks that waited for interrupts to be serviced. Null where /proc/pressure/irq does not
    /// exist, which is before Linux 6.1 and without CONFIG_IRQ_TIME_ACCOUNTING.
    irq: Option<View>,
}

/// The three averages in percent, and the microseconds since boot.
type Line = (
    Option<Decimal>,
    Option<Decimal>,
    Option<Decimal>,
    Option<u64>,
);

#[derive(Serialize)]
struct View {
    /// Time in which at least one task waited: in percent of the last 10, 60 and 300 seconds, and
    /// in microseconds since boot. Null for irq, which has no such line.
    some: Option<Line>,
    /// Time in which all tasks waited at once: in percent of the last 10, 60 and 300 seconds, and
    /// in microseconds since boot. Null for cpu before Linux 5.13.
    full: Option<Line>,
}

impl From<Pressure> for View {
    fn from(pressure: Pressure) -> Self {
        let line = |stall: Stall| {
            let [ten, sixty, three_hundred] = stall
                .averages
                .map(|average| average.map(Decimal::hundredths));
            (ten, sixty, three_hundred, stall.total_us)
        };
        Self {
            some: pressure.some.map(line),
            full: pressure.full.map(line),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn json(root: &Root) -> (String, Option<String>) {
        let mut psi = Psi::new(root);
        let mut sample = Sample::default();
        let reason = psi.reason();
        psi.read(&mut sample).unwrap();
        (
            serde_json::to_string(&Psi::view(Window {
                before: None,
                now: &sample,
            }))
            .unwrap(),
            reason,
        )
    }

    #[test]
    fn absent_lines_and_files_are_null() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::at(dir.path());
        let (null, reason) = json(&root);
        assert_eq!(null, "null");
        assert!(reason.unwrap().contains("CONFIG_PSI"));
        fs::create_dir_all(dir.path().join("proc/pressure")).unwrap();
        fs::write(
            dir.path().join("proc/pressure/cpu"),
            "some avg10=0.50 avg60=2.00 avg300=10.01 total=9\n",
        )
        .unwrap();
        let expected =
            r#"{"cpu":{"some":[0.5,2,10.01,9],"full":null},"memory":null,"io":null,"irq":null}"#;
        assert_eq!(json(&root), (expected.to_string(), None));
    }
}
