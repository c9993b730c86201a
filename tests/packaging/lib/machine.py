"""Throw-away Debian machines with a real systemd as PID 1, built by mmdebstrap and booted by systemd-nspawn.

Works where PID 1 of the host is not systemd. Every machine has a network namespace of its own with only a loopback
interface, so that fixed ports never clash, and a control group of its own: machines that shared one would kill each
other's services of the same name.
"""

import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import time

from .report import Abort, Failed, until

PACKAGES = (
    "systemd systemd-sysv dbus libpam-systemd iproute2 procps python3 ca-certificates init-system-helpers "
    "man-db apt-utils nginx-light libnss-systemd util-linux openssl rpm"
).split()
# Units with no business in a test machine, some of which want the network.
MASKED = (
    "apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer man-db.timer "
    "console-getty.service getty@tty1.service systemd-networkd-wait-online.service nginx.service"
).split()
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
    "DEBIAN_FRONTEND": "noninteractive",
}
CLONE_NEWNET = 0x40000000
DAY = 86400
LIBC = ctypes.CDLL(None, use_errno=True)


def base(directory, suite):
    """The root file system of `suite`, built from scratch unless one of the same day is there."""
    done = pathlib.Path(directory, f"base-{suite}.done")
    root = pathlib.Path(directory, f"base-{suite}")
    packages = ",".join(PACKAGES)
    if done.exists() and done.read_text() == packages and time.time() - done.stat().st_mtime < DAY:
        return root
    done.unlink(missing_ok=True)
    shutil.rmtree(root, ignore_errors=True)
    root.parent.mkdir(parents=True, exist_ok=True)
    built = subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}", suite, str(root)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=1800,
    )
    if built.returncode:
        raise Abort(f"mmdebstrap {suite} failed:\n{built.stderr}")
    (root / "etc/machine-id").write_text("")
    (root / "etc/hostname").write_text(f"rtstat-{suite}\n")
    for unit in MASKED:
        (root / "etc/systemd/system" / unit).unlink(missing_ok=True)
        (root / "etc/systemd/system" / unit).symlink_to("/dev/null")
    done.write_text(packages)
    return root


