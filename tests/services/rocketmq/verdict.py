"""`verdict.py WRITTEN READ`: what was acknowledged, lost, kept twice, the longest gap of every queue.

WRITTEN: lines of `Ledger write`; READ: of `Ledger read`. Exits with 1 when something acknowledged is missing.
"""

import sys
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path


def verdict(written: list[str], read: list[str]) -> tuple[str, bool]:
    """Return the lines to print, and whether everything that was acknowledged was read."""
    acks: dict[str, list[float]] = defaultdict(list)
    acknowledged: dict[str, float] = {}
    refused = 0
    for line in written:
        time, kind, value, *rest = line.split()
        if kind == "ACK":
            acknowledged[value] = float(time) / 1000
            acks[rest[0]].append(float(time) / 1000)
        else:
            refused += 1
    kept = Counter(line.split()[0] for line in read if line.strip())
    lost = sorted(set(acknowledged) - set(kept), key=acknowledged.__getitem__)
    twice = sum(1 for value in acknowledged if kept[value] > 1)
    every = sorted(acknowledged.values())
    gaps = {queue: _longest(times) for queue, times in sorted(acks.items())}
    said = [
        f"acknowledged={len(acknowledged)} refused={refused} lost={len(lost)} twice={twice} "
        f"gap_s={_longest(every):.1f}"
    ]
    said += ["gap_s by queue: " + " ".join(f"{queue}={gap:.1f}" for queue, gap in gaps.items())]
    said += [f"lost: {' '.join(lost[:20])}"] if lost else []
    return "\n".join(said), not lost


def _longest(times: list[float]) -> float:
    return max((after - before for before, after in pairwise(times)), default=0.0)


if __name__ == "__main__":
    text, whole = verdict(*(Path(file).read_text().splitlines() for file in sys.argv[1:3]))
    print(text)
    sys.exit(not whole)
