"""Everything that is not well-behaved, in a process of its own: churn, slow and stalled peers, floods and garbage.

They come from other addresses than the well-behaved clients, since wrong tokens slow down their address.
"""

import asyncio
import logging
import os
import random
import struct
import traceback

from .server import GUEST, KEPT
from .wire import CLOSE, ENDS, PING, TEXT, Wire, connect, frame

# What a peer that does not read lets its kernel take in.
SMALL = 4096


class Attackers:
    """The attacks, each at most so many at a time and with a pause behind it."""

    def __init__(self, server, seed, counts, stop):
        self.server, self.counts, self.stop = server, counts, stop
        self.random = random.Random(seed)
        # Longest pause in seconds, and how many at a time.
        self.attacks = [
            (self.churn, 0.3, 8), (self.vanish, 0.2, 2), (self.slow, 1, 6), (self.stalled, 1, 6), (self.silent, 1, 6),
            (self.endless_header, 1, 2), (self.half_handshake, 1, 4), (self.connect_flood, 3, 1), (self.crowd, 8, 1),
            (self.ping_flood, 3, 1), (self.garbage, 1, 2), (self.command_flood, 3, 1), (self.interval_flood, 3, 1),
            (self.names, 2, 1), (self.long_line, 3, 1), (self.bad_frames, 1, 1), (self.wrong_tokens, 2, 1),
            (self.pages, 1, 2),
        ]

    def names_of_all(self):
        """The attacks' names, in the order of the counts."""
        return [attack.__name__ for attack, _, _ in self.attacks]

    def run(self):
        """Attacks until told to stop. The process's main function."""
        # It warns of every connection that ended under its writer, which here is most of them.
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        try:
            asyncio.run(self.all())
        except BaseException:
            traceback.print_exc()
            os._exit(1)

    async def all(self):
        """All attacks side by side."""
        tasks = [
            asyncio.ensure_future(self.forever(index, attack, pause))
            for index, (attack, pause, width) in enumerate(self.attacks) for _ in range(width)
        ]
        while not self.stop.is_set() and not any(task.done() for task in tasks):
            await asyncio.sleep(0.2)
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    async def forever(self, index, attack, pause):
        """One attack over and over. What a server may do to an attacker ends a round, nothing else does."""
        # Asked each time, since wait_for may lose a cancellation that comes together with its end.
        while not self.stop.is_set():
            try:
                await asyncio.wait_for(attack(), 60)
            except (*ENDS, asyncio.LimitOverrunError, ValueError):
                pass
            with self.counts.get_lock():
                self.counts[index] += 1
            await asyncio.sleep(self.random.uniform(0.1, 1) * pause)

    def scheme(self):
        """Any transport."""
        return self.random.choice(("ws", "raw", "ws", "raw", "wss", "raws"))

    def source(self):
        """One of the attackers' addresses."""
        return f"127.0.1.{self.random.randint(1, 9)}"

    async def session(self, scheme=None, token=KEPT, buffer=None):
        """A session that has sent its token."""
        scheme = scheme or self.scheme()
        wire = await Wire.open(self.server.address(scheme), scheme, self.source(), buffer=buffer)
        await wire.greeted(token)
        return wire

    async def plain(self, scheme):
        """A connection on which nothing has been said."""
        return Wire(*await connect(self.server.address(scheme), self.source(), None, scheme in ("wss", "raws")), False)

    async def take(self, wire, seconds):
        """Reads for so long, or to the end."""
        async def read():
            while await wire.reader.read(65536):
                pass
        try:
            await asyncio.wait_for(read(), seconds)
        except asyncio.TimeoutError:
            pass

    async def churn(self):
        """A session that starts, stops and changes its mind, and goes in one of three ways."""
        wire = await self.session(token=self.random.choice((KEPT, KEPT, KEPT, GUEST)))
        for _ in range(self.random.randint(0, 6)):
            wire.send(*self.random.choice((
                ("start",), ("stop",), ("interval::0.5", "start"), ("interval::1",), ("info",), ("version",),
                ("plugins",), ("plugins::_meta,top,good,crash",), ("plugins::fs,units",), ("nonsense",), ("interval::x",),
            )))
            await self.take(wire, self.random.uniform(0, 0.7))
        way = self.random.random()
        if way < 0.4:
            wire.reset()
        elif way < 0.6 and wire.writer.can_write_eof():
            wire.writer.write_eof()
            await self.take(wire, 2)
            wire.reset()
        else:
            await wire.close()

    async def vanish(self):
        """A reset at once, in every state of a handshake."""
        wire = await self.plain(self.random.choice(("ws", "raw")))
        wire.raw(self.random.choice((b"", b"GET", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"auth::", b"start\nver")))
        await asyncio.sleep(self.random.uniform(0, 0.05))
        wire.reset()

    async def slow(self):
        """A reader of some bytes a second."""
        wire = await self.session(buffer=SMALL)
        wire.send("interval::0.5", "start")
        for _ in range(self.random.randint(5, 40)):
            await wire.reader.read(200)
            await asyncio.sleep(0.5)
        wire.reset()

    async def stalled(self):
        """A reader that stops."""
        wire = await self.session(buffer=SMALL)
        wire.send("plugins::_meta,top,fs,net,processes", "interval::0.5", "start")
        wire.writer.transport.pause_reading()
        await asyncio.sleep(self.random.choice((3, 10, 45)))
        wire.reset()

    async def silent(self):
        """A connection that says nothing, or nothing after its greeting."""
        wire = await self.plain(self.random.choice(("ws", "raw", "wss", "raws")))
        await self.take(wire, self.random.choice((2, 15)))
        wire.reset()

    async def endless_header(self):
        """A header line a second, for ever."""
        wire = await self.plain("ws")
        wire.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        for _ in range(15):
            wire.raw(b"X: y\r\n")
            await asyncio.sleep(1)
            if wire.reader.at_eof():
                break
        wire.reset()

    async def half_handshake(self):
        """TLS that never comes to its end, and what is none."""
        address = self.server.address(self.random.choice(("wss", "raws")))
        wire = Wire(*await connect(address, self.source()), False)
        wire.raw(self.random.choice((b"\x16\x03\x01\x02\x00\x01", b"\x16\x03\x01\x00\x05hello", b"GET / HTTP/1.1\r\n\r\n", b"")))
        await self.take(wire, self.random.choice((0.2, 12)))
        wire.reset()

    async def connect_flood(self):
        """Two hundred connections, opened and dropped."""
        for _ in range(200):
            wire = await self.plain(self.random.choice(("ws", "raw")))
            wire.reset()

    async def crowd(self):
        """More sessions than there are places."""
        held = []
        try:
            for _ in range(150):
                held.append(await self.session("raw"))
                held[-1].send("start")
            await asyncio.sleep(1)
        finally:
            for wire in held:
                wire.reset()

    async def ping_flood(self):
        """Pings that are not waited for."""
        wire = await self.session("ws")
        for _ in range(20):
            wire.raw(frame(PING, b"flood") * 250)
            await wire.drain()
        await self.take(wire, 1)
        wire.reset()

    async def garbage(self):
        """Random bytes where lines, frames, requests and handshakes are expected."""
        scheme = self.random.choice(("ws", "raw", "wss", "raws"))
        wire = await (self.session(scheme) if self.random.random() < 0.5 else self.plain(scheme))
        wire.raw(self.random.randbytes(self.random.choice((3, 300, 30000))))
        await wire.drain()
        await self.take(wire, 1)
        wire.reset()

    async def command_flood(self):
        """Many commands in one segment, read or not."""
        wire = await self.session("raw")
        for _ in range(10):
            wire.raw(self.random.choice((b"version\n", b"info\n", b"start\nstop\n", b"nonsense\n")) * 500)
            await wire.drain()
            await self.take(wire, self.random.choice((0, 0.3)))
        wire.reset()

    async def interval_flood(self):
        """An interval that is switched ten thousand times."""
        wire = await self.session("raw")
        wire.send("start")
        for _ in range(10):
            wire.raw(b"interval::0.5\ninterval::7\n" * 500)
            await wire.drain()
        await self.take(wire, 1)
        wire.reset()

    async def names(self):
        """As many names as a message holds, and more."""
        wire = await self.session()
        wire.send("plugins::" + ",".join(["x"] * 2000), "plugins::" + ",".join(["cpu_stat"] * 10000))
        await self.take(wire, 2)
        wire.reset()

    async def long_line(self):
        """A megabyte without a newline."""
        wire = await self.session("raw")
        wire.raw(b"x" * 1_000_000)
        await self.take(wire, 2)
        wire.reset()

    async def bad_frames(self):
        """Claims of sizes, fragments of nothing, frames that RFC 6455 forbids."""
        wire = await self.session("ws")
        wire.raw(self.random.choice((
            bytes([TEXT, 0xFF]) + struct.pack("!Q", 1 << 62) + b"\0" * 100,
            frame(0x01, b"ver") + frame(0x00, b"") * 5000,
            frame(0x01, b"x" * 1000) + frame(0x00, b"x" * 1000) * 10,
            b"\x81\x05start", frame(0x82, b"start"), frame(0xF1, b"start"), frame(TEXT, b"\xff\xfe"),
            frame(CLOSE, b"\x03"), frame(CLOSE, struct.pack("!H", 1005)), frame(PING, b"x" * 126),
        )))
        await self.take(wire, 2)
        wire.reset()

    async def wrong_tokens(self):
        """Guesses, until the session is closed."""
        wire = await self.session(token="guess")
        wire.send(*(f"auth::{number}" for number in range(10)))
        await self.take(wire, 5)
        wire.reset()

    async def pages(self):
        """The page, the metrics, what is not there, and pages of others."""
        scheme = self.random.choice(("ws", "wss"))
        wire = await self.plain(scheme)
        for _ in range(self.random.randint(1, 5)):
            path = self.random.choice(("/", "/metrics", "/js/main.js", "/../etc/passwd", "/%2e%2e/x", "/none", "/%"))
            host = self.random.choice(("localhost", "evil.example", "127.0.0.1"))
            origin = self.random.choice(("", "Origin: http://evil.example\r\n"))
            wire.raw(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{origin}\r\n".encode())
            await self.take(wire, 0.2)
        wire.reset()
