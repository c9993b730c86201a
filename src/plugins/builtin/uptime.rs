//! `uptime`: the line of uptime(1), as the original cut it into strings.

use std::{
    fmt::{self, Display},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Serialize, Serializer};

use crate::{
    drivers::{
        DriverError, Root,
        linux::{
            loadavg::{LoadHundredths, LoadavgFile},
            localtime::LocalTime,
            lxcfs::Lxcfs,
            uptime::UptimeFile,
            users::Users,
        },
        note::Note,
    },
    plugins::{Plugin, Window, families::Families},
};

/// Reads the time since boot, the load and who is logged in.
#[derive(Debug)]
pub struct Uptime {
    uptime: UptimeFile,
    loads: LoadavgFile,
    hosts: Hosts,
    users: Users,
    local: LocalTime,
    note: Note,
}

impl Uptime {
    /// Reads below `root`, in the time zone that `tz` (the variable TZ) names, or else the
    /// machine's.
    #[must_use]
    pub fn new(root: &Root, tz: Option<&str>) -> Self {
        let note = Note::default();
        let hosts = Hosts::find(&Lxcfs::find(root));
        let remark = match hosts {
            Hosts::Neither => None,
            Hosts::Loads => Some("la1, la5 and la15 are the host's and left out".into()),
            Hosts::Uptime => Some("uptime is the host's and left out".into()),
        };
        note.set("lxcfs", remark);
        Self {
            uptime: UptimeFile::new(root).noting(&note),
            loads: LoadavgFile::new(root).noting(&note),
            hosts,
            users: Users::new(root),
            local: LocalTime::new(root, tz),
            note,
        }
    }
}

/// Which of the two files is the host's in a container for which lxcfs gives the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hosts {
    Neither,
    Loads,
    Uptime,
}

impl Hosts {
    fn find(lxcfs: &Lxcfs) -> Self {
        const UPTIME: &str = "/proc/uptime";
        const LOADAVG: &str = "/proc/loadavg";
        // The load is looked at beside the processors, too.
        if lxcfs.differs(LOADAVG, UPTIME) || lxcfs.differs(LOADAVG, "/proc/stat") {
            Self::Loads
        } else if lxcfs.differs(UPTIME, LOADAVG) {
            Self::Uptime
        } else {
            Self::Neither
        }
    }
}

/// One reading.
#[derive(Debug, Default, Clone)]
pub struct Sample {
    /// Seconds since 1970 on the clock on the wall.
    wall_secs: i64,
    up_secs: Option<u64>,
    users: u64,
    loads: LoadHundredths,
}

impl Plugin for Uptime {
    type Sample = Sample;

    const FAMILIES: Option<fn(&Self::Sample, &mut Families)> = Some(families);

    fn read(&mut self, sample: &mut Sample) -> Result<(), DriverError> {
        let unix = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let unix_secs = i64::try_from(unix.as_secs()).unwrap_or(i64::MAX);
        *sample = Sample {
            wall_secs: unix_secs.saturating_add(i64::from(self.local.offset_secs(unix_secs))),
            up_secs: match self.hosts {
                Hosts::Uptime => None,
                _ => self.uptime.read_secs(),
            },
            users: self.users.count(),
            loads: match self.hosts {
                Hosts::Loads => LoadHundredths::default(),
                _ => self.loads.read(),
            },
        };
        if (sample.up_secs, sample.loads) == Default::default() {
            return Err(DriverError::Missing("uptime and load".into()));
        }
        Ok(())
    }

    fn note(&self) -> Note {
        self.note.clone()
    }

    fn view(window: Window<'_, Sample>) -> impl Serialize {
        let load = |hundredths: Option<u64>| hundredths.map(|hundredths| Text(Load(hundredths)));
        let &Sample {
            wall_secs,
            up_secs,
            users,
            loads: [la1, la5, la15],
        } = window.now;
        View {
            time: Text(Clock(wall_secs)),
            uptime: up_secs.map(|secs| Text(Up(secs))),
            users: Text(users),
            la1: load(la1),
            la5: load(la5),
            la15: load(la15),
        }
    }
}

