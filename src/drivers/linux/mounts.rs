//! /proc/PID/mountinfo (proc_pid_mountinfo(5)): the machine's file systems, each once.

use std::{collections::HashMap, ffi::OsString, os::unix::ffi::OsStringExt, path::PathBuf};

use crate::drivers::{
    DriverError, Root,
    linux::{
        file::read_once,
        skipped::Skipped,
        text::{Malformed, decimal, lines, split_once},
    },
};

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The device numbers of the file system; every mount of it has the same, subvolumes too.
    pub device: (u32, u32),
    /// Where it is mounted.
    pub point: PathBuf,
    /// What is mounted: a device, a pool's dataset, a server's folder.
    pub source: String,
    /// The kind of file system.
    pub kind: String,
    /// Whether the file system itself is read-only, whatever this mount of it is.
    pub read_only: bool,
}

impl Mount {
    /// Whether the FUSE program `name` shows this file system. Its type carries the program's name.
    #[must_use]
    pub fn is_of_program(&self, name: &str) -> bool {
        self.kind.strip_prefix("fuse.") == Some(name)
            || (self.kind == "fuse" && self.source == name)
    }
}

/// Parses the file. The kernel writes blanks in names as octal numbers, and names need not be
/// UTF-8. A line that is not in the documented form is left out.
///
/// # Errors
/// When no line is in the documented form.
pub fn parse(bytes: &[u8], skipped: &mut Skipped) -> Result<Vec<Mount>, Malformed> {
    let mounts: Vec<_> = lines(bytes)
        .filter_map(|line| {
            let id = line.split(|&byte| byte == b' ').next().unwrap_or_default();
            skipped.check(id, mount(line))
        })
        .collect();
    if mounts.is_empty() && !bytes.is_empty() {
        return Err(Malformed(
            "device, root, mount point, options, `-`, type, source",
        ));
    }
    Ok(mounts)
}

/// Single blanks separate the fields, so that the source of a mount may be empty.
fn mount(line: &[u8]) -> Option<Mount> {
    let mut columns = line.split(|&byte| byte == b' ').skip(2);
    let (major, minor) = split_once(columns.next()?, b':')?;
    let number = |digits| decimal(digits).and_then(|number| u32::try_from(number).ok());
    let point = columns.nth(1)?;
    let mut columns = columns.skip_while(|column| *column != b"-").skip(1);
    let (kind, source, options) = (columns.next()?, columns.next()?, columns.next()?);
    Some(Mount {
        device: (number(major)?, number(minor)?),
        point: OsString::from_vec(unescape(point)).into(),
        source: String::from_utf8_lossy(&unescape(source)).into(),
        kind: String::from_utf8_lossy(kind).into(),
        read_only: options
            .split(|&byte| byte == b',')
            .any(|option| option == b"ro"),
    })
}

/// `\040` and the like are bytes in octal.
fn unescape(mut field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    while let Some((&byte, rest)) = field.split_first() {
        let octal = |digits: &[u8; 3]| {
            let value = digits.iter().try_fold(0_u8, |value, digit| {
                let digit = digit.checked_sub(b'0').filter(|&digit| digit < 8)?;
                value.checked_mul(8)?.checked_add(digit)
            })?;
            Some((value, rest.get(3..)?))
        };
        let escaped = if byte == b'\\' {
            rest.first_chunk().and_then(octal)
        } else {
            None
        };
        let (byte, rest) = escaped.unwrap_or((byte, rest));
        plain.push(byte);
        field = rest;
    }
    plain
}

/// What the kernel and programs show as files without keeping any, images that are full by nature,
/// and mounts that appear when they are looked at.
const NOT_STORAGE: &[&str] = &[
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "cramfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "erofs",
    "fuse.gvfsd-fuse",
    "fuse.lxcfs",
    "fuse.portal",
    "fusectl",
    "hugetlbfs",
    "iso9660",
    "mqueue",
    "nsfs",
    "proc",
    "pstore",
    "ramfs",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "squashfs",
    "sysfs",
    "tracefs",
];

