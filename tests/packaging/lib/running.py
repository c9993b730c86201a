"""What the running service is: its sockets, its confinement, its reports, and how it survives."""

import re
import resource
import threading
import time

from . import view
from .client import Load, WebSocket, http, one_push
from .debian import CONFIG, UNIX
from .report import expect, expect_equal, until

# Descriptors of this process suffice for the crowd of one machine at a time.
CROWD = threading.Lock()


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
    with debian.machine.net(), WebSocket() as live, Load(debian.machine, debian.machine.socket(UNIX)) as load:
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
    debian.configure(before)
    debian.drop_in()
    sandboxed = timed(debian)
    return f"{ends} ends, slowest answer {slowest * 1000:.0f} ms; cold connection to Welcome {sandboxed}"


def timed(debian, count=15):
    """What so many cold starts took; of no influence on the result, since machines differ. A socket allows 20 in two seconds."""
    cold = sorted(cold_start(debian) for _ in range(count))
    return f"{cold[0] * 1000:.0f} ms at best, {cold[count // 2] * 1000:.0f} ms median"


def cold_start(debian):
    """Seconds from a connection to its greeting where that connection starts the service."""
    debian.machine.run("systemctl", "stop", "rtstat.service")
    with debian.machine.net():
        begin = time.monotonic()
        with WebSocket() as session:
            expect(session.receive().startswith("Welcome::"), "greeting of a cold start")
            return time.monotonic() - begin


def crowded(debian):
    """10,000 sessions fit the service's limits, and it serves on when they are gone"""
    count, machine = 10_000, debian.machine
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count + 1000:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 4000), hard))
    before = debian.configure("max_clients = 0\n" + machine.read(CONFIG))
    machine.run("systemctl", "reload", "rtstat.service")
    sessions = []
    CROWD.acquire()
    try:
        with machine.net():
            for _ in range(count):
                sessions.append(WebSocket())
            greeted = sum(session.receive().startswith("Welcome::") for session in sessions)
            expect_equal(greeted, count, "sessions that were greeted")
            used = int(machine.output("sh", "-c", f"ls /proc/{debian.pid()}/fd | wc -l"))
            threads = int(machine.output("sh", "-c", f"ls /proc/{debian.pid()}/task | wc -l"))
            memory = int(re.search(r"VmHWM:\s+(\d+) kB", machine.read(f"/proc/{debian.pid()}/status"))[1])
            sessions[-1].send("interval::0.5")
            sessions[-1].send("start")
            sessions[-1].push()
    finally:
        for session in sessions:
            session.peer.close()
        CROWD.release()
    until(lambda: "; 0 connected" in debian.show("StatusText"), lambda: debian.show("StatusText"), 60)
    debian.configure(before)
    machine.run("systemctl", "reload", "rtstat.service")
    expect(debian.greeting().startswith("Welcome::"), "greeting")
    return f"{used} descriptors of 16384, {threads} threads of 128, {memory / 1024:.0f} MiB at most"


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
