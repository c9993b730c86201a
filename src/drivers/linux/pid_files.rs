//! The smaller files of a process: /proc/PID/io, /proc/PID/status and /proc/PID/cgroup
//! (proc_pid_io(5), proc_pid_status(5), cgroups(7)).

use crate::drivers::linux::text::{decimal, fields, lines, split_once};

/// Bytes that a process has caused to be read from and written to disks since it started. Asking
/// needs to be its user or root.
#[must_use]
pub fn disk_bytes(io: &[u8]) -> Option<(u64, u64)> {
    let value = |key: &[u8]| lines(io).find_map(|line| decimal(line.strip_prefix(key)?));
    Some((value(b"read_bytes: ")?, value(b"write_bytes: ")?))
}

/// The user in whose name the process acts.
#[must_use]
pub fn effective_uid(status: &[u8]) -> Option<u32> {
    let ids = lines(status).find_map(|line| line.strip_prefix(b"Uid:"))?;
    fields(ids)
        .nth(1)
        .and_then(decimal)
        .and_then(|uid| u32::try_from(uid).ok())
}

/// The innermost unit of the service manager that the process belongs to. Hosts with several
/// hierarchies tell it in the one called `systemd`, the others in the only one.
#[must_use]
pub fn unit(cgroup: &[u8]) -> Option<&[u8]> {
    lines(cgroup).find_map(|line| {
        let (hierarchy, rest) = split_once(line, b':')?;
        let (controllers, path) = split_once(rest, b':')?;
        let managers =
            controllers == b"name=systemd" || (hierarchy == b"0" && controllers.is_empty());
        let is_unit = |part: &&[u8]| part.ends_with(b".service") || part.ends_with(b".scope");
        path.rsplit(|&byte| byte == b'/')
            .find(is_unit)
            .filter(|_| managers)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_of_disks_and_not_of_calls() {
        let cases = [
            (
                "rchar: 1\nwchar: 2\nread_bytes: 3\nwrite_bytes: 4\ncancelled_write_bytes: 5\n",
                Some((3, 4)),
            ),
            ("read_bytes: 3\nwrite_bytes: 4", Some((3, 4))),
            ("read_bytes: 3\n", None),
            ("read_bytes: -3\nwrite_bytes: 4\n", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(disk_bytes(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn the_effective_user() {
        let cases: [(&[u8], Option<u32>); 4] = [
            (
                b"Name:\tx\nUid:\t1000\t33\t0\t0\nGid:\t1\t2\t3\t4\n",
                Some(33),
            ),
            (b"Uid:\t1000\n", None),
            (b"Uid:\t1 4294967296 1 1\n", None),
            (b"", None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(effective_uid(bytes), expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn the_innermost_unit() {
        let cases = [
            ("0::/system.slice/nginx.service\n", Some("nginx.service")),
            (
                "0::/user.slice/user-1.slice/user@1.service/app.slice/app-x.service\n",
                Some("app-x.service"),
            ),
            (
                "0::/system.slice/docker-ab.scope/init\n",
                Some("docker-ab.scope"),
            ),
            (
                "9:memory:/a.service\n1:name=systemd:/system.slice/cron.service\n0::/\n",
                Some("cron.service"),
            ),
            (
                "9:memory:/a.service\n0::/system.slice/cron.service\n",
                Some("cron.service"),
            ),
            ("0::/user.slice\n", None),
            ("0::/\n", None),
            ("0::/system.slice/nginx.service", Some("nginx.service")),
            ("garbage\n::\n:\n", None),
        ];
        for (text, expected) in cases {
            assert_eq!(unit(text.as_bytes()), expected.map(str::as_bytes), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = (disk_bytes(&bytes), effective_uid(&bytes), unit(&bytes));
        }
    }
}
