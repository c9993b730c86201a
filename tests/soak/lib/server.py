"""The program under soak: its files, its reloads, and what it costs, read from outside."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
SCHEMES = ("ws", "raw", "wss", "raws")
KEPT, GUEST = "kept-by-every-reload", "comes-and-goes"

# Plugins that fail in every way there is, and one that does not.
PLUGINS = {
    "good": "command = 'echo \"{\\\"value\\\": $(cut -d. -f1 /proc/uptime)}\"'\ninterval = 1\n",
    "crash": "command = 'kill -SEGV $$'\ninterval = 0.5\n",
    "hang": "command = 'sleep 1000'\ninterval = 0.5\ntimeout = 0.5\n",
    "flood": "command = 'yes 1'\nmode = 'stream'\ninterval = 0.5\n",
    "garbage": "command = 'head -c 30000 /dev/urandom'\ninterval = 0.5\n",
    "quits": "command = 'echo 1; echo oops >&2; exit 3'\nmode = 'stream'\ninterval = 0.5\n",
}


def run_clean(program):
    """Starts the program again with default signals, umask and locale, unless tests/run has done so."""
    if os.environ.get("TESTS_STATE") != "clean":
        os.environ["TESTS_STATE"] = "clean"
        clean = ROOT / "tests/support/clean"
        os.execv(clean, [clean, pathlib.Path(program).resolve(), *sys.argv[1:]])


def build():
    """The path of rtstatd, built as it is shipped."""
    command = ["cargo", "build", "--locked", "--release", "--package", "rtstat", "--bin", "rtstatd"]
    print(f"soak: {' '.join(command)}", flush=True)
    subprocess.run(command, cwd=ROOT, check=True, timeout=3600)
    command = ["cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"]
    about = subprocess.run(command, cwd=ROOT, check=True, timeout=600, stdout=subprocess.PIPE).stdout
    return pathlib.Path(json.loads(about)["target_directory"], "release/rtstatd")


class Server:
    """A running rtstatd with a folder of its own."""

    def __init__(self, program):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rtstat-soak-"))
        self.config = self.folder / "rtstat.toml"
        self.journal = self.folder / "journal"
        (self.folder / "plugins.d").mkdir()
        for name, text in PLUGINS.items():
            (self.folder / "plugins.d" / f"{name}.toml").write_text(text)
        for name in ("cert.pem", "key.pem"):
            shutil.copy(ROOT / "tests/fixtures/tls" / name, self.folder / name)
        (self.folder / "key.pem").chmod(0o600)
        self.configure(guest=True)
        command = [program, "server", "--config", self.config]
        for scheme in SCHEMES:
            command += ["--listen", f"{scheme}://127.0.0.1:0"]
        if os.geteuid() == 0:
            # The certificate's key is read again by every reload, and only root can.
            command += ["--user", "root"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("RTSTAT_", "NOTIFY_"))}
        with self.journal.open("w") as journal:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=journal,
                                            env=environment)
        self.pid = self.process.pid
        end = time.monotonic() + 30
        while "listening on " not in self.log():
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError(f"rtstatd does not start: {self.log()}")
            time.sleep(0.05)
        self.ports = {scheme: int(port) for scheme, port in re.findall(r"(\w+)://127\.0\.0\.1:(\d+)", self.log())}

    def address(self, scheme):
        """Where the listener of this scheme is."""
        return ("127.0.0.1", self.ports[scheme])

    def log(self):
        """Everything logged so far."""
        return self.journal.read_text(errors="replace")

    def configure(self, guest, more="", plugins=""):
        """Writes the configuration: the guest's token comes and goes."""
        tokens = f'kept = "{KEPT}"\n' + (f'guest = "{GUEST}"\n' if guest else "")
        self.config.write_text(
            f'max_clients = 150\ntls_cert = "{self.folder}/cert.pem"\ntls_key = "{self.folder}/key.pem"\nmetrics = true\n'
            f'{more}\n[plugins]\ndir = "{self.folder}/plugins.d"\n{plugins}\n[tokens]\n{tokens}'
        )
        self.config.chmod(0o640)

    def reload(self):
        """Tells it to read its configuration again."""
        self.process.send_signal(signal.SIGHUP)

    def sample(self):
        """Resident KiB, descriptors, threads, children, seconds of processor time, milliseconds that the main thread was
        ready and got no processor, and lines of the journal."""
        folder = pathlib.Path("/proc", str(self.pid))
        status = (folder / "status").read_text()
        ticks = (folder / "stat").read_text().rsplit(")", 1)[1].split()[11:13]
        log = self.journal.read_bytes()
        return {
            "rss": int(re.search(r"VmRSS:\s+(\d+)", status)[1]),
            "fds": len(os.listdir(folder / "fd")),
            "threads": int(re.search(r"Threads:\s+(\d+)", status)[1]),
            "children": len(self.children()),
            "cpu": sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK"),
            "waited": int((folder / "schedstat").read_text().split()[1]) / 1e6,
            "lines": log.count(b"\n"),
        }

    def children(self):
        """The processes that it has started and not reaped."""
        found = []
        for task in pathlib.Path("/proc", str(self.pid), "task").iterdir():
            try:
                found += (task / "children").read_text().split()
            except OSError:
                continue
        return found

    def stop(self):
        """Ends it as an administrator would; its exit status."""
        self.process.terminate()
        return self.process.wait(60)

    def remove(self):
        """Takes everything away."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)


class Plain(Server):
    """The same with what it has by itself, and /metrics: no token, no plugin of ours, room for everybody."""

    def configure(self, guest, more="", plugins=""):
        """Writes the configuration."""
        self.config.write_text(
            f'max_clients = 0\ntls_cert = "{self.folder}/cert.pem"\ntls_key = "{self.folder}/key.pem"\nmetrics = true\n'
        )
        self.config.chmod(0o640)
