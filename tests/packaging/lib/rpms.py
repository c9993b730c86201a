"""The rpm, installed, upgraded and erased with rpm's own tool in a booted Debian. No Fedora machine is involved."""

from .client import Load
from .debian import CONFIG, LISTING, UNIX
from .report import Abort, Failed, expect, expect_equal, until

# What only a distribution of the rpm world provides.
RPM = ("rpm", "--nodeps")


def install(debian):
    """rpm -i: files, user, and nothing enabled or started"""
    debian.machine.run("rpm", "--initdb")
    debian.before = debian.machine.shell(LISTING, seconds=600)
    try:
        debian.machine.run(*RPM, "-i", f"/srv/first/{debian.packages.find('rtstat-1*.rpm').name}")
    except Failed as error:
        raise Abort(str(error)) from error
    expect_equal(debian.enabled(), ["disabled"] * 3, "is-enabled")
    expect_equal(debian.active(), ["inactive"] * 3, "is-active")
    expect(debian.machine.output("getent", "passwd", "rtstat").startswith("rtstat:"), "user")
    expect_equal(debian.machine.output("rpm", "-V", "--nodeps", "rtstat"), "", "rpm -V")
    link = debian.machine.output("readlink", "/usr/share/rtstat/public/monitoring-default-config.js")
    expect_equal(link, "/etc/rtstat/monitoring-default-config.js", "link")


def enable(debian):
    """systemctl enable --now rtstat serves"""
    debian.machine.run("systemctl", "enable", "--now", "rtstat")
    expect_equal((debian.enabled()[:2], debian.active()[:2]), (["enabled"] * 2, ["active"] * 2), "units")
    expect(debian.greeting().startswith("Welcome::"), "greeting")
    expect(debian.greeting(debian.machine.socket(UNIX)).startswith("Welcome::"), "greeting at the unix socket")


def snippet(debian):
    """nginx -t passes with the snippet where the rpm puts it"""
    debian.machine.write("/etc/nginx/conf.d/rtstat.conf", "server { listen 127.0.0.1:81; include /usr/share/rtstat/nginx/rtstat.conf; }\n")
    debian.machine.run("nginx", "-t")
    debian.machine.remove("/etc/nginx/conf.d/rtstat.conf")


def upgrade(debian):
    """rpm -U under load loses no connection, keeps the edited configuration and runs the new program"""
    edited = debian.machine.read(CONFIG) + "\n# edited by the operator\n"
    debian.configure(edited)
    with Load(debian.machine) as load:
        load.wait_for(50)
        pid = debian.pid()
        debian.machine.run(*RPM, "-U", f"/srv/second/{debian.packages.find('rtstat-1*.rpm', debian.packages.second).name}")
        until(lambda: debian.pid() not in (0, pid), "a new process")
        load.wait_for(load.served + 100)
    expect_equal(debian.machine.output("rpm", "-q", "--qf", "%{RELEASE}", "rtstat"), "2", "release")
    expect_equal(debian.machine.read(CONFIG), edited, "configuration")
    changed = debian.machine.run("rpm", "-V", "--nodeps", "rtstat", check=False).stdout.split()
    expect_equal([word for word in changed if word.startswith("/")], [CONFIG], "what rpm -V reports")
    expect_equal((debian.enabled()[:2], debian.active()[:2]), (["enabled"] * 2, ["active"] * 2), "units")
    return load.verdict()


def erase(debian):
    """rpm -e stops all and leaves the edited configuration as .rpmsave, the user, and nothing else"""
    debian.machine.run(*RPM, "-e", "rtstat")
    expect_equal(debian.active(), ["inactive"] * 3, "is-active")
    left = debian.machine.shell("find /etc /usr -xdev -path '*rtstat*' ! -path '*/iproute2*' | sort").split()
    known = {"/usr/bin/rtstat", "/usr/sbin/rtstat", "/usr/share/man/man8/rtstat.8.gz"}
    expect_equal([path for path in left if path not in known], ["/etc/rtstat", f"{CONFIG}.rpmsave"], "what is left")
    expect_equal(debian.machine.output("pgrep", "-u", "rtstat", check=False), "", "processes of the user")


STEPS = [install, enable, snippet, upgrade, erase]
