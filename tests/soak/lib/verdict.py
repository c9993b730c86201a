"""What came of it: a table over time, and a judgement of each promise."""

import re
import statistics

COLUMNS = "   time   RSS KiB   fds  threads  children  CPU %  waited ms   pushes  lost  skipped  log lines/s   attacks"


def row(begin, before, now):
    """One line of the table."""
    span = max(now["at"] - before["at"], 1e-6)
    return (
        f"{now['at'] - begin:6.0f} s {now['rss']:9} {now['fds']:5} {now['threads']:8} {now['children']:9} "
        f"{100 * (now['cpu'] - before['cpu']) / span:6.1f} {now['waited'] - before['waited']:10.0f} {now['pushes']:8} {now['lost']:5} {now['skipped']:8} "
        f"{(now['lines'] - before['lines']) / span:12.1f} {now['attacks']:9}"
    )


def quarters(samples, key, figure):
    """A figure of the second and of the last quarter."""
    size = max(1, len(samples) // 4)
    return tuple(figure(sample[key] for sample in part) for part in (samples[size:2 * size] or samples, samples[-size:]))


class Verdict:
    """The judgements; every one is a line and counts."""

    passed = failed = 0

    def judge(self, good, text):
        """One of them."""
        self.passed += bool(good)
        self.failed += not good
        print(f"{'ok' if good else 'FAILED'}: {text}", flush=True)

    def flat(self, samples, key, what, margin, figure=statistics.median):
        """The last quarter against the second."""
        second, last = quarters(samples, key, figure)
        allowed = margin(second)
        name = "median" if figure is statistics.median else "least"
        self.judge(last - second <= allowed,
                   f"{what} flat: {name} of the last quarter {last:g}, of the second {second:g}, allowed +{allowed:g}")

    def clients(self, watchers, still, judge_skips):
        """What the well-behaved got; `still` are the names of those without a push for long."""
        pushes, lost, skipped = (sum(getattr(one, key) for one in watchers) for key in ("pushes", "lost", "skipped"))
        for one in watchers:
            if one.lost or one.skipped:
                print(f"    {one.name}: {one.lost} lost, {one.skipped} skipped of {one.pushes}")
        self.judge(pushes and not lost, f"{lost} of {pushes} pushes lost by {len(watchers)} well-behaved clients")
        if judge_skips:
            self.judge(not skipped, f"{skipped} due slots skipped")
        else:
            print(f"shown: {skipped} due slots skipped by {len(watchers)} clients")
        faults = [one.fault for one in watchers if one.fault]
        self.judge(not faults and not still, f"no well-behaved session ended or stood still {faults + still or ''}")
        all_ms = sorted(ms for one in watchers for ms in one.lateness_ms)
        if all_ms:
            at = lambda share: all_ms[min(len(all_ms) - 1, int(share * len(all_ms)))]  # noqa: E731
            print(f"shown: arrival after the due time in ms: median {at(0.5):.0f}, 99 % {at(0.99):.0f}, "
                  f"99.9 % {at(0.999):.0f}, most {all_ms[-1]:.0f}")

    def journal(self, log, seconds):
        """What it wrote. Each kind of line has ten at once and one a second; a dozen kinds are met here."""
        lines = log.count("\n")
        self.judge("panic" not in log and "fault in" not in log, "no panic in the journal")
        self.judge(lines < 12 * (seconds + 10), f"{lines} lines of journal, {lines / seconds:.1f} a second, {len(log)} bytes")
        kinds = {}
        for line in log.splitlines():
            kind = re.sub(r"\d+|\".*?\"", "#", " ".join(line.split()[1:6]))
            kinds[kind] = kinds.get(kind, 0) + 1
        for kind, count in sorted(kinds.items(), key=lambda item: -item[1])[:12]:
            print(f"    {count:7} × {kind}")
