"""How the package comes, changes and goes."""

import re

from . import view
from .client import Load
from .debian import CONFIG, FIRST, LISTING, SECOND, UNITS, UNIX, VERSIONS
from .report import Abort, Failed, expect, expect_equal, until


def pristine(debian):
    """the machine is up and knows nothing of rtstat"""
    expect(not debian.machine.run("getent", "passwd", "rtstat", check=False).stdout, "there is a user rtstat already")
    # LimitNPROC= counts what all machines run under one number: a fork bomb in one is not to be felt in the other.
    if "trixie" in debian.machine.name:
        debian.machine.run("useradd", "--system", "--no-create-home", "neighbour")
    debian.before = debian.machine.shell(LISTING, seconds=600)
    return debian.machine.output("systemctl", "--version").splitlines()[0]


def installation(debian):
    """apt install rtstat: files, user, and nothing enabled or started"""
    try:
        debian.install(FIRST)
    except Failed as error:
        raise Abort(str(error)) from error
    machine = debian.machine
    expect_equal(debian.enabled(), ["disabled"] * 3, "is-enabled")
    expect_equal(debian.active(), ["inactive"] * 3, "is-active")
    expect_equal(machine.output("dpkg", "--verify", "rtstat"), "", "dpkg --verify")
    user = machine.output("getent", "passwd", "rtstat").split(":")
    expect(int(user[2]) < 1000 and user[5:] in (["/", "/usr/sbin/nologin"], ["/nonexistent", "/usr/sbin/nologin"]), f"user {user}")
    expect_equal(machine.output("find", "/", "-xdev", "-user", "rtstat"), "", "files of the user")
    link = machine.output("readlink", "/usr/share/rtstat/public/monitoring-default-config.js")
    expect_equal(link, "/etc/rtstat/monitoring-default-config.js", "link")
    conffiles = machine.output("dpkg-query", "-W", "-f", "${Conffiles}", "rtstat")
    for path in (CONFIG, "/etc/rtstat/monitoring-default-config.js", "/etc/nginx/snippets/rtstat.conf"):
        expect(path in conffiles, f"{path} is no conffile")
    machine.run("man", "-w", "rtstatd", "rtstat.toml", "rtstat-metrics", "rtstat-plugins", "rtstat-protocol")
    for listener in machine.output("ss", "-Hltn").splitlines():
        expect(":8000" not in listener and ":8001" not in listener, f"listening: {listener}")


def verified(debian):
    """systemd-analyze verify has nothing to say about the three units"""
    done = debian.machine.run("systemd-analyze", "verify", "--man=yes", *UNITS, check=False)
    expect_equal((done.returncode, done.stdout + done.stderr), (0, ""), "verify")


def enabling(debian):
    """systemctl enable rtstat is all: after a reboot, sockets and service are up, the raw one is not"""
    debian.machine.run("systemctl", "enable", "rtstat")
    expect_equal(debian.enabled(), ["enabled", "enabled", "disabled"], "is-enabled")
    expect_equal(debian.active(), ["inactive"] * 3, "is-active before the reboot")
    debian.machine.reboot()
    expect_equal(debian.active(), ["active", "active", "inactive"], "is-active after the reboot")
    listeners = sorted(line.split()[3] for line in debian.machine.output("ss", "-Hltn").splitlines())
    expect_equal(listeners, ["127.0.0.1:8000", "[::1]:8000"], "TCP listeners of the machine")
    mode = debian.machine.output("stat", "-c", "%F %a %U:%G", UNIX)
    expect_equal(mode, "socket 666 root:root", UNIX)


def upgrades(debian):
    """an upgrade and a downgrade under load lose no connection, keep the edited configuration, and run the new program"""
    edited = debian.machine.read(CONFIG) + "\n# edited by the operator\n"
    debian.configure(edited)
    with Load(debian.machine, debian.machine.socket(UNIX)) as load:
        load.wait_for(50)
        for folder in (SECOND, FIRST, SECOND):
            pid = debian.pid()
            debian.install(folder)
            expect_equal(debian.installed(), VERSIONS[folder], "version")
            until(lambda: debian.pid() not in (0, pid), "a new process")
            load.wait_for(load.served + 50)
    expect_equal(debian.machine.read(CONFIG), edited, "configuration")
    expect_equal((debian.enabled(), debian.active()), (["enabled", "enabled", "disabled"], ["active", "active", "inactive"]), "units")
    return load.verdict()


