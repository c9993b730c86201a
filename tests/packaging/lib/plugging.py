"""The operator's plugins in the service's sandbox, good and bad, and what the machine's own manager tells it."""

import contextlib

from .client import WebSocket
from .report import expect, expect_equal, until

FOLDER = "/etc/rtstat/plugins.d"
LIMIT = 128
# A fork bomb that stops itself at 200 processes, all of which ignore SIGTERM, or where it may have no more.
BOMB = '''
import json, os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
made, reason = 0, None
while made < 200 and not reason:
    try:
        if not os.fork():
            break
        made += 1
    except OSError as error:
        reason = error.strerror
else:
    print(json.dumps({"made": made, "reason": reason}), flush=True)
time.sleep(1000)
'''
BROKEN = "rtstat-broken.service"


@contextlib.contextmanager
def definitions(debian, files):
    """The service with these files in the folder of its plugins' definitions, for as long as the block runs."""
    machine = debian.machine
    for name, text in files.items():
        machine.write(f"{FOLDER}/{name}", text)
    machine.run("systemctl", "restart", "rtstat.service")
    try:
        yield
    finally:
        machine.run("rm", "-r", FOLDER)
        machine.run("systemctl", "restart", "rtstat.service")
        until(lambda: machine.output("pgrep", "-c", "-u", "rtstat", check=False) == "1", "the end of the plugins")


def watch(session, *plugins):
    """Starts a session that has these keys."""
    session.receive()
    session.send("plugins::" + ",".join(plugins))
    session.send("interval::0.5")
    session.send("start")


def tasks(debian):
    """Processes and threads of the service."""
    return len(debian.machine.read("/sys/fs/cgroup/system.slice/rtstat.service/cgroup.threads").split())


def examples(debian):
    """the two example plugins, copied as they say, work in the sandbox; check-plugin agrees"""
    machine, source = debian.machine, "/usr/share/doc/rtstat/examples"
    with definitions(debian, {f"{name}.toml": machine.read(f"{source}/{name}.toml") for name in ("reboot", "wakeup")}):
        with machine.net(), WebSocket() as session:
            watch(session, "_meta", "reboot", "wakeup")
            push = {}

            def complete():
                push.update(session.push())
                return push.get("reboot") is not None and push.get("wakeup") is not None

            until(complete, lambda: f"figures of both: {push}")
        for name in ("reboot", "wakeup"):
            machine.run("rtstatd", "check-plugin", name)
    return f"reboot {push['reboot']}, wakeup {push['wakeup']}"


def bounded(debian):
    """a fork bomb among the plugins stops at LimitNPROC, takes no other key away, and ends with its last watcher"""
    machine = debian.machine
    files = {"bomb.toml": f'command = ["python3", "{FOLDER}/bomb.py"]\nmode = "stream"\n', "bomb.py": BOMB}
    with definitions(debian, files), machine.net(), WebSocket() as bystander, WebSocket() as late:
        watch(bystander, "_meta", "cpu_stat", "meminfo")
        bystander.push()
        with WebSocket() as session:
            watch(session, "_meta", "bomb")
            push = {}
            until(lambda: push.update(session.push()) or push.get("bomb"), lambda: f"the bomb's word: {push}")
            made, most = push["bomb"]["made"], tasks(debian)
            expect_equal(push["bomb"]["reason"], "Resource temporarily unavailable", f"why it stopped at {made}")
            expect(LIMIT // 2 < most <= LIMIT, f"{most} processes and threads, of which {made} are the bomb's")
            for _ in range(3):
                push = bystander.push()
                expect(push["cpu_stat"] and push["meminfo"] and not push["_meta"].get("err"), f"{push}")
            # Whoever comes now gets what needs no thread, and is told why the rest is missing.
            watch(late, "_meta", "uptime", "fs")
            push = late.push()
            expect(push["uptime"] and push["fs"] is None and "thread" in push["_meta"]["err"]["fs"], f"{push}")
        until(lambda: tasks(debian) < 16, lambda: f"the bomb's end: {tasks(debian)} tasks")
        until(lambda: late.push()["fs"], "what was missing", 60)
    return f"{made} processes of the bomb, {most} tasks"


def broken_unit(debian):
    """the key `units` names a unit that failed, by the machine's own manager, until the failure is reset"""
    machine = debian.machine
    machine.run("systemd-run", "--quiet", f"--unit={BROKEN}", "false")
    try:
        with machine.net(), WebSocket() as session:
            watch(session, "units")
            # The manager is asked every 10 seconds.
            first = until(lambda: BROKEN in (session.push()["units"]["failed"] or ()), "the failed unit", 40)
            expect(first, "named")
            machine.run("systemctl", "reset-failed", BROKEN)
            until(lambda: BROKEN not in session.push()["units"]["failed"], "the end of the failure", 40)
    finally:
        machine.run("systemctl", "reset-failed", BROKEN, check=False)
