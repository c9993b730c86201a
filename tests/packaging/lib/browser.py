"""Chromium without a window, driven over a pipe by the DevTools protocol. It runs in the network of the calling thread."""

import json
import os
import select
import shutil
import subprocess
import tempfile
import time

from .report import Failed


class Browser:
    """One browser with one tab, and everything that it reported."""

    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="rtstat-chromium-")
        to_browser, self.commands = os.pipe()
        self.events_end, from_browser = os.pipe()

        def descriptors():  # --remote-debugging-pipe reads 3 and writes 4
            low, high = os.dup(to_browser), os.dup(from_browser)
            os.dup2(low, 3)
            os.dup2(high, 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--remote-debugging-pipe", "--ignore-certificate-errors",
             f"--user-data-dir={self.profile}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False, preexec_fn=descriptors,
        )
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.number, self.events, self.answers = b"", 0, [], {}
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    session = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.commands)
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(60)
        os.close(self.events_end)
        shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, **parameters):
        """One command and its answer."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + 60
        while self.number not in self.answers:
            self.listen(end - time.monotonic())
        answer = self.answers.pop(self.number)
        if "error" in answer:
            raise Failed(f"{method}: {answer['error']}")
        return answer.get("result", {})

    def listen(self, seconds):
        """Takes what the browser says within the time."""
        if seconds <= 0 or not select.select([self.events_end], [], [], seconds)[0]:
            raise Failed("the browser is silent")
        chunk = os.read(self.events_end, 1 << 20)
        if not chunk:
            raise Failed("the browser ended")
        *messages, self.buffer = (self.buffer + chunk).split(b"\0")
        for message in map(json.loads, messages):
            if "id" in message:
                self.answers[message["id"]] = message
            else:
                self.events.append(message)

    def open(self, url, headers=None):
        """Goes to a page, with everything of the one before forgotten."""
        self.events.clear()
        self.call("Network.setExtraHTTPHeaders", headers=headers or {})
        answer = self.call("Page.navigate", url=url)
        if "errorText" in answer:
            raise Failed(f"{url}: {answer['errorText']}")

    def evaluate(self, expression):
        """The value of a JavaScript expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise Failed(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def named(self, method):
        """The parameters of all events of one kind since the page was opened."""
        return [event["params"] for event in self.events if event["method"] == method]

    def received(self):
        """What WebSockets of this page received."""
        return [event["response"]["payloadData"] for event in self.named("Network.webSocketFrameReceived")]

    def wait_for_pushes(self, count, seconds=30):
        """Returns when the page received so many pushes."""
        end = time.monotonic() + seconds
        while sum(frame.startswith("Push::") for frame in self.received()) < count:
            try:
                self.listen(end - time.monotonic())
            except Failed as error:
                raise Failed(f"{error}; received {self.received()[:5]}, faults {self.faults()}, "
                             f"page {self.evaluate('document.body.innerText')[:500]!r}") from error

    def faults(self):
        """Errors on the console, scripts that failed, requests that were not answered well, refused by CSP."""
        bad = [entry["entry"].get("text", "") + " " + entry["entry"].get("url", "")
               for entry in self.named("Log.entryAdded") if entry["entry"]["level"] == "error"]
        bad += [str(event["exceptionDetails"].get("exception", event["exceptionDetails"]))[:300]
                for event in self.named("Runtime.exceptionThrown")]
        bad += [f"{event['response']['status']} {event['response']['url']}"
                for event in self.named("Network.responseReceived") if event["response"]["status"] >= 400]
        return bad