/// File systems of other machines: asking may take for ever, so they are shown on demand only.
const NETWORK: &[&str] = &[
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "fuse.ceph",
    "fuse.ceph-fuse",
    "fuse.curlftpfs",
    "fuse.davfs2",
    "fuse.glusterfs",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.sshfs",
    "glusterfs",
    "lustre",
    "nfs",
    "nfs4",
    "smb3",
    "smbfs",
];

/// The file systems worth showing, each once by its shortest mount point, in the order of these
/// points.
#[must_use]
pub fn storage(mounts: Vec<Mount>, with_network: bool) -> Vec<Mount> {
    // What is mounted over a mount hides it.
    let mut visible: HashMap<PathBuf, Mount> = HashMap::new();
    for mount in mounts {
        visible.insert(mount.point.clone(), mount);
    }
    let mut shown: Vec<_> = visible
        .into_values()
        .filter(|mount| is_storage(mount, with_network))
        .collect();
    shown.sort_by(|a, b| {
        (a.point.as_os_str().len(), &a.point).cmp(&(b.point.as_os_str().len(), &b.point))
    });
    let mut seen = Vec::new();
    shown.retain(|mount| !seen.contains(&mount.device) && (seen.push(mount.device), true).1);
    shown.sort_by(|a, b| a.point.cmp(&b.point));
    shown
}

fn is_storage(mount: &Mount, with_network: bool) -> bool {
    let below = |folders: &[&str]| folders.iter().any(|folder| mount.point.starts_with(folder));
    match mount.kind.as_str() {
        kind if NOT_STORAGE.contains(&kind) => false,
        kind if NETWORK.contains(&kind) => with_network,
        // Of memory file systems, those that people fill; of layered ones, the machine's own.
        "tmpfs" => !mount.read_only && !below(&["/run", "/dev", "/sys", "/proc"]),
        "overlay" => mount.point.as_os_str() == "/",
        _ => true,
    }
}

/// The mounts in somebody's view of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// In the order in which they were mounted.
    pub mounts: Vec<Mount>,
    /// Whether the view is ours, where the machine's is hidden: a service lacks mounts in it, and
    /// has some of its own.
    pub own: bool,
    /// The lines that are left out, by the number of the mount.
    pub skipped: Skipped,
}

/// The mounts of the machine: those of the first process, since a service has a view of its own;
/// where that one is hidden from us, our own.
///
/// # Errors
/// When neither can be read, or the file is not in its form.
pub fn read(root: &Root) -> Result<View, DriverError> {
    match read_file(root, "proc/1/mountinfo") {
        // A hidden file is refused or, read by some, empty.
        Ok((mounts, skipped)) if !mounts.is_empty() => Ok(View {
            mounts,
            own: false,
            skipped,
        }),
        _ => {
            let (mounts, skipped) = read_file(root, OWN)?;
            Ok(View {
                mounts,
                own: true,
                skipped,
            })
        }
    }
}

/// The mounts in our own view; none where they cannot be read.
#[must_use]
pub fn own(root: &Root) -> Vec<Mount> {
    read_file(root, OWN).unwrap_or_default().0
}

const OWN: &str = "proc/self/mountinfo";

