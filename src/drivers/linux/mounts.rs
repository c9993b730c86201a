//! /proc/PID/mountinfo (proc_pid_mountinfo(5)): the machine's file systems, each once.

use std::{
    collections::HashMap,
    ffi::OsString,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use crate::drivers::{
    DriverError, Root,
    linux::{
        file::read_once,
        name,
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
        self.program() == Some(name)
    }

    /// The FUSE program that shows this file system, where one does. Without one in the type the
    /// source has its name. `fuseblk` is a disk behind a program, and as good as a disk.
    fn program(&self) -> Option<&str> {
        match self.kind.as_str() {
            "fuse" => Some(&self.source),
            kind => kind.strip_prefix("fuse."),
        }
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
        source: name::text(&unescape(source)),
        kind: name::text(kind),
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
/// and mounts that appear when they are looked at. What FUSE programs show has rules of its own.
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
    "fusectl",
    "hugetlbfs",
    "iso9660",
    "mqueue",
    "nsfs",
    "proc",
    "pstore",
    "ramfs",
    "rootfs",
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
    "coda",
    "drvfs",
    "glusterfs",
    "lustre",
    "nfs",
    "nfs4",
    "orangefs",
    "smb3",
    "smbfs",
];

/// Beginnings of words in the names of FUSE programs that show other machines' files.
const NETWORK_PROGRAMS: &[&str] = &[
    "beegfs",
    "blobfuse",
    "ceph",
    "curlftpfs",
    "cvmfs",
    "davfs",
    "drive",
    "gcsfuse",
    "geesefs",
    "gluster",
    "goofys",
    "hdfs",
    "juicefs",
    "lizardfs",
    "mfsmount",
    "nfs",
    "onedriver",
    "rclone",
    "s3",
    "seaweed",
    "smb",
    "sshfs",
    "weed",
];

/// The same of those that show what is no file system's: desktops' portals and virtual folders.
const NOT_STORAGE_PROGRAMS: &[&str] = &["gvfs", "gvfsd", "lxcfs", "portal", "vmblk"];

/// The same of those that put local folders together, whose source names these folders.
const UNION_PROGRAMS: &[&str] = &["mergerfs", "mhddfs", "unionfs"];

/// Where a file system keeps its files, in the order of what is worth showing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Medium {
    /// A disk of this machine.
    Disk,
    /// Another machine.
    Network,
    /// Memory.
    Memory,
}

/// A file system with the places where it is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// The mount with the shortest point.
    pub mount: Mount,
    /// Its other points, the shortest first.
    pub elsewhere: Vec<PathBuf>,
    /// Where it keeps its files.
    pub medium: Medium,
}

/// The file systems worth showing, each once: those on disks before those in memory, and then in
/// the order of their shortest points.
#[must_use]
pub fn storage(mounts: Vec<Mount>, with_network: bool) -> Vec<Volume> {
    // What is mounted over a mount hides it.
    let mut visible: HashMap<PathBuf, Mount> = HashMap::new();
    for mount in mounts {
        visible.insert(mount.point.clone(), mount);
    }
    let mut shown: Vec<_> = visible
        .into_values()
        .filter_map(|mount| Some((medium(&mount)?, mount)))
        .filter(|(medium, _)| with_network || *medium != Medium::Network)
        .collect();
    shown.sort_by(|(_, a), (_, b)| {
        (a.point.as_os_str().len(), &a.point).cmp(&(b.point.as_os_str().len(), &b.point))
    });
    let mut volumes: Vec<Volume> = Vec::new();
    let mut indices = HashMap::new();
    for (medium, mount) in shown {
        let index = *indices.entry(mount.device).or_insert(volumes.len());
        match volumes.get_mut(index) {
            Some(known) => known.elsewhere.push(mount.point),
            None => volumes.push(Volume {
                mount,
                elsewhere: Vec::new(),
                medium,
            }),
        }
    }
    volumes.sort_by(|a, b| (a.medium, &a.mount.point).cmp(&(b.medium, &b.mount.point)));
    volumes
}

