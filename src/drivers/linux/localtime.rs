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
    zone: Zone,
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
        Self {
            zone: tz.map(|tz| Zone::named(root, tz)).unwrap_or_default(),
            file: tz.is_none().then(|| (root.path("etc/localtime"), None)),
            looked: None,
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
                    .and_then(|bytes| Zone::of_file(&bytes));
                self.zone = zone.unwrap_or_default();
                *seen = version;
            }
        }
        self.zone.offset_secs(unix_secs)
    }
}

/// From when on, and how many seconds since the first one.
type Leaps = Vec<(i64, i32)>;

/// A zone with the leap seconds that its clock counts.
#[derive(Debug)]
struct Zone {
    zone: TimeZone,
    leaps: Leaps,
}

impl Default for Zone {
    fn default() -> Self {
        Self {
            zone: TimeZone::utc(),
            leaps: Vec::new(),
        }
    }
}

impl Zone {
    /// By the forms of TZ: a file's name, with or without a colon, or a rule.
    fn named(root: &Root, tz: &str) -> Self {
        let name = tz.strip_prefix(':').unwrap_or(tz);
        let path = match name.strip_prefix('/') {
            Some(_) => PathBuf::from(name),
            None => root.path(format!("usr/share/zoneinfo/{name}")),
        };
        let of_file = || Self::of_file(&fs::read(path).ok()?);
        // The C library's rule where a summer time comes without one.
        let of_rule =
            || Self::of_rule(name).or_else(|| Self::of_rule(&format!("{name},M3.2.0,M11.1.0")));
        of_file().or_else(of_rule).unwrap_or_default()
    }

    /// A rule in the extended form that the C library takes, with hours from -167 to 167. The crate
    /// takes these in files only, so we make it one.
    fn of_rule(rule: &str) -> Option<Self> {
        let rule = rule.trim();
        if rule.is_empty() {
            return None;
        }
        Self::of_file(
            &[
                &header(b'3', NO_TIMES),
                UTC,
                &header(b'3', NO_TIMES),
                UTC,
                b"\n",
                rule.as_bytes(),
                b"\n",
            ]
            .concat(),
        )
    }

    fn of_file(bytes: &[u8]) -> Option<Self> {
        let (bytes, leaps) = without_leaps(bytes).unwrap_or_else(|| (bytes.to_vec(), Vec::new()));
        let zone = TimeZone::from_tz_data(&bytes).ok()?;
        Some(Self { zone, leaps })
    }

    fn offset_secs(&self, unix_secs: i64) -> i32 {
        let offset = self
            .zone
            .find_local_time_type(unix_secs)
            .map_or(0, tz::LocalTimeType::ut_offset);
        let passed = self.leaps.iter().rfind(|(from, _)| *from <= unix_secs);
        offset.saturating_sub(passed.map_or(0, |(_, seconds)| *seconds))
    }
}

/// Bytes of a header in a zone's file (tzfile(5)): a magic number, the version, and six counts.
const HEADER_BYTES: usize = 44;

/// No zone has as many of anything.
const MOST_RECORDS: u32 = 1 << 20;

/// The counts of a header (flags for universal and standard time, leap seconds, times, kinds of
/// local time, letters) without any time, and what they count.
const NO_TIMES: [u32; 6] = [0, 0, 0, 0, 1, 4];
const UTC: &[u8] = b"\0\0\0\0\0\0UTC\0";

fn header(version: u8, counts: [u32; 6]) -> Vec<u8> {
    [
        b"TZif",
        &[version][..],
        &[0; 15],
        &counts.map(u32::to_be_bytes).concat(),
    ]
    .concat()
}

fn counts(header: &[u8]) -> Option<[u32; 6]> {
    let mut counts = [0; 6];
    let words = header.get(20..HEADER_BYTES)?.chunks_exact(4);
    for (count, word) in counts.iter_mut().zip(words) {
        *count = u32::from_be_bytes(word.try_into().ok()?);
    }
    counts
        .iter()
        .all(|&count| count < MOST_RECORDS)
        .then_some(counts)
}

/// The second part of a file of version 2 and later, without its leap seconds, which the zones in
/// `right/` have, and these. The times of such a zone count them, as the clock is taken to do. The
/// crate refuses the tables of version 4.
fn without_leaps(bytes: &[u8]) -> Option<(Vec<u8>, Leaps)> {
    let version = *bytes.get(4)?;
    if !bytes.starts_with(b"TZif") || version < b'2' {
        return None;
    }
    let size = |counts: [u32; 6], time_bytes: usize| {
        let [universal, standard, leaps, times, kinds, letters] =
            counts.map(|count| count as usize);
        let before = times * (time_bytes + 1) + kinds * 6 + letters;
        (before, leaps * (time_bytes + 4), universal + standard)
    };
    let (before, leaps, flags) = size(counts(bytes)?, 4);
    let second = bytes.get(HEADER_BYTES + before + leaps + flags..)?;
    let kept = counts(second)?;
    let (before, leaps, _) = size(kept, 8);
    let data = second.get(HEADER_BYTES..)?;
    let (data, rest) = data.split_at_checked(before)?;
    let (table, rest) = rest.split_at_checked(leaps)?;
    let table = table.chunks_exact(12).filter_map(|record| {
        let (time, correction) = record.split_first_chunk()?;
        let correction = correction.first_chunk()?;
        Some((i64::from_be_bytes(*time), i32::from_be_bytes(*correction)))
    });
    let [universal, standard, _, times, kinds, letters] = kept;
    let kept = [universal, standard, 0, times, kinds, letters];
    let version = version.min(b'3');
    let bytes = [
        &header(version, NO_TIMES),
        UTC,
        &header(version, kept),
        data,
        rest,
    ]
    .concat();
    Some((bytes, table.collect()))
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
        let footer = format!("\n{rule}\n");
        let first = header(b'2', NO_TIMES);
        [&first, UTC, &first, UTC, footer.as_bytes()].concat()
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
            // A summer time without a rule has that of the C library.
            (Some("CET-1CEST"), 3600, 7200),
            (Some(":CET-1CEST"), 3600, 7200),
            // Nuuk: the summer begins at one hour before midnight.
            (Some("<-02>2<-01>,M3.5.0/-1,M10.5.0/0"), -7200, -3600),
            (Some("EST5EDT,M3.2.0/167,M11.1.0/-167"), -18000, -14400),
            (Some(" "), 0, 0),
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

    /// As in right/: version 4 may end with when the table does. `date` says the same.
    #[test]
    fn leap_seconds_are_taken_from_the_clock() {
        let leaps: [(i64, i32); 3] = [(78_796_800, 1), (1_483_228_826, 27), (1_800_000_000, 27)];
        let table =
            leaps.map(|(from, seconds)| [&from.to_be_bytes()[..], &seconds.to_be_bytes()].concat());
        let footer: &[u8] = b"\nCET-1CEST,M3.5.0,M10.5.0/3\n";
        let file = |version| {
            let first = [&header(version, NO_TIMES), UTC].concat();
            let second = header(version, [0, 0, 3, 0, 1, 4]);
            [&first, &second, UTC, &table.concat(), footer].concat()
        };
        for version in [b'2', b'3', b'4'] {
            let zone = Zone::of_file(&file(version)).unwrap();
            let offsets = [WINTER, SUMMER, 80_000_000].map(|at| zone.offset_secs(at));
            assert_eq!(offsets, [3600 - 27, 7200 - 27, 7199], "{version}");
        }
        for end in 0..file(b'4').len() {
            let _ = Zone::of_file(&file(b'4')[..end]);
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
