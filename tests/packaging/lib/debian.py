"""The package in a booted Debian: from an apt repository to nothing left."""

import json
import re
import signal
import time

from . import view
from .browser import Browser
from .client import Load, Raw, Refused, WebSocket, connect, http, one_push
from .report import Abort, Failed, expect, expect_equal, until

UNITS = ("rtstat.service", "rtstat.socket", "rtstat-raw.socket")
UNIX = "/run/rtstat.sock"
DROP_IN = "/etc/systemd/system/rtstat.service.d/test.conf"
CONFIG = "/etc/rtstat/rtstat.toml"
RAW = ("127.0.0.1", 8001)
FIRST, SECOND = "/srv/first", "/srv/second"
VERSIONS = {FIRST: "1.0.0-1", SECOND: "1.0.0-2"}
SITE = """server {
    listen 80 default_server;
    listen [::]:80 default_server;
    root /var/empty;
    location = /elsewhere { return 204; }
    include snippets/rtstat.conf;
    include snippets/other-path.conf;
}
"""


class Debian:
    """What the steps share: the machine, the packages and what was seen before."""

    def __init__(self, machine, packages, repository):
        self.machine, self.packages, self.repository = machine, packages, repository
        self.before = None

    # What steps ask the machine.

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


# The steps, in their order. Each leaves the machine as the next one expects it.


def pristine(debian):
    """the machine is up and knows nothing of rtstat"""
    debian.before = debian.machine.shell(LISTING, seconds=600)
    expect(not debian.machine.run("getent", "passwd", "rtstat", check=False).stdout, "there is a user rtstat already")
    return debian.machine.output("systemctl", "--version").splitlines()[0]


# Mode, owner, kind, size, and link target of all that a package may touch; the content of what it may change.
LISTING = r"""
find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/tmp -o -path /var/log -o -path /var/cache \
    -o -path /var/lib/apt -o -path /var/lib/dpkg -o -path /var/lib/systemd/catalog -o -path /root \) -prune \
    -o -type d -printf '%p d %m %u:%g\n' -o -printf '%p %y %m %u:%g %s %l\n' | sort
find /etc -type f ! -path '/etc/apt/*' -exec sha256sum {} + | sort -k 2
"""


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
    machine.run("man", "-w", "rtstatd", "rtstat.toml", "rtstat-protocol")
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


def transports(debian):
    """TCP4, TCP6 and the unix socket are served from passed descriptors, page and session alike"""
    for address in (("127.0.0.1", 8000), ("::1", 8000), debian.machine.socket(UNIX)):
        expect(debian.greeting(address).startswith("Welcome::Rt-Stat v."), f"greeting at {address}")
        with debian.machine.net():
            status, headers, body = http(address, "/monitoring.html")
            expect_equal(status, 200, f"page at {address}")
            expect("default-src 'none'" in headers.get("content-security-policy", ""), f"CSP: {headers}")
            expect(b"<html" in body.lower(), "the page is no HTML")
            push = one_push(address)
        expect_equal(list(push), ["cpu_stat", "meminfo", "processes", "uptime"], "keys of the push")
    opened = debian.machine.output("ls", "-l", f"/proc/{debian.pid()}/fd")
    inside = debian.machine.output("nsenter", "-t", str(debian.pid()), "-n", "ss", "-Hltn")
    expect_equal(inside, "", f"listeners of its own, in the service's own network ({opened})")


