"""The packages under test, built from this tree, and the checks that need no machine."""

import collections
import filecmp
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading

from .report import Abort, Failed, expect, expect_equal

ROOT = pathlib.Path(__file__).resolve().parents[3]
WORK = ROOT / "target" / "packaging-tests"
RPMLINT = "2.10.0"
# Seconds, for the longest of them: a build on a slow machine.
LIMIT = 3600


def call(*arguments, check=True, **options):
    """Runs a host command; a non-zero end fails the step with the command's own words."""
    done = subprocess.run([str(argument) for argument in arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, errors="replace", check=False, timeout=LIMIT, **options)
    if check and done.returncode:
        raise Failed(f"{' '.join(map(str, arguments))} ended with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done


def say_lines(prefix, *arguments, env):
    """Runs a host command for minutes: what it writes is shown as it comes, and the end of it when it fails."""
    with subprocess.Popen([str(argument) for argument in arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", env=env, start_new_session=True) as build:
        late = threading.Timer(LIMIT, os.killpg, (build.pid, signal.SIGKILL))
        late.start()
        last = collections.deque(maxlen=100)
        for line in build.stdout:
            last.append(line)
            if not line.startswith(("   Compiling", "-rw", "total")):
                print(f"static: {prefix}: {line}", end="", flush=True)
        late.cancel()
    if build.returncode:
        raise Failed(f"{arguments[0]} ended with {build.returncode}:\n{''.join(last)}")


class Packages:
    """Two revisions of both packages: the second is the upgrade."""

    def __init__(self):
        self.first, self.second = WORK / "first", WORK / "second"

    def find(self, pattern, folder=None):
        """The one file of a folder that matches."""
        found = sorted((folder or self.first).glob(pattern))
        expect_equal(len(found), 1, f"number of {pattern}")
        return found[0]

    def build(self):
        """packaging/build makes two revisions of the deb and of the rpm"""
        for folder, revision in ((self.first, "1"), (self.second, "2")):
            shutil.rmtree(folder, ignore_errors=True)
            try:
                say_lines(f"revision {revision}", ROOT / "packaging/build", folder, env={**os.environ, "RELEASE": revision})
            except Failed as error:
                raise Abort(str(error)) from error
        return ", ".join(f"{path.name} {path.stat().st_size // 1024} KiB" for path in sorted(self.first.iterdir()))

    def repository(self, folder, packages):
        """A local apt repository of the given files."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for package in packages:
            shutil.copy(package, folder)
        index = call("apt-ftparchive", "packages", ".", cwd=folder).stdout
        (folder / "Packages").write_text(index)
        (folder / "Release").write_text(call("apt-ftparchive", "release", ".", cwd=folder).stdout)
        return folder


def steps(packages):
    """The checks, in their order."""

    def same_bytes():
        """a second build elsewhere, of the same commit, gives the same bytes"""
        if call("git", "-C", ROOT, "status", "--porcelain", "--untracked-files=no").stdout:
            raise Failed("the tree has changes that no commit holds: commit them to build it elsewhere")
        other = WORK / "elsewhere/some where else"
        shutil.rmtree(other.parent, ignore_errors=True)
        call("git", "clone", "--quiet", ROOT, other)
        (other / "target").mkdir()
        (other / "target/tools").symlink_to(ROOT / "target/tools")
        call(other / "packaging/build", WORK / "elsewhere/packages")
        ours, theirs = packages.first, WORK / "elsewhere/packages"
        names = sorted(path.name for path in ours.iterdir())
        expect_equal(sorted(path.name for path in theirs.iterdir()), names, "names of the packages")
        _, different, errors = filecmp.cmpfiles(ours, theirs, names, shallow=False)
        expect(not different and not errors, f"not the same: {different + errors}")
        shutil.rmtree(other.parent)
        return f"{len(names)} files"

    def no_paths():
        """the program names no folder of the machine that built it"""
        unpacked = WORK / "unpacked"
        shutil.rmtree(unpacked, ignore_errors=True)
        call("dpkg-deb", "-x", packages.find("rtstat_*.deb"), unpacked)
        call("dpkg-deb", "-x", packages.find("rtstat-dbgsym_*.ddeb"), unpacked)
        folders = {str(ROOT), str(pathlib.Path.home() / ".cargo"), os.environ.get("CARGO_HOME") or str(ROOT)}
        for path in (path for path in unpacked.rglob("*") if path.is_file() and not path.is_symlink()):
            data = path.read_bytes()
            for folder in folders:
                expect(folder.encode() not in data, f"{path.relative_to(unpacked)} names {folder}")

    def debug_symbols():
        """debug symbols are apart, and fit the program of both packages"""
        deb, rpm = WORK / "unpacked", WORK / "unpacked-rpm"
        shutil.rmtree(rpm, ignore_errors=True)
        rpm.mkdir()
        for package in (packages.find("rtstat-1*.rpm"), packages.find("rtstat-debuginfo-*.rpm")):
            archive = subprocess.run(["rpm2archive", "-n", "-"], input=package.read_bytes(), capture_output=True, check=True,
                                     timeout=LIMIT).stdout
            subprocess.run(["tar", "--extract"], input=archive, cwd=rpm, check=True, timeout=LIMIT)
        for unpacked in (deb, rpm):
            notes = call("readelf", "--notes", unpacked / "usr/bin/rtstatd").stdout
            build_id = re.search(r"Build ID: (\w+)", notes)
            expect(build_id, f"no build id in {notes}")
            name = build_id[1]
            expect((unpacked / f"usr/lib/debug/.build-id/{name[:2]}/{name[2:]}.debug").is_file(), f"no symbols for {name}")
            sections = call("readelf", "--sections", "--wide", unpacked / "usr/bin/rtstatd").stdout
            expect(".debug_line" not in sections and ".symtab" not in sections, "the program still has symbols")
        return f"program of {(deb / 'usr/bin/rtstatd').stat().st_size // 1024} KiB"

    def lintian():
        """lintian --pedantic finds nothing, and every override is needed and explained"""
        call("lintian", "--pedantic", "--display-info", "--fail-on", "error,warning,info", "--allow-root", packages.find("rtstat_*.deb"))
        shown = call("lintian", "--pedantic", "--display-info", "--show-overrides", "--allow-root", packages.find("rtstat_*.deb")).stdout
        lines = [line for line in shown.splitlines() if line and not line.startswith("N:")]
        expect(all(line.startswith("O:") for line in lines), shown)
        previous = ""
        for line in (ROOT / "packaging/deb/lintian-overrides").read_text().splitlines():
            expect(line.startswith("#") or previous.startswith("#"), f"no reason above: {line}")
            previous = line
        return f"{len(lines)} overridden"

    def rpmlint():
        """rpmlint finds no error and no warning"""
        tool = WORK / f"rpmlint-{RPMLINT}"
        if not (tool / "bin/rpmlint").exists():
            call("/usr/bin/python3", "-m", "venv", "--system-site-packages", tool)
            call(tool / "bin/pip", "install", "--quiet", f"rpmlint=={RPMLINT}")
        filters = ROOT / "packaging/rpm/rpmlintrc"
        said = call(tool / "bin/rpmlint", "--rpmlintrc", filters, *packages.first.glob("*.rpm"), check=False).stdout
        expect(re.search(r"2 packages .* 0 errors, 0 warnings,", said), said)

    def manuals():
        """man --warnings and mandoc -T lint have nothing to say about the manuals"""
        pages = sorted((ROOT / "man").iterdir())
        for page in pages:
            for command in (["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z"], ["mandoc", "-T", "lint"]):
                done = call(*command, page)
                said = done.stderr + (done.stdout if command[0] == "mandoc" else "")
                expect(not said.strip(), said)
        return f"{len(pages)} pages"

    def shellcheck():
        """shellcheck finds nothing in the scripts of packages and tests"""
        scripts = [*(ROOT / "packaging/deb/scripts").iterdir(), ROOT / "packaging/build", ROOT / "tests/run", ROOT / ".ci/run",
                   ROOT / "tests/frontend/run", ROOT / "tests/support/clean", ROOT / "tests/support/progress.sh"]
        call("shellcheck", "--external-sources", *scripts, cwd=ROOT)
        call("shellcheck", "--shell=sh", *sorted((ROOT / "packaging/rpm").glob("*.sh")))
        return f"{len(scripts)} and 4 scriptlets"

    def completions():
        """bash, zsh and fish load their completions"""
        for shell, path in (("bash", "rtstatd.bash"), ("zsh", "_rtstatd"), ("fish", "rtstatd.fish")):
            call(shell, "-n", ROOT / "packaging/completions" / path)

    def piuparts():
        """piuparts installs, removes and purges the package in a clean chroot and finds nothing left"""
        log = WORK / "piuparts.log"
        chroot = WORK / "machines/base-bookworm"
        expect(chroot.is_dir(), f"{chroot} is missing")
        done = call("piuparts", "--existing-chroot", chroot, "--skip-minimize", "--no-eatmydata", "-d", "bookworm",
                    "--warn-on-leftovers-after-purge", "--log-file", log, packages.find("rtstat_*.deb"), check=False)
        said = log.read_text()
        expect(done.returncode == 0 and "PASS: All tests" in said, said[-6000:])
        expect("leftover" not in said.lower().replace("warn-on-leftovers-after-purge", ""), said[-6000:])

    return [packages.build, same_bytes, no_paths, debug_symbols, lintian, rpmlint, manuals, shellcheck, completions, piuparts]


def fail_without_root():
    """Machines need root."""
    if os.geteuid() != 0:
        sys.exit("tests/packaging/run: needs root: it boots machines (systemd-nspawn) and builds their file systems")
