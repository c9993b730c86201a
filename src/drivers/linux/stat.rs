//! /proc/stat (proc_stat(5)): what the processors did since boot, in clock ticks, and the kernel's
//! event counters.

use crate::drivers::{
    DriverError, Root,
    linux::{
        file::KernelFile,
        skipped::Skipped,
        text::{Malformed, count, decimal, fields, lines},
    },
    note::Note,
};

/// Clock ticks in a second, as the kernel counts for user space: 100 on every architecture that
/// Rust's std runs on.
pub const TICKS_A_SECOND: u64 = 100;

/// Idle time never falls by as much as this unless the processor was unplugged and its counters
/// began anew (ticks).
const HOT_PLUG_TICKS: u64 = 3 * TICKS_A_SECOND;

/// What one processor, or all of them, spent where since boot, in clock ticks.
///
/// `guest` is inside `user` and `guest_nice` inside `nice`: adding them counts virtual machines
/// twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CpuTicks {
    /// In user mode, guests included.
    pub user: u64,
    /// In user mode at low priority, low-priority guests included.
    pub nice: u64,
    /// In the kernel, interrupts left out.
    pub system: u64,
    /// Doing nothing.
    pub idle: u64,
    /// Doing nothing while a disk was waited for; may go back.
    pub iowait: u64,
    /// Serving interrupts (since Linux 2.6.0).
    pub irq: u64,
    /// Serving soft interrupts (since 2.6.0).
    pub softirq: u64,
    /// Ready to run, while the hypervisor ran others (since 2.6.11).
    pub steal: u64,
    /// Running guests (since 2.6.24).
    pub guest: u64,
    /// Running low-priority guests (since 2.6.33).
    pub guest_nice: u64,
}

impl CpuTicks {
    /// The sum that everything above is a part of: guests are in it already.
    #[must_use]
    pub fn total(&self) -> u64 {
        [
            self.user,
            self.nice,
            self.system,
            self.idle,
            self.iowait,
            self.irq,
            self.softirq,
            self.steal,
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }

    /// What was spent since `before`, each field on its own and never below zero, since iowait and
    /// idle may go back. None when the processor was unplugged in between, which the kernel shows
    /// as idle time lost.
    #[must_use]
    pub fn since(&self, before: &Self) -> Option<Self> {
        if before.idle.saturating_sub(self.idle) >= HOT_PLUG_TICKS {
            return None;
        }
        Some(Self {
            user: self.user.saturating_sub(before.user),
            nice: self.nice.saturating_sub(before.nice),
            system: self.system.saturating_sub(before.system),
            idle: self.idle.saturating_sub(before.idle),
            iowait: self.iowait.saturating_sub(before.iowait),
            irq: self.irq.saturating_sub(before.irq),
            softirq: self.softirq.saturating_sub(before.softirq),
            steal: self.steal.saturating_sub(before.steal),
            guest: self.guest.saturating_sub(before.guest),
            guest_nice: self.guest_nice.saturating_sub(before.guest_nice),
        })
    }

    /// The sums of both, field by field.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            user: self.user.saturating_add(other.user),
            nice: self.nice.saturating_add(other.nice),
            system: self.system.saturating_add(other.system),
            idle: self.idle.saturating_add(other.idle),
            iowait: self.iowait.saturating_add(other.iowait),
            irq: self.irq.saturating_add(other.irq),
            softirq: self.softirq.saturating_add(other.softirq),
            steal: self.steal.saturating_add(other.steal),
            guest: self.guest.saturating_add(other.guest),
            guest_nice: self.guest_nice.saturating_add(other.guest_nice),
        }
    }

    /// The first four columns exist since the beginning; later ones are 0 where the kernel lacks
    /// them.
    fn parse<'a>(mut columns: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let mut needed = || ticks(columns.next()?);
        let (user, nice, system, idle) = (needed()?, needed()?, needed()?, needed()?);
        let mut later = || columns.next().map_or(Some(0), ticks);
        Some(Self {
            user,
            nice,
            system,
            idle,
            iowait: later()?,
            irq: later()?,
            softirq: later()?,
            steal: later()?,
            guest: later()?,
            guest_nice: later()?,
        })
    }
}

/// Ten thousand processors reach this after two thousand years. Sums of ten such numbers fit into
/// 64 bits.
const MOST_TICKS: u64 = 1 << 56;

fn ticks(field: &[u8]) -> Option<u64> {
    decimal(field).filter(|&ticks| ticks < MOST_TICKS)
}

/// One reading of /proc/stat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stat {
    /// The line of all processors together; none where it is absent or cannot be right.
    pub all: Option<CpuTicks>,
    /// The online processors by number, in the kernel's order; numbers have gaps where processors
    /// are offline.
    pub cpus: Vec<(u32, CpuTicks)>,
    /// Context switches since boot.
    pub context_switches: Option<u64>,
    /// Interrupts served since boot.
    pub interrupts: Option<u64>,
    /// Processes and threads started since boot.
    pub forks: Option<u64>,
    /// Threads that are running or ready to.
    pub running: Option<u64>,
    /// Threads that wait for a disk.
    pub blocked: Option<u64>,
    /// When the machine booted, in seconds since 1970.
    pub boot_unix_secs: Option<u64>,
}

