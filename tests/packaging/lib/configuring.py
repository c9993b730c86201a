"""What the operator says, right and wrong."""

from .client import Raw, Refused, WebSocket, http
from .debian import CONFIG, RAW, UNIX
from .report import Failed, expect, expect_equal, until


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
    there = debian.machine.exists("/etc/credstore")
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
    debian.machine.remove("/etc/credstore/rtstat.token")
    if not there:
        debian.machine.run("rmdir", "/etc/credstore")
    debian.machine.run("systemctl", "restart", "rtstat.service")


def token_file(debian):
    """a token file of mode 0640 for the service's group is asked for; opened to others, it is refused at a reload and the old token stays"""
    machine, path = debian.machine, "/etc/rtstat/token"
    before = debian.configure(f'auth_token_file = "{path}"\n' + machine.read(CONFIG))
    machine.write(path, "first\n", 0o640)
    machine.run("chgrp", "rtstat", path)
    machine.run("systemctl", "reload", "rtstat.service")
    expect_equal((opens(debian, "first"), opens(debian, "second")), (True, False), "tokens before")
    cursor = debian.cursor()
    machine.write(path, "second\n", 0o644)
    machine.run("systemctl", "reload", "rtstat.service")
    expect_equal((opens(debian, "first"), opens(debian, "second")), (True, False), "tokens with the file open to others")
    machine.run("journalctl", "--sync")
    said = [line for line in debian.messages(cursor) if path in line]
    expect(said and "second" not in said[0], f"{debian.messages(cursor)}")
    machine.run("chmod", "0640", path)
    machine.run("chgrp", "rtstat", path)
    machine.run("systemctl", "reload", "rtstat.service")
    expect_equal((opens(debian, "first"), opens(debian, "second")), (False, True), "tokens after")
    machine.remove(path)
    debian.configure(before)
    machine.run("systemctl", "reload", "rtstat.service")
    return said[0]


def opens(debian, token):
    """Whether a token opens a session."""
    with debian.machine.net(), WebSocket() as session:
        session.receive()
        session.send(f"auth::{token}")
        session.send("start")
        answer = session.receive()
    return answer == "Error::Interval is not set"
