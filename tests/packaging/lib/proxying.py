"""The page behind nginx, with the snippet of the package, looked at by a real browser."""

import re

from .browser import Browser
from .client import TCP, WebSocket, http, one_push
from .debian import UNIX
from .report import expect, expect_equal, until

SITE = """server {
    listen 80 default_server;
    listen [::]:80 default_server;
    root /var/empty;
    location = /elsewhere { return 204; }
    include snippets/rtstat.conf;
    include snippets/other-path.conf;
}
"""


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
        direct = http(TCP, "/monitoring.html")[1]
        for base in ("/rtstat", "/deep/er"):
            status, headers, _ = http(web, base)
            expect_equal((status, headers.get("location")), (301, base + "/"), "redirect")
            status, headers, body = http(web, base + "/")
            expect(status == 200 and b"<html" in body.lower(), f"page: {status}")
            expect("frame-ancestors 'none'" in headers["content-security-policy"], f"CSP: {headers}")
            for name in ("content-security-policy", "x-frame-options", "x-content-type-options", "referrer-policy"):
                expect_equal(headers.get(name), direct.get(name), f"{name} by nginx and by the program")
            status, headers, body = http(web, base + "/monitoring-default-config.js")
            expect(status == 200 and body.rstrip().endswith(b"// ours"), "the operator's own configuration of the page")
            for kind, path in (("javascript", "/js/main.js"), ("javascript", "/js/model/server.js"), ("text/html", "/monitoring.html")):
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
    try:
        machine.run("cp", "/usr/share/doc/rtstat/examples/nginx-tls.conf", "/etc/nginx/sites-enabled/rtstat")
        machine.run("nginx", "-t")
        machine.run("systemctl", "reload", "nginx")
        named = ("Host: stat.example.org",)
        with machine.net():
            # The old processes of nginx answer until the new ones are there.
            until(lambda: http(("127.0.0.1", 80), "/", named)[0] == 301, "a redirect to TLS")
            for path in ("/rtstat/", "/rtstat/ws", "/rtstat/monitoring-default-config.js"):
                status = http(("127.0.0.1", 443), path, (*named, "Upgrade: websocket"), tls=True)[0]
                expect_equal(status, 401, f"{path} without the password")
            with Browser() as browser:
                browser.open("https://ann:secret@127.0.0.1/rtstat/")
                browser.wait_for_pushes(2)
                opened = [event["url"] for event in browser.named("Network.webSocketCreated")]
                expect(opened and all(url.startswith("wss://127.0.0.1/rtstat/ws") for url in opened), f"{opened}")
    finally:
        machine.remove("/etc/nginx/sites-enabled/rtstat", "/etc/nginx/rtstat.htpasswd", "/etc/ssl/certs/rtstat.pem", "/etc/ssl/private/rtstat.key")
        machine.run("systemctl", "reload", "nginx")