impl Stat {
    /// Leaves the processors' times and the boot: what lxcfs makes a container's own. It passes the
    /// rest on as the host has it, so that all of the host's events would stand beside a few of its
    /// processors.
    pub fn forget_the_hosts(&mut self) {
        (self.context_switches, self.interrupts, self.forks) = (None, None, None);
        (self.running, self.blocked) = (None, None);
    }

    /// The processor numbered `id`, looked for first where it stood (`hint`) in another reading.
    #[must_use]
    pub fn cpu(&self, id: u32, hint: usize) -> Option<&CpuTicks> {
        let found = self.cpus.get(hint).filter(|cpu| cpu.0 == id);
        found
            .or_else(|| self.cpus.iter().find(|cpu| cpu.0 == id))
            .map(|cpu| &cpu.1)
    }
}

/// Parses the processor lines, which come first, and leaves the counters alone. A line that is not
/// numbers is left out.
///
/// # Errors
/// When there is no processor line.
pub fn parse_cpus(bytes: &[u8], stat: &mut Stat, skipped: &mut Skipped) -> Result<(), Malformed> {
    stat.cpus.clear();
    stat.all = None;
    for line in lines(bytes) {
        let Some(rest) = line.strip_prefix(b"cpu") else {
            break;
        };
        let mut columns = rest
            .split(|&byte| byte == b' ')
            .filter(|field| !field.is_empty());
        if rest.starts_with(b" ") {
            stat.all = skipped.check(b"cpu", CpuTicks::parse(columns));
        } else {
            let id = columns
                .next()
                .and_then(decimal)
                .and_then(|id| u32::try_from(id).ok());
            let name = fields(line).next().unwrap_or_default();
            let cpu = skipped.check(name, id.zip(CpuTicks::parse(columns)));
            stat.cpus.extend(cpu);
        }
    }
    if stat.all.is_none() && stat.cpus.is_empty() {
        return Err(Malformed("lines of processors with their clock ticks"));
    }
    Ok(())
}

/// Parses the whole file. A counter that is not a number is none.
///
/// # Errors
/// As [`parse_cpus`].
pub fn parse(bytes: &[u8], stat: &mut Stat, skipped: &mut Skipped) -> Result<(), Malformed> {
    parse_cpus(bytes, stat, skipped)?;
    (stat.context_switches, stat.interrupts, stat.forks) = (None, None, None);
    (stat.running, stat.blocked, stat.boot_unix_secs) = (None, None, None);
    for line in lines(bytes).skip_while(|line| line.starts_with(b"cpu")) {
        let mut columns = fields(line);
        let Some(name) = columns.next() else { continue };
        let counter = match name {
            b"ctxt" => &mut stat.context_switches,
            b"intr" => &mut stat.interrupts,
            b"processes" => &mut stat.forks,
            b"procs_running" => &mut stat.running,
            b"procs_blocked" => &mut stat.blocked,
            b"btime" => &mut stat.boot_unix_secs,
            _ => continue,
        };
        *counter = skipped.check(name, columns.next().and_then(count));
    }
    Ok(())
}

/// /proc/stat, kept open. Reading costs with the number of processors and of interrupt lines.
#[derive(Debug)]
pub struct StatFile(KernelFile);

