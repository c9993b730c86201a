"""Counts what passed and what failed, and goes on after a failure."""

import contextlib
import sys
import threading
import time
import traceback

LOCK = threading.Lock()


class Failed(Exception):
    """A step found something else than it expected; the message says what."""


class Abort(Failed):
    """A step failed on which all later steps of its group stand."""


class Report:
    """The results of one group of steps, for example of one machine."""

    passed = 0
    failed = 0

    def __init__(self, group):
        self.group = group

    def say(self, text):
        """One line of output that another group's lines do not cut."""
        with LOCK:
            print(f"{self.group}: {text}", flush=True)

    def run(self, steps, *arguments):
        """Runs the steps in order. One that raises `Abort` fails the rest, too: nothing is skipped silently."""
        steps = list(steps)
        for number, step in enumerate(steps):
            if not self.step(step, *arguments):
                left = len(steps) - number - 1
                with LOCK:
                    type(self).failed += left
                self.say(f"gave up, {left} steps not run and counted as failed")
                return

    @contextlib.contextmanager
    def heartbeat(self, what, begin):
        """Says once a minute what is going on."""
        over = threading.Event()

        def beat():
            while not over.wait(60):
                self.say(f"... {what} ({time.monotonic() - begin:.0f} s)")

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(10)

    def step(self, step, *arguments):
        """Runs one step; its docstring is its name. False when the group cannot go on."""
        name = " ".join((step.__doc__ or step.__name__).split())
        begin = time.monotonic()
        try:
            with self.heartbeat(name, begin):
                figure = step(*arguments)
        except Exception as error:  # every fault of a step is its failure, never the end of the run
            with LOCK:
                type(self).failed += 1
            detail = str(error) if isinstance(error, Failed) else traceback.format_exc()
            self.say(f"FAILED {name}\n    " + detail.strip().replace("\n", "\n    "))
            return not isinstance(error, Abort)
        with LOCK:
            type(self).passed += 1
        figure = f": {figure}" if figure else ""
        self.say(f"ok {name}{figure} ({time.monotonic() - begin:.1f} s)")
        return True


def expect(condition, message):
    """Fails the running step unless `condition` holds."""
    if not condition:
        raise Failed(message)


def expect_equal(actual, expected, what):
    """Fails the running step unless both are equal, showing both."""
    if actual != expected:
        raise Failed(f"{what}: {actual!r} instead of {expected!r}")


def until(condition, what, seconds=20.0):
    """Waits until `condition()` is true and returns its value; a deadline far beyond the expected time ends a hang."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"not within {seconds:.0f} s: {what() if callable(what) else what}")
        time.sleep(0.05)


def total():
    """The closing line's counts."""
    return Report.passed, Report.failed


def fail_outside(message):
    """Counts a failure that belongs to no step."""
    Report.failed += 1
    print(message, file=sys.stderr, flush=True)
