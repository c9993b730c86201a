"""One connection to the server, over any of its four transports, as a client or worse."""

import asyncio
import os
import socket
import ssl
import struct

# What a connection may end with; anything else is a fault of the soak itself.
ENDS = (OSError, EOFError, asyncio.TimeoutError)
PATIENCE = 30.0
UPGRADE = (
    "GET / HTTP/1.1\r\nHost: localhost\r\n{extra}Upgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A


def frame(head, payload):
    """A masked frame."""
    length = len(payload)
    if length < 126:
        size = bytes([0x80 | length])
    elif length < 65536:
        size = struct.pack("!BH", 0x80 | 126, length)
    else:
        size = struct.pack("!BQ", 0x80 | 127, length)
    mask = os.urandom(4)
    repeated = (mask * (length // 4 + 1))[:length]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")
    return bytes([head]) + size + mask + masked.to_bytes(length, "big")


def tls():
    """Takes any certificate: the server's is a test's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Wire:
    """A connection; `receive` gives whole messages whatever the transport."""

    def __init__(self, reader, writer, web):
        self.reader, self.writer, self.web = reader, writer, web

    @classmethod
    async def open(cls, address, scheme, source="127.0.0.1", extra="", buffer=None):
        """Connects from `source` and, for ws and wss, upgrades. `buffer` bounds what the kernel takes in for us."""
        wire = cls(*await connect(address, source, buffer, scheme in ("wss", "raws")), scheme.startswith("ws"))
        if wire.web:
            wire.writer.write(UPGRADE.format(extra=extra).encode())
            head = await asyncio.wait_for(wire.reader.readuntil(b"\r\n\r\n"), PATIENCE)
            if not head.startswith(b"HTTP/1.1 101 "):
                wire.reset()
                raise EOFError(head.decode("latin-1"))
        return wire

    def send(self, *commands):
        """Sends each command as a message of its own."""
        for command in commands:
            self.raw(frame(TEXT, command.encode()) if self.web else command.encode() + b"\n")

    def raw(self, data):
        """Sends bytes as they are."""
        self.writer.write(data)

    async def drain(self):
        """Waits until the peer has taken most of what was sent, but not for ever."""
        await asyncio.wait_for(self.writer.drain(), 5)

    async def receive(self):
        """The next message; None when the server has ended the session."""
        try:
            if not self.web:
                line = await self.reader.readline()
                return line.decode().rstrip("\n") if line.endswith(b"\n") else None
            while True:
                head, length = await self.reader.readexactly(2)
                if length == 126:
                    (length,) = struct.unpack("!H", await self.reader.readexactly(2))
                elif length == 127:
                    (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
                payload = await self.reader.readexactly(length)
                if head == TEXT:
                    return payload.decode().rstrip("\n")
                if head == PING:
                    self.raw(frame(PONG, payload))
                elif head == CLOSE:
                    return None
        except (EOFError, OSError):
            return None

    async def greeted(self, token):
        """Reads the greeting and authorizes; whether nothing spoke against it so far."""
        greeting = await asyncio.wait_for(self.receive(), PATIENCE)
        self.send(f"auth::{token}")
        return greeting is not None and greeting.startswith("Welcome::")

    def reset(self):
        """Ends the connection with a reset."""
        sock = self.writer.get_extra_info("socket")
        # None where the connection is lost already.
        if sock is not None and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def close(self):
        """Says goodbye as well-behaved clients do."""
        if self.web:
            self.raw(frame(CLOSE, struct.pack("!H", 1000)))
        self.writer.close()
        try:
            await asyncio.wait_for(self.writer.wait_closed(), PATIENCE)
        except ENDS:
            self.writer.transport.abort()


async def connect(address, source="127.0.0.1", buffer=None, encrypted=False):
    """Reader and writer of a new connection."""
    sock = socket.socket()
    try:
        sock.setblocking(False)
        if buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        sock.bind((source, 0))
        await asyncio.wait_for(asyncio.get_running_loop().sock_connect(sock, address), PATIENCE)
        options = {"ssl": tls(), "server_hostname": ""} if encrypted else {}
        # A push may have a megabyte; whoever wants to stall keeps less.
        limit = buffer or 1 << 21
        return await asyncio.wait_for(asyncio.open_connection(sock=sock, limit=limit, **options), PATIENCE)
    except BaseException:
        sock.close()
        raise