impl StatFile {
    /// Below `root`; opened by the first read.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        Self(KernelFile::in_one_piece(root, "proc/stat"))
    }

    /// The same file, which tells in `note` what it leaves out.
    #[must_use]
    pub fn noting(self, note: &Note) -> Self {
        Self(self.0.noting(note))
    }

    /// Reads the processor lines only.
    ///
    /// # Errors
    /// When the file cannot be read or [`parse_cpus`] refuses it.
    pub fn read_cpus(&mut self, stat: &mut Stat) -> Result<(), DriverError> {
        self.0
            .read_leniently(|bytes, skipped| parse_cpus(bytes, stat, skipped))
    }

    /// Reads everything.
    ///
    /// # Errors
    /// When the file cannot be read or [`parse`] refuses it.
    pub fn read(&mut self, stat: &mut Stat) -> Result<(), DriverError> {
        self.0
            .read_leniently(|bytes, skipped| parse(bytes, stat, skipped))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TWO: &[u8] = b"cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 1 1 1 1 1 1 1 1 1\ncpu7 0 1 2 3 4 5 6 7 8 9\n\
        intr 99 0 0 1\nctxt 12\nbtime 1\nprocesses 13\nprocs_running 2\nprocs_blocked 1\nsoftirq 5 1\n";

    #[test]
    fn every_field_lands_in_its_place() {
        let mut stat = Stat::default();
        parse(TWO, &mut stat, &mut Skipped::default()).unwrap();
        let all = CpuTicks {
            user: 1,
            nice: 2,
            system: 3,
            idle: 4,
            iowait: 5,
            irq: 6,
            softirq: 7,
            steal: 8,
            guest: 9,
            guest_nice: 10,
        };
        assert_eq!((stat.all, all.total()), (Some(all), 36));
        assert_eq!(
            stat.cpus.iter().map(|cpu| cpu.0).collect::<Vec<_>>(),
            [0, 7]
        );
        assert_eq!(stat.cpu(7, 1).unwrap().guest_nice, 9);
        assert_eq!(stat.cpu(7, 0).unwrap().steal, 7);
        assert_eq!(stat.cpu(1, 0), None);
        assert_eq!(
            (stat.interrupts, stat.context_switches, stat.forks),
            (Some(99), Some(12), Some(13))
        );
        assert_eq!((stat.running, stat.blocked), (Some(2), Some(1)));
    }

    #[test]
    fn old_kernels_have_fewer_columns_and_counters() {
        let mut stat = Stat {
            forks: Some(7),
            ..Stat::default()
        };
        let text = b"cpu 10 20 30 40\ncpu0 10 20 30 40\n";
        parse(text, &mut stat, &mut Skipped::default()).unwrap();
        let all = stat.all.unwrap();
        assert_eq!((all.idle, all.steal, stat.forks), (40, 0, None));
    }

    #[test]
    fn a_bad_line_takes_nothing_but_itself_away() {
        let read = |text: &str| {
            let (mut stat, mut skipped) = (Stat::default(), Skipped::default());
            parse(text.as_bytes(), &mut stat, &mut skipped).unwrap();
            let cpus: Vec<_> = stat.cpus.iter().map(|cpu| cpu.0).collect();
            (stat.all.is_some(), cpus, stat.forks, skipped.to_string())
        };
        let left_out = |name: &str| format!("{name} cannot be right and is left out");
        let cores = "cpu0 1 2 3 4\ncpu1 1 2 3 4\n";
        for (text, has_all, cpus, forks, name) in [
            // Reported of lxcfs.
            (
                format!("cpu  2568500776029407000000\n{cores}processes 5"),
                false,
                vec![0, 1],
                Some(5),
                "cpu",
            ),
            // Reported of kernels whose counter of forks has 32 bits.
            (
                format!("cpu 1 2 3 4\n{cores}processes -2049562273\n"),
                true,
                vec![0, 1],
                None,
                "processes",
            ),
            (
                format!("cpu 1 2 3 4\ncpux 1 2 3 4\n{cores}"),
                true,
                vec![0, 1],
                None,
                "cpux",
            ),
            (
                "cpu 1 2 3 4\ncpu0 1 2 18446744073709551615 4\ncpu1 1 2 3 4\n".into(),
                true,
                vec![1],
                None,
                "cpu0",
            ),
            (
                "cpu 1 2 3 4\ncpu4294967296 1 2 3 4\n".into(),
                true,
                vec![],
                None,
                "cpu4294967296",
            ),
        ] {
            assert_eq!(
                read(&text),
                (has_all, cpus, forks, left_out(name)),
                "{text}"
            );
        }
    }

    #[test]
    fn hostile_and_truncated_bytes_are_refused() {
        let cases: [&[u8]; 5] = [b"", b"\n", b"cpu  1 2 3", b"cpu  1 2 3 x\n", b"ctxt 1\n"];
        for bytes in cases {
            assert!(
                parse(bytes, &mut Stat::default(), &mut Skipped::default()).is_err(),
                "{}",
                bytes.escape_ascii()
            );
        }
    }

    #[test]
    fn deltas_never_fall_below_zero_and_an_unplugged_processor_has_none() {
        let before = CpuTicks {
            user: 100,
            idle: 1000,
            iowait: 50,
            ..CpuTicks::default()
        };
        let cases = [
            (
                CpuTicks {
                    user: 110,
                    idle: 1005,
                    iowait: 40,
                    ..before
                },
                Some((10, 5, 0)),
            ),
            (
                CpuTicks {
                    user: 110,
                    idle: 701,
                    ..before
                },
                Some((10, 0, 0)),
            ),
            (
                CpuTicks {
                    user: 110,
                    idle: 700,
                    ..before
                },
                None,
            ),
        ];
        for (now, expected) in cases {
            let spent = now
                .since(&before)
                .map(|spent| (spent.user, spent.idle, spent.iowait));
            assert_eq!(spent, expected, "{now:?}");
        }
    }

    #[test]
    fn the_running_host_is_read() {
        let mut stat = Stat::default();
        StatFile::new(&Root::host()).read(&mut stat).unwrap();
        let online = std::thread::available_parallelism().unwrap().get();
        assert!(
            stat.cpus.len() >= online
                && stat.all.unwrap().total() > 0
                && stat.context_switches.is_some(),
            "{stat:?}"
        );
        assert_eq!(
            nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK),
            Ok(Some(TICKS_A_SECOND as i64))
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, cut in 0..TWO.len()) {
            let mut stat = Stat::default();
            let mut skipped = Skipped::default();
            let _ = parse(&bytes, &mut stat, &mut skipped);
            let _ = parse(&[&TWO[..cut], &bytes].concat(), &mut stat, &mut skipped);
        }
    }
}