/// Where the file system of `mount` keeps its files; none where it is not worth showing.
fn medium(mount: &Mount) -> Option<Medium> {
    if let Some(program) = mount.program() {
        return fuse_medium(mount, program);
    }
    let on_root = mount.point.as_os_str() == "/";
    match mount.kind.as_str() {
        kind if NOT_STORAGE.contains(&kind) => None,
        kind if NETWORK.contains(&kind) => Some(Medium::Network),
        "tmpfs" => is_filled_by_people(mount).then_some(Medium::Memory),
        // Of layered file systems the machine's own.
        "aufs" | "overlay" | "overlayfs" => on_root.then_some(Medium::Disk),
        _ => (!is_of_storage_driver(mount)).then_some(Medium::Disk),
    }
}

/// The type of a FUSE file system carries the name of its program, and its source often that of
/// another machine.
fn fuse_medium(mount: &Mount, program: &str) -> Option<Medium> {
    let program = program.to_ascii_lowercase();
    let is_any = |names: &[&str]| {
        let mut words = program.split(|char: char| !char.is_ascii_alphanumeric());
        words.any(|word| names.iter().any(|name| word.starts_with(name)))
    };
    if is_any(NOT_STORAGE_PROGRAMS) {
        return None;
    }
    // Rootless containers have their layers by fuse-overlayfs.
    if program.contains("overlay") {
        return (mount.point.as_os_str() == "/").then_some(Medium::Disk);
    }
    let source = mount.source.as_str();
    let names_machine = source.contains("://")
        || source.starts_with("//")
        || source
            .split_once(':')
            .is_some_and(|(host, _)| !host.is_empty() && !host.contains('/'));
    if is_any(NETWORK_PROGRAMS) || (names_machine && !is_any(UNION_PROGRAMS)) {
        return Some(Medium::Network);
    }
    Some(Medium::Disk)
}

/// Of file systems in memory those that people fill, and not those that services and containers
/// keep their sockets, secrets and shared memory in.
fn is_filled_by_people(mount: &Mount) -> bool {
    let folders = ["/run", "/dev", "/sys", "/proc", "/mnt/wsl", "/mnt/wslg"];
    let of_services = folders.iter().any(|folder| mount.point.starts_with(folder));
    let of_pod = parts(&mount.point).any(|part| part.starts_with(b"kubernetes.io~"));
    let is_shared_memory = mount.source == "shm" || mount.point.ends_with("shm");
    !(mount.read_only || of_services || of_pod || is_shared_memory)
}

/// Whether a container engine's storage driver made the mount: for a container's root file system
/// (devicemapper, zfs), or ZFS did for a look into a snapshot.
fn is_of_storage_driver(mount: &Mount) -> bool {
    const FOLDERS: [[&[u8]; 2]; 3] = [
        [b".zfs", b"snapshot"],
        [b"devicemapper", b"mnt"],
        [b"zfs", b"graph"],
    ];
    let parts: Vec<_> = parts(&mount.point).collect();
    let is_snapshot = mount.kind == "zfs" && mount.source.contains('@');
    let is_below = |[outer, inner]: &[&[u8]; 2]| {
        parts
            .windows(3)
            .any(|window| window.starts_with(&[outer, inner]))
    };
    is_snapshot || FOLDERS.iter().any(is_below)
}

