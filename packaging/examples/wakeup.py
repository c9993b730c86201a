"""How late the kernel wakes a process that sleeps: the worst of each second, in milliseconds."""

import json
import time

SLEEP = 0.05

while True:
    worst = 0.0
    end = time.monotonic() + 1
    while (start := time.monotonic()) < end:
        time.sleep(SLEEP)
        worst = max(worst, time.monotonic() - start - SLEEP)
    # A line that stays in a buffer is seen by nobody: flush.
    print(json.dumps({"value": round(worst * 1000, 2)}), flush=True)