def thousand(debian):
    """1,000 connections across five restarts and two upgrades: all served"""
    with Load(debian.machine, debian.machine.socket(UNIX)) as load:
        for number, act in enumerate([None, None, FIRST, None, None, SECOND, None]):
            load.wait_for((number + 1) * 130)
            if act:
                debian.install(act)
                expect_equal(debian.installed(), VERSIONS[act], "version")
            else:
                debian.machine.run("systemctl", "restart", "rtstat.service")
        load.wait_for(1000)
    return load.verdict()


def removal(debian):
    """apt remove stops all, masks nothing and keeps the configuration; installed again, it is enabled as before"""
    machine = debian.machine
    machine.run("apt-get", "-qq", "-y", "remove", "rtstat")
    expect_equal(debian.active(), ["inactive"] * 3, "is-active")
    expect("/dev/null" not in machine.shell("ls -l /etc/systemd/system /etc/systemd/system/*/ | grep rtstat || true"), "masked")
    expect("# edited by the operator" in machine.read(CONFIG), "configuration")
    expect(not machine.exists("/usr/bin/rtstatd") and not machine.exists(UNIX), "program or socket left")
    expect_equal(machine.output("pgrep", "-u", "rtstat", check=False), "", "processes of the user")
    debian.install(FIRST)
    expect_equal(debian.enabled(), ["enabled", "enabled", "disabled"], "is-enabled after installing again")
    machine.run("systemctl", "start", "rtstat")
    expect(debian.greeting().startswith("Welcome::"), "greeting")
    expect("# edited by the operator" in machine.read(CONFIG), "configuration after installing again")


def purge(debian):
    """after apt purge nothing is left but the system user"""
    machine = debian.machine
    machine.run("apt-get", "-qq", "-y", "purge", "rtstat")
    machine.remove("/etc/nginx/snippets/other-path.conf", "/etc/nginx/sites-enabled/test", "/etc/apt/sources.list.d/rtstat.list")
    machine.run("ln", "-s", "/etc/nginx/sites-available/default", "/etc/nginx/sites-enabled/default")
    machine.run("systemctl", "mask", "--now", "nginx")
    view.unfurnish(machine)
    before, after = (set(listing.splitlines()) for listing in (debian.before, machine.shell(LISTING, seconds=600)))
    # The user's own lines, and what a boot writes by itself.
    expected = re.compile(
        r"(^|  )/(etc/(passwd|group|shadow|gshadow)-?|etc/\.pwd\.lock|etc/machine-id|var/lib/systemd/(random-seed|timers|timesync|catalog|"
        r"deb-systemd-helper-(enabled|masked))|var/lib/(nginx|dbus|private|man-db)|etc/(subuid|subgid)-?)\b")
    left = sorted(line for line in after ^ before if not expected.search(line))
    expect(not left, "\n".join(("+ " if line in after else "- ") + line for line in left[:40]))
    traces = machine.shell("find / -xdev \\( -path /proc -o -path /sys -o -path /srv -o -path /var/log \\) -prune -o -iname '*rtstat*' -print | sort")
    own = [line for line in traces.splitlines() if "iproute2" not in line and line not in
           ("/usr/bin/rtstat", "/usr/share/man/man8/rtstat.8.gz", "/usr/sbin/rtstat", "/bin/rtstat", "/sbin/rtstat")]
    expect(not [line for line in own if not line.startswith(("/var/cache", "/tmp", "/var/tmp"))], f"left: {own}")
    expect(machine.output("getent", "passwd", "rtstat").startswith("rtstat:"), "the user is gone")
    expect_equal(machine.output("systemctl", "list-units", "--all", "--no-legend", "rtstat*"), "", "units in memory")