def confined(debian):
    """the process has no capability, no way to new privileges, a seccomp filter, its own user and room for 10,000 sessions"""
    pid = debian.pid()
    status = dict(line.split(":\t", 1) for line in debian.machine.read(f"/proc/{pid}/status").splitlines() if ":\t" in line)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        expect_equal(int(status[name], 16), 0, name)
    expect_equal((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"), "NoNewPrivs and Seccomp")
    uid = debian.machine.output("id", "-u", "rtstat")
    expect_equal(status["Uid"].split(), [uid] * 4, "Uid")
    expect_equal(status["Groups"].split(), [debian.machine.output("id", "-g", "rtstat")] if status["Groups"].strip() else [], "Groups")
    limits = debian.machine.read(f"/proc/{pid}/limits")
    expect_equal(re.search(r"Max open files +(\d+)", limits)[1], "16384", "LimitNOFILE")
    expect_equal(re.search(r"Max processes +(\d+)", limits)[1], "128", "LimitNPROC")


def exposure(debian):
    """systemd-analyze security rtstat.service says 0.6 or lower, online"""
    said = debian.machine.output("systemd-analyze", "security", "--no-pager", "rtstat.service")
    score = re.search(r"Overall exposure level for rtstat.service: ([\d.]+) (\w+)", said)
    expect(score and float(score[1]) <= 0.6, said)
    return f"{score[1]} {score[2]}"


def same_view(debian):
    """the service sees what an unconfined process of the same user sees"""
    return view.compare(debian)


def reported(debian):
    """READY came with a STATUS that names listeners, sessions and plugins, and follows the sessions"""
    for word in ("127.0.0.1:8000", "[::1]:8000", UNIX):
        expect(word in debian.show("StatusText"), f"{word} is not in: {debian.show('StatusText')}")
    before = debian.show("StatusText")
    with debian.machine.net(), WebSocket() as session:
        session.receive()
        until(lambda: debian.show("StatusText") != before, lambda: f"a STATUS other than {before}")
        during = debian.show("StatusText")
        expect("; 1 connected, 0 watching, sampling nothing" in during, during)
        session.send("interval::0.5")
        session.send("start")
        session.push()
        watched = until(lambda: "; 1 connected, 1 watching, sampling cpu_stat" in debian.show("StatusText") and debian.show("StatusText"),
                        lambda: debian.show("StatusText"))
    until(lambda: "; 0 connected, 0 watching" in debian.show("StatusText"), lambda: debian.show("StatusText"))
    return watched


def logged(debian):
    """the journal tells of a session with its fields"""
    cursor = debian.cursor()
    with debian.machine.net(), WebSocket() as session:
        session.receive()
        host, port = session.peer.getsockname()
    debian.machine.run("journalctl", "--sync")
    entries = until(lambda: [entry for entry in debian.journal(f"--after-cursor={cursor}") if "SESSION" in entry], "a session's entry")
    opened = entries[0]
    expect_equal(opened["TRANSPORT"], "websocket", "TRANSPORT")
    expect_equal(opened["PEER"], f"{host}:{port}", "PEER")
    expect_equal((opened["PRIORITY"], opened["_SYSTEMD_UNIT"]), ("6", "rtstat.service"), "PRIORITY and unit")
    number = opened["SESSION"]
    closed = until(lambda: [entry for entry in debian.journal(f"SESSION={number}", f"--after-cursor={cursor}") if "REASON" in entry],
                   lambda: f"the end of session {number}: {debian.journal(f'--after-cursor={cursor}')}")
    return f"{opened['MESSAGE']}; {closed[0]['MESSAGE']} {closed[0]['REASON']}"


def restarts(debian):
    """five restarts under load lose no connection, and live clients are closed with 1001"""
    with debian.machine.net(), WebSocket() as live, Load(debian.machine) as load:
        live.receive()
        load.wait_for(50)
        for round_ in range(1, 6):
            debian.machine.run("systemctl", "restart", "rtstat.service")
            load.wait_for(load.served + 50)
        try:
            live.receive()
        except ConnectionResetError:
            pass
        expect_equal(live.close_code, 1001, "close code of a live client")
    expect_equal(debian.active()[:2], ["active", "active"], f"is-active after restart {round_}")
    return load.verdict()


def killed(debian):
    """kill -9, eight times: each time it is back, and the port stays open"""
    for _ in range(8):
        pid = debian.pid()
        debian.machine.run("kill", "-9", str(pid))
        expect(debian.greeting().startswith("Welcome::"), "greeting")
        expect(debian.pid() not in (0, pid), "the same process")
    return f"{debian.show('NRestarts')} restarts"


def watched(debian):
    """a service that hangs is killed by the watchdog and started again"""
    debian.drop_in("[Service]", "WatchdogSec=2")
    cursor, pid = debian.cursor(), debian.pid()
    # Longer than the watchdog allows: a healthy service lives.
    until(lambda: debian.machine.output("systemctl", "show", "--value", "-p", "WatchdogTimestampMonotonic", "rtstat.service") not in ("", "0"), "a sign of life")
    time.sleep(5)
    expect_equal(debian.pid(), pid, "process after 2.5 times the limit")
    debian.machine.run("kill", "-STOP", str(pid))
    until(lambda: debian.pid() not in (0, pid), "a new process", 30)
    expect(debian.greeting().startswith("Welcome::"), "greeting")
    debian.machine.run("journalctl", "--sync")
    said = [entry["MESSAGE"] for entry in debian.journal(f"--after-cursor={cursor}")]
    expect(any("watchdog" in str(line).lower() for line in said), f"{said}")
    debian.drop_in()


def idle(debian):
    """exit on idle: ends with success, and the next connection starts it; none is lost at the seam"""
    before = debian.configure(re.sub(r"exit_on_idle = \d+", "exit_on_idle = 1", debian.machine.read(CONFIG)))
    debian.drop_in()
    cursor, slowest = debian.cursor(), 0.0
    with debian.machine.net():
        for round_ in range(20):
            # Around the moment at which the process decides to go.
            time.sleep(1.0 + round_ * 0.015)
            begin = time.monotonic()
            address = debian.machine.socket(UNIX) if round_ % 2 else ("127.0.0.1", 8000)
            with WebSocket(address) as session:
                expect(session.receive().startswith("Welcome::"), "greeting")
            slowest = max(slowest, time.monotonic() - begin)
        # An open session, silent as it is, keeps it.
        with WebSocket() as session:
            session.receive()
            pid = debian.pid()
            time.sleep(2.5)
            expect_equal(debian.pid(), pid, "process with an open session")
    until(lambda: debian.active()[0] == "inactive", "an idle end")
    expect_equal((debian.show("Result"), debian.show("ExecMainStatus")), ("success", "0"), "how it ended")
    expect_equal(debian.active()[1], "active", "the socket")
    debian.machine.run("journalctl", "--sync")
    ends = sum("Deactivated successfully" in str(entry["MESSAGE"]) for entry in debian.journal(f"--after-cursor={cursor}"))
    expect(ends >= 10, f"only {ends} idle ends")
    begin = time.monotonic()
    expect(debian.greeting().startswith("Welcome::"), "greeting of a cold start")
    cold = time.monotonic() - begin
    debian.configure(before)
    debian.drop_in()
    return f"{ends} ends, slowest answer {slowest * 1000:.0f} ms, cold start to Welcome {cold * 1000:.0f} ms"


def wrong_at_start(debian):
    """a wrong configuration at start: 100 connections are told, none ends the service, and a reload of the corrected file serves"""
    before = debian.configure('max_clients = "many"\n')
    debian.machine.run("systemctl", "restart", "rtstat.service")
    pid = debian.pid()
    expect(f"{CONFIG}:1" in debian.show("StatusText"), f"STATUS: {debian.show('StatusText')}")
    with debian.machine.net():
        for number in range(100):
            address = [("127.0.0.1", 8000), ("::1", 8000), debian.machine.socket(UNIX)][number % 3]
            if number % 2:
                expect_equal(http(address)[0], 503, f"status of request {number}")
            else:
                try:
                    WebSocket(address).peer.close()
                    raise Failed("an upgrade was accepted")
                except Refused as refused:
                    expect_equal(refused.status, 503, f"status of upgrade {number}")
    expect_equal((debian.pid(), debian.show("NRestarts")), (pid, "0"), "process and restarts")
    debian.configure(before)
    debian.machine.run("systemctl", "reload", "rtstat.service")
    expect(debian.greeting().startswith("Welcome::"), "greeting")
    expect_equal(debian.pid(), pid, "process after the reload")
    expect(CONFIG not in debian.show("StatusText"), f"STATUS: {debian.show('StatusText')}")


def reloads(debian):
    """a reload takes a good file, keeps the old one for a bad one, and drops no session"""
    cursor, pid = debian.cursor(), debian.pid()
    with debian.machine.net(), WebSocket() as session:
        session.receive()
        before = debian.configure(debian.machine.read(CONFIG) + "\n[tokens]\nwall = \"on the wall\"\n")
        debian.machine.run("chmod", "0640", CONFIG)
        debian.machine.run("chgrp", "rtstat", CONFIG)
        debian.machine.run("systemctl", "reload", "rtstat.service")
        with WebSocket() as strict:
            strict.receive()
            strict.send("interval::0.5")
            expect_equal(strict.receive(), "Error::Not authorized", "answer without the token")
        debian.configure(before)
        debian.machine.run("chmod", "0644", CONFIG)
        debian.machine.run("chgrp", "root", CONFIG)
        debian.machine.run("systemctl", "reload", "rtstat.service")
        debian.configure(before + "\nbogus = 1\n")
        debian.machine.run("systemctl", "reload", "rtstat.service")
        debian.machine.run("journalctl", "--sync")
        said = until(lambda: [line for line in debian.messages(cursor) if "bogus" in line], lambda: f"{debian.messages(cursor)}")
        expect(f"{CONFIG}:" in said[0], said[0])
        with WebSocket() as other:
            expect(other.receive().startswith("Welcome::"), "greeting after a bad reload")
            other.send("interval::0.5")
            other.send("start")
            other.push()
    debian.configure(before)
    debian.machine.run("systemctl", "reload", "rtstat.service")
    expect_equal(debian.pid(), pid, "process")
    expect_equal(debian.show("ActiveState"), "active", "state")
    return said[0]


def raw_socket(debian):
    """the raw transport, turned on as the manual says, serves beside the other one"""
    manual = debian.machine.output("man", "-P", "cat", "rtstatd")
    section = manual[manual.index("The raw transport"):manual.index("A token")]
    commands = [line.strip() for line in section.splitlines() if line.strip().startswith("systemctl ")]
    expect_equal(len(commands), 3, f"commands in the manual: {section}")
    for command in commands:
        debian.machine.run(*command.split())
    expect_equal(debian.active(), ["active"] * 3, "is-active")
    with debian.machine.net():
        for address in (RAW, ("::1", 8001)):
            with Raw(address) as session:
                expect(session.receive().startswith("Welcome::Rt-Stat v."), "greeting")
                session.send("interval::0.5")
                session.send("start")
                expect(session.receive().startswith("Push::{"), "push")
    expect(debian.greeting().startswith("Welcome::"), "greeting of the other transport")
    # A misconfigured server says so in the protocol's own words.
    before = debian.configure("port = 0\n")
    debian.machine.run("systemctl", "restart", "rtstat.service")
    with debian.machine.net(), Raw(RAW) as session:
        expect_equal(session.receive(), "Error::Server is misconfigured", "answer")
    debian.configure(before)
    debian.machine.run("systemctl", "reload", "rtstat.service")
    debian.machine.run("systemctl", "disable", "--now", "rtstat-raw.socket")
    debian.machine.run("systemctl", "restart", "rtstat.service")
    expect_equal(debian.enabled(), ["enabled", "enabled", "disabled"], "is-enabled")


def own_listeners(debian):
    """with passed sockets, listen keys and options open nothing; one warning names the way"""
    cursor = debian.cursor()
    before = debian.configure("port = 9999\nweb_sockets = true\n" + debian.machine.read(CONFIG))
    debian.drop_in("[Service]", "ExecStart=", "ExecStart=/usr/bin/rtstatd server -i 127.0.0.1 -p 9998")
    expect(debian.greeting().startswith("Welcome::"), "greeting")
    expect(":999" not in debian.machine.output("ss", "-Hltn"), "a listener of its own")
    debian.machine.run("journalctl", "--sync")
    said = [line for line in debian.messages(cursor) if "systemctl edit rtstat.socket" in line]
    expect_equal(len(said), 1, f"warnings: {debian.messages(cursor)}")
    debian.configure(before)
    debian.drop_in()
    return said[0]


def credential(debian):
    """a token from /etc/credstore, closed to everybody but root, is asked for"""
    debian.machine.write("/etc/credstore/rtstat.token", "from the store\n", 0o600)
    debian.machine.run("systemctl", "restart", "rtstat.service")
    with debian.machine.net(), WebSocket() as session:
        session.receive()
        session.send("interval::0.5")
        expect_equal(session.receive(), "Error::Not authorized", "answer without the token")
        session.send("auth::from the store")
        session.send("interval::0.5")
        session.send("start")
        session.push()
    debian.machine.run("journalctl", "--sync")
    expect("from the store" not in debian.machine.output("journalctl", "--no-pager"), "the token is in the journal")
    debian.machine.shell("rm /etc/credstore/rtstat.token; rmdir --ignore-fail-on-non-empty /etc/credstore")
    debian.machine.run("systemctl", "restart", "rtstat.service")


def proxied(debian):
    """nginx: the snippet passes nginx -t, serves page and session at /rtstat/ and at another path, and nothing else"""
    machine = debian.machine
    snippet = machine.read("/etc/nginx/snippets/rtstat.conf")
    other = re.sub(r"(?m)^(location [=^~ ]*|    return 301 )/rtstat", r"\1/deep/er", snippet)
    machine.write("/etc/nginx/snippets/other-path.conf", other)
    machine.remove("/etc/nginx/sites-enabled/default")
    machine.write("/etc/nginx/sites-enabled/test", SITE)
    checked = machine.run("nginx", "-t")
    expect("warn" not in checked.stderr, checked.stderr)
    machine.run("systemctl", "unmask", "nginx")
    machine.run("systemctl", "restart", "nginx")
    machine.write("/etc/rtstat/monitoring-default-config.js", machine.read("/etc/rtstat/monitoring-default-config.js") + "\n// ours\n")
    web = ("127.0.0.1", 80)
    with machine.net():
        for base in ("/rtstat", "/deep/er"):
            status, headers, _ = http(web, base)
            expect_equal((status, headers.get("location")), (301, base + "/"), "redirect")
            status, headers, body = http(web, base + "/")
            expect(status == 200 and b"<html" in body.lower(), f"page: {status}")
            expect("frame-ancestors 'none'" in headers["content-security-policy"], f"CSP: {headers}")
            expect_equal(headers.get("x-content-type-options"), "nosniff", "nosniff")
            status, headers, body = http(web, base + "/monitoring-default-config.js")
            expect(status == 200 and body.rstrip().endswith(b"// ours"), "the operator's own configuration of the page")
            for kind, path in (("javascript", "/js/main.js"), ("text/html", "/monitoring.html")):
                status, headers, _ = http(web, base + path)
                expect(status == 200 and kind in headers["content-type"], f"{path}: {status} {headers.get('content-type')}")
            push = one_push(web, headers=("Host: stat.example.org", "Origin: http://stat.example.org"), path=base + "/ws")
            expect_equal(list(push), ["cpu_stat", "meminfo", "processes", "uptime"], "keys of the push")
            expect_equal(http(web, base + "/ws")[0], 426, "a plain request for the WebSocket")
            for path in ("/../", "/../../etc/passwd", "/..%2f..%2fetc/passwd", "/js", "/js/../../nginx/", "/ws/", "/ws/x", "/wsx", "/../rtstat.toml",
                         "/%2e%2e/nginx/rtstat.conf", "//etc/passwd", "/.git"):
                status, _, body = http(web, base + path)
                expect(status in (301, 400, 404) and b"root:" not in body, f"{base + path}: {status}")
            expect_equal(http(web, base + "/", method="POST")[0], 405, "POST")
        expect_equal(http(web, "/rtstatx")[0], 404, "a path beside it")
        # A browser's page of another origin is refused by the program, through the proxy as well.
        with WebSocket(web, "/rtstat/ws", ("Host: stat.example.org", "Origin: http://evil.example")) as session:
            expect_equal(session.receive(), "Error::Origin not allowed, see --allow-origin", "answer to a foreign origin")
    expect_equal(http_from_unix(debian), 200, "the unix socket serves the page, too")


def http_from_unix(debian):
    """What a request through the unix socket is answered."""
    with debian.machine.net():
        return http(debian.machine.socket(UNIX), "/monitoring.html")[0]


def real_address(debian):
    """nginx tells the client's address, and the journal has it instead of the socket's"""
    cursor = debian.cursor()
    with debian.machine.net(), WebSocket(("::1", 80), "/rtstat/ws", ("Host: localhost", "X-Forwarded-For: 192.0.2.7")) as session:
        session.receive()
    debian.machine.run("journalctl", "--sync")
    entries = until(lambda: [entry for entry in debian.journal(f"--after-cursor={cursor}") if "PEER" in entry], "a session's entry")
    expect("::1" in entries[0]["PEER"] and "192.0.2.7" not in entries[0]["PEER"], f"PEER {entries[0]['PEER']}")
    return entries[0]["PEER"]


def browsed(debian):
    """Chromium shows the page with live figures: directly, through nginx, and at another path; nothing is refused by the CSP"""
    shown = []
    with debian.machine.net(), Browser() as browser:
        for url in ("http://127.0.0.1:8000/", "http://127.0.0.1/rtstat/", "http://[::1]/deep/er/"):
            browser.open(url)
            browser.wait_for_pushes(2)
            expect_equal(browser.faults(), [], f"faults at {url}")
            text = browser.evaluate("document.body.innerText + Array.from(document.querySelectorAll('*')).map(e => e.shadowRoot ? e.shadowRoot.textContent : '').join(' ')")
            expect(re.search(r"\d", text), f"no figure at {url}: {text[:300]!r}")
            shown.append(len(browser.received()))
    return f"{shown} messages"


def with_tls(debian):
    """the second nginx example: TLS and a password before page and session"""
    machine = debian.machine
    machine.run("sh", "-c", "umask 077; cd /etc/ssl/private && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
                "-subj /CN=stat.example.org -addext subjectAltName=DNS:stat.example.org -keyout rtstat.key -out /etc/ssl/certs/rtstat.pem")
    machine.write("/etc/nginx/rtstat.htpasswd", "ann:" + machine.output("openssl", "passwd", "-apr1", "secret") + "\n", 0o644)
    machine.run("cp", "/usr/share/doc/rtstat/examples/nginx-tls.conf", "/etc/nginx/sites-enabled/rtstat")
    machine.run("nginx", "-t")
    machine.run("systemctl", "reload", "nginx")
    named = ("Host: stat.example.org",)
    with machine.net():
        expect_equal(http(("127.0.0.1", 80), "/", named)[0], 301, "redirect to TLS")
        for path in ("/rtstat/", "/rtstat/ws", "/rtstat/monitoring-default-config.js"):
            expect_equal(http(("127.0.0.1", 443), path, named, tls=True)[0], 401, f"{path} without the password")
        with Browser() as browser:
            browser.open("https://ann:secret@127.0.0.1/rtstat/")
            browser.wait_for_pushes(2)
            opened = [event["url"] for event in browser.named("Network.webSocketCreated")]
            expect(opened and all(url.startswith("wss://127.0.0.1/rtstat/ws") for url in opened), f"{opened}")
    machine.remove("/etc/nginx/sites-enabled/rtstat", "/etc/nginx/rtstat.htpasswd", "/etc/ssl/certs/rtstat.pem", "/etc/ssl/private/rtstat.key")
    machine.run("systemctl", "reload", "nginx")


def without_ipv6(debian):
    """where IPv6 is switched off by sysctl, the sockets open all the same"""
    machine = debian.machine
    with machine.net():
        machine_sysctl("1")
    try:
        machine.run("systemctl", "stop", "rtstat.service", "rtstat.socket")
        machine.run("systemctl", "start", "rtstat.socket")
        expect(debian.greeting().startswith("Welcome::"), "greeting")
    finally:
        with machine.net():
            machine_sysctl("0")
    machine.run("systemctl", "stop", "rtstat.service", "rtstat.socket")
    machine.run("systemctl", "start", "rtstat.service")
    expect(debian.greeting(("::1", 8000)).startswith("Welcome::"), "greeting over IPv6")


def machine_sysctl(value):
    """Switches IPv6 off or on in this thread's network; /proc/sys/net follows the thread that opens it."""
    with open("/proc/thread-self/root/proc/sys/net/ipv6/conf/all/disable_ipv6", "w", encoding="ascii") as switch:
        switch.write(value)


def by_root(debian):
    """started by root without systemd, it gives up everything for the user rtstat, and serves a low port bound before"""
    machine = debian.machine
    command = "exec setsid /usr/bin/rtstatd server --config /dev/null --listen ws://127.0.0.1:81 {} >/tmp/by-root.log 2>&1 & echo $!"
    for option, user in (("", "rtstat"), ("--user nobody", "nobody"), ("--user root", "root")):
        pid = int(machine.shell(command.format(option)))
        try:
            until(lambda: "127.0.0.1:81" in machine.output("ss", "-Hltn"), lambda: "a listener: " + machine.read("/tmp/by-root.log"))
            expect(debian.greeting(("127.0.0.1", 81), headers=("Host: localhost",)).startswith("Welcome::"), "greeting")
            status = dict(line.split(":\t", 1) for line in machine.read(f"/proc/{pid}/status").splitlines() if ":\t" in line)
            expect_equal(status["Uid"].split(), [machine.output("id", "-u", user)] * 4, "Uid")
            if user == "root":
                expect("--user root" in machine.read("/tmp/by-root.log"), "no warning")
            else:
                expect_equal([int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")], [0] * 4, "capabilities")
                expect_equal(status["NoNewPrivs"], "1", "NoNewPrivs")
        finally:
            machine.run("kill", "-TERM", str(pid), check=False)
        until(lambda: not machine.exists(f"/proc/{pid}"), "the end")
    done = machine.run("timeout", "10", "/usr/bin/rtstatd", "server", "--config", "/dev/null", "-c", "many", check=False)
    expect(done.returncode in (64, 78), f"exit code of a wrong option: {done.returncode}")
    machine.write("/tmp/wrong.toml", "max_clients = -1\n")
    done = machine.run("timeout", "10", "/usr/bin/rtstatd", "server", "--config", "/tmp/wrong.toml", check=False)
    expect_equal(done.returncode, 78, "exit code of a wrong file without passed sockets")
    machine.remove("/tmp/by-root.log", "/tmp/wrong.toml")


def upgrades(debian):
    """an upgrade and a downgrade under load lose no connection, keep the edited configuration, and run the new program"""
    edited = debian.machine.read(CONFIG) + "\n# edited by the operator\n"
    debian.configure(edited)
    with Load(debian.machine) as load:
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
    with Load(debian.machine) as load:
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


STEPS = [
    pristine, installation, verified, enabling, transports, confined, exposure, same_view, reported, logged, restarts, killed, watched,
    idle, wrong_at_start, reloads, raw_socket, own_listeners, credential, proxied, real_address, browsed, with_tls, without_ipv6, by_root,
    upgrades, thousand, removal, purge,
]