fn parts(path: &Path) -> impl Iterator<Item = &[u8]> {
    path.iter().map(OsStrExt::as_bytes)
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
            .map(|volume| volume.mount.point.display().to_string())
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

    /// A line for each of `mounts`: point, type, source and options of the file system.
    fn lines_of(mounts: &[(&str, &str, &str, &str)]) -> String {
        let line = |(index, (point, kind, source, options)): (usize, &(&str, &str, &str, &str))| {
            format!("{index} 1 0:{index} / {point} rw - {kind} {source} {options}\n")
        };
        mounts.iter().enumerate().map(line).collect()
    }

    #[test]
    fn what_engines_and_snapshots_mount_is_left_out_by_what_it_is() {
        let pod = "/var/lib/kubelet/pods/0-1/volumes";
        let left_out = [
            (
                &*format!("{pod}/kubernetes.io~projected/kube-api-access-x"),
                "tmpfs",
                "tmpfs",
                "rw",
            ),
            (
                &*format!("{pod}/kubernetes.io~secret/x"),
                "tmpfs",
                "tmpfs",
                "rw",
            ),
            ("/tank/.zfs/snapshot/monday", "zfs", "tank@monday", "ro"),
            ("/tank/.zfs/snapshot/tuesday", "zfs", "tank", "ro"),
            (
                "/var/lib/docker/containers/1/mounts/shm",
                "tmpfs",
                "shm",
                "rw",
            ),
            (
                "/var/lib/docker/devicemapper/mnt/1",
                "ext4",
                "/dev/mapper/docker-1",
                "rw",
            ),
            (
                "/var/lib/docker/overlay2/1/merged",
                "overlay",
                "overlay",
                "rw",
            ),
            ("/var/lib/docker/aufs/mnt/1", "aufs", "none", "rw"),
            (
                "/home/a/.local/share/containers/storage/overlay/1/merged",
                "fuse.fuse-overlayfs",
                "fuse-overlayfs",
                "rw",
            ),
            ("/run/user/1000/gvfs", "fuse.gvfsd-fuse", "gvfsd-fuse", "rw"),
            ("/run/user/1000/doc", "fuse.portal", "portal", "rw"),
            ("/var/lib/lxcfs", "fuse.lxcfs", "lxcfs", "rw"),
            // WSL2.
            ("/init", "rootfs", "rootfs", "ro"),
            ("/mnt/wsl", "tmpfs", "none", "rw"),
            ("/mnt/wslg", "tmpfs", "none", "rw"),
            ("/mnt/wslg/doc", "overlay", "none", "rw"),
        ];
        assert_eq!(points(&lines_of(&left_out), true), [""; 0]);
        let csi = format!("{pod}/kubernetes.io~csi/pvc/mount");
        let shown = [
            ("/", "fuse.fuse-overlayfs", "fuse-overlayfs", "rw"),
            ("/mnt/wsl/PHYSICALDRIVE1", "ext4", "/dev/sdd", "rw"),
            (&*csi, "ext4", "/dev/sde", "rw"),
            ("/zfs/graph", "ext4", "/dev/sdf", "rw"),
        ];
        assert_eq!(points(&lines_of(&shown), false).len(), shown.len());
    }

    /// Programs that no list can name are told by the form of the source.
    #[test]
    fn fuse_programs_and_their_sources_tell_the_network_from_disks() {
        let network = [
            ("/n1", "fuse.sshfs", "me@host:/srv", "rw"),
            ("/n2", "fuse.rclone", "drive:", "rw"),
            ("/n3", "fuse.mount-s3", "bucket", "rw"),
            ("/n4", "fuse.JuiceFS", "JuiceFS:vol", "rw"),
            ("/n5", "fuse.blobfuse2", "blobfuse2", "rw"),
            (
                "/n6",
                "fuse.google-drive-ocamlfuse",
                "google-drive-ocamlfuse",
                "rw",
            ),
            ("/n7", "fuse.unheard", "https://host/x", "rw"),
            ("/n8", "fuse", "host:/a", "rw"),
            ("/n9", "fuse.ceph-fuse", "ceph-fuse", "rw"),
        ];
        let disks = [
            ("/d1", "fuseblk", "/dev/sdb1", "rw"),
            ("/d2", "fuse.mergerfs", "disk1:disk2", "rw"),
            ("/d3", "fuse.unionfs-fuse", "a:b", "rw"),
            ("/d4", "fuse.encfs", "encfs", "rw"),
            ("/d5", "fuse.ntfs-3g", "/dev/sdc1", "rw"),
        ];
        assert_eq!(points(&lines_of(&network), false), [""; 0]);
        assert_eq!(points(&lines_of(&network), true).len(), network.len());
        assert_eq!(points(&lines_of(&disks), false), disks.map(|disk| disk.0));
    }

    #[test]
    fn disks_come_before_memory_and_other_points_are_kept() {
        let text = "1 0 0:9 / /a rw - tmpfs x rw\n\
            2 0 8:1 /etc/hosts /etc/hosts rw - ext4 /dev/sda1 rw\n\
            3 0 8:1 /data /var/lib/data rw - ext4 /dev/sda1 rw\n\
            4 0 0:7 / /b rw - nfs host:/b rw\n\
            5 0 8:2 / /z rw - xfs /dev/sdb1 rw\n";
        assert_eq!(points(text, true), ["/etc/hosts", "/z", "/b", "/a"]);
        let volumes = storage(parsed(text.as_bytes()).unwrap(), false);
        assert_eq!(volumes[0].elsewhere, [Path::new("/var/lib/data")]);
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