/// Names of node_exporter's `loadavg` collector.
fn families(sample: &Sample, out: &mut Families) {
    let load = |hundredths: Option<u64>| hundredths.map(|hundredths| hundredths as f64 / 100.0);
    let [one, five, fifteen] = sample.loads.map(load);
    out.gauge("node_load1", "1m load average", &[], one);
    out.gauge("node_load5", "5m load average", &[], five);
    out.gauge("node_load15", "15m load average", &[], fifteen);
}

/// Every figure of this key is a string on the wire (protocol, row 23), or null where it is not
/// known.
#[derive(Serialize)]
struct View {
    /// Local time as HH:MM:SS, in the time zone of the variable TZ or of /etc/localtime.
    time: Text<Clock>,
    /// Time since boot as uptime(1) prints it: `19 min`, `4:05`, `1 day, 22 min` or `3 days,
    /// 4:05`. From /proc/uptime. Null where the number there cannot be right.
    uptime: Option<Text<Up>>,
    /// Number of login sessions of users: those of systemd-logind in /run/systemd/sessions,
    /// otherwise the entries of utmp(5). 0 where the machine has neither.
    users: Text<u64>,
    /// Load average over 1 minute, with two decimals. From /proc/loadavg. Null where the number
    /// there cannot be right, and in a container of lxcfs that does not stand in for that file.
    la1: Option<Text<Load>>,
    /// Load average over 5 minutes, with two decimals. From /proc/loadavg. Null like `la1`.
    la5: Option<Text<Load>>,
    /// Load average over 15 minutes, with two decimals. From /proc/loadavg. Null like `la1`.
    la15: Option<Text<Load>>,
}

struct Text<T>(T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// HH:MM:SS of seconds on the wall.
struct Clock(i64);

impl Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_day = self.0.rem_euclid(86_400);
        write!(
            f,
            "{:02}:{:02}:{:02}",
            of_day / 3600,
            of_day / 60 % 60,
            of_day % 60
        )
    }
}

/// Seconds as procps prints them, without what stands around: `19 min`, `4:05`, `1 day, 22 min`, `3
/// days,  4:05`.
struct Up(u64);

impl Display for Up {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, hours, minutes) = (self.0 / 86_400, self.0 / 3600 % 24, self.0 / 60 % 60);
        match days {
            0 => {}
            1 => f.write_str("1 day, ")?,
            _ => write!(f, "{days} days, ")?,
        }
        match (days, hours) {
            (_, 0) => write!(f, "{minutes} min"),
            (0, _) => write!(f, "{hours}:{minutes:02}"),
            _ => write!(f, "{hours:2}:{minutes:02}"),
        }
    }
}

struct Load(u64);