class Machine:
    """One booted machine. Its file system is a fresh layer over `base` that vanishes with it."""

    def __init__(self, name, directory, lower, binds=()):
        self.name, self.lower, self.binds = name, lower, binds
        self.directory = pathlib.Path(directory, name)
        self.root = self.directory / "root"
        self.nspawn = self.leader = self.overlay = None

    def __enter__(self):
        for part in ("up", "work", "root"):
            (self.directory / part).mkdir(parents=True)
        layers = f"lowerdir={self.lower},upperdir={self.directory}/up,workdir={self.directory}/work"
        mount = subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, str(self.root)], capture_output=True, check=False, timeout=60)
        self.overlay = mount.returncode == 0
        if not self.overlay:  # the directory itself is on an overlay, as in many containers
            subprocess.run(["cp", "-a", f"{self.lower}/.", str(self.root)], check=True, timeout=600)
        try:
            self.boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.halt()
        if self.overlay:
            subprocess.run(["umount", str(self.root)], check=False, timeout=60)
        if os.path.ismount(self.root):
            raise Failed(f"{self.root} is still mounted")
        shutil.rmtree(self.directory, ignore_errors=True)

    def boot(self):
        """Starts the machine and waits until its start is complete."""
        group = self.control_group()

        def enter():
            os.setsid()
            if group:
                pathlib.Path(group, "cgroup.procs").write_text(str(os.getpid()))

        console = open(self.directory / "console.log", "ab")
        self.nspawn = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network", f"--machine={self.name}",
             f"--hostname={self.name}", "--resolv-conf=off", "--link-journal=no", "--console=pipe",
             f"--directory={self.root}", *[f"--bind-ro={bind}" for bind in self.binds], "-b"],
            stdin=subprocess.DEVNULL, stdout=console, stderr=console, preexec_fn=enter,
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
        )
        console.close()
        self.leader = until(self.find_leader, "the machine's PID 1")
        until(lambda: self.output("systemctl", "is-system-running", check=False) in ("running", "degraded"),
              lambda: "complete start: " + self.output("systemctl", "list-jobs", check=False), 90)

    def find_leader(self):
        """The machine's PID 1 as seen from the host."""
        if self.nspawn.poll() is not None:
            raise Abort("systemd-nspawn ended:\n" + (self.directory / "console.log").read_text(errors="replace"))
        children = pathlib.Path(f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children").read_text().split()
        for child in children:
            with contextlib.suppress(OSError):
                if pathlib.Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                    return int(child)
        return None

    def halt(self):
        """Clean poweroff, with a kill of the machine's own processes as the last resort."""
        if self.nspawn and self.nspawn.poll() is None:
            if self.leader:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.leader, signal.SIGRTMIN + 4)
            try:
                self.nspawn.wait(40)
            except subprocess.TimeoutExpired:
                self.nspawn.kill()  # its end takes the machine's PID 1 and with it everything inside
                self.nspawn.wait(60)
        self.nspawn = self.leader = None
        group = self.control_group(make=False)
        if group and os.path.isdir(group):
            for path, _, _ in os.walk(group, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(path)

    def reboot(self):
        """Off and on again, with the file system kept."""
        self.halt()
        self.boot()

    def control_group(self, make=True):
        """A control group of this machine's own in the unified hierarchy, where the host has one."""
        for line in pathlib.Path("/proc/mounts").read_text().splitlines():
            fields = line.split()
            if fields[2] == "cgroup2":
                group = os.path.join(fields[1], f"rtstat-test-{self.name}")
                if make:
                    os.makedirs(group, exist_ok=True)
                return group
        return None

    def command(self, *arguments, network=True):
        """The host command that runs `arguments` inside; without `network` in the host's network."""
        spaces = ["-m", "-u", "-i", "-p", "-C"] + (["-n"] if network else [])
        return ["nsenter", "-t", str(self.leader), *spaces, "--", "env", "-i",
                *[f"{key}={value}" for key, value in ENVIRONMENT.items()], *arguments]

    def run(self, *arguments, check=True, text=None, network=True, seconds=180):
        """Runs a command inside; a non-zero end fails the step with the command's own words."""
        done = subprocess.run(
            self.command(*arguments, network=network), input=text, stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True, text=True, errors="replace", timeout=seconds, check=False,
        )
        if check and done.returncode:
            raise Failed(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def output(self, *arguments, check=True):
        """What a command inside writes, without the white space around it."""
        return self.run(*arguments, check=check).stdout.strip()

    def shell(self, script, check=True, seconds=180):
        """Runs a shell script inside and returns its output."""
        return self.run("sh", "-euc", script, check=check, seconds=seconds).stdout.strip()

    def socket(self, inside):
        """Where a unix socket of the machine is reached from the host. Not for files: a link in the machine would lead
        to a file of the host."""
        return f"/proc/{self.leader}/root/{inside.lstrip('/')}"

    def exists(self, inside):
        """Whether a file of the machine is there."""
        return self.run("test", "-e", inside, check=False).returncode == 0

    def read(self, inside):
        """The text of a file of the machine."""
        return self.run("cat", inside).stdout

    def write(self, inside, text, mode=0o644):
        """Writes a file of the machine, with its folder."""
        self.run("sh", "-euc", 'mkdir -p "${1%/*}"; umask 077; cat > "$1"; chmod "$2" "$1"', "write", inside, f"{mode:o}", text=text)

    def remove(self, *inside):
        """Removes files of the machine that may be missing."""
        self.run("rm", "-f", *inside)

    @contextlib.contextmanager
    def net(self):
        """This thread, and the processes that it starts, use the machine's network."""
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        there = os.open(f"/proc/{self.leader}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            enter_namespace(there)
            yield
        finally:
            enter_namespace(here)
            os.close(here)
            os.close(there)


def enter_namespace(descriptor):
    """setns(2) for this thread; Python has it since 3.12 only."""
    if LIBC.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
