"""Clients of the server under test: WebSocket and raw sessions, HTTP requests, and a continuous load. Standard library only."""

import base64
import json
import os
import socket
import ssl
import struct
import threading
import time

from .report import Failed

TCP = ("127.0.0.1", 8000)


class Refused(Failed):
    """The server answered something else than a session; `status` is its HTTP status, if it sent one."""

    def __init__(self, message, status=None):
        super().__init__(message)
        self.status = status


def connect(address, seconds=15):
    """A connected socket; `address` is a pair for TCP or a path."""
    family = socket.AF_UNIX if isinstance(address, (str, os.PathLike)) else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    peer = socket.socket(family, socket.SOCK_STREAM)
    peer.settimeout(seconds)
    try:
        peer.connect(str(address) if family == socket.AF_UNIX else address)
    except OSError:
        peer.close()
        raise
    return peer


def http(address, path="/", headers=(), method="GET", tls=False):
    """One request; the status, the headers in lower case, and the body. With `tls`, any certificate will do."""
    peer = connect(address)
    if tls:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        peer = context.wrap_socket(peer)
    with peer:
        lines = [f"{method} {path} HTTP/1.1", "Connection: close", *headers]
        if not any(line.lower().startswith("host:") for line in headers):
            lines.append("Host: localhost")
        peer.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        data = b""
        while chunk := peer.recv(65536):
            data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    if not head:
        raise Refused("closed without an answer")
    status, *fields = head.decode("latin-1").split("\r\n")
    return int(status.split()[1]), {k.strip().lower(): v.strip() for k, v in (f.split(":", 1) for f in fields)}, body


class WebSocket:
    """One session. Messages are the protocol's text; pings are answered, a close ends with `ConnectionResetError`."""

    def __init__(self, address=TCP, path="/", headers=()):
        self.close_code = None
        self.peer = connect(address)
        self.buffer = b""
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {key}",
                 "Sec-WebSocket-Version: 13", *headers]
        if not any(line.lower().startswith("host:") for line in headers):
            lines.append("Host: localhost:8000")
        try:
            self.peer.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            while b"\r\n\r\n" not in self.buffer:
                self.fill()
        except OSError:
            self.peer.close()
            raise
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            self.peer.close()
            raise Refused(head.decode("latin-1").split("\r\n", 1)[0], int(head.split()[1]))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.peer.close()

    def fill(self):
        """More bytes into the buffer."""
        chunk = self.peer.recv(65536)
        if not chunk:
            raise ConnectionResetError("closed by the server" + (f" with {self.close_code}" if self.close_code else ""))
        self.buffer += chunk

    def take(self, count):
        """The next `count` bytes."""
        while len(self.buffer) < count:
            self.fill()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def send(self, text, opcode=1):
        """One masked frame."""
        data = text if isinstance(text, bytes) else text.encode()
        mask = os.urandom(4)
        size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + struct.pack("!H", len(data))
        self.peer.sendall(bytes([0x80 | opcode]) + size + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))

    def receive(self):
        """The next message of the protocol, without its line end."""
        while True:
            first, second = self.take(2)
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack("!H", self.take(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", self.take(8))
            data = self.take(size)
            if first & 15 == 8:
                self.close_code = struct.unpack("!H", data[:2])[0] if data else None
                self.send(data[:2], 8)
                raise ConnectionResetError(f"closed by the server with {self.close_code}")
            if first & 15 == 9:
                self.send(data, 10)
            elif first & 15 == 1:
                return data.decode().rstrip("\n")

    def push(self):
        """The JSON of the next push."""
        while True:
            message = self.receive()
            if message.startswith("Error::"):
                raise Failed(message)
            if message.startswith("Push::"):
                return unpack(message)


class Raw:
    """One session of the raw transport: lines."""

    def __init__(self, address):
        self.peer = connect(address)
        self.lines = self.peer.makefile("r", encoding="utf-8", newline="\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.peer.close()

    def send(self, text):
        """One line."""
        self.peer.sendall(text.encode() + b"\n")

    def receive(self):
        """The next line."""
        line = self.lines.readline()
        if not line:
            raise ConnectionResetError("closed by the server")
        return line.rstrip("\n")


def unpack(message):
    """The JSON in a message's argument, with the wire's escapes undone."""
    text, out, escaped = message.split("::", 1)[1], [], False
    for char in text:
        if escaped:
            out.append("\n" if char == "n" else char)
            escaped = False
        elif char == "\\":
            escaped = True
        else:
            out.append(char)
    return json.loads("".join(out))


def one_push(address=TCP, plugins=None, headers=(), path="/"):
    """Connects, starts at the shortest interval and returns the first push."""
    with WebSocket(address, path, headers) as session:
        if plugins:
            session.send("plugins::" + ",".join(plugins))
        session.send("interval::0.5")
        session.send("start")
        return session.push()


class Load(threading.Thread):
    """Connects again and again, one after the other, in a machine's network: by turns a session over TCP, a page, and a
    session over the unix socket. Each session must get its greeting, each page its 200."""

    def __init__(self, machine, unix=None):
        super().__init__()
        self.machine = machine
        self.turns = [lambda: greeted(TCP), lambda: page(TCP)] + ([lambda: greeted(unix)] if unix else [])
        self.served, self.faults, self.slowest, self.stopped = 0, [], 0.0, threading.Event()

    def run(self):
        with self.machine.net():
            while not self.stopped.is_set():
                self.one()

    def one(self):
        """One connection."""
        begin, number = time.monotonic(), self.served + len(self.faults)
        try:
            self.turns[number % len(self.turns)]()
            self.served += 1
        except (OSError, Failed) as error:
            if len(self.faults) < 20:
                self.faults.append(f"connection {number + 1}: {error!r}")
        self.slowest = max(self.slowest, time.monotonic() - begin)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.join()

    def wait_for(self, count):
        """Returns when `count` connections were served."""
        while self.served < count and self.is_alive() and len(self.faults) < 20:
            time.sleep(0.01)

    def verdict(self):
        """Fails the step if a connection was lost, else says how many were served."""
        if self.faults:
            raise Failed(f"{len(self.faults)} of {self.served + len(self.faults)} connections lost: " + "; ".join(self.faults[:5]))
        return f"{self.served} of {self.served} served, slowest {self.slowest * 1000:.0f} ms"


def greeted(address):
    """One session, up to its greeting."""
    with WebSocket(address) as session:
        greeting = session.receive()
    if not greeting.startswith("Welcome::Rt-Stat v."):
        raise Failed(greeting)


def page(address):
    """One page."""
    status, _, body = http(address, "/monitoring.html")
    if status != 200 or b"</html>" not in body:
        raise Failed(f"page: {status}, {len(body)} bytes")