impl Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command};

    use super::*;

    #[test]
    fn the_form_of_procps() {
        let cases = [
            (0, "0 min"),
            (59, "0 min"),
            (60, "1 min"),
            (19 * 60 + 59, "19 min"),
            (3600, "1:00"),
            (4 * 3600 + 5 * 60, "4:05"),
            (23 * 3600 + 59 * 60, "23:59"),
            (86_400 + 22 * 60, "1 day, 22 min"),
            (86_400 + 12 * 3600, "1 day, 12:00"),
            (3 * 86_400 + 4 * 3600 + 5 * 60, "3 days,  4:05"),
            (400 * 86_400, "400 days, 0 min"),
        ];
        for (secs, text) in cases {
            assert_eq!(Up(secs).to_string(), text, "{secs}");
        }
    }

    #[test]
    fn the_clock_stays_within_the_day() {
        for (secs, text) in [
            (0, "00:00:00"),
            (86_399, "23:59:59"),
            (-1, "23:59:59"),
            (1_768_478_401, "12:00:01"),
        ] {
            assert_eq!(Clock(secs).to_string(), text, "{secs}");
        }
    }

    #[test]
    fn the_originals_figures_to_the_byte() {
        let now = Sample {
            wall_secs: 50_842,
            up_secs: Some(16 * 60),
            users: 0,
            loads: [Some(122), Some(75), Some(1095)],
        };
        let json = serde_json::to_string(&Uptime::view(Window {
            before: None,
            now: &now,
        }))
        .unwrap();
        let expected = r#"{"time":"14:07:22","uptime":"16 min","users":"0","la1":"1.22","la5":"0.75","la15":"10.95"}"#;
        assert_eq!(json, expected);
    }

    #[test]
    fn a_tree_is_read_in_its_zone() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("proc")).unwrap();
        fs::write(dir.path().join("proc/uptime"), "61.00 0.00\n").unwrap();
        fs::write(dir.path().join("proc/loadavg"), "0.01 0.02 0.03 1/2 3\n").unwrap();
        let mut sample = Sample::default();
        Uptime::new(&Root::at(dir.path()), Some("JST-9"))
            .read(&mut sample)
            .unwrap();
        let unix = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs() as i64;
        assert!((unix - 10 + 32_400..=unix + 32_400).contains(&sample.wall_secs));
        assert_eq!(
            (sample.up_secs, sample.users, sample.loads),
            (Some(61), 0, [Some(1), Some(2), Some(3)])
        );
    }

    #[test]
    fn what_one_file_does_not_tell_takes_nothing_else_away() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("proc")).unwrap();
        let mut uptime = Uptime::new(&Root::at(dir.path()), Some("UTC0"));
        let mut json = |up: &str, loads: &str| {
            fs::write(dir.path().join("proc/uptime"), up).unwrap();
            fs::write(dir.path().join("proc/loadavg"), loads).unwrap();
            let mut sample = Sample::default();
            uptime.read(&mut sample).unwrap();
            let view = Uptime::view(Window {
                before: None,
                now: &sample,
            });
            let remark = uptime.note().text().unwrap_or_default();
            (serde_json::to_value(view).unwrap(), remark)
        };
        // Reported of lxcfs.
        let (view, remark) = json("-2147483648.00 100.00\n", "0.01 0.02 0.03 1/2 3\n");
        assert_eq!(
            (view["uptime"].as_str(), view["la1"].as_str()),
            (None, Some("0.01"))
        );
        assert!(
            view["time"].is_string() && remark.contains("/proc/uptime"),
            "{remark}"
        );
        let (view, remark) = json("60.00 100.00\n", "0.01 -1 0.03 1/2 3\n");
        let figures = ["uptime", "la1", "la5"].map(|key| view[key].as_str());
        assert_eq!(figures, [Some("1 min"), Some("0.01"), None]);
        assert!(remark.contains("la5"), "{remark}");
    }

    /// The program that the original ran: what it prints between our readings before and after is
    /// one of them.
    #[test]
    fn the_running_host_agrees_with_uptime() {
        let tz = "CET-1CEST,M3.5.0,M10.5.0/3";
        let mut uptime = Uptime::new(&Root::host(), Some(tz));
        let mut ours = || {
            let mut sample = Sample::default();
            uptime.read(&mut sample).unwrap();
            let [la1, la5, la15] = sample.loads.map(|load| Load(load.unwrap()));
            (
                format!(" {} up ", Clock(sample.wall_secs)),
                format!(
                    "{:>2},  {} user,  load average: {la1}, {la5}, {la15}",
                    Up(sample.up_secs.unwrap()).to_string(),
                    sample.users
                ),
            )
        };
        for _ in 0..5 {
            let before = ours();
            let output = Command::new("uptime")
                .env("TZ", tz)
                .env("LC_ALL", "C")
                .output()
                .unwrap();
            let (line, after) = (String::from_utf8(output.stdout).unwrap(), ours());
            let agrees = |ours: &(String, String)| {
                let rest = line
                    .strip_prefix(&ours.0)
                    .map(|rest| rest.trim().replace(",  ", ", ").replace("users", "user"));
                rest.is_some_and(|rest| rest == ours.1.replace(",  ", ", "))
            };
            if agrees(&before) || agrees(&after) {
                return;
            }
            assert_ne!(before, after, "uptime printed {line:?}");
        }
        panic!("five times in a row the second passed on both sides");
    }
}
