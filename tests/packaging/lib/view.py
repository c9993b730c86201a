"""Compares what the confined service pushes with what the same program, run by the same user without any sandbox, writes."""

import json
import re
import subprocess

from .client import WebSocket, one_push
from .report import Failed, expect, until

# Figures that move between two samples are compared by their shape only; these stand still and must be equal.
STILL = (
    r"uptime\.users|meminfo\.(MemTotal|SwapTotal|mem_total|swap_total)|mem\.(total|swap_total)|"
    r"fs\..*(total|size|mount|type|device|fstype|ro|flags|inodes)|net\.[^.]+\.(mac|mtu|addr.*)|cpu\.count|"
    r"_meta\.(boot|boot_id|virt|tz)"
)
# What rtstatd(8) names: link state and speed, connection tracking. Processes that come and go, and what each of the two
# programs says of itself, are not the machine's.
EXCEPTIONS = r"net\.if\..*\.(up|speed.*|duplex|carrier)|sock\.conntrack.*|top\..*|procs\..*|self\..*|_meta\.(seq|t|err|stale).*"
# Time per operation, which there is none of where nothing was read or written meanwhile.
EXCEPTIONS += r"|disk\.dev\.[^.]+\.\w+_ms"
# Of these machines only: systemd-nspawn mounts a boot id of its own over the kernel's, which the service does not see.
EXCEPTIONS += r"|_meta\.boot"


def flat(value, path=""):
    """All leaves of a JSON value by their path; of lists, the first element stands for all."""
    if isinstance(value, dict):
        leaves = {}
        for key, inner in value.items():
            leaves.update(flat(inner, f"{path}.{key}" if path else key))
        return leaves or {path: {}}
    if isinstance(value, list):
        return flat(value[0], f"{path}[]") if value else {f"{path}[]": []}
    return {path: value}


def compare(debian):
    """Both samples at the same time, in a machine with more to see than a bare one."""
    machine = debian.machine
    furnish(machine)
    names = plugins(debian)
    outside = subprocess.Popen(
        machine.command("setpriv", "--reuid=rtstat", "--regid=rtstat", "--clear-groups", "--no-new-privs", "/usr/bin/rtstatd",
                        "sample", "--plugins", ",".join(names), "--interval", "1", "--count", "2"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    with machine.net():
        inside = one_push(plugins=names)
    said, faults = outside.communicate(timeout=60)
    expect(outside.returncode == 0 and said, f"rtstatd sample: {said}{faults}")
    unconfined = json.loads(said.splitlines()[-1])
    differences = []
    left, right = flat(inside), flat(unconfined)
    for path in sorted(left.keys() | right.keys()):
        if re.fullmatch(EXCEPTIONS, path):
            continue
        if path not in left or path not in right:
            differences.append(f"{path}: only {'outside' if path not in left else 'inside'}")
        elif (left[path] is None) != (right[path] is None) or not alike(left[path], right[path]):
            differences.append(f"{path}: {left[path]!r} inside, {right[path]!r} outside")
        elif re.fullmatch(STILL, path) and left[path] != right[path]:
            differences.append(f"{path}: {left[path]!r} inside, {right[path]!r} outside")
    differences += processes(inside, unconfined) + file_systems(inside, unconfined)
    if differences:
        raise Failed("\n".join(differences))
    return f"{len(names)} keys, {len(left)} figures"


def alike(one, other):
    """Whether both are of one kind; integers and floats are the same kind."""
    number = (int, float)
    return isinstance(one, type(other)) or (isinstance(one, number) and isinstance(other, number))


def furnish(machine):
    """Other users' processes, a file system with a size of its own under /home, a login session."""
    if not machine.run("id", "visitor", check=False).stdout:
        machine.run("useradd", "--create-home", "visitor")
    machine.shell("mountpoint -q /home || mount -t tmpfs -o size=300M tmpfs /home; head -c 50M /dev/zero > /home/filled")
    machine.run("systemd-run", "--quiet", "--collect", "--unit=visit", "--property=PAMName=login", "--property=User=visitor", "--property=TTYPath=/dev/console",
                "sleep", "600", check=False)
    machine.run("systemd-run", "--quiet", "--collect", "--unit=others", "--property=User=nobody", "sleep", "600", check=False)
    until(lambda: machine.shell("pgrep -u nobody sleep || true"), "another user's process")


def unfurnish(machine):
    """Back to what the machine was."""
    machine.run("systemctl", "stop", "visit.service", "others.service", check=False)
    machine.run("loginctl", "terminate-user", "visitor", check=False)
    until(lambda: not machine.run("pgrep", "-u", "visitor", check=False).stdout, "the end of the visitor's processes")
    machine.shell("umount /home; userdel visitor; rm -rf /home/visitor /var/mail/visitor")


def plugins(debian):
    """All keys that the service offers."""
    with debian.machine.net(), WebSocket() as session:
        session.receive()
        session.send("info")
        info = json.loads(session.receive().split("::", 1)[1].replace("\\\\", "\\"))
    return list(info["plugins"])


def processes(inside, outside):
    """The number of processes, which differs by what was started for the comparison."""
    counts = []
    for push in (inside, outside):
        counts.append(sum(value for value in flat(push.get("processes", {})).values() if isinstance(value, int)))
    return [] if abs(counts[0] - counts[1]) <= 6 else [f"processes: {counts[0]} inside, {counts[1]} outside"]


def file_systems(inside, outside):
    """The file system under /home has its own size, not its parent's."""
    if "fs" not in inside:
        return []
    text = json.dumps(inside["fs"])
    return [] if "/home" in text and text.count("/home") == json.dumps(outside["fs"]).count("/home") else [f"/home is not in {text}"]
