"""Clients that behave. Each counts its pushes: a number left out was lost, a slot left out was skipped."""

import asyncio
import json
import time

from .wire import ENDS, Wire

# The whole of what can be chosen, what the old page gets, and the plugins that fail on purpose.
CHOICES = {
    "all": "plugins::{all}",
    "legacy": "plugins::cpu_stat,meminfo,processes,uptime,_meta",
    "failing": "plugins::_meta,cpu_stat,good,crash,hang,flood,garbage,quits",
}


def uptime():
    """Seconds since boot, as `_meta.mono` counts them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Watcher:
    """One client at one interval over one transport."""

    def __init__(self, scheme, interval, choice):
        self.scheme, self.interval, self.choice = scheme, interval, choice
        self.name = f"{scheme} {interval:g} s {choice}"
        self.pushes = self.lost = self.skipped = 0
        self.lateness_ms = []
        self.fault = None
        self.last = None
        self.stop = asyncio.Event()
        self.under_way = asyncio.Event()

    async def run(self, server, token, keys):
        """Watches until told to stop. Whatever else ends it is a fault."""
        try:
            wire = await Wire.open(server.address(self.scheme), self.scheme)
            if not await wire.greeted(token):
                raise EOFError("no greeting")
            wire.send(CHOICES[self.choice].format(all=",".join(keys)), f"interval::{self.interval:g}", "start")
            stopping = asyncio.ensure_future(self.stop.wait())
            while not self.stop.is_set():
                receiving = asyncio.ensure_future(wire.receive())
                await asyncio.wait({receiving, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if not receiving.done():
                    receiving.cancel()
                    break
                message = receiving.result()
                if message is None:
                    raise EOFError(f"ended by the server after {self.pushes} pushes")
                if not message.startswith("Push::"):
                    raise EOFError(f"{message} after {self.pushes} pushes")
                self.count(message)
            await wire.close()
        except ENDS as error:
            self.fault = f"{self.name}: {error!r}"
        self.under_way.set()

    def count(self, message):
        """Takes a push."""
        arrived = uptime()
        # The wire's escapes; JSON itself has no newline.
        push = json.loads(message[len("Push::"):].replace("\\\\", "\\"))
        number, taken = push["_meta"]["seq"], push["_meta"]["mono"]
        if self.last is None:
            self.first = (number, taken)
            if number != 1:
                self.lost += number - 1
        else:
            before, then = self.last
            self.lost += number - before - 1
            self.skipped += max(0, round((taken - then) / self.interval) - (number - before))
        self.pushes += 1
        due = self.first[1] + (number + self.skipped - self.first[0]) * self.interval
        self.lateness_ms.append((arrived - due) * 1000)
        self.last = (number, taken)
        self.under_way.set()

    def stands_still(self):
        """Whether a push is overdue by far more than a busy machine explains."""
        return self.last is None or uptime() - self.last[1] > self.interval + 20


def fleet():
    """Every transport at every interval; the choices go round."""
    kinds = [(scheme, interval) for scheme in ("ws", "raw", "wss", "raws") for interval in (0.5, 1, 2, 5)]
    names = list(CHOICES)
    plain = [Watcher(scheme, interval, names[index % len(names)]) for index, (scheme, interval) in enumerate(kinds)]
    return plain + [Watcher(scheme, 0.5, choice) for scheme in ("ws", "raw") for choice in names]
