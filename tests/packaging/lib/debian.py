"""A booted Debian in which the package is tested: what its steps ask it."""

import json

from .client import WebSocket

UNITS = ("rtstat.service", "rtstat.socket", "rtstat-raw.socket")
UNIX = "/run/rtstat.sock"
DROP_IN = "/etc/systemd/system/rtstat.service.d/test.conf"
CONFIG = "/etc/rtstat/rtstat.toml"
RAW = ("127.0.0.1", 8001)
FIRST, SECOND = "/srv/first", "/srv/second"
VERSIONS = {FIRST: "1.0.0-1", SECOND: "1.0.0-2"}
# Mode, owner, kind, size, and link target of all that a package may touch; the content of what it may change.
LISTING = r"""
find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/tmp -o -path /var/log -o -path /var/cache \
    -o -path /var/lib/apt -o -path /var/lib/dpkg -o -path /var/lib/systemd/catalog -o -path /root \) -prune \
    -o -type d -printf '%p d %m %u:%g\n' -o -printf '%p %y %m %u:%g %s %l\n' | sort
find /etc -type f ! -path '/etc/apt/*' -exec sha256sum {} + | sort -k 2
"""


class Debian:
    """What the steps share: the machine, the packages and what was seen before."""

    def __init__(self, machine, packages):
        self.machine, self.packages = machine, packages
        # What LISTING said before the installation.
        self.before = None

    def show(self, name, unit="rtstat.service"):
        """One property of a unit."""
        return self.machine.output("systemctl", "show", "--value", "-p", name, unit)

    def pid(self):
        """The service's process as the machine numbers it."""
        return int(self.show("MainPID"))

    def enabled(self):
        """`is-enabled` of the three units."""
        return self.machine.output("systemctl", "is-enabled", *UNITS, check=False).split()

    def active(self):
        """`is-active` of the three units."""
        return self.machine.output("systemctl", "is-active", *UNITS, check=False).split()

    def journal(self, *arguments):
        """The service's journal as objects."""
        lines = self.machine.output("journalctl", "-u", "rtstat.service", "-o", "json", "--no-pager", *arguments).splitlines()
        return [json.loads(line) for line in lines]

    def messages(self, since):
        """The service's own lines since a cursor."""
        entries = self.journal(f"--after-cursor={since}")
        return [entry["MESSAGE"] for entry in entries if entry.get("SYSLOG_IDENTIFIER") == "rtstatd"]

    def cursor(self):
        """Where the journal ends now."""
        return self.machine.output("journalctl", "-n", "1", "-o", "json", "--output-fields=MESSAGE").split('"__CURSOR":"', 1)[1].split('"')[0]

    def drop_in(self, *lines):
        """Replaces the test's own drop-in and restarts the service."""
        if lines:
            self.machine.write(DROP_IN, "\n".join(lines) + "\n")
        else:
            self.machine.remove(DROP_IN)
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "restart", "rtstat.service")

    def configure(self, text):
        """Replaces the configuration file; returns what it was."""
        before = self.machine.read(CONFIG)
        self.machine.write(CONFIG, text)
        return before

    def install(self, folder):
        """apt-get install from one of the local repositories, by the plain name where it is the first installation."""
        self.machine.write("/etc/apt/sources.list.d/rtstat.list", f"deb [trusted=yes] file:{folder} ./\n")
        only = ["-o", "Dir::Etc::sourcelist=sources.list.d/rtstat.list", "-o", "Dir::Etc::sourceparts=-"]
        self.machine.run("apt-get", "-qq", *only, "update")
        self.machine.run("apt-get", "-qq", "-y", "--allow-downgrades", "-o", "Dpkg::Use-Pty=0", "install",
                         "rtstat" if folder == FIRST and not self.installed() else f"rtstat={VERSIONS[folder]}")

    def installed(self):
        """The installed version, or nothing."""
        said = self.machine.run("dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", "rtstat", check=False).stdout.split()
        return said[1] if said[:1] == ["installed"] else ""

    def greeting(self, address=None, **options):
        """Connects and returns the first message."""
        with self.machine.net(), WebSocket(*([address] if address else []), **options) as session:
            return session.receive()