fn read_file(root: &Root, file: &str) -> Result<(Vec<Mount>, Skipped), DriverError> {
    let (path, mut buffer) = (root.path(file), Vec::new());
    let bytes = read_once(&path, &mut buffer)?;
    let mut skipped = Skipped::default();
    let mounts = parse(bytes, &mut skipped).map_err(|Malformed(what)| DriverError::Parse {
        path: path.display().to_string(),
        what,
    })?;
    Ok((mounts, skipped))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(bytes: &[u8]) -> Result<Vec<Mount>, Malformed> {
        parse(bytes, &mut Skipped::default())
    }

    fn points(text: &str, with_network: bool) -> Vec<String> {
        let shown = storage(parsed(text.as_bytes()).unwrap(), with_network);
        shown
            .iter()
            .map(|mount| mount.point.display().to_string())
            .collect()
    }

    #[test]
    fn lines_are_read_with_their_escapes() {
        let line = b"36 35 98:0 /mnt1 /a\\040b\\134\\777\\0 rw,noatime master:1 shared:2 - ext4 /dev/a\\011b ro,errors=remount-ro\n";
        let expected = Mount {
            device: (98, 0),
            point: "/a b\\\\777\\0".into(),
            source: "/dev/a\tb".into(),
            kind: "ext4".into(),
            read_only: true,
        };
        assert_eq!(parsed(line), Ok(vec![expected]));
        let not_utf8 = parsed(b"1 1 1:1 / /\\377 ro - ext4 x rw\n").unwrap();
        assert_eq!(
            (
                not_utf8[0].point.as_os_str().as_encoded_bytes(),
                not_utf8[0].read_only
            ),
            (&b"/\xff"[..], false)
        );
    }

    #[test]
    fn hostile_and_truncated_lines_are_refused() {
        for text in [
            "x\n",
            "1 1 1:1 / / rw - ext4 /dev/a\n",
            "1 1 1:1 / / rw ext4 /dev/a rw\n",
            "1 1 11 / / rw - a b c\n",
            "\n",
        ] {
            assert!(parsed(text.as_bytes()).is_err(), "{text}");
        }
        assert_eq!(parsed(b""), Ok(vec![]));
    }

    /// Linux allows a mount without a source: two blanks.
    #[test]
    fn an_empty_source_is_a_source_and_a_bad_line_takes_nothing_but_itself_away() {
        let text = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
            40 22 0:59 / /mnt/scratch rw,relatime shared:38 - tmpfs  rw,size=8192k\n\
            41 22 nonsense\n\
            42 22 8:17 / /srv rw - ext4 /dev/sdb1 ro";
        let mut skipped = Skipped::default();
        let mounts = parse(text.as_bytes(), &mut skipped).unwrap();
        let found = mounts
            .iter()
            .map(|mount| (mount.source.as_str(), mount.read_only));
        let expected = [("/dev/sda1", false), ("", false), ("/dev/sdb1", true)];
        assert_eq!(found.collect::<Vec<_>>(), expected);
        let left_out = "41 cannot be right and is left out";
        assert_eq!(skipped.to_string(), left_out);
    }

    #[test]
    fn each_file_system_is_shown_once_where_people_look_for_it() {
        let text = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n\
            2 1 8:1 /srv /var/lib/bind rw - ext4 /dev/sda1 rw\n\
            3 1 0:40 /@home /home rw - btrfs /dev/sdb rw\n\
            4 1 0:40 /@ /mnt/pool rw - btrfs /dev/sdc rw\n\
            5 1 0:21 / /proc rw - proc proc rw\n\
            6 1 0:50 / /tmp rw - tmpfs tmpfs rw\n\
            7 1 0:51 / /run/user/1 rw - tmpfs tmpfs rw\n\
            7 1 0:59 / /hidden ro - tmpfs tmpfs ro\n\
            8 1 0:52 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw\n\
            9 1 0:53 / /nfs rw - nfs4 host:/a rw\n\
            10 1 0:54 / /media/over rw - vfat /dev/sdd1 rw\n\
            11 1 0:55 / /media/over rw - fuse.x x rw\n\
            12 1 0:56 / /tank rw - zfs tank rw\n\
            13 1 0:57 / /tank/a rw - zfs tank/a rw\n\
            14 1 7:1 / /snap/core rw - squashfs /dev/loop1 ro\n\
            15 1 0:58 / /auto rw - autofs systemd-1 rw\n";
        let expected = ["/", "/home", "/media/over", "/tank", "/tank/a", "/tmp"];
        assert_eq!(points(text, false), expected);
        assert!(points(text, true).contains(&"/nfs".to_string()));
        assert_eq!(
            points("1 0 0:9 / / rw - overlay overlay rw\n", false),
            ["/"]
        );
    }

    #[test]
    fn the_running_host_has_a_root() {
        let view = read(&Root::host()).unwrap();
        assert!(
            view.mounts
                .iter()
                .any(|mount| mount.point.as_os_str() == "/"),
            "{view:?}"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = parsed(&bytes).map(|mounts| storage(mounts, true));
            let _ = parsed(&[b"1 1 1:1 / /", &bytes[..], b" rw - a b c\n"].concat());
            let _ = unescape(&bytes);
        }
    }
}
