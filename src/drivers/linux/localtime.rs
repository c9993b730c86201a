//! The local time zone (localtime(5), tzset(3)): /etc/localtime, or the environment's TZ before it.

use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::PathBuf,
};

use tz::TimeZone;

use crate::drivers::Root;

/// The zone in force. A zone that cannot be found or understood is UTC, as in the C library.
#[derive(Debug)]
pub struct LocalTime {
    zone: TimeZone,
    /// The zone's file and which version of it was read; none where TZ named the zone.
    file: Option<(PathBuf, Option<Version>)>,
    /// When the file was looked at last, in seconds since 1970.
    looked: Option<i64>,
}

/// Seconds between two looks at the zone's file: administrators move seldom.
const LOOK_EVERY_SECS: i64 = 10;

/// Device, inode and time of change: the administrator may choose another zone at any time.
type Version = (u64, u64, i64, i64);

impl LocalTime {
    /// The zone that `tz` (the variable TZ) names, or else the one of etc/localtime below `root`.
    #[must_use]
    pub fn new(root: &Root, tz: Option<&str>) -> Self {
        let utc = TimeZone::utc();
        match tz {
            Some(name) => Self {
                zone: TimeZone::from_posix_tz(name).unwrap_or(utc),
                file: None,
                looked: None,
            },
            None => Self {
                zone: utc,
                file: Some((root.path("etc/localtime"), None)),
                looked: None,
            },
        }
    }

    /// Seconds to add to universal time at `unix_secs` for the clock on the wall. Costs one stat of
    /// the zone's file every ten seconds.
    pub fn offset_secs(&mut self, unix_secs: i64) -> i32 {
        // An earlier time than the last is a clock set back.
        let due = self
            .looked
            .is_none_or(|last| !(last..last + LOOK_EVERY_SECS).contains(&unix_secs));
        if let (Some((path, seen)), true) = (&mut self.file, due) {
            self.looked = Some(unix_secs);
            let version = fs::metadata(&*path).ok().as_ref().map(version);
            if *seen != version {
                let zone = fs::read(&*path)
                    .ok()
                    .and_then(|bytes| TimeZone::from_tz_data(&bytes).ok());
                self.zone = zone.unwrap_or_else(TimeZone::utc);
                *seen = version;
            }
        }
        self.zone
            .find_local_time_type(unix_secs)
            .map_or(0, tz::LocalTimeType::ut_offset)
    }
}

fn version(metadata: &Metadata) -> Version {
    (
        metadata.dev(),
        metadata.ino(),
        metadata.mtime(),
        metadata.mtime_nsec(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A zone file (tzfile(5), version 2) without transitions, whose rule is `rule`.
    fn zone_file(rule: &str) -> Vec<u8> {
        let header = |version: u8| {
            let counts = [0_u32, 0, 0, 0, 1, 4].map(u32::to_be_bytes).concat();
            [b"TZif", &[version][..], &[0; 15], &counts].concat()
        };
        let utc: &[u8] = b"\0\0\0\0\0\0UTC\0";
        [
            &header(b'2')[..],
            utc,
            &header(b'2'),
            utc,
            b"\n",
            rule.as_bytes(),
            b"\n",
        ]
        .concat()
    }

    /// 2026-01-15 and 2026-07-15, noon.
    const WINTER: i64 = 1_768_478_400;
    const SUMMER: i64 = 1_784_116_800;

    #[test]
    fn tz_wins_and_what_is_not_a_zone_is_utc() {
        let root = Root::at("/nonexistent");
        let cases = [
            (Some("CET-1CEST,M3.5.0,M10.5.0/3"), 3600, 7200),
            (Some("EST5EDT,M3.2.0,M11.1.0"), -18000, -14400),
            (Some("<+0545>-5:45"), 20700, 20700),
            (Some(""), 0, 0),
            (Some("No/Such/Zone"), 0, 0),
            (None, 0, 0),
        ];
        for (tz, winter, summer) in cases {
            let mut local = LocalTime::new(&root, tz);
            assert_eq!(
                (local.offset_secs(WINTER), local.offset_secs(SUMMER)),
                (winter, summer),
                "{tz:?}"
            );
        }
    }

    #[test]
    fn the_file_is_followed_when_it_changes() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("etc")).unwrap();
        let path = dir.path().join("etc/localtime");
        let mut local = LocalTime::new(&Root::at(dir.path()), None);
        let rules: [(&[u8], i32); 4] = [
            (&zone_file("CET-1CEST,M3.5.0,M10.5.0/3"), 7200),
            (&zone_file("JST-9"), 32400),
            (b"TZif garbage", 0),
            (b"", 0),
        ];
        let mut now = SUMMER;
        for (bytes, offset) in rules {
            // A new file under the old name, as timedatectl does it; the old one stays, so that its
            // inode is not reused.
            if path.exists() {
                fs::rename(&path, dir.path().join(format!("etc/{offset}"))).unwrap();
            }
            fs::write(&path, bytes).unwrap();
            now += LOOK_EVERY_SECS;
            assert_eq!(local.offset_secs(now), offset, "{}", bytes.escape_ascii());
        }
        fs::write(&path, zone_file("JST-9")).unwrap();
        assert_eq!(
            local.offset_secs(now + LOOK_EVERY_SECS - 1),
            0,
            "not looked at again yet"
        );
        assert_eq!(local.offset_secs(now - 1), 32400, "the clock was set back");
        fs::remove_file(&path).unwrap();
        assert_eq!(local.offset_secs(now + LOOK_EVERY_SECS), 0);
    }
}
