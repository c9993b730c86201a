"""Floods at full speed from one process: each keeps many sockets busy and throws away what it is answered."""

import os
import selectors
import socket
import ssl
import time

from .wire import PING, TEXT, UPGRADE, frame, tls

GET = "GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n"
ALL = "cpu_stat,meminfo,processes,uptime,cpu,mem,net,disk,fs,sock,psi,top,_meta"
SHAKE = UPGRADE.format(extra="").encode()


def hello():
    """What a TLS client says first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        tls().wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()


def steady(scheme, text, first=b"", width=64):
    """`width` connections that say `text` over and over."""
    return lambda addresses, stop: keep(addresses[scheme], stop, width, first, text)


def fresh(scheme, text, width=64, answered=True):
    """A new connection for each `text`, `width` at a time; left once something is answered, or at once."""
    return lambda addresses, stop: renew(addresses[scheme], stop, width, text, answered)


def opened(address):
    """A connection on its way, from one of the attackers' addresses."""
    sock = socket.socket()
    sock.setblocking(False)
    sock.bind((f"127.0.1.{os.getpid() % 200 + 1}", 0))
    sock.connect_ex(address)
    return sock


def keep(address, stop, width, first, text):
    """Writes whatever each socket takes; a connection that was ended is made again."""
    selector, both = selectors.DefaultSelector(), selectors.EVENT_READ | selectors.EVENT_WRITE
    for _ in range(width):
        selector.register(opened(address), both, memoryview(first + text))
    while not stop.is_set():
        for key, events in selector.select(0.1):
            sock, rest = key.fileobj, key.data
            try:
                if events & selectors.EVENT_READ and not sock.recv(1 << 18):
                    raise ConnectionResetError
                if events & selectors.EVENT_WRITE:
                    rest = rest[sock.send(rest):]
                    selector.modify(sock, both, rest if len(rest) else memoryview(text))
            except BlockingIOError:
                pass
            except OSError:
                selector.unregister(sock)
                sock.close()
                selector.register(opened(address), both, memoryview(first + text))


def renew(address, stop, width, text, answered):
    """Says it, waits for an answer where one is wanted, and leaves."""
    selector = selectors.DefaultSelector()
    for _ in range(width):
        selector.register(opened(address), selectors.EVENT_WRITE)
    while not stop.is_set():
        for key, events in selector.select(0.1):
            sock = key.fileobj
            try:
                if events & selectors.EVENT_WRITE:
                    sock.send(text)
                    if answered:
                        selector.modify(sock, selectors.EVENT_READ)
                        continue
            except OSError:
                pass
            selector.unregister(sock)
            sock.close()
            selector.register(opened(address), selectors.EVENT_WRITE)


def held(scheme, text, width=250):
    """So many connections that say `text` and then nothing, made again when they are ended."""
    return lambda addresses, stop: wait(addresses[scheme], stop, width, text)


def wait(address, stop, width, text):
    """Holds connections open."""
    selector = selectors.DefaultSelector()
    for _ in range(width):
        selector.register(opened(address), selectors.EVENT_WRITE)
    while not stop.is_set():
        for key, events in selector.select(0.1):
            sock = key.fileobj
            try:
                if events & selectors.EVENT_WRITE:
                    sock.send(text)
                    selector.modify(sock, selectors.EVENT_READ)
                elif not sock.recv(65536):
                    raise ConnectionResetError
            except BlockingIOError:
                pass
            except OSError:
                selector.unregister(sock)
                sock.close()
                selector.register(opened(address), selectors.EVENT_WRITE)


FLOODS = {
    "metrics": steady("ws", GET.format("/metrics").encode()),
    "metrics, pipelined": steady("ws", GET.format("/metrics").encode() * 50),
    "metrics, new connections": fresh("ws", GET.format("/metrics").encode()),
    "pages": steady("ws", (GET.format("/") + GET.format("/js/main.js")).encode() * 5),
    "pages over TLS hello": fresh("wss", hello()),
    "plugins unknown": steady("raw", b"plugins::" + b",".join([b"x"] * 2000) + b"\n"),
    "plugins last unknown": steady("raw", (f"plugins::{ALL},nonsense\n").encode() * 100),
    "plugins by turns": steady("raw", f"plugins::{ALL}\nplugins::cpu_stat\n".encode() * 100, b"start\n"),
    "plugins 10,000 names": fresh("raw", b"plugins::" + b",".join([b"cpu_stat"] * 10000) + b"\n"),
    "version x 100,000": steady("raw", b"version\n" * 100000, width=1),
    "version by many": steady("raw", b"version\n" * 100000),
    "info": steady("raw", b"info\n" * 1000),
    "start and stop": steady("raw", b"start\nstop\n" * 1000),
    "interval": steady("raw", b"interval::0.5\ninterval::7\n" * 1000, b"start\n"),
    "wrong tokens": steady("raw", b"auth::guess\n" * 100),
    "pings": steady("ws", frame(PING, b"flood") * 1000, SHAKE),
    "fragments": steady("ws", frame(0x00, b"") * 1000, SHAKE + frame(0x01, b"ver")),
    "version over ws": steady("ws", frame(TEXT, b"version") * 1000, SHAKE),
    "no newline": steady("raw", b"x" * 1_000_000),
    "garbage": fresh("raw", os.urandom(30000)),
    "connects": fresh("raw", b"", answered=False),
    "upgrades": fresh("ws", SHAKE),
    "upgrades, bad origin": fresh("ws", UPGRADE.format(extra="Origin: http://evil.example\r\n").encode()),
    "upgrades, bad host": fresh("ws", GET.format("/").replace("localhost", "evil.example").encode()),
    "half-open TLS, new": fresh("wss", hello(), answered=True),
    "half-open TLS, held": held("raws", hello()[:50]),
    "half-open TLS, at once": fresh("raws", hello(), answered=False),
    "no TLS": fresh("raws", b"x" * 3000),
    "silent": held("ws", b"GET / HTTP/1.1\r\n"),
}


def flood(name, addresses, stop):
    """One of them, as a process's main function."""
    FLOODS[name](addresses, stop)
